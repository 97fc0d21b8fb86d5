//! What a log should hold: a list of batches, what of it was promised to last, and what is in doubt.

use bytes::Bytes;
use strome_storage::{LogId, LogName, LogSettings};
use types::{Offset, TopicId};

/// A batch as it stands in the log.
#[derive(Clone)]
pub struct Batch {
    pub first: Offset,
    pub last: Offset,
    /// Of its first record; each record is a millisecond later.
    pub timestamp: i64,
    pub bytes: Bytes,
}

/// Whether the log's directory is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    Yes,
    No,
    /// It is being made or removed.
    InDoubt,
}

pub struct LogModel {
    pub name: LogName,
    /// Which of the machine's directories it is in.
    pub dir: usize,
    pub topic: TopicId,
    pub settings: LogSettings,
    pub existence: Existence,
    /// Whether it was never appended to: then it need not have outlasted a crash while it was made.
    pub is_new: bool,
    /// The shard that has it, and as what.
    pub place: Option<(usize, LogId)>,
    /// Whether a truncation, the removal or closing is under way.
    pub is_busy: bool,
    /// What a truncation under way leaves in any case.
    pub kept: Option<Offset>,
    pub is_offline: bool,
    /// Whether it was closed in order, and not opened since.
    pub was_closed: bool,
    pub batches: Vec<Batch>,
    pub start: Offset,
    /// The log start that was found last; it never lies below after a crash.
    pub start_found: Offset,
    pub end: Offset,
    /// Everything below was reported to be durable.
    pub durable: Offset,
    /// Changes whenever records are taken away.
    pub version: u64,
    /// Whether batches come with gaps, as those of a compacted log do to a follower.
    pub has_gaps: bool,
    /// Contents that `leader-epoch-checkpoint` may have.
    pub epochs: Vec<String>,
}

impl LogModel {
    pub fn new(name: LogName, dir: usize, settings: LogSettings) -> Self {
        Self {
            name,
            dir,
            topic: TopicId::default(),
            settings,
            existence: Existence::No,
            is_new: true,
            place: None,
            is_busy: false,
            kept: None,
            is_offline: false,
            was_closed: false,
            batches: Vec::new(),
            start: Offset(0),
            start_found: Offset(0),
            end: Offset(0),
            durable: Offset(0),
            version: 0,
            has_gaps: false,
            epochs: Vec::new(),
        }
    }

    /// Another log of the same name.
    pub fn begin_anew(&mut self, topic: TopicId) {
        let (version, settings) = (self.version + 1, self.settings);
        *self = Self { topic, version, ..Self::new(self.name.clone(), self.dir, settings) };
    }

    /// What a read answers at most.
    pub fn expect(&self, from: Offset, up_to: Offset, bytes_max: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let first = self.batches.partition_point(|batch| batch.last < from);
        for batch in &self.batches[first..] {
            let too_much = !bytes.is_empty() && bytes.len() + batch.bytes.len() > bytes_max;
            if batch.last.0 + 1 > up_to.0 || too_much {
                break;
            }
            bytes.extend_from_slice(&batch.bytes);
        }
        bytes
    }

    /// Forgets batches that reach to `to` or beyond. The log may end above what is left, but not above `to`.
    pub fn cut(&mut self, to: Offset) {
        self.batches.retain(|batch| batch.last < to);
        self.version += 1;
        self.end = self.end.min(to);
        self.start = self.start.min(to);
        self.start_found = self.start_found.min(to);
        self.durable = self.durable.min(to);
    }

    /// The offset behind the last batch that ends at or below `to`.
    pub fn boundary(&self, to: Offset) -> Offset {
        let kept = self.batches.partition_point(|batch| batch.last < to);
        kept.checked_sub(1).map_or(Offset(0), |last| Offset(self.batches[last].last.0 + 1))
    }
}
