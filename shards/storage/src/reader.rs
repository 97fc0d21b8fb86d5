//! Reads of batches that are no longer in memory.
//!
//! A read looks for whole batches in what is loaded of its segment, from where its reader's last answer ended or the
//! index says. If something is missing it has that loaded, in pieces, and waits. When it has its answer, what lies behind
//! is loaded for the next one, as far as it is worth it.
//!
//! # Invariants
//! - A read never goes beyond what was written when its bytes were asked for.
//! - What is read ahead never takes memory or the disk from what somebody waits for.
//!
//! # Not here
//! Batches (`span.rs`), asking the disk (`reader/loads.rs`), reading ahead (`reader/ahead.rs`), who reads on (`streams.rs`).

mod ahead;
mod cold_read;
mod loads;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use reactor::{File, Reactor};
use types::{FilePosition, Offset, TimestampMs};

use crate::cold_memory::ColdMemory;
use crate::core::{Core, Message};
use crate::damage::{self, DamagedPlaces, Place, Searched};
use crate::error::StorageError;
use crate::layout::{FileKind, file_path};
use crate::load_queue::{LoadQueue, RegionName};
use crate::log::Log;
use crate::open_segments::{OpenSegment, OpenSegments, Opened, SegmentKey};
use crate::outcome::{Outcome, Read};
use crate::regions::Regions;
use crate::settings::StoreSettings;
use crate::span::{Found, Span, Then};
use crate::store::{LogId, ReadId};
use crate::streams::Streams;

pub(crate) use cold_read::ColdRead;
pub(crate) use loads::Load;

/// While producers' commits go on an answer is not longer: sending one takes the shard's time, in which it does not hear
/// that a commit has ended.
const ANSWER_BYTES_MAX_COMMITTING: u64 = 256 * 1024;
/// But so many times what the log has grown since the reader's last answer: whoever lags comes nearer, however much producers
/// send.
const GROWTH_FACTOR: u64 = 2;

/// What becomes of a read.
enum Progress {
    Done(Result<Vec<Bytes>, StorageError>),
    /// It waits until this segment is open.
    Opens(SegmentKey),
    /// It waits until this region is loaded.
    Loads(RegionName),
    /// It waits until somebody has looked behind this damage, in a segment whose batches end there.
    Searches {
        place: Place,
        end: u64,
        what: String,
    },
}

/// What is known of a segment's file.
struct Extent {
    /// `None` if it is not open.
    file: Option<File>,
    /// Where its batches end, as far as they are written.
    end: u64,
    /// Where to begin looking, if that is known.
    position: Option<u64>,
    /// From which batch on all are in memory, too.
    hot: Option<u64>,
}

/// The cold reads of a store, with all that they share. Lives with the store.
#[derive(Debug)]
pub(crate) struct ColdReads {
    segments: OpenSegments,
    segments_max: usize,
    regions: Regions,
    queue: LoadQueue,
    /// What the disk may be asked for at once: usually, and while producers' commits need it.
    in_flight_bytes_max: (usize, usize),
    streams: Streams,
    memory: ColdMemory,
    /// What may be in use, at most, for more to be read ahead.
    ahead_bytes_max: usize,
    damage: DamagedPlaces,
    /// Reads whose segment has changed under them. They begin anew.
    restarts: Vec<ColdRead>,
    /// Reads that need a file of a log whose files are being renamed.
    held: BTreeMap<LogId, Vec<ColdRead>>,
    now: TimestampMs,
}

impl ColdReads {
    pub(crate) fn new(settings: &StoreSettings, memory: ColdMemory) -> Self {
        // The other half stays for what somebody waits for.
        let ahead_bytes_max = settings.cold_bytes_max / 2;
        Self {
            segments: OpenSegments::default(),
            segments_max: settings.open_segments_max,
            regions: Regions::default(),
            queue: LoadQueue::default(),
            in_flight_bytes_max: (settings.cold_load_bytes_max, settings.cold_load_bytes_max_committing),
            streams: Streams::new(ahead_bytes_max),
            memory,
            ahead_bytes_max,
            damage: DamagedPlaces::default(),
            restarts: Vec::new(),
            held: BTreeMap::new(),
            now: TimestampMs::ZERO,
        }
    }

