//! A member of a group of KIP-848, as a client's library is one: it reports what it holds, takes what it is assigned, and
//! says so at once. Answers in, requests out.

use std::rc::Rc;
use std::time::Duration;

use protocol::Str;
use protocol::messages::consumer_groups::ConsumerGroupHeartbeatRequestTopicPartitions;
use protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use types::ErrorCode;

use super::member::{Ask, BACKOFF, Terms, passes};
use crate::moment::Moment;

const LEAVING: i32 = -1;

/// See the module.
pub(super) struct Consumer {
    terms: Rc<Terms>,
    id: Str,
    epoch: i32,
    held: Vec<i32>,
    /// What it holds has changed since it said so.
    is_changed: bool,
    has_left: bool,
    due: Moment,
}

impl Consumer {
    /// One that joins at once, under an id that nobody else has.
    pub(super) fn new(terms: Rc<Terms>, id: Str, now: Moment) -> Self {
        Self { terms, id, epoch: 0, held: Vec::new(), is_changed: true, has_left: false, due: now }
    }

    pub(super) fn due(&self) -> Moment {
        self.due
    }

    /// The partitions that it was assigned.
    pub(super) fn held(&self) -> &[i32] {
        &self.held
    }

    /// The epoch that it was told of, once it has joined and has nothing to report.
    pub(super) fn settled_in(&self) -> Option<i32> {
        (self.epoch > 0 && !self.is_changed).then_some(self.epoch)
    }

    pub(super) fn has_left(&self) -> bool {
        self.has_left
    }

    /// Its id and epoch, for commits.
    pub(super) fn identity(&self) -> (Str, i32) {
        (self.id.clone(), self.epoch)
    }

    pub(super) fn leave(&mut self, now: Moment) {
        (self.epoch, self.due) = (LEAVING, now);
    }

    /// What it asks for now.
    pub(super) fn ask(&mut self) -> Option<Ask> {
        self.due = Moment::NEVER;
        if self.has_left {
            return None;
        }
        let is_joining = self.epoch == 0;
        let says_what_it_holds = std::mem::take(&mut self.is_changed) && self.epoch != LEAVING;
        Some(Ask::Report(ConsumerGroupHeartbeatRequest {
            group_id: self.terms.group.clone(),
            member_id: self.id.clone(),
            member_epoch: self.epoch,
            rebalance_timeout_ms: if is_joining { self.terms.rebalance_timeout_ms } else { -1 },
            subscribed_topic_names: is_joining.then(|| vec![self.terms.topic.clone()]),
            topic_partitions: says_what_it_holds.then(|| self.holding()),
            ..Default::default()
        }))
    }

    fn holding(&self) -> Vec<ConsumerGroupHeartbeatRequestTopicPartitions> {
        if self.held.is_empty() {
            return Vec::new();
        }
        let (topic_id, partitions) = (self.terms.topic_id, self.held.clone());
        vec![ConsumerGroupHeartbeatRequestTopicPartitions { topic_id, partitions }]
    }

    pub(super) fn reported(
        &mut self,
        response: &ConsumerGroupHeartbeatResponse,
        now: Moment,
    ) -> Result<(), i16> {
        if self.epoch == LEAVING {
            // It was a report from before if it is not this one that is answered.
            self.has_left = response.member_epoch == LEAVING || response.error_code != 0;
            return Ok(());
        }
        if response.error_code != 0 {
            return self.failed(response.error_code, now);
        }
        self.epoch = response.member_epoch;
        let interval = u64::try_from(response.heartbeat_interval_ms).unwrap_or(0);
        self.due = now + Duration::from_millis(interval);
        if let Some(assignment) = &response.assignment {
            let topics = assignment.topic_partitions.iter();
            let mut held: Vec<i32> = topics.flat_map(|topic| &topic.partitions).copied().collect();
            held.sort_unstable();
            if held != self.held {
                (self.held, self.is_changed, self.due) = (held, true, now);
            }
        }
        Ok(())
    }

    /// Does what clients do about an error; one that they cannot help comes back.
    fn failed(&mut self, error: i16, now: Moment) -> Result<(), i16> {
        if passes(error) {
            // What it was to report is to be reported again.
            (self.is_changed, self.due) = (true, now + BACKOFF);
            return Ok(());
        }
        match ErrorCode::from_code(error) {
            Some(ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId) => {
                (self.epoch, self.is_changed, self.due) = (0, true, now);
                self.held.clear();
                Ok(())
            }
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::messages::consumer_groups::{
        ConsumerGroupHeartbeatAssignment, ConsumerGroupHeartbeatResponseTopicPartitions,
    };

    const NOW: Moment = Moment(1_000);

    fn report(member: &mut Consumer) -> ConsumerGroupHeartbeatRequest {
        match member.ask() {
            Some(Ask::Report(report)) => report,
            _ => panic!("a member reports"),
        }
    }

    fn assigned(epoch: i32, partitions: &[i32]) -> ConsumerGroupHeartbeatResponse {
        let topic = ConsumerGroupHeartbeatResponseTopicPartitions {
            topic_id: Terms::for_test(7).topic_id,
            partitions: partitions.to_vec(),
        };
        ConsumerGroupHeartbeatResponse {
            member_epoch: epoch,
            heartbeat_interval_ms: 5_000,
            assignment: Some(ConsumerGroupHeartbeatAssignment { topic_partitions: vec![topic] }),
            ..Default::default()
        }
    }

    #[test]
    fn a_member_says_at_once_what_it_has_taken_and_then_waits() {
        let mut member = Consumer::new(Rc::new(Terms::for_test(7)), "m".into(), NOW);
        let first = report(&mut member);
        assert_eq!((first.member_epoch, first.topic_partitions), (0, Some(Vec::new())));
        member.reported(&assigned(1, &[2, 1]), NOW).unwrap();
        assert_eq!((member.held(), member.settled_in(), member.due()), (&[1, 2][..], None, NOW));
        let second = report(&mut member);
        assert_eq!((second.member_epoch, second.topic_partitions.unwrap()[0].partitions.len()), (1, 2));
        member.reported(&assigned(1, &[1, 2]), NOW).unwrap();
        assert_eq!((member.settled_in(), member.due()), (Some(1), NOW + Duration::from_secs(5)));
        assert_eq!(report(&mut member).topic_partitions, None);
    }

    #[test]
    fn a_member_that_is_fenced_begins_again_with_nothing() {
        let mut member = Consumer::new(Rc::new(Terms::for_test(7)), "m".into(), NOW);
        report(&mut member);
        member.reported(&assigned(1, &[1]), NOW).unwrap();
        let fenced = ConsumerGroupHeartbeatResponse {
            error_code: ErrorCode::FencedMemberEpoch.code(),
            ..Default::default()
        };
        member.reported(&fenced, NOW).unwrap();
        assert!(member.held().is_empty());
        assert_eq!(report(&mut member).member_epoch, 0);
        let invalid = ConsumerGroupHeartbeatResponse { error_code: 42, ..Default::default() };
        assert_eq!(member.reported(&invalid, NOW), Err(42));
    }
}
