//! All partitions of one shard: work in, answers out.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use metadata::{Delta, Image, LogIndex, Topic};
use net::Moment;
use reactor::{Reactor, Token};
use replication::ProducerLimits;
use storage::{CompactionPool, LogId, Outcome, ReadId, StorageError, Store, StoreSettings};
use types::{ErrorCode, Offset, ShardId, TimestampMs, TopicPartition};

use super::append::{AppendJob, Stalled};
use super::compaction::CompactionWatch;
use super::directories::Directories;
use super::open::{OpenedPartition, Openings};
use super::queries::ListJob;
use super::questions::Question;
use super::read::ReadJob;
use super::replicas::ReplicaNews;
use super::{Partition, settings};
use crate::arena::{Arena, Key};
use crate::clock::Now;
use crate::metrics::{Compactions, PartitionSnapshot, Passage, Topics};
use crate::placement::Placement;
use crate::work::{Asker, Done, Work};

/// How often time-outs, expiry and lazy flushes are looked at. None of them is precise in Kafka either.
const CHORES_INTERVAL: Duration = Duration::from_millis(100);

/// The same when nothing waits for any of them: what the store wants at least.
const RESTING_INTERVAL: Duration = Duration::from_secs(1);

/// A shard rests when it had no work for so long, which is ample for whatever the last work left to do.
const REST_AFTER: Duration = Duration::from_secs(2);

/// After so many appended bytes the state of producers is saved, which bounds what is read again after a crash.
const SNAPSHOT_INTERVAL_BYTES: u64 = 64 * 1024 * 1024;

/// Where a partition's state is found, if it has any.
#[derive(Clone, Copy)]
enum Slot {
    /// Its log is being opened.
    Opening,
    Open(Key),
    /// Its log could not be opened; the reason was logged. It is tried again if space was all that was missing.
    Failed,
}

/// What a read from disk is for.
#[derive(Clone, Copy)]
pub(super) enum DiskRead {
    Fetch(Key),
    Lookup(Key),
}

/// The partitions of one shard. Lives on that shard, as long as it.
pub struct Partitions {
    shard: ShardId,
    placement: Placement,
    pub(super) store: Store,
    pub(super) directories: std::sync::Arc<Directories>,
    slots: HashMap<TopicPartition, Slot>,
    pub(super) open: Arena<Partition>,
    pub(super) by_log: HashMap<LogId, Key>,
    openings: Openings,
    /// What the cluster has not heard yet.
    news: ReplicaNews,
    /// Logs that are being removed.
    removing: usize,
    /// The image that was given last, until all its partitions are open.
    applying: Option<LogIndex>,
    /// The first image was given: partitions that come later are new.
    has_begun: bool,
    pub(super) append_jobs: Arena<AppendJob>,
    pub(super) stalled: VecDeque<Stalled>,
    pub(super) read_jobs: Arena<ReadJob>,
    pub(super) reads_by_asker: HashMap<Asker, Key>,
    pub(super) read_deadlines: BTreeSet<(Instant, Key)>,
    pub(super) reads_to_resume: Vec<Key>,
    pub(super) disk_reads: HashMap<ReadId, DiskRead>,
    pub(super) questions: Vec<Question>,
    pub(super) list_jobs: Arena<ListJob>,
    answers: Vec<(Asker, Done, Passage)>,
    /// The time, as of the last work or turn.
    pub(super) clock: Moment,
    /// Partitions with records that are not durable, as of the last look.
    pub(super) unflushed: Vec<Key>,
    last_chores: Instant,
    next_chores: Instant,
    last_work: Instant,
    /// How often retention is applied to every partition.
    retention_interval: Duration,
    next_retention: Instant,
    pub(super) compaction: CompactionWatch,
    pub(super) topics: Topics,
    compactions: Compactions,
    /// No read waits any longer.
    pub(super) ending: bool,
    closing: bool,
    closed: bool,
}

