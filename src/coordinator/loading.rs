//! Loading the coordinators of a shard: one slice of one partition at a time, so that the shard's loop goes on meanwhile.

use std::time::{Duration, Instant};

use group::{Effects, Reply};
use metadata::Image;
use types::{ErrorCode, LeaderEpoch, Offset, TopicPartition};

use super::hosted::{Hosted, Phase};
use super::{Coordinators, OFFSETS_TOPIC, RETRY_AFTER, Task, earlier};
use crate::arena::Key;
use crate::clock::Now;
use crate::work::{Fetched, Part, Place, ReadPart, ReadWork, Work};

/// How long a read may wait for records of the last coordinator that are not durable yet.
const SETTLE: Duration = Duration::from_millis(100);

/// What was loaded since that was told last.
#[derive(Default)]
pub(super) struct Loads {
    began: Option<Instant>,
    coordinators: usize,
    records: usize,
    groups: usize,
}

impl Loads {
    fn add(&mut self, began: Instant, records: usize, groups: usize) {
        if records > 0 {
            self.began = Some(self.began.map_or(began, |first| first.min(began)));
            self.coordinators += 1;
            self.records += records;
            self.groups += groups;
        }
    }

    fn tell(self, now: Instant) {
        let Self { began: Some(began), coordinators, records, groups } = self else { return };
        let ms = now.saturating_duration_since(began).as_millis();
        tracing::info!(
            "{coordinators} partitions of {OFFSETS_TOPIC} are loaded: {groups} groups from {records} records in {ms} ms"
        );
    }
}

impl Coordinators {
    /// Reads on, and tells when there is nothing left to read.
    pub(super) fn load(
        &mut self,
        extent: impl Fn(TopicPartition) -> Option<(Offset, Offset)>,
        now: Now,
        image: &Image,
    ) {
        self.load_next(extent, now, image);
        if self.loading.is_empty() && !self.is_reading {
            std::mem::take(&mut self.loads).tell(now.monotonic);
        }
    }

    /// Asks for the next slice, unless one is under way. Partitions that hold nothing are ready at once.
    fn load_next(
        &mut self,
        extent: impl Fn(TopicPartition) -> Option<(Offset, Offset)>,
        now: Now,
        image: &Image,
    ) {
        if self.is_reading {
            return;
        }
        for _ in 0..self.loading.len() {
            let Some(key) = self.loading.pop_front() else { return };
            let Some(at) = self.hosted.get(key).map(|hosted| hosted.at) else { continue };
            // It is being opened, or offline; or the coordinator before this one has decided what is still on its way into
            // the log, and is to be read too. Then it is tried again in every turn, which costs a look.
            let Some((start, end)) = extent(at).filter(|_| !self.is_written(at)) else {
                self.loading.push_back(key);
                continue;
            };
            let phase = self.hosted.get_mut(key).map(|hosted| &mut hosted.phase);
            let Some(Phase::Loading(load)) = phase else { continue };
            let next = *load.next.get_or_insert(start);
            if next < end {
                return self.read_slice(key, at, next, now);
            }
            self.finish_load(key, now, image);
        }
    }

    fn read_slice(&mut self, key: Key, at: TopicPartition, from: Offset, now: Now) {
        let part = ReadPart {
            fetch_offset: from,
            current_epoch: LeaderEpoch::NONE,
            last_fetched_epoch: LeaderEpoch::NONE,
            bytes_max: self.settings.load_bytes,
        };
        let work = ReadWork {
            parts: vec![Part { place: Place(0), at, item: part }],
            bytes_max: self.settings.load_bytes,
            bytes_wanted: 1,
            until: now.monotonic + SETTLE,
            committed_only: false,
        };
        self.is_reading = true;
        let task = self.tasks.insert(Task::Load(key));
        self.work.push((task, Work::Read(work)));
    }

    /// A slice was read.
    pub(super) fn on_read(&mut self, key: Key, fetched: Fetched, now: Now) {
        self.is_reading = false;
        let Some(hosted) = self.hosted.get_mut(key) else { return };
        let Phase::Loading(load) = &mut hosted.phase else { return };
        let result = match fetched.error {
            ErrorCode::None => load.replay(&fetched.records, &mut hosted.machine).map_err(|e| e.to_string()),
            // Compaction or DeleteRecords was faster.
            ErrorCode::OffsetOutOfRange => return self.restart(key, now.monotonic),
            error => Err(error.to_string()),
        };
        match result {
            Ok(()) => {
                if fetched.records.is_empty() {
                    // Compaction left nothing up to here.
                    load.next = load.next.max(Some(fetched.high_watermark));
                }
                self.loading.push_back(key);
            }
            Err(reason) => {
                tracing::error!("the coordinator of {} cannot be loaded: {reason}", hosted.name());
                let retry = now.monotonic + RETRY_AFTER;
                hosted.fail(retry, &self.settings.machine);
                self.next_alarm = earlier(self.next_alarm, Some(retry));
            }
        }
    }

    fn finish_load(&mut self, key: Key, now: Now, image: &Image) {
        let time = self.clock.at(now.monotonic);
        let Some(hosted) = self.hosted.get_mut(key) else { return };
        let Phase::Loading(load) = std::mem::replace(&mut hosted.phase, Phase::Ready) else { return };
        let (records, skipped) = load.counts();
        if skipped > 0 {
            tracing::warn!(
                "{}: {skipped} records say nothing to this release and were skipped",
                hosted.name()
            );
        }
        self.loads.add(load.began, records, hosted.machine.group_count());
        hosted.machine.loaded(time, &mut self.effects);
        self.take_effects(key, now);
        if !load.missed.is_empty()
            && let Some(hosted) = self.hosted.get_mut(key)
        {
            hosted.machine.topics_changed(&load.missed, time, image, &mut self.effects);
            self.take_effects(key, now);
        }
    }

    /// Begins to load again a coordinator that could not be, if its time has come.
    pub(super) fn retry_load(&mut self, key: Key, now: Instant) {
        let due = |hosted: &Hosted| matches!(hosted.phase, Phase::Failed(at) if at <= now);
        if self.hosted.get(key).is_some_and(due) {
            self.restart(key, now);
        }
    }

    /// Begins at the log's start again.
    fn restart(&mut self, key: Key, now: Instant) {
        if let Some(hosted) = self.hosted.get_mut(key) {
            *hosted = Hosted::new(hosted.at, &self.settings.machine, now);
            self.loading.push_back(key);
        }
    }

    /// Drops a coordinator that knows more than its partition, and loads it anew. `replies` and those that wait for records which
    /// were not appended yet are refused with `error`.
    pub(super) fn load_anew(
        &mut self,
        key: Key,
        replies: Vec<Reply>,
        error: ErrorCode,
        reason: &str,
        now: Instant,
    ) {
        self.refuse(replies, error);
        let Some(mut hosted) = self.hosted.remove(key) else { return };
        tracing::error!("the coordinator of {} is loaded anew: {reason}", hosted.name());
        self.refuse(hosted.drop_draft(), error);
        let next = self.hosted.insert(Hosted::new(hosted.at, &self.settings.machine, now));
        self.by_partition.insert(hosted.at, next);
        self.loading.push_back(next);
        let mut effects = Effects::default();
        hosted.machine.unload(ErrorCode::NotCoordinator, &mut effects);
        self.send(effects.replies);
    }
}