    /// Reads what is loaded, or has it loaded.
    pub(crate) fn read(
        &mut self,
        mut read: ColdRead,
        log: &Log,
        core: &mut Core,
        reactor: &mut Reactor,
    ) -> Result<Read, StorageError> {
        let id = read.id;
        self.now = core.now;
        if core.is_committing() {
            let grown = self.streams.grown(log.id, read.wanted.from, log.appended_bytes);
            let bytes_max = ANSWER_BYTES_MAX_COMMITTING.max(grown.saturating_mul(GROWTH_FACTOR));
            read.wanted.bytes_max = read.wanted.bytes_max.min(bytes_max);
        }
        let progress = self.attempt(&mut read, None, log, core, reactor);
        let answer = match progress {
            Progress::Done(result) => result.map(Read::Now),
            progress => {
                self.settle(read, progress, log, core, reactor);
                Ok(Read::Later(id))
            }
        };
        self.pump(core, reactor);
        answer
    }

    /// Nobody waits for this read any more. What it needs is loaded all the same, for whoever asked comes again: then that is
    /// where a reader has come to, and not now.
    pub(crate) fn abandon_read(&mut self, log: LogId, read: ReadId) {
        self.regions.abandon_read(log, read);
    }

    /// How many bytes one answer may have now.
    pub(crate) fn answer_bytes_max(&self) -> usize {
        self.memory.answer_bytes_max(|| self.regions.free_bytes())
    }

