//! A coordinator with a log and a clock, and the requests that tests send it.

use std::collections::BTreeMap;

use bytes::Bytes;
use metadata::{Image, NodeSettings};
use protocol::Str;
use protocol::messages::group_members::{
    JoinGroupRequestProtocol, MemberIdentity, SyncGroupRequestAssignment,
};
use protocol::messages::group_offsets::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use protocol::messages::groups::DescribedGroup;
use protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    OffsetCommitRequest, SyncGroupRequest, SyncGroupResponse,
};
use strome_group::records::EncodedRecord;
use strome_group::{Context, Coordinator, Effects, OffsetFetch, Record, Request, Response, Settings, Ticket};
use types::{BrokerId, ErrorCode, TimestampMs, Uuid};

/// The versions that a client of today uses.
pub const JOIN: i16 = 9;
pub const SYNC: i16 = 5;
pub const COMMIT: i16 = 9;

pub const SESSION_MS: i32 = 10_000;
pub const REBALANCE_MS: i32 = 60_000;

/// A coordinator and all that it needs. Records are durable at once.
pub struct World {
    pub coordinator: Coordinator,
    pub now: TimestampMs,
    pub log: Vec<EncodedRecord>,
    pub image: Image,
    settings: Settings,
    replies: BTreeMap<Ticket, Response>,
    tickets: u64,
}

impl World {
    pub fn new() -> Self {
        let mut settings = Settings::default();
        settings.classic.initial_rebalance_delay_ms = 0;
        Self::with_settings(settings)
    }

    pub fn with_settings(settings: Settings) -> Self {
        let node = NodeSettings { id: BrokerId(1), file: BTreeMap::new() };
        let mut world = Self {
            coordinator: Coordinator::new(settings.clone()),
            now: TimestampMs(1_000_000),
            log: Vec::new(),
            image: Image::new(node).expect("defaults are in order"),
            settings,
            replies: BTreeMap::new(),
            tickets: 0,
        };
        world.coordinator.loaded(world.now, &mut Effects::default());
        world
    }

