//! Opening partitions: recovery of the log, then of what is remembered beside it. On offload threads.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use metadata::{Topic, TopicSettings};
use reactor::Reactor;
use record::{BatchHeader, EndTxnMarker, TxnOutcome};
use replication::{Leader, LeaderEpochs, ProducerStates};
use storage::{AbortedTxn, LogName, OpenedLog, StorageError, Store};
use types::{BrokerId, ByteCount, LeaderEpoch, Offset, PartitionIndex, TimestampMs, TopicPartition};

use super::directories::Directories;
use super::host::producer_limits;
use super::{Partition, settings};
use crate::clock::Now;
use crate::metrics::TopicPlace;

/// A control batch holds one small record and is not compressed by any broker.
const CONTROL_BATCH_BYTES_MAX: usize = 4096;

/// Of so many bytes before a snapshot the batches are remembered one by one: what a producer may have without an answer.
const UNANSWERED_BYTES: ByteCount = ByteCount(4 * 1024 * 1024);

/// A partition that is ready to be adopted by its shard.
pub struct OpenedPartition {
    pub at: TopicPartition,
    name: LogName,
    directory: usize,
    log: OpenedLog,
    epoch: LeaderEpoch,
    /// The metadata name no leader, since the replica was offline.
    pub(super) is_leaderless: bool,
    epochs: LeaderEpochs,
    epochs_unsaved: bool,
    producers: ProducerStates,
    settings: Arc<TopicSettings>,
}

impl OpenedPartition {
    /// Whether recovery cut an unfinished end off the log. Somebody may have read it: the partition needs a new leader
    /// epoch, by which consumers notice (KIP-320).
    pub(super) fn was_cut(&self) -> bool {
        self.log.recovery().cut_bytes > 0
    }

    pub(super) fn into_partition(self, store: &mut Store, topic_place: TopicPlace) -> Partition {
        let rule = settings::flush_rule(&self.settings);
        let leader = Leader::new(self.log.log_start(), self.log.log_end(), rule);
        // What the log was read again for may have ended transactions: they are as stable as the log is.
        let mut producers = self.producers;
        producers.high_watermark_moved(leader.high_watermark());
        let log = store.adopt(self.log);
        store.set_compaction(log, settings::compaction(&self.settings));
        Partition {
            at: self.at,
            name: self.name,
            directory: self.directory,
            log,
            leader,
            epoch: self.epoch,
            epochs: self.epochs,
            producers,
            settings: self.settings,
            epochs_unsaved: self.epochs_unsaved,
            is_unflushed: false,
            unsaved_bytes: 0,
            producers_saved_at: Offset::NONE,
            appends: Default::default(),
            reads: Vec::new(),
            read_wakes: 0,
            topic_place,
        }
    }
}

/// How long a partition waits that could not be opened for want of space.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A partition that is to be opened.
#[derive(Clone)]
struct Task {
    at: TopicPartition,
    /// It was not there when the broker started.
    is_new: bool,
    name: LogName,
    epoch: LeaderEpoch,
    /// The metadata name no leader, since the replica was offline.
    is_leaderless: bool,
    settings: Arc<TopicSettings>,
}

/// Partitions that are being opened. Lives on the shard.
pub(super) struct Openings {
    under_way: usize,
    /// What waits for space, and until when.
    waiting: Vec<(Instant, Task)>,
    sender: Sender<(Task, Opening)>,
    receiver: Receiver<(Task, Opening)>,
}

type Opening = Result<Box<OpenedPartition>, StorageError>;

impl Default for Openings {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self { under_way: 0, waiting: Vec::new(), sender, receiver }
    }
}

impl Openings {
    /// Opens a partition in the background.
    pub fn start(
        &mut self,
        reactor: &mut Reactor,
        directories: &Arc<Directories>,
        topic: &Topic,
        partition: PartitionIndex,
        is_new: bool,
    ) {
        let state = topic.partition(partition);
        let task = Task {
            at: TopicPartition { topic: topic.id, partition },
            is_new,
            name: LogName { topic: topic.name.clone(), partition },
            epoch: state.map_or(LeaderEpoch::ZERO, |state| state.leader_epoch),
            is_leaderless: state.is_some_and(|state| state.leader == BrokerId::NONE),
            settings: topic.settings.clone(),
        };
        self.run(reactor, directories, task);
    }

