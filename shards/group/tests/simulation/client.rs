//! A consumer: it joins, syncs, sends heartbeats and commits, and does what it is told.

use bytes::Bytes;
use protocol::messages::group_members::{
    JoinGroupRequestProtocol, MemberIdentity, SyncGroupRequestAssignment,
};
use protocol::messages::group_offsets::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest, SyncGroupRequest,
};
use strome_group::{Request, Response};
use types::ErrorCode;

pub const GROUP: &str = "g";
pub const PARTITIONS: i32 = 7;
pub const SESSION_MS: i32 = 10_000;
pub const REBALANCE_MS: i32 = 30_000;

/// A consumer that gets no answer asks again after so long. Longer than a rebalance, as clients have it.
const REQUEST_TIMEOUT_MS: i64 = REBALANCE_MS as i64 + 5_000;
const HEARTBEAT_TIMEOUT_MS: i64 = 5_000;
const HEARTBEAT_INTERVAL_MS: i64 = 3_000;

/// What a consumer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Joining,
    Syncing,
    Consuming,
}

pub struct Client {
    /// Its name, if it is a static member.
    pub instance: Option<String>,
    /// Whether its process runs.
    pub is_up: bool,
    /// A process that hangs hears nothing and says nothing until then.
    pub hangs_until: i64,
    pub id: String,
    pub generation: i32,
    pub phase: Phase,
    pub owned: Vec<i32>,
    /// Set by the leader when it has joined.
    assignments: Vec<(String, Vec<i32>)>,
    /// Counts its requests; an answer to an older one is thrown away.
    pub request: u64,
    /// When it gives up on the request.
    patience: i64,
    is_asking: bool,
    next_heartbeat: i64,
}

impl Client {
    pub fn new(instance: Option<String>) -> Self {
        Self {
            instance,
            is_up: false,
            hangs_until: 0,
            id: String::new(),
            generation: -1,
            phase: Phase::Joining,
            owned: Vec::new(),
            assignments: Vec::new(),
            request: 0,
            patience: 0,
            is_asking: false,
            next_heartbeat: 0,
        }
    }

    /// The process starts, with no memory of what it was before.
    pub fn start(&mut self) {
        let request = self.request + 1;
        *self = Self { is_up: true, request, ..Self::new(self.instance.clone()) };
    }

    /// What it asks now, if anything.
    pub fn next_request(&mut self, now: i64) -> Option<Request> {
        if self.is_asking && now < self.patience {
            return None;
        }
        if self.is_asking && self.phase == Phase::Syncing {
            // No answer: whether the generation lasts is not known, so it begins anew.
            self.rejoin();
        }
        let request = match self.phase {
            Phase::Joining => self.join(),
            Phase::Syncing => self.sync(),
            Phase::Consuming if now < self.next_heartbeat => return None,
            Phase::Consuming => self.heartbeat(),
        };
        let timeout = if self.phase == Phase::Consuming { HEARTBEAT_TIMEOUT_MS } else { REQUEST_TIMEOUT_MS };
        self.request += 1;
        self.is_asking = true;
        self.patience = now + timeout;
        self.next_heartbeat = now + HEARTBEAT_INTERVAL_MS;
        Some(request)
    }

    /// Takes in the answer to its last request.
    pub fn hear(&mut self, response: &Response) {
        self.is_asking = false;
        match response {
            Response::JoinGroup(response) => match code(response.error_code) {
                ErrorCode::None => {
                    self.id = response.member_id.to_string();
                    self.generation = response.generation_id;
                    let members =
                        response.members.iter().map(|member| member.member_id.to_string()).collect();
                    self.assignments = if response.skip_assignment { Vec::new() } else { share(members) };
                    self.phase = Phase::Syncing;
                }
                ErrorCode::MemberIdRequired => self.id = response.member_id.to_string(),
                error => self.obey(error),
            },
            Response::SyncGroup(response) => match code(response.error_code) {
                ErrorCode::None => {
                    self.owned = response.assignment.iter().map(|partition| i32::from(*partition)).collect();
                    self.phase = Phase::Consuming;
                }
                error => self.obey(error),
            },
            Response::Heartbeat(response) => match code(response.error_code) {
                ErrorCode::None => {}
                error => self.obey(error),
            },
            other => panic!("{other:?} answers nothing that was asked"),
        }
    }

    /// Does what clients do about an error.
    pub fn obey(&mut self, error: ErrorCode) {
        match error {
            ErrorCode::UnknownMemberId => {
                self.id.clear();
                self.rejoin();
            }
            ErrorCode::IllegalGeneration | ErrorCode::RebalanceInProgress => self.rejoin(),
            // Another process has its name: it ends.
            ErrorCode::FencedInstanceId => self.is_up = false,
            ErrorCode::NotCoordinator if self.phase == Phase::Syncing => self.rejoin(),
            ErrorCode::NotCoordinator => {}
            other => panic!("nobody expected {other}"),
        }
    }

    fn rejoin(&mut self) {
        self.phase = Phase::Joining;
        self.owned.clear();
    }

    fn join(&self) -> Request {
        Request::JoinGroup(JoinGroupRequest {
            group_id: GROUP.into(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: REBALANCE_MS,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".into(),
                metadata: Bytes::from_static(b"\0\0\0\0\0\0"),
            }],
            ..Default::default()
        })
    }

    fn sync(&self) -> Request {
        let part = |(id, partitions): &(String, Vec<i32>)| SyncGroupRequestAssignment {
            member_id: id.as_str().into(),
            assignment: partitions.iter().map(|partition| *partition as u8).collect(),
        };
        Request::SyncGroup(SyncGroupRequest {
            group_id: GROUP.into(),
            generation_id: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            assignments: self.assignments.iter().map(part).collect(),
            ..Default::default()
        })
    }

    fn heartbeat(&self) -> Request {
        Request::Heartbeat(HeartbeatRequest {
            group_id: GROUP.into(),
            generation_id: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
        })
    }

    /// A commit for one of its partitions. It does not wait for the answer.
    pub fn commit(&self, partition: i32, offset: i64) -> Request {
        Request::OffsetCommit(OffsetCommitRequest {
            group_id: GROUP.into(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            topics: vec![OffsetCommitRequestTopic {
                name: "t".into(),
                partitions: vec![OffsetCommitRequestPartition {
                    partition_index: partition,
                    committed_offset: offset,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        })
    }

    pub fn leave(&self) -> Request {
        let member = MemberIdentity { member_id: self.id.as_str().into(), ..Default::default() };
        Request::LeaveGroup(LeaveGroupRequest {
            group_id: GROUP.into(),
            members: vec![member],
            ..Default::default()
        })
    }
}

/// Deals the partitions out to the members.
fn share(members: Vec<String>) -> Vec<(String, Vec<i32>)> {
    let count = members.len() as i32;
    let mine = |place: i32| (0..PARTITIONS).filter(|partition| partition % count == place).collect();
    members.into_iter().zip(0..).map(|(id, place)| (id, mine(place))).collect()
}

pub fn code(code: i16) -> ErrorCode {
    ErrorCode::from_code(code).expect("a code of Kafka's")
}
