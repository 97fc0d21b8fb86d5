//! Appending what producers send: sequence check, log, and the wait for the high watermark.
//!
//! # Hot path
//! No allocation per record; one job per (request, owner).

use std::collections::HashSet;
use std::time::Instant;

use record::{BatchHeader, Validated};
use replication::{Admission, Origin};
use storage::{StorageError, Store};
use types::{ErrorCode, Offset, TimestampMs};

use super::{Partition, Partitions};
use crate::arena::Key;
use crate::metrics::{Passage, TopicFigures};
use crate::work::{Acks, AppendWork, Appended, Asker, Done, Part};

/// An append of which some parts still wait.
pub(super) struct AppendJob {
    from: Asker,
    acks: Acks,
    until: Instant,
    answers: Vec<Part<Appended>>,
    /// Parts without their final answer.
    waiting: usize,
    passage: Passage,
}

/// A part that the log had no room for yet: the disk has to catch up first.
pub(super) struct Stalled {
    job: Key,
    /// Index into the job's answers.
    index: usize,
    part: Part<Validated>,
}

/// What became of one part at once.
enum Outcome {
    /// The answer is final.
    Final(Appended),
    /// The answer may go out once the high watermark has reached this offset.
    At(Offset, Appended),
    /// There is no room yet.
    Full,
}

impl Partitions {
    /// Appends each part's batch, and answers when `acks` says so.
    pub(super) fn append(&mut self, from: Asker, work: AppendWork, now: TimestampMs) {
        // A part that is never answered otherwise was waiting for room when the time was over.
        let answers = work.parts.iter().map(|part| part.answer(Appended::failed(ErrorCode::RequestTimedOut)));
        let job = AppendJob {
            from,
            acks: work.acks,
            until: work.until,
            answers: answers.collect(),
            waiting: work.parts.len(),
            passage: Passage::begin(self.clock),
        };
        let job = self.append_jobs.insert(job);
        for (index, part) in work.parts.into_iter().enumerate() {
            let stalled = Stalled { job, index, part };
            // Behind parts that wait for room: batches of one producer must keep their order.
            if !self.stalled.is_empty() || !self.append_part(&stalled, now) {
                self.stalled.push_back(stalled);
            }
        }
        self.conclude_append(job);
    }

    /// Appends the parts that waited for room, as far as there is room now.
    pub(super) fn append_stalled(&mut self, now: TimestampMs) {
        while let Some(stalled) = self.stalled.pop_front() {
            let job = stalled.job;
            if !self.append_part(&stalled, now) {
                return self.stalled.push_front(stalled);
            }
            if let Some(job) = self.append_jobs.get_mut(job) {
                job.passage.queued(self.clock);
            }
            self.conclude_append(job);
        }
    }

    /// Appends one part, unless its log has no room; then false.
    fn append_part(&mut self, stalled: &Stalled, now: TimestampMs) -> bool {
        let found = self.find(stalled.part.at);
        let Some(job) = self.append_jobs.get_mut(stalled.job) else {
            return true; // Its producer no longer waits: it was told that the time was over.
        };
        let key = match found {
            Ok(key) => key,
            Err(error) => {
                job.answer(stalled.index, Appended::failed(error));
                return true;
            }
        };
        let Some(partition) = self.open.get_mut(key) else { return true };
        let watermark = partition.leader.high_watermark();
        let topic = self.topics.at(partition.topic_place);
        match append_batch(&mut self.store, partition, topic, &stalled.part.item, now) {
            Outcome::Full => return false,
            Outcome::Final(appended) => job.answer(stalled.index, appended),
            Outcome::At(offset, appended) => {
                if !partition.is_unflushed && partition.leader.flush_deadline().is_some() {
                    partition.is_unflushed = true;
                    self.unflushed.push(key);
                }
                if job.acks == Acks::All && offset > partition.leader.high_watermark() {
                    job.answers[stalled.index].item = appended;
                    partition.appends.push_back((offset, stalled.job, stalled.index));
                } else {
                    job.answer(stalled.index, appended);
                }
            }
        }
        if partition.leader.high_watermark() > watermark {
            self.watermark_moved(key);
        }
        true
    }

    /// Releases the appends of a partition that its high watermark has passed.
    pub(super) fn release_appends(&mut self, partition: Key) {
        while let Some(partition) = self.open.get_mut(partition)
            && let Some((offset, job, _)) = partition.appends.front().copied()
            && offset <= partition.leader.high_watermark()
        {
            partition.appends.pop_front();
            if let Some(job) = self.append_jobs.get_mut(job) {
                job.waiting -= 1;
            }
            self.conclude_append(job);
        }
    }

