//! A member of KIP-848 in a storm. It has a partition from when it is told so until it has said that it gives it up: nobody
//! else may be given it meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use protocol::messages::consumer_groups::ConsumerGroupHeartbeatRequestTopicPartitions;
use protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, OffsetCommitRequest,
};
use types::Uuid;

use super::line::Line;
use super::{GROUP, TOPIC};
use crate::groups::{COMMIT, commit_request};

const VERSION: i16 = 1;
const LEAVING: i32 = -1;
const UNKNOWN_MEMBER: i16 = 25;
const FENCED_EPOCH: i16 = 110;
const STALE_EPOCH: i16 = 113;

/// Who has which partition.
#[derive(Default)]
pub struct Shared {
    owners: BTreeMap<i32, usize>,
}

impl Shared {
    fn give_up(&mut self, owner: usize) {
        self.owners.retain(|_, other| *other != owner);
    }
}

/// See the module.
#[derive(Debug)]
pub struct Member {
    number: usize,
    topic: Uuid,
    /// How often it has begun anew, under another id each time.
    life: u32,
    epoch: i32,
    held: BTreeSet<i32>,
    is_changed: bool,
    /// An answer was lost, and with it perhaps an assignment, which the coordinator tells once: the member says everything
    /// about itself, as clients do then, and is told everything.
    is_unsure: bool,
    asked: Option<Asked>,
    has_left: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Report,
    Commit,
}

impl Member {
    pub fn new(number: usize, topic: Uuid) -> Self {
        Self {
            number,
            topic,
            life: 0,
            epoch: 0,
            held: BTreeSet::new(),
            is_changed: true,
            is_unsure: false,
            asked: None,
            has_left: false,
        }
    }

    fn id(&self) -> String {
        format!("member-{}-{}", self.number, self.life)
    }

    fn report(&mut self, line: &mut Line, shared: &mut Shared) {
        self.asked = Some(Asked::Report);
        let owned = ConsumerGroupHeartbeatRequestTopicPartitions {
            topic_id: self.topic,
            partitions: self.held.iter().copied().collect(),
        };
        let owned = if self.held.is_empty() { Vec::new() } else { vec![owned] };
        let is_complete = std::mem::take(&mut self.is_unsure) || self.epoch == 0;
        let is_told = std::mem::take(&mut self.is_changed) && self.epoch != LEAVING;
        if is_told || self.epoch == LEAVING {
            shared.give_up(self.number);
        }
        if is_told {
            shared.owners.extend(self.held.iter().map(|partition| (*partition, self.number)));
        }
        let request = ConsumerGroupHeartbeatRequest {
            group_id: GROUP.into(),
            member_id: self.id().as_str().into(),
            member_epoch: self.epoch,
            rebalance_timeout_ms: if is_complete { 600_000 } else { -1 },
            subscribed_topic_names: is_complete.then(|| vec![TOPIC.into()]),
            topic_partitions: is_told.then_some(owned),
            ..Default::default()
        };
        line.send(VERSION, &request);
    }

    fn reported(&mut self, line: &mut Line, shared: &mut Shared, response: &ConsumerGroupHeartbeatResponse) {
        let has_left = response.error_code == 0 && response.member_epoch == LEAVING;
        // It had left before, and the answer was lost.
        let had_left = self.epoch == LEAVING && response.error_code == UNKNOWN_MEMBER;
        if has_left || had_left {
            self.held.clear();
            (self.has_left, self.epoch, self.is_changed) = (true, 0, true);
            self.life += 1;
            return;
        }
        match response.error_code {
            0 => {}
            UNKNOWN_MEMBER | FENCED_EPOCH => {
                shared.give_up(self.number);
                self.held.clear();
                (self.epoch, self.is_changed) = (0, true);
                return self.report(line, shared);
            }
            error => panic!("a member is told {error}: {:?}", response.error_message),
        }
        self.epoch = response.member_epoch;
        let Some(assignment) = &response.assignment else { return };
        let held: BTreeSet<i32> =
            assignment.topic_partitions.iter().flat_map(|topic| &topic.partitions).copied().collect();
        for partition in held.difference(&self.held) {
            let other = shared.owners.insert(*partition, self.number);
            assert!(
                other.is_none_or(|other| other == self.number),
                "partition {partition} is given to {} and {other:?} has it",
                self.number
            );
        }
        if held != self.held {
            (self.held, self.is_changed) = (held, true);
            self.report(line, shared);
        }
    }
}

impl super::Member for Member {
    type Shared = Shared;

    fn go_on(&mut self, line: &mut Line, shared: &mut Shared) {
        self.has_left = false;
        self.report(line, shared);
    }

    fn take(&mut self, line: &mut Line, shared: &mut Shared) {
        match self.asked.take().expect("only what was asked is answered") {
            Asked::Report => {
                let response = line.answer::<ConsumerGroupHeartbeatRequest>(VERSION);
                self.reported(line, shared, &response);
            }
            Asked::Commit => {
                let response = line.answer::<OffsetCommitRequest>(COMMIT);
                let error = response.topics[0].partitions[0].error_code;
                assert!(matches!(error, 0 | STALE_EPOCH), "a commit is answered {error}");
            }
        }
    }

    fn act(&mut self, line: &mut Line, shared: &mut Shared, number: u64) {
        match number {
            0..100 => super::Member::leave(self, line, shared),
            100..250 => {
                self.asked = Some(Asked::Commit);
                let mut request = commit_request(GROUP, TOPIC, &[(0, i64::from(self.epoch))]);
                request.generation_id_or_member_epoch = self.epoch;
                request.member_id = self.id().as_str().into();
                line.send(COMMIT, &request);
            }
            _ => self.report(line, shared),
        }
    }

    fn reconnected(&mut self, mut lost: Line) {
        // What it said last may have been lost, its farewell too. Here the answer is: were the request still to come, behind
        // what the member says on its next connection, it would be answered with news that nobody hears.
        if self.asked.is_some() {
            lost.await_answer();
        }
        (self.asked, self.is_changed, self.is_unsure) = (None, true, true);
    }

    fn leave(&mut self, line: &mut Line, shared: &mut Shared) {
        self.epoch = LEAVING;
        self.report(line, shared);
    }

    fn is_idle(&self) -> bool {
        self.asked.is_none()
    }

    fn has_left(&self) -> bool {
        self.has_left
    }

    fn settled_in(&self) -> Option<i32> {
        (self.asked.is_none() && !self.is_changed && self.epoch > 0).then_some(self.epoch)
    }
}
