//! Questions about the end of a log wait until what was appended before them can be read.
//!
//! With `acks=1` a producer is answered before its records are durable, and under `flush.messages=1` consumers are shown
//! durable records only. Who produces so and then asks for the latest offset, or deletes what was produced, should find
//! these records all the same, as at a single replica of Kafka's. So such a question waits for the commit that is under way.
//!
//! # Invariants
//! - A question waits for what was in the log when it was asked, never for what is appended later, and for
//!   [`WAIT_MAX`] at most: then it is answered by what can be read.
//!
//! # Not here
//! The answers (`queries.rs`).

use std::time::{Duration, Instant};

use reactor::Reactor;
use types::{Offset, TopicPartition};

use super::Partitions;
use crate::arena::Key;
use crate::work::{Asker, WhichOffset, Work};

/// A commit takes milliseconds; a disk that hangs must not make offsets unknown.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// A question that waits.
pub(super) struct Question {
    from: Asker,
    work: Work,
    /// Partitions, and the ends that their high watermarks have to reach.
    awaited: Vec<(Key, Offset)>,
    until: Instant,
}

impl Partitions {
    /// Answers ListOffsets and DeleteRecords, now or when what they ask about can be read.
    pub(super) fn ask(&mut self, reactor: &mut Reactor, from: Asker, work: Work, now: Instant) {
        let awaited: Vec<_> = asked_about(&work).into_iter().filter_map(|at| self.unread_end(at)).collect();
        if awaited.is_empty() || self.ending {
            return self.respond(reactor, from, work);
        }
        self.questions.push(Question { from, work, awaited, until: now + WAIT_MAX });
    }

    /// Answers the questions that need not wait any longer.
    pub(super) fn resume_questions(&mut self, reactor: &mut Reactor, now: Instant) {
        if self.questions.is_empty() {
            return;
        }
        for mut question in std::mem::take(&mut self.questions) {
            // A partition that is gone or offline is not waited for: its answer is an error.
            question.awaited.retain(|(key, end)| {
                self.open.get(*key).is_some_and(|partition| partition.leader.high_watermark() < *end)
            });
            if question.awaited.is_empty() || question.until <= now || self.ending {
                self.respond(reactor, question.from, question.work);
            } else {
                self.questions.push(question);
            }
        }
    }

    /// When the first question has waited long enough.
    pub(super) fn question_deadline(&self) -> Option<Instant> {
        // They wait equally long, and stay in the order in which they came.
        self.questions.first().map(|question| question.until)
    }

    fn respond(&mut self, reactor: &mut Reactor, from: Asker, work: Work) {
        match work {
            Work::ListOffsets(parts) => self.list_offsets(reactor, from, parts),
            Work::DeleteRecords(parts) => self.delete_records(reactor, from, &parts),
            other => debug_assert!(false, "not a question: {other:?}"),
        }
    }

    /// The end of a partition's log, if not all below it can be read.
    fn unread_end(&self, at: TopicPartition) -> Option<(Key, Offset)> {
        let key = self.find(at).ok()?;
        let leader = &self.open.get(key)?.leader;
        (leader.high_watermark() < leader.log_end()).then(|| (key, leader.log_end()))
    }
}

/// The partitions of whose ends the answer depends.
fn asked_about(work: &Work) -> Vec<TopicPartition> {
    match work {
        Work::ListOffsets(parts) => {
            let of_the_end = |which: WhichOffset| match which {
                WhichOffset::Latest | WhichOffset::MaxTimestamp | WhichOffset::AtOrAfter(_) => true,
                WhichOffset::Earliest
                | WhichOffset::EarliestLocal
                | WhichOffset::LatestTiered
                | WhichOffset::EarliestPendingUpload => false,
            };
            parts.iter().filter(|part| of_the_end(part.item.which)).map(|part| part.at).collect()
        }
        Work::DeleteRecords(parts) => parts.iter().map(|part| part.at).collect(),
        _ => Vec::new(),
    }
}
