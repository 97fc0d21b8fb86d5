//! A member of a classic group, as a client's library is one: it joins, asks for its assignment, and sends heartbeats until
//! it is told to join again. Answers in, requests out.

use std::ops::Range;
use std::rc::Rc;

use bytes::{BufMut, Bytes, BytesMut};
use protocol::Str;
use protocol::messages::group_members::{
    JoinGroupRequestProtocol, MemberIdentity, SyncGroupRequestAssignment,
};
use protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
};
use types::ErrorCode;

use super::member::{Ask, BACKOFF, Terms, passes};
use crate::moment::Moment;

const PROTOCOL_TYPE: &str = "consumer";
const ASSIGNOR: &str = "range";

/// See the module.
pub(super) struct Classic {
    terms: Rc<Terms>,
    id: Str,
    generation: i32,
    step: Step,
    /// Of a generation that this member leads and has not assigned yet.
    led: Vec<Str>,
    /// When it asks next; never while an answer is to come.
    due: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Join,
    Sync,
    Assigned,
    Leave,
    Left,
}

impl Classic {
    /// One that joins at once.
    pub(super) fn new(terms: Rc<Terms>, now: Moment) -> Self {
        Self { terms, id: Str::default(), generation: -1, step: Step::Join, led: Vec::new(), due: now }
    }

    pub(super) fn due(&self) -> Moment {
        self.due
    }

    /// The generation in which it has its assignment.
    pub(super) fn assigned_in(&self) -> Option<i32> {
        (self.step == Step::Assigned).then_some(self.generation)
    }

    pub(super) fn has_left(&self) -> bool {
        self.step == Step::Left
    }

    /// Its id and generation, for commits.
    pub(super) fn identity(&self) -> (Str, i32) {
        (self.id.clone(), self.generation)
    }

    pub(super) fn leave(&mut self, now: Moment) {
        (self.step, self.due) = (Step::Leave, now);
    }

    /// What it asks for now.
    pub(super) fn ask(&mut self) -> Option<Ask> {
        self.due = Moment::NEVER;
        let group_id = self.terms.group.clone();
        let member_id = self.id.clone();
        match self.step {
            Step::Join => Some(Ask::Join(JoinGroupRequest {
                group_id,
                member_id,
                session_timeout_ms: self.terms.session_timeout_ms,
                rebalance_timeout_ms: self.terms.rebalance_timeout_ms,
                protocol_type: Str::from_static(PROTOCOL_TYPE),
                protocols: vec![JoinGroupRequestProtocol {
                    name: Str::from_static(ASSIGNOR),
                    metadata: subscription(&self.terms.topic),
                }],
                ..Default::default()
            })),
            Step::Sync => Some(Ask::Sync(SyncGroupRequest {
                group_id,
                member_id,
                generation_id: self.generation,
                protocol_type: Some(Str::from_static(PROTOCOL_TYPE)),
                protocol_name: Some(Str::from_static(ASSIGNOR)),
                assignments: assignments(&std::mem::take(&mut self.led), &self.terms),
                ..Default::default()
            })),
            Step::Assigned => Some(Ask::Heartbeat(HeartbeatRequest {
                group_id,
                member_id,
                generation_id: self.generation,
                ..Default::default()
            })),
            Step::Leave => {
                let members = vec![MemberIdentity { member_id, ..Default::default() }];
                Some(Ask::Leave(LeaveGroupRequest { group_id, members, ..Default::default() }))
            }
            Step::Left => None,
        }
    }

    pub(super) fn joined(&mut self, response: JoinGroupResponse, now: Moment) -> Result<(), i16> {
        if response.error_code == ErrorCode::MemberIdRequired.code() {
            (self.id, self.due) = (response.member_id, now);
            return Ok(());
        }
        if response.error_code != 0 {
            return self.failed(response.error_code, now);
        }
        self.led = response.members.into_iter().map(|member| member.member_id).collect();
        (self.id, self.generation) = (response.member_id, response.generation_id);
        (self.step, self.due) = (Step::Sync, now);
        Ok(())
    }

    pub(super) fn synced(&mut self, error: i16, now: Moment) -> Result<(), i16> {
        if error != 0 {
            return self.failed(error, now);
        }
        (self.step, self.due) = (Step::Assigned, now + self.terms.heartbeat_interval);
        Ok(())
    }

    pub(super) fn beaten(&mut self, error: i16, now: Moment) -> Result<(), i16> {
        if error != 0 {
            return self.failed(error, now);
        }
        if self.step == Step::Assigned {
            self.due = now + self.terms.heartbeat_interval;
        }
        Ok(())
    }

