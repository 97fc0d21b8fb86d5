//! One log: its segments, its tail, and how far it is written and durable.
//!
//! # Hot path
//! `append` copies each batch once into the tail. It neither creates nor extends files; what it needs of them is
//! prepared in the background, and until then the tail holds the batches.
//!
//! # Invariants
//! - `stored_end <= written_end <= log_end` and `log_start <= durable_end <= log_end`: segments have everything below the
//!   stored end durably, and what is durable above it is in the journal.
//! - There is always a segment that is appended to: the last of `writing`. Those before it are full, and are written
//!   and synced to their end before the next one is written.
//!
//! # Not here
//! Starting writes (`commit.rs`); work on files (`job.rs`).

use std::collections::VecDeque;
use std::sync::Arc;

use reactor::File;
use record::{BatchHeader, ValidBatch, stamp};
use types::{LeaderEpoch, Offset, TimestampMs, Uuid};

use crate::aborted::Aborted;
use crate::age::{self, Began};
use crate::chunks::Chunks;
use crate::compact::state::Compaction;
use crate::error::StorageError;
use crate::job::Job;
use crate::journal::InJournal;
use crate::lookup::PendingLookup;
use crate::opened::OpenedLog;
use crate::outcome::Appended;
use crate::recover::Origin;
use crate::segment::Segment;
use crate::segment_index::SegmentIndex;
use crate::settings::LogSettings;
use crate::store::LogId;
use crate::tail::{Place, Tail};

/// What a log does at present.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// Everything.
    Open,
    /// Nothing any more.
    Offline(StorageError),
    /// It writes what it has, and is then cut; `started` once that is under way.
    Truncating { to: Offset, started: bool },
    /// It writes what it has, and is then closed; `started` once that is under way.
    Closing { started: bool },
    /// Its files are closed.
    Closed,
    /// It waits for what is under way, and is then removed; `started` once that is under way.
    Removing { unique: Uuid, started: bool },
}

/// What a write or sync of a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InFlight {
    /// Producers wait for it.
    Commit,
    /// Nobody does: the bytes are in the journal, or need not be durable.
    WriteBack,
}

/// Why nothing can be written for the moment, and when it is tried again.
#[derive(Clone, Debug)]
pub(crate) struct Stall {
    pub(crate) error: StorageError,
    pub(crate) retry_at: TimestampMs,
}

/// A log of a shard. Lives on that shard until it is removed or closed.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) id: LogId,
    pub(crate) origin: Arc<Origin>,
    pub(crate) settings: LogSettings,
    pub(crate) state: State,
    pub(crate) stall: Option<Stall>,
    pub(crate) log_start: Offset,
    /// Everything below is durable, in segments or in the journal.
    pub(crate) durable_end: Offset,
    /// Everything below is durable in segments.
    pub(crate) stored_end: Offset,
    pub(crate) written_end: Offset,
    pub(crate) log_end: Offset,
    /// Its aborted transactions.
    pub(crate) aborted: Aborted,
    /// Segments that are written to their end, oldest first.
    pub(crate) sealed: VecDeque<Segment>,
    /// Segments that are not; never empty.
    pub(crate) writing: VecDeque<Writing>,
    pub(crate) tail: Tail,
    /// All bytes that the log ever got, counted from its active segment when it was opened.
    pub(crate) appended_bytes: u64,
    /// How many of them are durable.
    pub(crate) durable_byte: u64,
    pub(crate) journal: InJournal,
    /// Whether the last commit went straight to the segment.
    pub(crate) is_direct: bool,
    /// Bytes appended and not written.
    pub(crate) unwritten: usize,
    /// When the oldest of them came.
    pub(crate) unwritten_since: TimestampMs,
    pub(crate) last_used: TimestampMs,
    /// Everything below shall become durable.
    pub(crate) wanted_durable: Offset,
    /// Everything below shall be written, soon.
    pub(crate) wanted_written: Offset,
    /// The write or sync of a segment that is under way.
    pub(crate) in_flight: Option<InFlight>,
    /// Whether the store's next commit looks at it.
    pub(crate) is_dirty: bool,
    /// Whether it is looked at again when some time has passed.
    pub(crate) is_waiting: bool,
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) job_running: bool,
    pub(crate) lookups: Vec<PendingLookup>,
    /// The next segment's file, made beforehand.
    pub(crate) spare: Spare,
    /// What the directory's checkpoints were last told.
    pub(crate) checkpointed: Option<(Offset, Offset)>,
    /// Full segments whose files may still be longer than their batches.
    pub(crate) unsealed: Vec<Offset>,
    /// Entries of the active segment's index that its files have: offsets and times. `None` if the files are to be
    /// written anew.
    pub(crate) saved_entries: Option<(usize, usize)>,
    pub(crate) compaction: Compaction,
}

/// A file for the segment that comes next.
#[derive(Debug, Default)]
pub(crate) enum Spare {
    #[default]
    None,
    /// Being made.
    Coming,
    /// Could not be made. It is not tried again for this segment.
    Failed,
    /// Made: the file, and how far it may be written.
    Ready { file: File, usable: u64 },
}

