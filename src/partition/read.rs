//! Reading for fetches: from memory at once, from disk through the reactor, and waiting for more.
//!
//! # Hot path
//! A read that memory can answer allocates its answer and nothing else.

use std::time::Instant;

use bytes::Bytes;
use reactor::Reactor;
use storage::{Read, ReadId, StorageError};
use types::{ErrorCode, LeaderEpoch, Offset, ProducerId};

use super::host::DiskRead;
use super::{Partition, Partitions};
use crate::arena::Key;
use crate::metrics::Passage;
use crate::work::{Asker, Done, EpochEnd, Fetched, Part, ReadPart, ReadWork};

/// A read that is not answered yet: it waits for the disk or for more records.
pub(super) struct ReadJob {
    from: Asker,
    work: ReadWork,
    fetched: Vec<Part<Fetched>>,
    /// Reads from disk under way, each with the index of its part.
    on_disk: Vec<(ReadId, usize)>,
    /// It is parked on its partitions' lists until one of them has more.
    parked: bool,
    /// What it could have at the last attempt, whatever it asks for.
    room: usize,
    /// [`Partitions::wakes_of`] its parts when they were read, if the disk was asked.
    wakes: u64,
    /// It is to be answered with what is here.
    hurried: bool,
    /// Its poll has been told that there is nothing yet.
    told: bool,
    passage: Passage,
}

impl ReadJob {
    fn bytes(&self) -> usize {
        self.fetched.iter().map(|part| part.item.len()).sum()
    }

    /// Whether it has what it waits for: no more than surely fits in whole batches, since a batch that is longer than
    /// half the room is enough by itself.
    fn has_enough(&self) -> bool {
        self.bytes() >= self.work.bytes_wanted.min(self.room / 2)
    }

    /// What was read for a part.
    pub(super) fn records_of(&self, index: usize) -> Option<&[Bytes]> {
        self.fetched.get(index).map(|part| &*part.item.records)
    }

    /// The aborted transactions among that.
    pub(super) fn set_aborted(&mut self, index: usize, aborted: Vec<(ProducerId, Offset)>) {
        if let Some(part) = self.fetched.get_mut(index) {
            part.item.aborted = aborted;
        }
    }

    /// Whether something must be told at once, however little was read.
    fn is_urgent(&self) -> bool {
        self.fetched.iter().any(|part| part.item.is_urgent())
    }
}

impl Partitions {
    /// Reads each part, and answers when there is enough or the time is over.
    pub(super) fn read(&mut self, reactor: &mut Reactor, from: Asker, work: ReadWork, now: Instant) {
        let fetched = Vec::with_capacity(work.parts.len());
        let job = ReadJob {
            from,
            work,
            fetched,
            on_disk: Vec::new(),
            parked: false,
            room: 0,
            wakes: 0,
            hurried: false,
            told: false,
            passage: Passage::begin(self.clock),
        };
        let key = self.read_jobs.insert(job);
        self.reads_by_asker.insert(from, key);
        self.attempt_read(reactor, key, now);
    }

    /// Answers a waiting read with what there is: its request needs no more, or is gone.
    pub fn hurry_read(&mut self, reactor: &mut Reactor, from: Asker, now: Instant) {
        let Some(key) = self.reads_by_asker.get(&from).copied() else { return };
        let parked = self.read_jobs.get(key).is_some_and(|job| job.parked);
        if parked {
            self.unpark(key);
        }
        if let Some(job) = self.read_jobs.get_mut(key) {
            job.work.until = now;
            job.hurried = true;
        }
        if parked {
            self.attempt_read(reactor, key, now);
        } else {
            self.conclude_read(reactor, key, now);
        }
    }

    /// Lets no read wait from now on: the broker stops.
    pub fn end_waits(&mut self) {
        self.ending = true;
        self.reads_to_resume.extend(self.read_deadlines.iter().map(|(_, key)| *key));
    }