impl Partitions {
    /// A shard's partitions, none yet.
    pub fn new(
        shard: ShardId,
        placement: Placement,
        store: StoreSettings,
        directories: std::sync::Arc<Directories>,
        retention_interval: Duration,
        compaction: std::sync::Arc<CompactionPool>,
        now: Instant,
    ) -> Self {
        let mut store = Store::new(store);
        store.use_compaction_pool(compaction.clone());
        Self {
            shard,
            placement,
            store,
            directories,
            slots: HashMap::new(),
            open: Arena::default(),
            by_log: HashMap::new(),
            openings: Openings::default(),
            news: ReplicaNews::default(),
            removing: 0,
            applying: None,
            has_begun: false,
            append_jobs: Arena::default(),
            stalled: VecDeque::new(),
            read_jobs: Arena::default(),
            reads_by_asker: HashMap::new(),
            read_deadlines: BTreeSet::new(),
            reads_to_resume: Vec::new(),
            disk_reads: HashMap::new(),
            questions: Vec::new(),
            list_jobs: Arena::default(),
            answers: Vec::new(),
            clock: Moment::of(now),
            unflushed: Vec::new(),
            last_chores: now,
            next_chores: now,
            last_work: now,
            retention_interval,
            next_retention: now + retention_interval,
            compaction: CompactionWatch::new(compaction, now),
            topics: Topics::default(),
            compactions: Compactions::default(),
            ending: false,
            closing: false,
            closed: false,
        }
    }

    /// Takes up work; its answer comes out of [`Self::take_answers`], at once or later.
    pub fn accept(&mut self, reactor: &mut Reactor, from: Asker, work: Work, now: Now) {
        self.last_work = now.monotonic;
        self.clock = now.moment;
        match work {
            Work::Append(append) => self.append(from, append, now.wall),
            Work::Read(read) => self.read(reactor, from, read, now.monotonic),
            Work::ListOffsets(_) | Work::DeleteRecords(_) => self.ask(reactor, from, work, now.monotonic),
            Work::EpochEnds(parts) => self.epoch_ends(from, &parts),
            Work::LogSizes(which) => self.log_sizes(from, which.as_deref()),
            Work::Producers(parts) => self.producers(from, &parts),
            Work::Group(_) => debug_assert!(false, "work of a coordinator"),
        }
    }

    /// The log's start and end, once the partition is open.
    pub fn extent(&self, at: TopicPartition) -> Option<(Offset, Offset)> {
        let leader = &self.open.get(self.find(at).ok()?)?.leader;
        Some((leader.log_start(), leader.log_end()))
    }

    /// The answers that are ready.
    pub fn take_answers(&mut self) -> Vec<(Asker, Done, Passage)> {
        std::mem::take(&mut self.answers)
    }

    /// Answers at once.
    pub(super) fn answer(&mut self, to: Asker, done: Done) {
        self.answer_after(Passage::begin(self.clock), to, done);
    }

    /// Answers what has had to wait.
    pub(super) fn answer_after(&mut self, passage: Passage, to: Asker, done: Done) {
        self.answers.push((to, done, passage));
    }

    /// A write of a log has completed.
    pub fn on_wrote(&mut self, reactor: &mut Reactor, token: Token, result: std::io::Result<()>) {
        self.store.on_wrote(token, result, reactor);
    }

    /// A read of a log has completed.
    pub fn on_read(&mut self, reactor: &mut Reactor, token: Token, result: std::io::Result<Bytes>) {
        self.store.on_read(token, result, reactor);
    }

    /// Once a turn of the loop: takes in what has completed and starts what is due. Returns whether there was
    /// anything to take in.
    pub fn turn(&mut self, reactor: &mut Reactor, now: Now) -> bool {
        self.clock = now.moment;
        self.store.tick(now.wall, reactor);
        let mut busy = self.take_in_opened(now.monotonic);
        while let Some(outcome) = self.store.next_outcome() {
            busy = true;
            self.on_outcome(reactor, outcome, now);
        }
        if !self.stalled.is_empty() {
            self.append_stalled(now.wall);
        }
        self.resume_questions(reactor, now.monotonic);
        self.resume_reads(reactor, now.monotonic);
        if busy {
            self.last_work = now.monotonic;
        }
        self.next_chores = self.last_chores + self.chores_interval(now.monotonic);
        if self.next_chores <= now.monotonic {
            self.do_chores(reactor, now);
            self.last_chores = now.monotonic;
            self.next_chores = self.last_chores + self.chores_interval(now.monotonic);
        }
        self.store.commit(reactor);
        self.watch_compaction(now);
        busy
    }

    /// When [`Self::turn`] has something to do without any event.
    pub fn next_deadline(&self) -> Instant {
        let reads = self.read_deadlines.first().map(|(until, _)| *until);
        let compaction = self.compaction.next_slice();
        let others = compaction.into_iter().chain(self.question_deadline());
        reads.into_iter().chain(others).fold(self.next_chores, Instant::min)
    }