    /// Memory of everything that was read from disk and that somebody sees.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.used()
    }

    /// What the disk is reading now, in bytes, and how many pieces wait for that.
    pub(crate) fn loading(&self) -> (usize, usize) {
        (self.queue.in_flight_bytes(), self.queue.waiting())
    }

    /// Keeps a segment open that was open for another reason.
    pub(crate) fn keep(&mut self, key: SegmentKey, segment: OpenSegment) {
        self.segments.keep(key, segment, self.segments_max);
    }

    /// Segments of a log with a base for which `is_gone` holds are gone, or other than they were.
    pub(crate) fn forget(&mut self, log: LogId, is_gone: impl Fn(Offset) -> bool) {
        self.segments.forget(log, &is_gone);
        self.streams.forget(log, &is_gone);
        self.damage.forget(|(of, base)| of == log && is_gone(base));
        self.restarts.append(&mut self.regions.forget(log, &is_gone));
    }

    /// The files of a log have their names: what has waited for that begins anew.
    pub(crate) fn release(&mut self, log: LogId) {
        self.restarts.append(&mut self.held.remove(&log).unwrap_or_default());
    }

    /// Reads that have to begin anew.
    pub(crate) fn take_restarts(&mut self) -> Vec<ColdRead> {
        std::mem::take(&mut self.restarts)
    }

    /// Begins such a read anew; `None` stands for a log that is gone.
    pub(crate) fn restart(
        &mut self,
        mut read: ColdRead,
        log: Option<&Log>,
        core: &mut Core,
        reactor: &mut Reactor,
    ) {
        read.segment = None;
        read.position = None;
        self.go_on(read, None, log, core, reactor);
        self.pump(core, reactor);
    }

    /// Gives up what nobody has used for long.
    pub(crate) fn expire(&mut self, now: TimestampMs) {
        self.now = now;
        self.streams.expire(now);
        self.regions.expire(now);
    }

    /// A segment that reads have waited for is open, or cannot be opened.
    pub(crate) fn on_opened(
        &mut self,
        opened: Opened,
        log: Option<&Log>,
        core: &mut Core,
        reactor: &mut Reactor,
    ) {
        let Opened { key, layout, result } = opened;
        if log.is_some_and(|log| log.compaction.layout() != layout) {
            // Another segment may have the name by now: what is there decides.
            return self.restarts.append(&mut self.segments.opened(key, None, self.segments_max));
        }
        let (segment, error) = match result {
            Ok((file, index)) => (log.map(|_| OpenSegment { file, index: Arc::new(index) }), None),
            Err(error) => (None, Some(error)),
        };
        let waiting = self.segments.opened(key, segment, self.segments_max);
        if let (Some(log), true) = (log, waiting.is_empty()) {
            self.begin_ahead(key, log, core);
        }
        for read in waiting {
            self.go_on(read, error.as_ref(), log, core, reactor);
        }
        self.pump(core, reactor);
    }

    /// Takes up a read that has waited. With an `error` it gets what it has found before, if that is anything.
    fn go_on(
        &mut self,
        mut read: ColdRead,
        error: Option<&StorageError>,
        log: Option<&Log>,
        core: &mut Core,
        reactor: &mut Reactor,
    ) {
        read.waited = true;
        read.held = Span::default();
        let Some(log) = log else { return done(&read, Err(StorageError::UnknownLog), core) };
        let progress = self.attempt(&mut read, error, log, core, reactor);
        self.settle(read, progress, log, core, reactor);
    }

    fn settle(
        &mut self,
        read: ColdRead,
        progress: Progress,
        log: &Log,
        core: &mut Core,
        reactor: &mut Reactor,
    ) {
        let is_swapping = log.compaction.is_swapping();
        match progress {
            Progress::Done(result) => done(&read, result, core),
            Progress::Loads(region) => self.restarts.extend(self.regions.wait(region, read)),
            // A name may mean the old segment or the new one.
            Progress::Opens((log, _)) if is_swapping => self.held.entry(log).or_default().push(read),
            Progress::Opens(key) => {
                if self.segments.wait(key, read) {
                    open(key, log, core, reactor);
                }
            }
            Progress::Searches { place: ((log, _), _), .. } if is_swapping => {
                self.held.entry(log).or_default().push(read);
            }
            Progress::Searches { place, end, what } => {
                if self.damage.wait(place, read) {
                    search(place, (end, what), log, core, reactor);
                }
            }
        }
    }

    /// Somebody has looked behind damage that reads have come upon.
    pub(crate) fn on_searched(
        &mut self,
        searched: Searched,
        log: Option<&Log>,
        core: &mut Core,
        reactor: &mut Reactor,
    ) {
        let Searched { place, layout, result } = searched;
        if log.is_some_and(|log| log.compaction.layout() != layout) {
            return self.restarts.append(&mut self.damage.searched(place, None));
        }
        let (next, error) = match result {
            Ok(next) => (Some(next), None),
            Err(error) => (None, Some(error)),
        };
        for read in self.damage.searched(place, next) {
            self.go_on(read, error.as_ref(), log, core, reactor);
        }
        self.pump(core, reactor);
    }

    /// Looks for the read's batches in what is loaded, and asks for what is missing. With an `error`, which is about what
    /// is missing, the read ends with what there is.
    fn attempt(
        &mut self,
        read: &mut ColdRead,
        mut error: Option<&StorageError>,
        log: &Log,
        core: &Core,
        reactor: &mut Reactor,
    ) -> Progress {
        if read.segment.is_some_and(|segment| !log.has_segment(segment)) {
            // It was removed meanwhile: what is there now decides.
            read.segment = None;
            error = None;
        }
        loop {
            if read.segment.is_none() && !self.find_segment(read, log) {
                return Progress::Done(out_of_range(read, log));
            }
            let Some(segment) = read.segment else { return Progress::Done(Ok(Vec::new())) };
            let Some(extent) = self.extent(log, segment, read.wanted.from) else {
                return Progress::Done(out_of_range(read, log));
            };
            let Some(position) = read.position.or(extent.position) else {
                return fail_or(error, Progress::Opens((log.id, segment)));
            };
            let span = self.regions.span((log.id, segment), position, position.saturating_add(read.reach));
            let found = span.look(read.wanted, position, extent.end);
            let bytes = found.range.end - found.range.start;
            let is_enough = read.is_enough(bytes) || extent.hot.is_some_and(|hot| found.range.end >= hot);
            match &found.then {
                Then::Short(needed) if bytes == 0 || !is_enough && error.is_none() => {
                    let reach = needed - found.range.start;
                    if read.position != Some(found.range.start) || read.reach < reach {
                        read.position = Some(found.range.start);
                        read.reach = read.reach.max(reach);
                        continue;
                    }
                    return fail_or(error, self.load(read, span, extent, log.id, core));
                }
                Then::Damaged(what) if bytes == 0 => {
                    let position = found.range.end;
                    let place = ((log.id, segment), position);
                    match self.damage.next(place) {
                        Some(Some((next, offset))) if offset <= read.wanted.from && next > position => {
                            read.position = Some(next);
                            read.wanted.behind = offset;
                        }
                        Some(_) => {
                            return Progress::Done(Err(damaged(log, segment, position, what.clone())));
                        }
                        None => {
                            let search = Progress::Searches { place, end: extent.end, what: what.clone() };
                            return fail_or(error, search);
                        }
                    }
                }
                Then::SegmentEnd if bytes == 0 => match log.bases().find(|base| *base > segment) {
                    Some(next) if next < read.wanted.up_to => read.enter(next, None),
                    // What is not yet written lies in memory, where the reader's next attempt finds it.
                    _ => return Progress::Done(Ok(Vec::new())),
                },
                _ => return Progress::Done(Ok(self.answer(read, &span, &found, log, core, reactor))),
            }
        }
    }

    /// Takes an answer out of what is loaded, and asks for what the reader may want next.
    fn answer(
        &mut self,
        read: &ColdRead,
        span: &Span,
        found: &Found,
        log: &Log,
        core: &Core,
        reactor: &mut Reactor,
    ) -> Vec<Bytes> {
        let (Some(segment), false) = (read.segment, found.range.is_empty()) else { return Vec::new() };
        self.regions.use_up((log.id, segment), found.range.clone(), self.now);
        let end = (segment, found.range.end);
        let ends = (read.wanted.from, found.next);
        let how = (found.range.end - found.range.start, !read.waited);
        let window = self.streams.answered(log.id, ends, end, how, log.appended_bytes, self.now);
        self.read_ahead(read.id, log, end, window, core, reactor);
        span.views(found.range.clone())
    }

    /// Where to begin: where the reader's last answer ended, or in the last segment that begins at or below its offset.
    /// False if the offset is gone.
    fn find_segment(&self, read: &mut ColdRead, log: &Log) -> bool {
        let from = read.wanted.from;
        if from < log.log_start {
            return false;
        }
        match self.streams.at(log.id, from).filter(|stream| log.has_segment(stream.segment)) {
            Some(stream) => {
                read.enter(stream.segment, Some(stream.position));
                // All before has been read.
                read.wanted.behind = from;
            }
            None => {
                if let Some(segment) = log.segment_of(from) {
                    read.enter(segment, None);
                }
            }
        }
        true
    }

    fn extent(&mut self, log: &Log, segment: Offset, from: Offset) -> Option<Extent> {
        let key = (log.id, segment);
        let hot = log.tail.begins().filter(|(hot, _)| *hot == segment).map(|(_, position)| position);
        if let Some(writing) = log.writing.iter().find(|writing| writing.base == segment) {
            let file = writing.file.clone().or_else(|| self.segments.get(key).map(|open| open.file.clone()));
            let position = u64::from(writing.index.offsets.position_before(from));
            return Some(Extent { file, end: writing.written, position: Some(position), hot });
        }
        let at = log.sealed.binary_search_by_key(&segment, |sealed| sealed.base).ok()?;
        let end = log.sealed.get(at)?.bytes;
        let open = self.segments.get(key);
        let position = open.as_ref().map(|open| u64::from(open.index.offsets.position_before(from)));
        Some(Extent { file: open.map(|open| open.file.clone()), end, position, hot })
    }
}

