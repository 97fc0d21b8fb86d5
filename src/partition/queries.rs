//! Questions about a partition's offsets, and DeleteRecords.

use reactor::Reactor;
use storage::{FoundTimestamp, Lookup, ReadId, StorageError, TimestampTarget};
use types::{ErrorCode, LeaderEpoch, Offset, TimestampMs, TopicPartition};

use super::host::DiskRead;
use super::{Partition, Partitions};
use crate::arena::Key;
use crate::metrics::Passage;
use crate::work::{
    Asker, Done, EpochEnd, EpochQuery, Listed, LogSize, OffsetQuery, Part, ProducerSeen, WhichOffset,
};

/// A ListOffsets of which some parts wait for the disk.
pub(super) struct ListJob {
    from: Asker,
    answers: Vec<Part<Listed>>,
    on_disk: Vec<(ReadId, usize)>,
    passage: Passage,
}

impl Partitions {
    pub(super) fn list_offsets(&mut self, reactor: &mut Reactor, from: Asker, parts: Vec<Part<OffsetQuery>>) {
        let mut answers = Vec::with_capacity(parts.len());
        let mut on_disk = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let listed = match self.list_offset(reactor, part) {
                Ok(Ok(listed)) => listed,
                Ok(Err(id)) => {
                    on_disk.push((id, index));
                    Listed::NONE
                }
                Err(error) => Listed::failed(error),
            };
            answers.push(part.answer(listed));
        }
        if on_disk.is_empty() {
            return self.answer(from, Done::ListOffsets(answers));
        }
        let ids: Vec<ReadId> = on_disk.iter().map(|(id, _)| *id).collect();
        let key =
            self.list_jobs.insert(ListJob { from, answers, on_disk, passage: Passage::begin(self.clock) });
        self.disk_reads.extend(ids.into_iter().map(|id| (id, DiskRead::Lookup(key))));
    }

    /// The answer to one part, or the lookup on disk that will give it.
    fn list_offset(
        &mut self,
        reactor: &mut Reactor,
        part: &Part<OffsetQuery>,
    ) -> Result<Result<Listed, ReadId>, ErrorCode> {
        let key = self.find(part.at)?;
        let partition = self.open.get(key).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        partition.check_epoch(part.item.current_epoch)?;
        let end = partition.readable_end(part.item.committed_only);
        let target = match part.item.which {
            WhichOffset::Earliest | WhichOffset::EarliestLocal => {
                return Ok(Ok(partition.listed(partition.leader.log_start())));
            }
            // The end has no record yet whose epoch it could be.
            WhichOffset::Latest => return Ok(Ok(Listed { epoch: partition.epoch, ..partition.listed(end) })),
            WhichOffset::LatestTiered => return Ok(Ok(Listed::NONE)),
            WhichOffset::EarliestPendingUpload => return Ok(Ok(Listed::NONE)),
            WhichOffset::AtOrAfter(timestamp) => TimestampTarget::AtOrAfter(timestamp),
            WhichOffset::MaxTimestamp => TimestampTarget::Max,
        };
        match self.store.lookup(partition.log, target, end, reactor) {
            Ok(Lookup::Now(found)) => Ok(Ok(listed(found))),
            Ok(Lookup::Later(id)) => Ok(Err(id)),
            Err(_) => Err(ErrorCode::KafkaStorageError),
        }
    }

    /// A lookup on disk has ended.
    pub(super) fn on_looked_up(&mut self, id: ReadId, result: Result<Option<FoundTimestamp>, StorageError>) {
        let Some(DiskRead::Lookup(key)) = self.disk_reads.remove(&id) else { return };
        let Some(job) = self.list_jobs.get_mut(key) else { return };
        let Some(place) = job.on_disk.iter().position(|(lookup, _)| *lookup == id) else { return };
        let (_, index) = job.on_disk.swap_remove(place);
        job.answers[index].item = match result {
            Ok(found) => listed(found),
            Err(error) => {
                tracing::warn!("a lookup by timestamp failed: {error}");
                Listed::failed(ErrorCode::KafkaStorageError)
            }
        };
        self.conclude_list(key);
    }

    fn conclude_list(&mut self, key: Key) {
        if self.list_jobs.get(key).is_some_and(|job| job.on_disk.is_empty())
            && let Some(mut job) = self.list_jobs.remove(key)
        {
            job.passage.on_disk(self.clock);
            self.answer_after(job.passage, job.from, Done::ListOffsets(job.answers));
        }
    }

    pub(super) fn epoch_ends(&mut self, from: Asker, parts: &[Part<EpochQuery>]) {
        let answers = parts.iter().map(|part| {
            let end = self.find(part.at).and_then(|key| {
                let partition = self.open.get(key).ok_or(ErrorCode::UnknownTopicOrPartition)?;
                partition.check_epoch(part.item.current_epoch)?;
                Ok(partition.epoch_end(part.item.epoch))
            });
            part.answer(end.unwrap_or_else(EpochEnd::failed))
        });
        let answers = answers.collect();
        self.answer(from, Done::EpochEnds(answers));
    }

    pub(super) fn delete_records(&mut self, reactor: &mut Reactor, from: Asker, parts: &[Part<Offset>]) {
        let answers = parts
            .iter()
            .map(|part| part.answer(self.delete_records_of(reactor, part.at, part.item)))
            .collect();
        self.answer(from, Done::DeleteRecords(answers));
    }

    /// Moves the log start up to `to`, or to the high watermark for -1; returns the new log start.
    fn delete_records_of(
        &mut self,
        reactor: &mut Reactor,
        at: TopicPartition,
        to: Offset,
    ) -> Result<Offset, ErrorCode> {
        let key = self.find(at)?;
        let partition = self.open.get_mut(key).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        if !partition.settings.cleanup.delete {
            return Err(ErrorCode::PolicyViolation);
        }
        let high_watermark = partition.leader.high_watermark();
        let to = if to == Offset::NONE { high_watermark } else { to };
        if to < Offset::ZERO || to > high_watermark {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        if to > partition.leader.log_start() {
            let moved = self.store.delete_records(partition.log, to, reactor);
            let start = moved.map_err(|_| ErrorCode::KafkaStorageError)?;
            partition.move_log_start(start, &mut self.store, reactor);
        }
        Ok(partition.leader.log_start())
    }

    pub(super) fn log_sizes(&mut self, from: Asker, which: Option<&[TopicPartition]>) {
        let size = |partition: &Partition| LogSize {
            at: partition.at,
            directory: partition.directory,
            bytes: self.store.status(partition.log).map_or(0, |status| status.size_bytes),
        };
        let sizes = match which {
            None => self.all_open().map(size).collect(),
            Some(which) => {
                let found = which.iter().filter_map(|at| self.open.get(self.find(*at).ok()?));
                found.map(size).collect()
            }
        };
        self.answer(from, Done::LogSizes(sizes));
    }

    pub(super) fn producers(&mut self, from: Asker, parts: &[Part<()>]) {
        let answers = parts.iter().map(|part| {
            let seen = self.find(part.at).and_then(|key| {
                let partition = self.open.get(key).ok_or(ErrorCode::UnknownTopicOrPartition)?;
                Ok(partition.producers.producers().map(ProducerSeen::of).collect())
            });
            part.answer(seen)
        });
        let answers = answers.collect();
        self.answer(from, Done::Producers(answers));
    }
}

impl Partition {
    fn listed(&self, offset: Offset) -> Listed {
        let epoch = self.epochs.epoch_for(offset).unwrap_or(self.epoch);
        Listed { error: ErrorCode::None, offset, timestamp: TimestampMs::NONE, epoch }
    }

    /// Where an epoch ends in this log.
    pub(super) fn epoch_end(&self, epoch: LeaderEpoch) -> EpochEnd {
        if epoch == self.epoch {
            return EpochEnd { error: ErrorCode::None, epoch, end: self.leader.log_end() };
        }
        let found = self.epochs.end_offset_for(epoch, self.leader.log_end());
        EpochEnd { error: ErrorCode::None, epoch: found.epoch, end: found.end_offset }
    }
}

fn listed(found: Option<FoundTimestamp>) -> Listed {
    found.map_or(Listed::NONE, |found| Listed {
        error: ErrorCode::None,
        offset: found.offset,
        timestamp: found.timestamp,
        epoch: found.leader_epoch,
    })
}