    /// Sends a request; its answer may come now or later.
    pub fn send(&mut self, request: Request, version: i16) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let context = Context {
            ticket,
            version,
            now: self.now,
            client_id: "client",
            client_host: "/127.0.0.1",
            unique: Uuid(u128::from(self.tickets).to_be_bytes()),
            image: &self.image,
        };
        let mut out = Effects::default();
        self.coordinator.handle(request, &context, &mut out);
        self.take(out);
        ticket
    }

    fn take(&mut self, out: Effects) {
        self.log.extend(out.records.iter().map(|record| record.encode().expect("it can be written")));
        for reply in out.replies {
            let twice = self.replies.insert(reply.ticket, reply.response);
            assert!(twice.is_none(), "{:?} was answered twice", reply.ticket);
        }
    }

    /// Lets time pass, and the coordinator do what becomes due.
    pub fn pass(&mut self, ms: i64) {
        let until = self.now.plus(ms);
        while let Some(at) = self.coordinator.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            let mut out = Effects::default();
            self.coordinator.expire(self.now, &self.image, &mut out);
            self.take(out);
        }
        self.now = until;
    }

    /// The coordinator is lost, and another takes over what the log has.
    pub fn crash(&mut self) {
        self.coordinator = Coordinator::new(self.settings.clone());
        for record in &self.log {
            let record = Record::decode(&record.key, record.value.as_ref()).expect("it was written by us");
            self.coordinator.replay(&record);
        }
        let mut out = Effects::default();
        self.coordinator.loaded(self.now, &mut out);
        self.take(out);
    }

    /// The answer to a request, if there is one by now.
    pub fn answer(&mut self, ticket: Ticket) -> Option<Response> {
        self.replies.remove(&ticket)
    }

    pub fn is_waiting(&self, ticket: Ticket) -> bool {
        !self.replies.contains_key(&ticket)
    }

    pub fn joined(&mut self, ticket: Ticket) -> JoinGroupResponse {
        match self.answer(ticket) {
            Some(Response::JoinGroup(response)) => response,
            other => panic!("an answer to JoinGroup was expected, not {other:?}"),
        }
    }

    pub fn synced(&mut self, ticket: Ticket) -> SyncGroupResponse {
        match self.answer(ticket) {
            Some(Response::SyncGroup(response)) => response,
            other => panic!("an answer to SyncGroup was expected, not {other:?}"),
        }
    }

    /// Asks for an id as clients of today do; the group remembers that it gave one.
    pub fn member_id(&mut self, group: &str) -> String {
        let ticket = self.send(join(group, "", &["range"]).request(), JOIN);
        let response = self.joined(ticket);
        assert_eq!(response.error_code, ErrorCode::MemberIdRequired.code());
        response.member_id.to_string()
    }

    /// Begins to join with an id of its own.
    pub fn join_new(&mut self, group: &str) -> (String, Ticket) {
        let id = self.member_id(group);
        let ticket = self.send(join(group, &id, &["range"]).request(), JOIN);
        (id, ticket)
    }

    /// A group with so many members, stable in its first generation. The first member leads.
    pub fn stable_group(&mut self, group: &str, size: usize) -> Vec<String> {
        let joining: Vec<(String, Ticket)> = (0..size).map(|_| self.join_new(group)).collect();
        self.pass(0);
        for (id, ticket) in &joining {
            let response = self.joined(*ticket);
            assert_eq!((response.generation_id, &*response.member_id), (1, id.as_str()));
        }
        let ids: Vec<String> = joining.into_iter().map(|(id, _)| id).collect();
        self.sync_all(group, 1, &ids);
        ids
    }

    /// All members sync; the first one leads and gives each member its own id as assignment.
    pub fn sync_all(&mut self, group: &str, generation: i32, ids: &[String]) {
        for id in ids.iter().rev() {
            let given = if *id == ids[0] { ids } else { &[] };
            let ticket = self.send(sync(group, generation, id, given), SYNC);
            if *id == ids[0] {
                let response = self.synced(ticket);
                assert_eq!(response.error_code, 0);
                assert_eq!(response.assignment, id.as_bytes());
            }
        }
    }

    pub fn heartbeat(&mut self, group: &str, generation: i32, id: &str) -> ErrorCode {
        let request = HeartbeatRequest {
            group_id: group.into(),
            generation_id: generation,
            member_id: id.into(),
            ..Default::default()
        };
        let ticket = self.send(Request::Heartbeat(request), 4);
        match self.answer(ticket) {
            Some(Response::Heartbeat(response)) => error(response.error_code),
            other => panic!("an answer to Heartbeat was expected, not {other:?}"),
        }
    }

    pub fn commit(&mut self, request: OffsetCommitRequest, version: i16) -> ErrorCode {
        let ticket = self.send(Request::OffsetCommit(request), version);
        match self.answer(ticket) {
            Some(Response::OffsetCommit(response)) => {
                error(response.topics[0].partitions.last().expect("a partition").error_code)
            }
            other => panic!("an answer to OffsetCommit was expected, not {other:?}"),
        }
    }

    /// The committed offset of a partition of the topic `t`; -1 for none.
    pub fn offset(&mut self, group: &str, partition: i32) -> i64 {
        let topics = vec![OffsetFetchRequestTopics {
            name: "t".into(),
            partition_indexes: vec![partition],
            ..Default::default()
        }];
        let group =
            OffsetFetchRequestGroup { group_id: group.into(), topics: Some(topics), ..Default::default() };
        let ticket = self.send(Request::OffsetFetch(OffsetFetch { group, require_stable: true }), 9);
        match self.answer(ticket) {
            Some(Response::OffsetFetch(response)) => response.topics[0].partitions[0].committed_offset,
            other => panic!("an answer to OffsetFetch was expected, not {other:?}"),
        }
    }

    pub fn leave(&mut self, group: &str, members: Vec<MemberIdentity>, version: i16) -> LeaveGroupResponse {
        let request = if version >= 3 {
            LeaveGroupRequest { group_id: group.into(), members, ..Default::default() }
        } else {
            let member_id = members[0].member_id.clone();
            LeaveGroupRequest { group_id: group.into(), member_id, ..Default::default() }
        };
        let ticket = self.send(Request::LeaveGroup(request), version);
        match self.answer(ticket) {
            Some(Response::LeaveGroup(response)) => response,
            other => panic!("an answer to LeaveGroup was expected, not {other:?}"),
        }
    }

    pub fn describe(&mut self, group: &str) -> DescribedGroup {
        let ticket = self.send(Request::DescribeGroups(vec![group.into()]), 6);
        match self.answer(ticket) {
            Some(Response::DescribeGroups(mut groups)) => groups.remove(0),
            other => panic!("an answer to DescribeGroups was expected, not {other:?}"),
        }
    }

    pub fn state(&mut self, group: &str) -> String {
        self.describe(group).group_state.to_string()
    }

    pub fn delete(&mut self, group: &str) -> ErrorCode {
        let ticket = self.send(Request::DeleteGroups(vec![group.into()]), 2);
        match self.answer(ticket) {
            Some(Response::DeleteGroups(results)) => error(results[0].error_code),
            other => panic!("an answer to DeleteGroups was expected, not {other:?}"),
        }
    }
}