    pub(super) fn left(&mut self) {
        (self.step, self.due) = (Step::Left, Moment::NEVER);
    }

    /// Does what clients do about an error; one that they cannot help comes back.
    fn failed(&mut self, error: i16, now: Moment) -> Result<(), i16> {
        if matches!(self.step, Step::Leave | Step::Left) {
            return Ok(());
        }
        if passes(error) {
            self.due = now + BACKOFF;
            return Ok(());
        }
        match ErrorCode::from_code(error) {
            Some(ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration) => {}
            Some(ErrorCode::UnknownMemberId) => self.id = Str::default(),
            _ => return Err(error),
        }
        (self.step, self.due) = (Step::Join, now);
        Ok(())
    }
}

/// What a member subscribes to, in the clients' own format (version 0).
fn subscription(topic: &str) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(1);
    put_text(&mut bytes, topic);
    // No user data.
    bytes.put_i32(-1);
    bytes.freeze()
}

/// An assignment in the clients' own format (version 0).
fn assignment(topic: &str, partitions: Range<i32>) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(1);
    put_text(&mut bytes, topic);
    bytes.put_i32(partitions.end - partitions.start);
    partitions.for_each(|partition| bytes.put_i32(partition));
    bytes.put_i32(-1);
    bytes.freeze()
}

fn put_text(bytes: &mut BytesMut, text: &str) {
    bytes.put_i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
    bytes.put_slice(text.as_bytes());
}

/// Ranges of partitions, as even as they can be.
fn assignments(members: &[Str], terms: &Terms) -> Vec<SyncGroupRequestAssignment> {
    let count = members.len() as i64;
    let bound = |index: i64| (index * i64::from(terms.partitions) / count.max(1)) as i32;
    let of = |(index, member_id): (i64, &Str)| SyncGroupRequestAssignment {
        member_id: member_id.clone(),
        assignment: assignment(&terms.topic, bound(index)..bound(index + 1)),
    };
    (0..).zip(members).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn member(now: Moment) -> Classic {
        Classic::new(Rc::new(Terms::for_test(7)), now)
    }

    const NOW: Moment = Moment(1_000);

    #[test]
    fn a_member_joins_syncs_beats_and_joins_again_when_it_is_told() {
        let mut member = member(NOW);
        assert!(matches!(member.ask(), Some(Ask::Join(_))) && member.due() == Moment::NEVER);
        let required = JoinGroupResponse {
            error_code: ErrorCode::MemberIdRequired.code(),
            member_id: "m".into(),
            ..Default::default()
        };
        member.joined(required, NOW).unwrap();
        assert!(matches!(member.ask(), Some(Ask::Join(join)) if &*join.member_id == "m"));
        let joined = JoinGroupResponse { member_id: "m".into(), generation_id: 3, ..Default::default() };
        member.joined(joined, NOW).unwrap();
        assert!(matches!(member.ask(), Some(Ask::Sync(sync)) if sync.assignments.is_empty()));
        assert_eq!(member.assigned_in(), None);
        member.synced(0, NOW).unwrap();
        assert_eq!((member.assigned_in(), member.due()), (Some(3), NOW + Duration::from_secs(3)));
        assert!(matches!(member.ask(), Some(Ask::Heartbeat(_))));
        member.beaten(ErrorCode::RebalanceInProgress.code(), NOW).unwrap();
        assert!(matches!(member.ask(), Some(Ask::Join(join)) if &*join.member_id == "m"));
        member.joined(JoinGroupResponse { error_code: 25, ..Default::default() }, NOW).unwrap();
        assert!(matches!(member.ask(), Some(Ask::Join(join)) if join.member_id.is_empty()));
        let full = JoinGroupResponse { error_code: 81, ..Default::default() };
        assert_eq!(member.joined(full, NOW), Err(81));
    }

    #[test]
    fn a_leader_gives_every_partition_to_one_member() {
        let terms = Terms::for_test(7);
        let members = ["a", "b", "c"].map(Str::from);
        let sizes: Vec<usize> =
            assignments(&members, &terms).iter().map(|one| one.assignment.len()).collect();
        // Version, one topic, its name, a count, four bytes each, no user data.
        let empty = 2 + 4 + 2 + 1 + 4 + 4;
        assert_eq!(sizes, [2, 2, 3].map(|partitions| empty + 4 * partitions));
    }
}
