//! One coordinator on its shard: the machine, how far it is loaded, and what it waits for.

use std::time::Instant;

use group::{Coordinator, Effects, Reply, Settings};
use record::Compression;
use types::{ErrorCode, TimestampMs, TopicPartition};

use super::clock::SteadyClock;
use super::draft::{Draft, Drafted};
use super::load::Load;
use crate::arena::Key;

/// A coordinator. Lives on the shard that owns its partition, while this broker leads it; one that is loaded anew is another.
pub(super) struct Hosted {
    pub(super) at: TopicPartition,
    pub(super) machine: Coordinator,
    pub(super) phase: Phase,
    /// What it has decided in this turn.
    draft: Draft,
    /// It is on the list of those with something to append.
    pub(super) is_listed: bool,
    /// The write that was asked for last, as long as it is not durable.
    pub(super) last_write: Option<Key>,
}

/// How far a coordinator is.
pub(super) enum Phase {
    /// It reads its partition.
    Loading(Box<Load>),
    /// It could not read it, and tries again at this time.
    Failed(Instant),
    Ready,
}

impl Hosted {
    /// One that is to be loaded.
    pub(super) fn new(at: TopicPartition, settings: &Settings, now: Instant) -> Self {
        Self {
            at,
            machine: Coordinator::new(settings.clone()),
            phase: Phase::Loading(Box::new(Load::starting(now))),
            draft: Draft::default(),
            is_listed: false,
            last_write: None,
        }
    }

    /// Its partition, as its log is called.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", super::OFFSETS_TOPIC, self.at.partition)
    }

    /// When it has something to do without any event.
    pub(super) fn next_alarm(&self, clock: &SteadyClock) -> Option<Instant> {
        match self.phase {
            Phase::Loading(_) => None,
            Phase::Failed(until) => Some(until),
            Phase::Ready => self.machine.next_deadline().map(|at| clock.when(at)),
        }
    }

    /// Forgets what was loaded, to begin again at this time.
    pub(super) fn fail(&mut self, retry: Instant, settings: &Settings) {
        self.machine = Coordinator::new(settings.clone());
        self.phase = Phase::Failed(retry);
    }

    /// Takes the machine out, so that nothing is decided any more. What was decided stays to be appended.
    pub(super) fn retire(&mut self, settings: &Settings) -> Coordinator {
        std::mem::replace(&mut self.machine, Coordinator::new(settings.clone()))
    }

    /// What a client is told that comes now, unless it is served.
    pub(super) fn refusal(&self) -> Option<ErrorCode> {
        match self.phase {
            Phase::Loading(_) => Some(ErrorCode::CoordinatorLoadInProgress),
            Phase::Failed(_) => Some(ErrorCode::CoordinatorNotAvailable),
            Phase::Ready => None,
        }
    }

    /// Takes in what one event has led to. Returns the replies that need not wait for this turn's records.
    ///
    /// # Errors
    /// If the records fit into no batch: the machine knows more than its partition ever will.
    pub(super) fn take_in(
        &mut self,
        effects: &mut Effects,
        codec: Compression,
        now: TimestampMs,
    ) -> Result<Vec<Reply>, DraftFailed> {
        let replies = std::mem::take(&mut effects.replies);
        if effects.records.is_empty() {
            return Ok(self.draft.wait(replies));
        }
        let records = std::mem::take(&mut effects.records);
        match self.draft.add(&records, codec, now) {
            Ok(()) => Ok(self.draft.wait(replies)),
            Err(error) => Err(DraftFailed { replies, reason: error.to_string() }),
        }
    }

    /// Whether there is something to append.
    pub(super) fn has_draft(&self) -> bool {
        !self.draft.is_empty()
    }

    /// The batches of this turn.
    ///
    /// # Errors
    /// If they cannot be made.
    pub(super) fn finish_draft(&mut self) -> Result<Vec<Drafted>, DraftFailed> {
        std::mem::take(&mut self.draft)
            .finish()
            .map_err(|(replies, error)| DraftFailed { replies, reason: error.to_string() })
    }

    /// Gives up what was to be appended; who waited for it.
    pub(super) fn drop_draft(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.draft).into_replies()
    }
}

/// Records that no batch could be made of.
pub(super) struct DraftFailed {
    pub(super) replies: Vec<Reply>,
    pub(super) reason: String,
}