    /// Acts on new metadata. [`Self::take_applied`] tells when that is done.
    pub fn apply(&mut self, reactor: &mut Reactor, image: &Image, delta: &Delta) {
        self.applying = Some(image.index());
        self.topics.apply(image, delta);
        if delta.broker_settings {
            self.compaction.set_limits(settings::compaction_limits(&image.broker_settings().cleaner));
        }
        for (id, change) in &delta.topics {
            if change.removed {
                let gone: Vec<TopicPartition> =
                    self.slots.keys().filter(|at| at.topic == *id).copied().collect();
                gone.into_iter().for_each(|at| self.remove(reactor, at));
            } else if let Some(topic) = image.topic_by_id(*id) {
                self.openings.changed(topic);
                if change.settings {
                    self.configure(topic);
                }
                for partition in &change.partitions {
                    let at = TopicPartition { topic: *id, partition: *partition };
                    self.apply_partition(reactor, topic, at);
                }
            }
        }
        self.has_begun = true;
    }

    /// Opens a partition that is new here, or takes over the new leader epoch of one that is not.
    fn apply_partition(&mut self, reactor: &mut Reactor, topic: &Topic, at: TopicPartition) {
        if self.placement.owner(at) != self.shard {
            return;
        }
        match self.slots.get(&at) {
            None => {
                self.slots.insert(at, Slot::Opening);
                let is_new = self.has_begun;
                self.openings.start(reactor, &self.directories, topic, at.partition, is_new);
            }
            Some(Slot::Open(key)) => {
                let key = *key;
                let Some(state) = topic.partition(at.partition) else { return };
                let Some(partition) = self.open.get_mut(key) else { return };
                if std::mem::replace(&mut partition.epoch, state.leader_epoch) != state.leader_epoch {
                    // Those that believe in the old one are to hear of it.
                    self.wake_reads(key);
                }
            }
            // One that is being opened takes its epoch from the image that it was opened for; changes come one by one.
            Some(Slot::Opening | Slot::Failed) => {}
        }
    }

    /// The image that was applied last, told once, when every partition of it is open and no removal is under way.
    pub fn take_applied(&mut self) -> Option<LogIndex> {
        let done = self.openings.are_done() && self.removing == 0;
        self.applying.take_if(|_| done)
    }

    /// What the cluster has to hear of these partitions, in one piece once all of them are open; to be told before
    /// [`Self::take_applied`].
    pub fn take_news(&mut self) -> Option<ReplicaNews> {
        let is_due = self.openings.are_done() && !self.news.is_empty();
        is_due.then(|| std::mem::take(&mut self.news))
    }

    /// Saves what a restart needs and makes everything durable. [`Self::closed`] tells when that is done.
    pub fn close(&mut self, reactor: &mut Reactor) {
        self.closing = true;
        for (at, slot) in &self.slots {
            match slot {
                Slot::Open(_) => {}
                // They may still be in need of recovery, so the next start must not take their directory for clean.
                Slot::Failed => self.directories.note_unclean(*at),
                Slot::Opening => self.directories.note_all_unclean(),
            }
        }
        for partition in self.open.values_mut() {
            partition.save_epochs(&mut self.store, reactor);
            partition.save_producers(&mut self.store, reactor);
        }
        self.store.close(reactor);
    }

    /// Whether closing has ended; the directories know then whether they are clean.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// The state of a partition, or what a client is told instead.
    pub(super) fn find(&self, at: TopicPartition) -> Result<Key, ErrorCode> {
        match self.slots.get(&at) {
            Some(Slot::Open(key)) => Ok(*key),
            // Clients try again after this one.
            Some(Slot::Opening) => Err(ErrorCode::NotLeaderOrFollower),
            Some(Slot::Failed) => Err(ErrorCode::KafkaStorageError),
            None => Err(ErrorCode::UnknownTopicOrPartition),
        }
    }

    /// All open partitions.
    pub(super) fn all_open(&self) -> impl Iterator<Item = &Partition> {
        self.open.iter().map(|(_, partition)| partition)
    }

    fn take_in_opened(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some((at, result)) = self.openings.finished(now) {
            any = true;
            if !self.slots.contains_key(&at) || self.closing {
                continue; // Its topic was deleted meanwhile, or the shard closes.
            }
            match result {
                Ok(opened) => self.adopt(*opened),
                Err(error) => self.on_unopened(at, &error),
            }
        }
        any
    }

