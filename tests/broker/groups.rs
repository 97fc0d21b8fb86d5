//! Groups of a test: their coordinator, their offsets, and members that speak in frames.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use protocol::messages::group_members::{JoinGroupRequestProtocol, SyncGroupRequestAssignment};
use protocol::messages::group_offsets::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use protocol::messages::{
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};

use crate::client::Client;
use crate::support::PATIENCE;

/// Versions that name topics, so that tests need no ids.
pub const COMMIT: i16 = 9;
pub const FETCH_OFFSETS: i16 = 9;
pub const JOIN: i16 = 9;
pub const SYNC: i16 = 5;
pub const HEARTBEAT: i16 = 4;
pub const LEAVE: i16 = 2;

pub const LOADING: i16 = 14;
pub const NOT_COORDINATOR: i16 = 16;
pub const MEMBER_ID_REQUIRED: i16 = 79;

/// Has the offsets topic made, and waits until the group's coordinator serves.
pub fn await_coordinator(client: &mut Client, group: &str) {
    let request = FindCoordinatorRequest { coordinator_keys: vec![group.into()], ..Default::default() };
    let response = client.call(6, &request);
    assert_eq!(response.coordinators[0].error_code, 0);
    await_loaded(client, group);
}

/// Waits until the group's coordinator serves.
pub fn await_loaded(client: &mut Client, group: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let response = client.call(FETCH_OFFSETS, &fetch_request(group, None));
        match response.groups[0].error_code {
            0 => return,
            LOADING => assert!(Instant::now() < deadline, "the coordinator is never loaded"),
            error => panic!("error {error}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// A commit of a client that is no member, as tools make it.
pub fn commit_request(group: &str, topic: &str, offsets: &[(i32, i64)]) -> OffsetCommitRequest {
    let partition = |(partition, offset): &(i32, i64)| OffsetCommitRequestPartition {
        partition_index: *partition,
        committed_offset: *offset,
        committed_leader_epoch: -1,
        committed_metadata: Some("note".into()),
    };
    let topics = vec![OffsetCommitRequestTopic {
        name: topic.into(),
        partitions: offsets.iter().map(partition).collect(),
        ..Default::default()
    }];
    OffsetCommitRequest { group_id: group.into(), topics, ..Default::default() }
}

/// Commits; the error of each partition.
pub fn commit(client: &mut Client, group: &str, topic: &str, offsets: &[(i32, i64)]) -> Vec<i16> {
    let response = client.call(COMMIT, &commit_request(group, topic, offsets));
    response.topics[0].partitions.iter().map(|partition| partition.error_code).collect()
}

pub fn fetch_request(group: &str, wanted: Option<(&str, &[i32])>) -> OffsetFetchRequest {
    let topics = wanted.map(|(topic, partitions)| {
        vec![OffsetFetchRequestTopics {
            name: topic.into(),
            partition_indexes: partitions.to_vec(),
            ..Default::default()
        }]
    });
    let group = OffsetFetchRequestGroup { group_id: group.into(), topics, ..Default::default() };
    OffsetFetchRequest { groups: vec![group], ..Default::default() }
}

/// What the group has committed, as topic, partition and offset, in order.
pub fn committed(client: &mut Client, group: &str) -> Vec<(String, i32, i64)> {
    let response = client.call(FETCH_OFFSETS, &fetch_request(group, None));
    assert_eq!(response.groups[0].error_code, 0);
    let topics = response.groups[0].topics.iter();
    let offsets = topics.flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|p| (topic.name.to_string(), p.partition_index, p.committed_offset))
    });
    let mut offsets: Vec<_> = offsets.collect();
    offsets.sort();
    offsets
}

/// A member of a classic group.
pub struct Member {
    pub client: Client,
    pub group: String,
    pub id: String,
    pub instance: Option<String>,
    pub generation: i32,
    pub session_timeout_ms: i32,
}