    fn run(&mut self, reactor: &mut Reactor, directories: &Arc<Directories>, task: Task) {
        let (directories, sender) = (directories.clone(), self.sender.clone());
        self.under_way += 1;
        let (at, waker, threads) = (task.at, reactor.waker(), directories.clone());
        let work = move || {
            let result = task.clone().run(&directories, Now::read().wall).map(Box::new);
            // The shard may have ended meanwhile; then nobody waits for this.
            let _ = sender.send((task, result));
            waker.wake();
        };
        if let Err(work) = threads.recover(at, Box::new(work)) {
            reactor.offload(work);
        }
    }

    /// One that is open now, or could not be opened. If space was all that was missing, it will be tried again.
    pub fn finished(&mut self, now: Instant) -> Option<(TopicPartition, Opening)> {
        let (task, result) = self.receiver.try_recv().ok()?;
        self.under_way -= 1;
        let at = task.at;
        if result.as_ref().is_err_and(StorageError::is_no_space) {
            self.waiting.push((now + RETRY_AFTER, task));
        }
        Some((at, result))
    }

    /// Tries those again that have waited for space long enough.
    pub fn retry(&mut self, reactor: &mut Reactor, directories: &Arc<Directories>, now: Instant) {
        while let Some(due) = self.waiting.iter().position(|(until, _)| *until <= now) {
            let (_, task) = self.waiting.swap_remove(due);
            self.run(reactor, directories, task);
        }
    }

    /// A topic has changed: what waits is opened as it is now.
    pub fn changed(&mut self, topic: &Topic) {
        for (_, task) in self.waiting.iter_mut().filter(|(_, task)| task.at.topic == topic.id) {
            task.settings = topic.settings.clone();
            if let Some(state) = topic.partition(task.at.partition) {
                task.epoch = state.leader_epoch;
                task.is_leaderless = state.leader == BrokerId::NONE;
            }
        }
    }

    /// A topic was deleted.
    pub fn forget(&mut self, at: TopicPartition) {
        self.waiting.retain(|(_, task)| task.at != at);
    }

    /// Whether none is under way.
    pub fn are_done(&self) -> bool {
        self.under_way == 0
    }
}

impl Task {
    fn run(self, directories: &Directories, now: TimestampMs) -> Result<OpenedPartition, StorageError> {
        let Self { at, is_new, name, epoch, is_leaderless, settings } = self;
        let (directory, mut log) = directories.open_log(at, is_new, &name, &settings)?;
        report_recovery(&name, &log);
        let mut epochs = load_epochs(&name, &log);
        let saved = epochs.clone();
        // The log start is saved later than the epochs that follow it, so a crash may bring records back whose epoch is
        // forgotten.
        let forgotten = epochs.first().is_some_and(|first| first.start_offset > log.log_start());
        if forgotten {
            epochs.clear();
        }
        let (mut producers, from) = load_producers(directories.producer_expiration_ms(), &name, &log, now);
        let from = if forgotten { log.files_begin() } else { recall_from(&log, &producers, from)? };
        let (mut aborted, unknown_from) = (Vec::new(), producers.end());
        log.replay(from, |header, batch| {
            aborted.extend(replay(&mut epochs, &mut producers, header, batch));
        })?;
        log.learn_aborted(unknown_from, aborted);
        epochs.truncate_from_start(log.log_start());
        producers.log_start_moved(log.log_start());
        let epochs_unsaved = epochs != saved;
        Ok(OpenedPartition {
            at,
            name,
            directory,
            log,
            epoch,
            is_leaderless,
            epochs,
            epochs_unsaved,
            producers,
            settings,
        })
    }
}

fn report_recovery(name: &LogName, log: &OpenedLog) {
    let recovery = log.recovery();
    if recovery.cut_bytes > 0 {
        let end = log.log_end();
        tracing::warn!(
            "{name}: cut {} bytes of unfinished writes; the log ends at {end}",
            recovery.cut_bytes
        );
    }
    for damage in &recovery.damage {
        let file = damage.file.display();
        tracing::error!("{name}: {file} is damaged at position {}: {}", damage.position, damage.what);
    }
}