    fn on_unopened(&mut self, at: TopicPartition, error: &StorageError) {
        // Told once, not with every attempt; and of a directory that has failed it was told already.
        let again = matches!(self.slots.get(&at), Some(Slot::Failed));
        if !again && !matches!(error, StorageError::DirectoryOffline { .. }) {
            tracing::error!("partition {} of topic {} is offline: {error}", at.partition, at.topic);
        }
        if error.is_no_space() {
            // It comes back by itself: its leader stays.
            self.slots.insert(at, Slot::Failed);
        } else if !again {
            self.note_failed(at);
        }
    }

    /// The partition cannot be used until the next start.
    pub(super) fn note_failed(&mut self, at: TopicPartition) {
        self.slots.insert(at, Slot::Failed);
        self.news.offline.push(at);
    }

    fn adopt(&mut self, opened: OpenedPartition) {
        let at = opened.at;
        if opened.was_cut() {
            self.news.cut.push(at);
        }
        if opened.is_leaderless {
            self.news.online.push(at);
        }
        let topic_place = self.topics.place_of(at.topic);
        let partition = opened.into_partition(&mut self.store, topic_place);
        let log = partition.log;
        let key = self.open.insert(partition);
        self.by_log.insert(log, key);
        self.slots.insert(at, Slot::Open(key));
    }

    fn remove(&mut self, reactor: &mut Reactor, at: TopicPartition) {
        self.openings.forget(at);
        let Some(Slot::Open(key)) = self.slots.remove(&at) else {
            return self.directories.forget(at);
        };
        self.fail_appends(key, ErrorCode::UnknownTopicOrPartition);
        self.wake_reads(key);
        if let Some(partition) = self.open.remove(key) {
            self.by_log.remove(&partition.log);
            self.directories.forget(at);
            self.removing += 1;
            self.store.remove(partition.log, at.topic, reactor);
        }
    }

    fn configure(&mut self, topic: &Topic) {
        let log_settings = settings::log_settings(&topic.settings);
        for (index, _) in topic.partitions() {
            let at = TopicPartition { topic: topic.id, partition: index };
            let Ok(key) = self.find(at) else { continue };
            let Some(partition) = self.open.get_mut(key) else { continue };
            self.store.configure(partition.log, log_settings);
            self.store.set_compaction(partition.log, settings::compaction(&topic.settings));
            partition.settings = topic.settings.clone();
            if partition.leader.set_rule(settings::flush_rule(&topic.settings)) {
                self.watermark_moved(key);
            }
        }
    }

    fn on_outcome(&mut self, reactor: &mut Reactor, outcome: Outcome, now: Now) {
        match outcome {
            Outcome::Committed { log, durable_end } => self.on_committed(reactor, log, durable_end, now.wall),
            Outcome::ReadDone { id, result } => {
                self.on_fetched_from_disk(reactor, id, result, now.monotonic);
            }
            Outcome::LookupDone { id, result } => self.on_looked_up(id, result),
            Outcome::Stalled { log, error } => tracing::error!("{}: {error}", self.name_of(log)),
            Outcome::Resumed { log } => tracing::info!("{}: takes records again", self.name_of(log)),
            Outcome::Offline { log, error } => self.on_offline(log, &error),
            Outcome::Removed { log: _, result } => {
                self.removing = self.removing.saturating_sub(1);
                if let Err(error) = result {
                    tracing::error!("files of a deleted topic could not be removed: {error}");
                }
            }
            Outcome::Truncated { .. } => {}
            Outcome::Compacted { log: _, result } => {
                match result {
                    Ok(report) => self.compactions.done(&report),
                    Err(_) => self.compactions.failed += 1,
                }
                self.compaction.look_soon(now.monotonic);
            }
            Outcome::Closed { failed } => {
                for (log, error) in &failed {
                    tracing::error!("{}: not closed cleanly: {error}", self.name_of(*log));
                    match self.by_log.get(log).and_then(|key| self.open.get(*key)) {
                        Some(partition) => self.directories.note_unclean(partition.at),
                        None => self.directories.note_all_unclean(),
                    }
                }
                self.closed = true;
            }
        }
    }