    /// Takes up the reads whose partitions have more, and those whose time is over.
    pub(super) fn resume_reads(&mut self, reactor: &mut Reactor, now: Instant) {
        while let Some((until, key)) = self.read_deadlines.first().copied()
            && until <= now
        {
            self.read_deadlines.pop_first();
            self.reads_to_resume.push(key);
        }
        for key in std::mem::take(&mut self.reads_to_resume) {
            if self.read_jobs.get(key).is_some_and(|job| job.parked) {
                self.unpark(key);
                self.attempt_read(reactor, key, now);
            }
        }
    }

    /// Takes in what the disk has read.
    pub(super) fn on_fetched_from_disk(
        &mut self,
        reactor: &mut Reactor,
        id: ReadId,
        result: Result<Vec<Bytes>, StorageError>,
        now: Instant,
    ) {
        let Some(DiskRead::Fetch(key)) = self.disk_reads.remove(&id) else { return };
        let Some(job) = self.read_jobs.get_mut(key) else { return };
        let Some(place) = job.on_disk.iter().position(|(read, _)| *read == id) else { return };
        let (_, index) = job.on_disk.swap_remove(place);
        job.passage.on_disk(self.clock);
        match result {
            Ok(records) => {
                let part = &job.work.parts[index];
                let (at, from) = (part.at, part.item.fetch_offset);
                let committed_only = job.work.committed_only;
                job.fetched[index].item.records = records;
                if committed_only {
                    self.add_aborted(key, index, at, from);
                }
            }
            Err(error) => {
                let at = job.work.parts[index].at;
                let code = match error {
                    // It was removed, or its directory has failed.
                    StorageError::UnknownLog => {
                        self.find(at).err().unwrap_or(ErrorCode::UnknownTopicOrPartition)
                    }
                    error => code_of(&error),
                };
                if let Some(job) = self.read_jobs.get_mut(key) {
                    job.fetched[index].item = Fetched::failed(code);
                }
            }
        }
        self.conclude_read(reactor, key, now);
    }

    /// Notes that a partition's readers may have more to read.
    pub(super) fn wake_reads(&mut self, partition: Key) {
        if let Some(partition) = self.open.get_mut(partition) {
            partition.read_wakes = partition.read_wakes.wrapping_add(1);
            // Those that still wait afterwards put themselves on the list again.
            self.reads_to_resume.append(&mut partition.reads);
        }
    }

    /// Reads all parts of a job, within its bounds.
    fn attempt_read(&mut self, reactor: &mut Reactor, key: Key, now: Instant) {
        let Some(job) = self.read_jobs.get_mut(key) else { return };
        let parts = std::mem::take(&mut job.work.parts);
        let committed_only = job.work.committed_only;
        job.room = self.store.cold_answer_bytes_max();
        let mut bytes_left = job.work.bytes_max.min(job.room);
        let mut fetched = std::mem::take(&mut job.fetched);
        fetched.clear();
        let mut on_disk = Vec::new();
        let mut first = true;
        for (index, part) in parts.iter().enumerate() {
            // The first partition with records gives its first batch whole; later ones only what still has room.
            let mut bytes_max = part.item.bytes_max.min(bytes_left);
            if index + 1 < parts.len() && !self.is_in_memory(part) {
                // Nobody knows yet what of it the disk brings: that must not take all from those behind.
                bytes_max = bytes_max.min(bytes_left / 2);
            }
            let wanted = if first || bytes_max > 0 { Some(bytes_max) } else { None };
            let (read, later) = self.read_part(reactor, part, wanted, committed_only);
            if let Some(id) = later {
                on_disk.push((id, index));
                self.disk_reads.insert(id, DiskRead::Fetch(key));
                bytes_left = bytes_left.saturating_sub(bytes_max);
            }
            first &= later.is_none() && read.records.is_empty();
            bytes_left = bytes_left.saturating_sub(read.len());
            fetched.push(part.answer(read));
        }
        let wakes = if on_disk.is_empty() { 0 } else { self.wakes_of(&parts) };
        if let Some(job) = self.read_jobs.get_mut(key) {
            job.work.parts = parts;
            job.fetched = fetched;
            job.wakes = wakes;
            job.on_disk = on_disk;
        }
        self.conclude_read(reactor, key, now);
    }