    /// Answers the appends that wait on this partition with an error: it is gone, or its log went offline.
    pub(super) fn fail_appends(&mut self, partition: Key, error: ErrorCode) {
        let Some(partition) = self.open.get_mut(partition) else { return };
        for (_, key, index) in std::mem::take(&mut partition.appends) {
            if let Some(job) = self.append_jobs.get_mut(key) {
                job.answers[index].item = Appended::failed(error);
                job.waiting -= 1;
            }
            self.conclude_append(key);
        }
    }

    /// Answers the appends whose producers wait no longer. What was appended stays appended: as in Kafka, a
    /// time-out says that the outcome is unknown.
    pub(super) fn time_out_appends(&mut self, now: Instant) {
        let late = self.append_jobs.iter().filter(|(_, job)| job.until <= now).map(|(key, _)| key);
        let late: HashSet<Key> = late.collect();
        if late.is_empty() {
            return;
        }
        let Self { open, append_jobs, .. } = self;
        for partition in open.values_mut() {
            partition.appends.retain(|(_, key, index)| {
                if let Some(job) = append_jobs.get_mut(*key).filter(|_| late.contains(key)) {
                    job.answers[*index].item = Appended::failed(ErrorCode::RequestTimedOut);
                }
                !late.contains(key)
            });
        }
        for key in late {
            if let Some(job) = self.append_jobs.get_mut(key) {
                job.waiting = 0;
            }
            self.conclude_append(key);
        }
    }

    /// Sends a job's answer when no part waits any more.
    fn conclude_append(&mut self, key: Key) {
        if self.append_jobs.get(key).is_some_and(|job| job.waiting == 0)
            && let Some(mut job) = self.append_jobs.remove(key)
        {
            job.passage.on_disk(self.clock);
            self.answer_after(job.passage, job.from, Done::Append(job.answers));
        }
    }
}

impl AppendJob {
    /// Gives a part its final answer.
    fn answer(&mut self, index: usize, appended: Appended) {
        self.answers[index].item = appended;
        self.waiting -= 1;
    }
}

/// Checks the producer's sequence and appends one batch to the log.
fn append_batch(
    store: &mut Store,
    partition: &mut Partition,
    topic: &mut TopicFigures,
    validated: &Validated,
    now: TimestampMs,
) -> Outcome {
    let header = &validated.batch.header;
    let log_start = partition.leader.log_start();
    let answer =
        |base_offset, append_time| Appended { error: ErrorCode::None, base_offset, append_time, log_start };
    match partition.producers.check(header, Origin::Client) {
        Ok(Admission::Append) => {}
        // A producer that repeats itself gets the first answer again, once that would have gone out too.
        Ok(Admission::Duplicate { first_offset, last_offset, timestamp }) => {
            return Outcome::At(last_offset.next(), answer(first_offset, timestamp));
        }
        Err(error) => return Outcome::Final(Appended::failed(error.code())),
    }
    match store.append(partition.log, std::slice::from_ref(&validated.batch), partition.epoch) {
        Ok(appended) => {
            topic.appended(header.record_count.max(0).unsigned_abs().into(), header.batch_len_bytes as u64);
            partition.note_appended(store, header, appended.first_offset, now);
            Outcome::At(appended.last_offset.next(), answer(appended.first_offset, validated.log_append_time))
        }
        Err(StorageError::Full | StorageError::Busy) => Outcome::Full,
        Err(StorageError::BatchTooLarge { .. }) => {
            Outcome::Final(Appended::failed(ErrorCode::RecordListTooLarge))
        }
        Err(_) => Outcome::Final(Appended::failed(ErrorCode::KafkaStorageError)),
    }
}

impl Partition {
    /// Everything that follows from a batch in the log.
    fn note_appended(
        &mut self,
        store: &mut Store,
        header: &BatchHeader,
        base_offset: Offset,
        now: TimestampMs,
    ) {
        let stored = BatchHeader { base_offset, ..*header };
        self.producers.applied(&stored, now);
        self.epochs_unsaved |= self.epochs.assign(self.epoch, base_offset);
        self.unsaved_bytes += header.batch_len_bytes as u64;
        self.leader.appended(stored.next_offset(), now);
        if self.leader.flush_due(now) {
            store.want_durable(self.log);
        }
    }
}