/// A JoinGroup request under construction.
pub struct Join(pub JoinGroupRequest);

impl Join {
    pub fn request(self) -> Request {
        Request::JoinGroup(self.0)
    }

    pub fn instance(mut self, instance: &str) -> Self {
        self.0.group_instance_id = Some(instance.into());
        self
    }

    pub fn metadata(mut self, metadata: &'static [u8]) -> Self {
        for protocol in &mut self.0.protocols {
            protocol.metadata = Bytes::from_static(metadata);
        }
        self
    }
}

/// A consumer that joins with these protocols; it says of itself that it subscribes to the topic `t`.
pub fn join(group: &str, member: &str, protocols: &[&str]) -> Join {
    let protocol = |name: &&str| JoinGroupRequestProtocol {
        name: Str::from(*name),
        metadata: Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t"),
    };
    Join(JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: REBALANCE_MS,
        member_id: member.into(),
        protocol_type: "consumer".into(),
        protocols: protocols.iter().map(protocol).collect(),
        ..Default::default()
    })
}

/// A member that syncs; `given` are the members that it assigns something to, namely their own ids.
pub fn sync(group: &str, generation: i32, member: &str, given: &[String]) -> Request {
    let assignment = |id: &String| SyncGroupRequestAssignment {
        member_id: id.as_str().into(),
        assignment: Bytes::copy_from_slice(id.as_bytes()),
    };
    Request::SyncGroup(SyncGroupRequest {
        group_id: group.into(),
        generation_id: generation,
        member_id: member.into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: given.iter().map(assignment).collect(),
        ..Default::default()
    })
}

/// A commit for a partition of the topic `t`.
pub fn commit(
    group: &str,
    generation: i32,
    member: &str,
    partition: i32,
    offset: i64,
) -> OffsetCommitRequest {
    let partitions = vec![OffsetCommitRequestPartition {
        partition_index: partition,
        committed_offset: offset,
        committed_metadata: Some("".into()),
        ..Default::default()
    }];
    OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: generation,
        member_id: member.into(),
        topics: vec![OffsetCommitRequestTopic { name: "t".into(), partitions, ..Default::default() }],
        ..Default::default()
    }
}

pub fn member(id: &str) -> MemberIdentity {
    MemberIdentity { member_id: id.into(), ..Default::default() }
}

pub fn error(code: i16) -> ErrorCode {
    ErrorCode::from_code(code).expect("a code of Kafka's")
}