/// A segment that is appended to or not yet written to its end.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) base: Offset,
    /// The bytes that the log had got before.
    pub(crate) first_byte: u64,
    pub(crate) index: SegmentIndex,
    /// Bytes of batches.
    pub(crate) size: u64,
    /// Bytes of batches that are in the file.
    pub(crate) written: u64,
    /// Bytes of batches that are durable.
    pub(crate) durable: u64,
    /// `None` while the log is idle, or while the file is being opened.
    pub(crate) file: Option<File>,
    /// How far the file may be written.
    pub(crate) usable: u64,
    /// Whether the file has its name. It gets it when the segment before is durable to its end, since a crash must not
    /// find a segment behind one that lacks records.
    pub(crate) is_named: bool,
    /// Whether a job opens or extends the file, or zeros are being written.
    pub(crate) is_preparing: bool,
    /// When room was last made, and its size then.
    pub(crate) room_made: (TimestampMs, u64),
    /// What its age is counted from, once it has a batch.
    pub(crate) began: Option<Began>,
}

impl Writing {
    fn new(base: Offset, first_byte: u64) -> Self {
        Self {
            base,
            first_byte,
            index: SegmentIndex::new(base),
            size: 0,
            written: 0,
            durable: 0,
            file: None,
            usable: 0,
            is_named: true,
            is_preparing: false,
            room_made: (TimestampMs::ZERO, 0),
            began: None,
        }
    }
}

impl Log {
    /// A log that was opened; it holds neither memory nor an open file until it is used.
    pub(crate) fn new(id: LogId, opened: OpenedLog, now: TimestampMs) -> Self {
        let OpenedLog {
            origin,
            settings,
            segments,
            active,
            active_began,
            index,
            log_start,
            log_end,
            compacted,
            aborted,
            ..
        } = opened;
        let bytes = active.bytes;
        let began = (bytes > 0).then_some(Began::of(active_began, now));
        let writing = Writing {
            index,
            size: bytes,
            written: bytes,
            durable: bytes,
            began,
            ..Writing::new(active.base, 0)
        };
        Self {
            id,
            origin: Arc::new(origin),
            settings,
            state: State::Open,
            stall: None,
            log_start,
            durable_end: log_end,
            stored_end: log_end,
            written_end: log_end,
            log_end,
            aborted,
            sealed: segments.into(),
            writing: VecDeque::from([writing]),
            tail: Tail::default(),
            appended_bytes: bytes,
            durable_byte: bytes,
            journal: InJournal::default(),
            is_direct: false,
            unwritten: 0,
            unwritten_since: now,
            last_used: now,
            wanted_durable: Offset::ZERO,
            wanted_written: Offset::ZERO,
            in_flight: None,
            is_dirty: false,
            is_waiting: false,
            jobs: VecDeque::new(),
            job_running: false,
            lookups: Vec::new(),
            spare: Spare::None,
            checkpointed: None,
            unsealed: Vec::new(),
            saved_entries: None,
            compaction: Compaction::new(compacted),
        }
    }

    /// Why it takes no appends.
    pub(crate) fn refusal(&self) -> Option<StorageError> {
        match &self.state {
            State::Open => {
                self.stall.as_ref().map(|stall| StorageError::Stalled(stall.error.to_string().into()))
            }
            State::Offline(error) => Some(error.clone()),
            _ => Some(StorageError::Busy),
        }
    }

    /// Whether it does everything.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether it has failed for good.
    pub(crate) fn is_offline(&self) -> bool {
        matches!(self.state, State::Offline(_))
    }

    /// Whether its segments are in place.
    pub(crate) fn is_readable(&self) -> bool {
        !matches!(self.state, State::Truncating { started: true, .. } | State::Removing { .. })
    }

    /// Appends a producer's batch at the end. The caller has checked that there is room for it. Returns where it went
    /// and how many chunks of the tail may be given up from now on.
    pub(crate) fn append(
        &mut self,
        batch: &ValidBatch,
        epoch: LeaderEpoch,
        now: TimestampMs,
        chunks: &mut Chunks,
    ) -> (Appended, usize) {
        let first_offset = self.log_end;
        let header = BatchHeader { base_offset: first_offset, partition_leader_epoch: epoch, ..batch.header };
        let closed = self.place(&header, &batch.bytes, now, chunks, |copy| stamp(copy, first_offset, epoch));
        (self.appended(&header), closed)
    }

    /// Appends a batch as it is, offsets and all.
    pub(crate) fn append_replica(
        &mut self,
        header: &BatchHeader,
        bytes: &[u8],
        now: TimestampMs,
        chunks: &mut Chunks,
    ) -> (Appended, usize) {
        let closed = self.place(header, bytes, now, chunks, |_| {});
        (self.appended(header), closed)
    }

    fn appended(&self, header: &BatchHeader) -> Appended {
        Appended {
            first_offset: header.base_offset,
            last_offset: header.last_offset(),
            log_start: self.log_start,
        }
    }