    fn on_committed(&mut self, reactor: &mut Reactor, log: LogId, durable_end: Offset, now: TimestampMs) {
        let Some(key) = self.by_log.get(&log).copied() else { return };
        let Some(partition) = self.open.get_mut(key) else { return };
        let moved = partition.leader.made_durable(durable_end, now);
        if partition.leader.flush_due(now) {
            self.store.want_durable(log);
        }
        partition.save_epochs(&mut self.store, reactor);
        if partition.unsaved_bytes >= SNAPSHOT_INTERVAL_BYTES {
            partition.save_producers(&mut self.store, reactor);
        }
        if moved {
            self.watermark_moved(key);
        }
    }

    /// Answers whom the high watermark has let go.
    pub(super) fn watermark_moved(&mut self, key: Key) {
        if let Some(partition) = self.open.get_mut(key) {
            partition.producers.high_watermark_moved(partition.leader.high_watermark());
        }
        self.release_appends(key);
        self.wake_reads(key);
    }

    /// An idle shard with many partitions wakes seldom, and then looks at none of them.
    fn chores_interval(&self, now: Instant) -> Duration {
        let waits = self.ending || self.append_jobs.len() > 0 || !self.unflushed.is_empty();
        let rests = !waits && now.duration_since(self.last_work) >= REST_AFTER;
        if rests { RESTING_INTERVAL } else { CHORES_INTERVAL }
    }

    fn do_chores(&mut self, reactor: &mut Reactor, now: Now) {
        self.time_out_appends(now.monotonic);
        self.flush_lazy(now.wall);
        if !self.closing {
            self.openings.retry(reactor, &self.directories, now.monotonic);
        }
        if self.next_retention <= now.monotonic {
            self.next_retention = now.monotonic + self.retention_interval;
            self.apply_retention(reactor, now.wall);
        }
        self.look_for_compaction(reactor, now);
    }

    /// Starts the flushes whose time has come.
    fn flush_lazy(&mut self, now: TimestampMs) {
        let Self { unflushed, open, store, .. } = self;
        unflushed.retain(|key| {
            let Some(partition) = open.get_mut(*key) else { return false };
            if partition.leader.flush_due(now) {
                store.want_durable(partition.log);
            }
            partition.is_unflushed = partition.leader.flush_deadline().is_some();
            partition.is_unflushed
        });
    }

    fn apply_retention(&mut self, reactor: &mut Reactor, now: TimestampMs) {
        for partition in self.open.values_mut() {
            partition.producers.expire(now);
            let below = partition.leader.high_watermark();
            if let Ok(start) = self.store.apply_retention(partition.log, below, now, reactor) {
                partition.move_log_start(start, &mut self.store, reactor);
            }
        }
    }

    /// What was counted, and what there is now.
    pub fn figures(&self) -> PartitionSnapshot {
        let opening = self.slots.values().filter(|slot| matches!(slot, Slot::Opening)).count();
        PartitionSnapshot {
            topics: self.topics.clone(),
            compactions: self.compactions,
            store: self.store.figures().clone(),
            levels: self.store.levels(),
            online: self.open.len(),
            opening,
            offline: self.slots.len().saturating_sub(self.open.len() + opening),
            appends_waiting: self.append_jobs.len(),
            batches_stalled: self.stalled.len(),
            reads_waiting: self.read_jobs.len(),
        }
    }

    fn name_of(&self, log: LogId) -> String {
        let partition = self.by_log.get(&log).and_then(|key| self.open.get(*key));
        partition.map_or_else(|| "a removed partition".to_owned(), |partition| partition.name.to_string())
    }
}

impl Partition {
    /// Writes the checkpoint of leader epochs, if it is out of date.
    fn save_epochs(&mut self, store: &mut Store, reactor: &mut Reactor) {
        if std::mem::take(&mut self.epochs_unsaved) {
            store.save_leader_epochs(self.log, self.epochs.encode(), reactor);
        }
    }

    /// Saves what is known of producers, from which a start after a crash goes on.
    pub(super) fn save_producers(&mut self, store: &mut Store, reactor: &mut Reactor) {
        self.unsaved_bytes = 0;
        self.producers_saved_at = self.producers.end();
        store.save_producer_snapshot(self.log, self.producers.end(), self.producers.snapshot(), reactor);
    }
}

/// What the limits on producers are made of.
pub(super) fn producer_limits(expiration_ms: i64) -> ProducerLimits {
    ProducerLimits { expiration_ms, ..ProducerLimits::default() }
}