impl Member {
    /// One that has not joined yet.
    pub fn new(address: SocketAddr, group: &str) -> Self {
        let client = Client::connect(address);
        Self {
            client,
            group: group.to_owned(),
            id: String::new(),
            instance: None,
            generation: -1,
            session_timeout_ms: 30_000,
        }
    }

    pub fn join_request(&self) -> JoinGroupRequest {
        let protocol =
            JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::from_static(b"metadata") };
        JoinGroupRequest {
            group_id: self.group.as_str().into(),
            session_timeout_ms: self.session_timeout_ms,
            rebalance_timeout_ms: 60_000,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            protocol_type: "consumer".into(),
            protocols: vec![protocol],
            ..Default::default()
        }
    }

    /// Asks to join, so that the answer comes when the others have joined too. Gets the member's id first.
    pub fn begin_join(&mut self) {
        if self.id.is_empty() && self.instance.is_none() {
            let request = self.join_request();
            let response = self.client.call(JOIN, &request);
            assert_eq!(response.error_code, MEMBER_ID_REQUIRED);
            self.id = response.member_id.to_string();
        }
        let request = self.join_request();
        self.client.send(JOIN, &request);
    }

    /// The answer to [`Self::begin_join`].
    pub fn end_join(&mut self) -> JoinGroupResponse {
        let (_, response) = self.client.receive::<JoinGroupRequest>(JOIN);
        if response.error_code == 0 {
            self.id = response.member_id.to_string();
            self.generation = response.generation_id;
        }
        response
    }

    /// Asks for the assignment; the leader brings those of `members`, each its own id.
    pub fn begin_sync(&mut self, members: &[String]) {
        let assignment = |id: &String| SyncGroupRequestAssignment {
            member_id: id.as_str().into(),
            assignment: Bytes::from(id.clone()),
        };
        let request = SyncGroupRequest {
            group_id: self.group.as_str().into(),
            generation_id: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            protocol_type: Some("consumer".into()),
            protocol_name: Some("range".into()),
            assignments: members.iter().map(assignment).collect(),
        };
        self.client.send(SYNC, &request);
    }

    /// The assignment, or the error.
    pub fn end_sync(&mut self) -> Result<Bytes, i16> {
        let (_, response) = self.client.receive::<SyncGroupRequest>(SYNC);
        if response.error_code == 0 { Ok(response.assignment) } else { Err(response.error_code) }
    }

    pub fn heartbeat(&mut self) -> i16 {
        let request = HeartbeatRequest {
            group_id: self.group.as_str().into(),
            generation_id: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
        };
        self.client.call(HEARTBEAT, &request).error_code
    }

    pub fn leave(&mut self) -> i16 {
        let request = LeaveGroupRequest {
            group_id: self.group.as_str().into(),
            member_id: self.id.as_str().into(),
            ..Default::default()
        };
        self.client.call(LEAVE, &request).error_code
    }

    pub fn commit(&mut self, topic: &str, partition: i32, offset: i64) -> i16 {
        let mut request = commit_request(&self.group, topic, &[(partition, offset)]);
        request.generation_id_or_member_epoch = self.generation;
        request.member_id = self.id.as_str().into();
        self.client.call(COMMIT, &request).topics[0].partitions[0].error_code
    }
}

/// Brings all of them into the next generation, each with its id as its assignment.
pub fn rebalance(members: &mut [Member]) {
    members.iter_mut().for_each(Member::begin_join);
    complete(members);
}

/// The same, when all have asked to join.
pub fn complete(members: &mut [Member]) {
    let responses: Vec<_> = members.iter_mut().map(Member::end_join).collect();
    let leader = responses[0].leader.clone();
    for (member, response) in members.iter_mut().zip(&responses) {
        assert_eq!((response.error_code, &response.leader), (0, &leader));
        let ids: Vec<String> = response.members.iter().map(|member| member.member_id.to_string()).collect();
        assert_eq!(ids.is_empty(), member.id != *leader, "the leader alone is told who the members are");
        member.begin_sync(&ids);
    }
    for member in members {
        assert_eq!(member.end_sync(), Ok(Bytes::from(member.id.clone())));
    }
}
