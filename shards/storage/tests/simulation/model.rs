//! What a log should hold: a list of batches, what of it was promised to last, and what is in doubt.

use std::collections::BTreeMap;

use bytes::Bytes;
use record::{batches, decompress};
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
    /// How often it was cut.
    pub cuts: u64,
    /// Whether batches come with gaps, as those of a compacted log do to a follower.
    pub has_gaps: bool,
    /// Whether of each key only the last record has to stay.
    pub is_compacted: bool,
    /// Nothing at or above was ever compacted.
    pub compacted_below: Offset,
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
            cuts: 0,
            has_gaps: false,
            is_compacted: false,
            compacted_below: Offset(0),
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

    /// Holds what was found of a compacted log, from offset `from` on, against what has to be there. Returns where it ends,
    /// which is the log's end if all of it `is_all`.
    pub fn check_compacted(&self, from: Offset, found: &[u8], is_all: bool) -> Offset {
        let mut newest: BTreeMap<Vec<u8>, Offset> = BTreeMap::new();
        let mut all: BTreeMap<Offset, Written> = BTreeMap::new();
        for batch in &self.batches {
            for (offset, written) in records(&batch.bytes) {
                newest.insert(written.0.clone(), offset);
                all.insert(offset, written);
            }
        }
        let mut end = from;
        let mut kept: BTreeMap<Offset, Written> = BTreeMap::new();
        for batch in batches(found) {
            let (header, bytes) = batch.unwrap();
            record::check_crc(bytes).unwrap();
            assert!(header.last_offset() >= end, "{}: a batch twice", self.name);
            end = header.next_offset();
            kept.extend(records(bytes));
        }
        for (offset, written) in &kept {
            assert!(
                all.get(offset) == Some(written),
                "{}: nobody has appended what is at {offset}",
                self.name
            );
        }
        for (offset, written) in all.range(from..if is_all { self.end } else { end }) {
            let must_stay = *offset >= self.compacted_below || newest.get(&written.0) == Some(offset);
            assert!(!must_stay || kept.contains_key(offset), "{}: the record at {offset} is gone", self.name);
        }
        end
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

/// The key and the value of a record.
type Written = (Vec<u8>, Vec<u8>);

fn records(batch: &[u8]) -> Vec<(Offset, Written)> {
    let records = decompress(batch, 1 << 20).unwrap();
    let written = |record: Result<record::Record<'_>, _>| {
        let record = record.unwrap();
        (record.offset, (record.key.unwrap().to_vec(), record.value.unwrap().to_vec()))
    };
    records.iter().map(written).collect()
}