    /// Whether a part can be read without the disk.
    fn is_in_memory(&self, part: &Part<ReadPart>) -> bool {
        let partition = self.find(part.at).ok().and_then(|key| self.open.get(key));
        partition.is_none_or(|partition| self.store.is_in_memory(partition.log, part.item.fetch_offset))
    }

    /// Reads one part, up to `bytes_max` bytes if there is room for any; or begins to read it from disk.
    fn read_part(
        &mut self,
        reactor: &mut Reactor,
        part: &Part<ReadPart>,
        bytes_max: Option<usize>,
        committed_only: bool,
    ) -> (Fetched, Option<ReadId>) {
        let partition = match self.find(part.at).map(|key| self.open.get(key)) {
            Ok(Some(partition)) => partition,
            Ok(None) => return (Fetched::failed(ErrorCode::UnknownTopicOrPartition), None),
            Err(error) => return (Fetched::failed(error), None),
        };
        let (mut fetched, range) = prepare(partition, &part.item, committed_only);
        let (Some((from, to)), Some(bytes_max)) = (range, bytes_max) else { return (fetched, None) };
        match self.store.read(partition.log, from, to, bytes_max, reactor) {
            Ok(Read::Now(records)) => {
                fetched.records = records;
                if committed_only {
                    fetched.aborted = self.aborted_among(part.at, from, &fetched.records);
                }
                (fetched, None)
            }
            Ok(Read::Later(id)) => (fetched, Some(id)),
            Err(error) => (Fetched::failed(code_of(&error)), None),
        }
    }

    /// Answers a read that has enough, or parks it.
    fn conclude_read(&mut self, reactor: &mut Reactor, key: Key, now: Instant) {
        let Some(job) = self.read_jobs.get(key) else { return };
        let has_enough = job.has_enough();
        // What the disk brings later is in memory when the client comes for it.
        let ends_early = job.hurried || has_enough && job.bytes() > 0;
        if !job.on_disk.is_empty() && !ends_early {
            return;
        }
        if has_enough || job.hurried || job.is_urgent() || job.work.until <= now || self.ending {
            if let Some(mut job) = self.read_jobs.remove(key) {
                job.passage.on_disk(self.clock);
                self.reads_by_asker.remove(&job.from);
                for (id, index) in &job.on_disk {
                    self.abandon_read(*id, job.work.parts.get(*index));
                }
                self.count_fetched(&job.fetched);
                self.answer_after(job.passage, job.from, Done::Read(job.fetched));
            }
        } else if job.wakes != 0 && job.wakes != self.wakes_of(&job.work.parts) {
            // While the disk was read there came more, of which nobody told this one.
            self.attempt_read(reactor, key, now);
        } else {
            self.park(key);
        }
    }

    /// Waits for a read from disk no longer.
    fn abandon_read(&mut self, id: ReadId, part: Option<&Part<ReadPart>>) {
        self.disk_reads.remove(&id);
        let key = part.and_then(|part| self.find(part.at).ok());
        if let Some(partition) = key.and_then(|key| self.open.get(key)) {
            self.store.abandon_read(partition.log, id);
        }
    }

    /// Counts what goes out to a client.
    fn count_fetched(&mut self, fetched: &[Part<Fetched>]) {
        for part in fetched.iter().filter(|part| !part.item.records.is_empty()) {
            let partition = self.find(part.at).ok().and_then(|key| self.open.get(key));
            let Some(place) = partition.map(|partition| partition.topic_place) else { continue };
            let topic = self.topics.at(place);
            topic.fetched(&part.item.records);
        }
    }

    /// A number that changes whenever one of the partitions gets more to read; never 0.
    fn wakes_of(&self, parts: &[Part<ReadPart>]) -> u64 {
        let open = parts.iter().filter_map(|part| self.open.get(self.find(part.at).ok()?));
        open.map(|partition| partition.read_wakes).fold(1, u64::wrapping_add).max(1)
    }