/// Has an offload thread open a segment.
fn open((log_id, segment): SegmentKey, log: &Log, core: &Core, reactor: &mut Reactor) {
    let sealed = log.sealed.binary_search_by_key(&segment, |sealed| sealed.base).ok();
    let bytes = sealed.and_then(|at| log.sealed.get(at)).map(|sealed| sealed.bytes);
    let writing = || log.writing.iter().find(|writing| writing.base == segment).map(|w| w.written);
    let bytes = bytes.or_else(writing).unwrap_or(0);
    let (origin, messages) = (log.origin.clone(), core.messages.clone());
    let layout = log.compaction.layout();
    reactor.offload(move || {
        let result = crate::open_segments::open(origin.disk(), &origin.path, segment, bytes);
        // It fails when the store is gone: then nobody wants to know.
        let _ = messages.send(Message::Opened(Opened { key: (log_id, segment), layout, result }));
    });
}

/// Has an offload thread look behind damage.
fn search(place: Place, (end, what): (u64, String), log: &Log, core: &Core, reactor: &mut Reactor) {
    let (origin, messages) = (log.origin.clone(), core.messages.clone());
    let layout = log.compaction.layout();
    reactor.offload(move || {
        let ((_, segment), position) = place;
        let result = damage::search(&origin, segment, (position, end), &what);
        // It fails when the store is gone: then nobody wants to know.
        let _ = messages.send(Message::Searched(Searched { place, layout, result }));
    });
}

fn fail_or(error: Option<&StorageError>, progress: Progress) -> Progress {
    match error {
        Some(error) => Progress::Done(Err(error.clone())),
        None => progress,
    }
}

fn done(read: &ColdRead, result: Result<Vec<Bytes>, StorageError>, core: &mut Core) {
    core.outcomes.push_back(Outcome::ReadDone { id: read.id, result });
}

fn out_of_range(read: &ColdRead, log: &Log) -> Result<Vec<Bytes>, StorageError> {
    let (log_start, log_end) = (log.log_start, log.log_end);
    Err(StorageError::OffsetOutOfRange { asked: read.wanted.from, log_start, log_end })
}

fn damaged(log: &Log, segment: Offset, position: u64, what: String) -> StorageError {
    let file = segment_path(log, segment);
    StorageError::Damaged { file, position: FilePosition(position), what: what.into() }
}

fn segment_path(log: &Log, segment: Offset) -> PathBuf {
    file_path(&log.origin.path, segment, FileKind::Log)
}
