//! A classic member in a storm. Its leader deals out partitions; what members are given is compared over all of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::Str;
use protocol::messages::group_members::{
    JoinGroupRequestProtocol, MemberIdentity, SyncGroupRequestAssignment,
};
use protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, OffsetCommitRequest,
    SyncGroupRequest,
};

use super::line::Line;
use super::{GROUP, PARTITIONS, REPORT, TOPIC};
use crate::groups::{COMMIT, HEARTBEAT, JOIN, SYNC, commit_request};

const LEAVE: i16 = 5;
const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER: i16 = 25;
const REBALANCE_IN_PROGRESS: i16 = 27;
const MEMBER_ID_REQUIRED: i16 = 79;

/// Who has which partition in each generation, and who leads it.
#[derive(Default)]
pub struct Shared {
    owners: BTreeMap<(i32, i32), String>,
    leaders: BTreeMap<i32, String>,
}

impl Shared {
    pub fn generations(&self) -> usize {
        self.leaders.len()
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Member {
    id: String,
    generation: i32,
    asked: Option<Asked>,
    is_assigned: bool,
    has_left: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Join,
    Sync,
    Heartbeat,
    Commit,
    Leave,
}

impl super::Member for Member {
    type Shared = Shared;

    fn go_on(&mut self, line: &mut Line, _: &mut Shared) {
        self.has_left = false;
        self.join(line);
    }

    fn take(&mut self, line: &mut Line, shared: &mut Shared) {
        match self.asked.take().expect("only what was asked is answered") {
            Asked::Join => {
                let response = line.answer::<JoinGroupRequest>(JOIN);
                self.joined(line, shared, &response);
            }
            Asked::Sync => {
                let response = line.answer::<SyncGroupRequest>(SYNC);
                match response.error_code {
                    0 => self.assigned(shared, &response.assignment),
                    error => self.failed(line, error),
                }
            }
            Asked::Heartbeat => match line.answer::<HeartbeatRequest>(HEARTBEAT).error_code {
                0 => {}
                error => self.failed(line, error),
            },
            Asked::Commit => {
                match line.answer::<OffsetCommitRequest>(COMMIT).topics[0].partitions[0].error_code {
                    0 => {}
                    error => self.failed(line, error),
                }
            }
            Asked::Leave => {
                let response = line.answer::<LeaveGroupRequest>(LEAVE);
                assert_eq!((response.error_code, response.members[0].error_code), (0, 0));
                *self = Self { has_left: true, ..Self::default() };
            }
        }
    }

    fn act(&mut self, line: &mut Line, shared: &mut Shared, number: u64) {
        match number {
            0..100 => self.leave(line, shared),
            100..250 => self.commit(line),
            _ => {
                debug_assert!(number <= REPORT);
                self.asked = Some(Asked::Heartbeat);
                let request = HeartbeatRequest {
                    group_id: GROUP.into(),
                    generation_id: self.generation,
                    member_id: self.id.as_str().into(),
                    ..Default::default()
                };
                line.send(HEARTBEAT, &request);
            }
        }
    }

    fn reconnected(&mut self, _: Line) {
        // A client that was leaving does not know whether it has.
        *self = Self { id: std::mem::take(&mut self.id), ..Self::default() };
    }

    fn leave(&mut self, line: &mut Line, _: &mut Shared) {
        (self.asked, self.is_assigned) = (Some(Asked::Leave), false);
        let members = vec![MemberIdentity { member_id: self.id.as_str().into(), ..Default::default() }];
        line.send(LEAVE, &LeaveGroupRequest { group_id: GROUP.into(), members, ..Default::default() });
    }

    fn is_idle(&self) -> bool {
        self.asked.is_none() && self.is_assigned
    }

    fn has_left(&self) -> bool {
        self.has_left
    }

    fn settled_in(&self) -> Option<i32> {
        self.is_idle().then_some(self.generation)
    }
}

impl Member {
    fn join(&mut self, line: &mut Line) {
        (self.asked, self.is_assigned) = (Some(Asked::Join), false);
        let protocol = JoinGroupRequestProtocol { name: "dealt".into(), metadata: Bytes::from_static(b"m") };
        // An id whose answer got lost is waited for only so long.
        let session_timeout_ms = if self.id.is_empty() { 6_000 } else { 600_000 };
        let request = JoinGroupRequest {
            group_id: GROUP.into(),
            session_timeout_ms,
            rebalance_timeout_ms: 600_000,
            member_id: self.id.as_str().into(),
            protocol_type: "storm".into(),
            protocols: vec![protocol],
            ..Default::default()
        };
        line.send(JOIN, &request);
    }

    fn joined(&mut self, line: &mut Line, shared: &mut Shared, response: &JoinGroupResponse) {
        match response.error_code {
            0 => {}
            MEMBER_ID_REQUIRED => {
                self.id = response.member_id.to_string();
                return self.join(line);
            }
            error => return self.failed(line, error),
        }
        assert_eq!(&*response.member_id, self.id);
        self.generation = response.generation_id;
        let leader = shared.leaders.entry(self.generation).or_insert_with(|| response.leader.to_string());
        assert_eq!(&*response.leader, leader, "generation {} has one leader", self.generation);
        assert_eq!(response.members.is_empty(), self.id != *leader, "the leader is told who the members are");
        let members: Vec<&Str> = response.members.iter().map(|member| &member.member_id).collect();
        self.asked = Some(Asked::Sync);
        let request = SyncGroupRequest {
            group_id: GROUP.into(),
            generation_id: self.generation,
            member_id: self.id.as_str().into(),
            protocol_type: Some("storm".into()),
            protocol_name: Some("dealt".into()),
            assignments: deal(&members),
            ..Default::default()
        };
        line.send(SYNC, &request);
    }

    fn assigned(&mut self, shared: &mut Shared, assignment: &Bytes) {
        self.is_assigned = true;
        let partitions =
            assignment.chunks_exact(4).map(|bytes| i32::from_be_bytes(*bytes.first_chunk().expect("4")));
        for partition in partitions {
            let owner = shared.owners.entry((self.generation, partition)).or_insert_with(|| self.id.clone());
            assert_eq!(*owner, self.id, "partition {partition} in generation {}", self.generation);
        }
    }

    fn commit(&mut self, line: &mut Line) {
        self.asked = Some(Asked::Commit);
        let mut request = commit_request(GROUP, TOPIC, &[(0, i64::from(self.generation))]);
        request.generation_id_or_member_epoch = self.generation;
        request.member_id = self.id.as_str().into();
        line.send(COMMIT, &request);
    }

    fn failed(&mut self, line: &mut Line, error: i16) {
        match error {
            REBALANCE_IN_PROGRESS | ILLEGAL_GENERATION => {}
            UNKNOWN_MEMBER => self.id.clear(),
            error => panic!("a member is told {error}"),
        }
        self.join(line);
    }
}

/// All partitions in turn.
fn deal(members: &[&Str]) -> Vec<SyncGroupRequestAssignment> {
    let hand = |(first, id): (usize, &&Str)| SyncGroupRequestAssignment {
        member_id: (*id).clone(),
        assignment: (0..PARTITIONS).skip(first).step_by(members.len()).flat_map(i32::to_be_bytes).collect(),
    };
    members.iter().enumerate().map(hand).collect()
}
