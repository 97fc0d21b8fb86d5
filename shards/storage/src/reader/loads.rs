//! Asking the disk for what reads need, in pieces and a bounded amount at a time.
//!
//! # Not here
//! Whose turn it is (`load_queue.rs`); what is loaded (`regions.rs`).

use bytes::Bytes;
use reactor::{File, Reactor};
use types::FilePosition;

use super::{ColdRead, ColdReads, Extent, Progress, damaged, segment_path};
use crate::cold_memory::Reserved;
use crate::core::{Core, Operation};
use crate::error::StorageError;
use crate::load_queue::RegionName;
use crate::log::Log;
use crate::span::Span;
use crate::store::{LogId, ReadId};
use crate::tail::BLOCK_BYTES;

/// The disk is asked for so much at once: more is hardly faster, and others would wait for it.
const PIECE_BYTES: u64 = 512 * 1024;
/// While producers' commits need the disk it is less, so that they wait less for one that is under way.
const PIECE_BYTES_COMMITTING: u64 = 256 * 1024;
/// And for no less: an index entry points about so far ahead of the batch that is looked for.
pub(super) const PIECE_BYTES_MIN: u64 = 16 * 1024;
/// Nothing shorter is read ahead while there may be more.
pub(super) const PIECE_AHEAD_BYTES_MIN: u64 = 128 * 1024;

const _: () =
    assert!(PIECE_AHEAD_BYTES_MIN <= PIECE_BYTES_COMMITTING && PIECE_BYTES_COMMITTING <= PIECE_BYTES);
const _: () = assert!(PIECE_BYTES.is_multiple_of(BLOCK_BYTES) && PIECE_BYTES_MIN.is_multiple_of(BLOCK_BYTES));
const _: () = assert!(PIECE_BYTES_MIN as usize > record::BATCH_HEADER_BYTES);

/// A load that the disk has been asked for.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) region: RegionName,
    bytes: usize,
    file: File,
    reserved: Reserved,
}

impl ColdReads {
    /// Asks for what a read needs behind what it has, and lets it wait for the first of it.
    pub(super) fn load(
        &mut self,
        read: &mut ColdRead,
        span: Span,
        extent: Extent,
        log: LogId,
        core: &Core,
    ) -> Progress {
        let (Some(segment), Some(position)) = (read.segment, read.position) else {
            return Progress::Done(Ok(Vec::new()));
        };
        let key = (log, segment);
        let Some(file) = extent.file else { return Progress::Opens(key) };
        let missing = span.end().max(position);
        let end = extent.hot.filter(|hot| position < *hot).map_or(extent.end, |hot| hot.min(extent.end));
        let to = position.saturating_add(read.reach).next_multiple_of(BLOCK_BYTES).min(end);
        while let Some(gap) = self.regions.gap(key, missing..to) {
            let end = gap.end.min((gap.start + piece_bytes(core)) / BLOCK_BYTES * BLOCK_BYTES);
            let bytes = (end - gap.start) as usize;
            while self.memory.used() + bytes > self.memory.capacity() && self.regions.give_up_one(false) {}
            let reserved = self.memory.reserve(bytes);
            self.regions.add(key, gap.start..end, file.clone(), reserved, self.now);
        }
        for region in self.regions.queued(key, missing..to) {
            self.queue.want(read.id, region);
        }
        read.held = span;
        match self.regions.coming(key, missing) {
            Some(region) => Progress::Loads(region),
            None => Progress::Done(Ok(Vec::new())),
        }
    }

    /// Hands to the disk what may go there now.
    pub(super) fn pump(&mut self, core: &mut Core, reactor: &mut Reactor) {
        let (usually, committing) = self.in_flight_bytes_max;
        // Readers have as much at the disk as commits have, if that is more: else large ones would leave them behind.
        let beside = committing.max(core.committing_bytes().min(usually));
        let in_flight_bytes_max = if core.is_committing() { beside } else { usually };
        while let Some(region) = self.queue.next(piece_bytes(core) as usize, in_flight_bytes_max) {
            let Some((file, bytes, reserved)) = self.regions.start(region) else { continue };
            self.queue.started(bytes);
            let load = Load { region, bytes, file: file.clone(), reserved };
            let token = core.begin(Operation::Load(load));
            reactor.read(&file, FilePosition(region.start), bytes, token);
        }
    }

    /// The disk has answered a load.
    pub(crate) fn on_loaded(
        &mut self,
        load: Load,
        result: std::io::Result<Bytes>,
        log: Option<&Log>,
        core: &mut Core,
        reactor: &mut Reactor,
    ) {
        let Load { region, bytes, file, reserved } = load;
        self.queue.ended(bytes);
        if let Ok(bytes) = &result {
            core.figures.loads += 1;
            core.figures.loaded_bytes += bytes.len() as u64;
        }
        let error = |error| match log {
            Some(log) => StorageError::io("read", &segment_path(log, region.segment.1), error),
            None => StorageError::UnknownLog,
        };
        let (waiting, error) = match result {
            Ok(bytes) if !bytes.is_empty() => (self.regions.loaded(region, bytes, reserved, self.now), None),
            Ok(_) => {
                let what = "the file ends before its last batch does";
                let error = log.map(|log| damaged(log, region.segment.1, region.start, what.to_owned()));
                (self.regions.remove(region), error)
            }
            Err(_) if self.regions.halve(region, file, reserved, PIECE_BYTES_MIN) => {
                // Whoever waits for it has given its name to nobody else: any name for the turn will do.
                self.queue.want(ReadId(0), region);
                (Vec::new(), None)
            }
            Err(cause) => (self.regions.remove(region), Some(error(cause))),
        };
        for read in waiting {
            self.go_on(read, error.as_ref(), log, core, reactor);
        }
        self.pump(core, reactor);
    }
}

/// How much is asked for at once.
pub(super) fn piece_bytes(core: &Core) -> u64 {
    if core.is_committing() { PIECE_BYTES_COMMITTING } else { PIECE_BYTES }
}