    /// Puts a read on the list of every partition it reads, and its deadline on the shard's.
    fn park(&mut self, key: Key) {
        let Some(job) = self.read_jobs.get_mut(key) else { return };
        job.parked = true;
        // What it has read is read again later: views must not keep memory alive meanwhile.
        job.fetched.clear();
        let to_tell = job.from.is_poll() && !std::mem::replace(&mut job.told, true);
        let (from, passage) = (job.from, job.passage);
        self.read_deadlines.insert((job.work.until, key));
        self.visit_partitions_of(key, |partition| {
            // A client may name a partition many times in one request.
            if partition.reads.last() != Some(&key) {
                partition.reads.push(key);
            }
        });
        if to_tell {
            self.answer_after(passage, from, Done::NothingYet);
        }
    }

    /// Shows each partition of a read that is open here to `visit`.
    fn visit_partitions_of(&mut self, key: Key, mut visit: impl FnMut(&mut Partition)) {
        // Taken out meanwhile, so that nothing need be copied.
        let Some(job) = self.read_jobs.get_mut(key) else { return };
        let parts = std::mem::take(&mut job.work.parts);
        for part in &parts {
            if let Some(partition) = self.find(part.at).ok().and_then(|found| self.open.get_mut(found)) {
                visit(partition);
            }
        }
        if let Some(job) = self.read_jobs.get_mut(key) {
            job.work.parts = parts;
        }
    }

    fn unpark(&mut self, key: Key) {
        let Some(job) = self.read_jobs.get_mut(key) else { return };
        job.parked = false;
        job.passage.waited(self.clock);
        self.read_deadlines.remove(&(job.work.until, key));
        self.visit_partitions_of(key, |partition| partition.reads.retain(|read| *read != key));
    }
}

/// Checks one part against its partition: what the answer says beside records, and the range to read, if any.
fn prepare(
    partition: &Partition,
    part: &ReadPart,
    committed_only: bool,
) -> (Fetched, Option<(Offset, Offset)>) {
    let leader = &partition.leader;
    let mut fetched = Fetched {
        error: ErrorCode::None,
        high_watermark: leader.high_watermark(),
        last_stable_offset: partition.readable_end(true),
        log_start: leader.log_start(),
        diverging: None,
        records: Vec::new(),
        aborted: Vec::new(),
    };
    if let Err(error) = partition.check_epoch(part.current_epoch) {
        return (Fetched::failed(error), None);
    }
    match diverges(partition, part) {
        Ok(None) => {}
        Ok(diverging) => {
            fetched.diverging = diverging;
            return (fetched, None);
        }
        Err(error) => return (Fetched::failed(error), None),
    }
    if part.fetch_offset < leader.log_start() || part.fetch_offset > leader.log_end() {
        return (Fetched::failed(ErrorCode::OffsetOutOfRange), None);
    }
    let end = partition.readable_end(committed_only);
    let range = (part.fetch_offset < end).then_some((part.fetch_offset, end));
    (fetched, range)
}

/// What a client is told when its records cannot be read.
fn code_of(error: &StorageError) -> ErrorCode {
    match error {
        StorageError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        // Its topic was deleted meanwhile.
        StorageError::UnknownLog => ErrorCode::UnknownTopicOrPartition,
        // Storage tells of a damaged place once. Clients tell their users the offset, who can seek beyond it.
        StorageError::Damaged { .. } => ErrorCode::CorruptMessage,
        error => {
            tracing::error!("a read failed: {error}");
            ErrorCode::KafkaStorageError
        }
    }
}

/// Where the client's log and this one part ways, if they do (KIP-595).
fn diverges(partition: &Partition, part: &ReadPart) -> Result<Option<EpochEnd>, ErrorCode> {
    if part.last_fetched_epoch == LeaderEpoch::NONE {
        return Ok(None);
    }
    let end = partition.epoch_end(part.last_fetched_epoch);
    if end.epoch == LeaderEpoch::NONE || end.end == Offset::NONE {
        return Err(ErrorCode::OffsetOutOfRange); // No epoch that this log knows: there is no common one to name.
    }
    let differs = end.epoch < part.last_fetched_epoch || end.end < part.fetch_offset;
    Ok(differs.then_some(end))
}