    fn place(
        &mut self,
        header: &BatchHeader,
        bytes: &[u8],
        now: TimestampMs,
        chunks: &mut Chunks,
        stamp: impl FnOnce(&mut [u8]),
    ) -> usize {
        if self.must_roll(header, now) {
            self.roll(Segment::base_for(header, self.log_end));
        }
        let Some(active) = self.writing.back_mut() else { return 0 };
        let place = Place { segment: active.base, position: active.size };
        let closed = self.tail.append(place, header, bytes, chunks, stamp);
        active.index.on_batch(header, active.size, self.settings.index_interval_bytes);
        active.began.get_or_insert(Began::of(header.max_timestamp, now));
        active.size += bytes.len() as u64;
        self.appended_bytes += bytes.len() as u64;
        if self.unwritten == 0 {
            self.unwritten_since = now;
        }
        self.unwritten += bytes.len();
        self.log_end = header.next_offset();
        self.last_used = now;
        closed
    }

    /// Kafka's conditions (`LogSegment.shouldRoll`).
    fn must_roll(&self, header: &BatchHeader, now: TimestampMs) -> bool {
        let Some(active) = self.writing.back().filter(|active| active.size > 0) else { return false };
        let too_large = active.size + header.batch_len_bytes as u64 > u64::from(self.settings.segment_bytes);
        let too_far = header.last_offset().0 - active.base.0 > i64::from(i32::MAX);
        let index_full = active.index.offset_index_bytes() >= self.settings.segment_index_bytes as usize;
        let too_old = active.began.is_some_and(|began| {
            let jitter = || age::jitter_ms(&self.origin, active.base, &self.settings);
            let age_ms = began.age_ms(header.max_timestamp, now);
            age::is_over(age_ms, &self.settings, jitter) || self.compaction.is_overdue(age_ms)
        });
        too_large || too_far || index_full || too_old
    }

    /// Begins the next segment.
    pub(crate) fn roll(&mut self, base: Offset) {
        if let Some(full) = self.writing.back_mut() {
            full.index.finish();
        }
        let mut next = Writing::new(base, self.appended_bytes);
        if matches!(self.spare, Spare::Ready { .. })
            && let Spare::Ready { file, usable } = std::mem::take(&mut self.spare)
        {
            next.file = Some(file);
            next.usable = usable;
            next.is_named = false;
        }
        if matches!(self.spare, Spare::Failed) {
            self.spare = Spare::None;
        }
        self.saved_entries = None;
        self.writing.push_back(next);
    }

    /// Bytes of all segments.
    pub(crate) fn size_bytes(&self) -> u64 {
        let sealed: u64 = self.sealed.iter().map(|segment| segment.bytes).sum();
        sealed + self.writing.iter().map(|segment| segment.size).sum::<u64>()
    }

    /// The base offset of every segment, ascending.
    pub(crate) fn bases(&self) -> impl Iterator<Item = Offset> {
        self.sealed.iter().map(|segment| segment.base).chain(self.writing.iter().map(|segment| segment.base))
    }

    pub(crate) fn has_segment(&self, base: Offset) -> bool {
        let sealed = self.sealed.binary_search_by_key(&base, |segment| segment.base).is_ok();
        sealed || self.writing.iter().any(|segment| segment.base == base)
    }

    /// The last segment that begins at or below `offset`.
    pub(crate) fn segment_of(&self, offset: Offset) -> Option<Offset> {
        let sealed = self.sealed.partition_point(|segment| segment.base <= offset);
        let writing = self.writing.iter().rev().find(|segment| segment.base <= offset);
        writing
            .map(|segment| segment.base)
            .or_else(|| sealed.checked_sub(1).and_then(|i| self.sealed.get(i)).map(|segment| segment.base))
    }

    /// Whether everything that was appended is durable in segments, and nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        self.unwritten == 0
            && self.stored_end == self.log_end
            && self.writing.len() == 1
            && self.in_flight.is_none()
            && !self.journal.is_in_flight
            && !self.job_running
            && self.jobs.is_empty()
            && !matches!(self.spare, Spare::Coming)
            && self.writing.iter().all(|segment| !segment.is_preparing)
    }

    /// Up to where a scan after a crash can do without reading: below, everything is durable and every segment is
    /// closed to its real size.
    pub(crate) fn recovery_point(&self) -> Offset {
        let full = self.writing.iter().rev().skip(1).map(|segment| segment.base);
        let unsealed = self.unsealed.iter().copied().chain(full).min();
        // The log may start above what is durable, and then that vouches for nothing.
        unsealed.unwrap_or(self.stored_end).max(self.log_start).min(self.stored_end)
    }

    /// The last known timestamp of every segment that is sealed, and of those being written.
    pub(crate) fn newest_timestamps(&self) -> impl Iterator<Item = (Offset, TimestampMs)> {
        let sealed = self.sealed.iter().map(|segment| (segment.base, segment.max_timestamp));
        sealed.chain(self.writing.iter().map(|segment| (segment.base, segment.index.max_timestamp())))
    }
}