fn load_epochs(name: &LogName, log: &OpenedLog) -> LeaderEpochs {
    let loaded = log.leader_epochs().map(|text| text.as_deref().map(LeaderEpochs::decode));
    let mut epochs = match loaded {
        Ok(Some(Ok(epochs))) => epochs,
        Ok(None) => LeaderEpochs::new(),
        Ok(Some(Err(error))) => {
            tracing::warn!("{name}: {error}; epochs are taken from the batches instead");
            LeaderEpochs::new()
        }
        Err(error) => {
            tracing::warn!("{name}: {error}; epochs are taken from the batches instead");
            LeaderEpochs::new()
        }
    };
    epochs.truncate_from_end(log.log_end());
    epochs
}

/// The newest usable snapshot, and the offset from which the log has to be read again. A snapshot is of no use when records
/// behind it are gone that may have moved its producers on: one that is unknown may go on with any sequence, while one that
/// is taken for an older self is refused for good.
fn load_producers(
    expiration_ms: i64,
    name: &LogName,
    log: &OpenedLog,
    now: TimestampMs,
) -> (ProducerStates, Offset) {
    let limits = producer_limits(expiration_ms);
    // What a damaged transaction index said is found by reading the log again from its segment on.
    let at_most = log.damaged_transaction_index().unwrap_or(Offset(i64::MAX));
    for at in log.producer_snapshots().iter().copied().filter(|at| *at <= at_most) {
        let states = log.producer_snapshot(at).map_err(|error| error.to_string()).and_then(|file| {
            ProducerStates::from_snapshot(&file, at, limits, now).map_err(|e| e.to_string())
        });
        match states {
            Ok(states) if at >= log.files_begin() => return (states, at),
            Ok(_) => break,
            Err(error) => tracing::warn!("{name}: producer snapshot at {at} is not used: {error}"),
        }
    }
    let from = log.files_begin();
    (ProducerStates::new(from, limits), from)
}

/// From where the log is read so that also those batches before `from` are seen that were perhaps not answered yet when the
/// broker crashed.
fn recall_from(log: &OpenedLog, producers: &ProducerStates, from: Offset) -> Result<Offset, StorageError> {
    if log.was_closed() || producers.producers().len() == 0 {
        return Ok(from);
    }
    log.offset_back(from, UNANSWERED_BYTES)
}

/// Returns the transaction that the batch aborts, if it is the marker of one.
fn replay(
    epochs: &mut LeaderEpochs,
    producers: &mut ProducerStates,
    header: &BatchHeader,
    batch: &[u8],
) -> Option<AbortedTxn> {
    // Of epochs that the checkpoint has, the place where reading began says nothing.
    if epochs.latest().is_none_or(|latest| header.partition_leader_epoch > latest.epoch) {
        epochs.assign(header.partition_leader_epoch, header.base_offset);
    }
    if header.base_offset < producers.end() {
        // The snapshot has it, but perhaps not as a batch that may be repeated; and an index has its abort.
        if !header.is_control() {
            producers.recall(header);
        }
        return None;
    }
    let Some(marker) = end_txn_marker(header, batch) else {
        producers.applied(header, header.max_timestamp);
        return None;
    };
    let completed = producers.applied_marker(header, &marker, header.max_timestamp)?;
    (completed.outcome == TxnOutcome::Abort).then_some(AbortedTxn {
        producer_id: completed.producer_id,
        first_offset: completed.first_offset,
        last_offset: completed.last_offset,
        last_stable_offset: completed.last_stable_offset,
    })
}

/// The transaction marker that a control batch holds.
fn end_txn_marker(header: &BatchHeader, batch: &[u8]) -> Option<EndTxnMarker> {
    if !header.is_control() {
        return None;
    }
    let records = record::decompress(batch, CONTROL_BATCH_BYTES_MAX).ok()?;
    let first = records.iter().next()?.ok()?;
    EndTxnMarker::parse(first.key?, first.value?).ok()?
}
