//! The control thread: hosts the controller, writes the metadata log, and publishes images to the shards.
//!
//! # Invariants
//! - Records are durable before they change the controller, and every shard has acted on them before the reply goes
//!   out: who has been told that a topic exists can use it at once, through any connection.
//! - One change at a time: the next request is judged when all shards have acted on the last one, so that a topic's
//!   directory has its new name before a topic of the old name is created.
//!
//! # Not here
//! What a request changes (`controller`); how records become durable (`quorum`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use controller::{Controller, RenewLeaderEpochs, ReportReplicas, Seed};
use mesh::{Port, PortId};
use metadata::{Delta, LogIndex};
use net::Moment;
use quorum::{MetadataLog, QuorumError};
use reactor::{Handle, Waker};
use storage::StorageError;
use types::{BrokerId, ErrorCode, ShardId, TopicPartition};

use crate::admin;
use crate::boot::{BootError, RecoveryReport};
use crate::clock::Now;
use crate::message::Message;
use crate::metrics::{self, ControlSnapshot, Passage, Snapshot};
use crate::partition::{Directories, ReplicaNews};
use crate::service_manager::ServiceManager;
use crate::wakefulness::Wakefulness;
use crate::work::{Done, RequestRef};

/// How often the control thread looks whether all shards are alive.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// Asks the broker to stop, from any thread.
#[derive(Clone)]
pub struct StopHandle {
    requested: Arc<AtomicBool>,
    waker: Waker,
}

impl StopHandle {
    /// `waker` is the control thread's.
    pub fn new(waker: Waker) -> Self {
        Self { requested: Arc::default(), waker }
    }

    /// Begins a graceful stop.
    pub fn stop(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

/// The state of the control thread. Lives from the broker's start until its last shard has ended.
pub struct Control {
    controller: Controller,
    log: MetadataLog,
    port: Port<Message>,
    waker: Waker,
    stop: StopHandle,
    /// The shards' threads.
    handles: Vec<Handle>,
    progress: Vec<Progress>,
    /// Requests that wait for their turn, and who gets the reply; the control thread asks for itself, too.
    asks: VecDeque<(Option<RequestRef>, Box<controller::Request>)>,
    /// The reply to the change that the shards are acting on.
    due: Option<DueReply>,
    phase: Phase,
    directories: Arc<Directories>,
    recovery: RecoveryReport,
    /// Whose figures the admin thread wants.
    measures: Receiver<admin::Ask>,
    /// Who is told when the broker is ready, and when it stops.
    manager: ServiceManager,
    /// Looks from time to time whether there is work.
    wakefulness: Wakefulness,
    /// Why the broker stops, if nobody has asked it to.
    cause: Option<BootError>,
}

/// The end of a broker.
pub struct Ended {
    /// The shards' threads, which are done.
    pub handles: Vec<Handle>,
    /// Why it stopped, if nobody has asked it to.
    pub cause: Option<BootError>,
}

/// How far one shard is.
#[derive(Clone, Copy, Default)]
struct Progress {
    applied: Option<LogIndex>,
    drained: bool,
    stopped: bool,
}

/// A reply that waits until every shard has applied an image.
struct DueReply {
    index: LogIndex,
    to: Option<RequestRef>,
    reply: Box<controller::Reply>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Serving,
    /// Shards answer what is in flight, also each other's.
    Stopping,
    /// Shards close their logs.
    Closing,
}

/// How others reach the control thread.
pub struct Links {
    pub port: Port<Message>,
    pub waker: Waker,
    pub stop: StopHandle,
    /// What the admin thread wants to know.
    pub measures: Receiver<admin::Ask>,
    pub manager: ServiceManager,
    pub wakefulness: Wakefulness,
}

impl Control {
    /// The control thread of a broker with these shards.
    pub fn new(
        controller: Controller,
        log: MetadataLog,
        links: Links,
        handles: Vec<Handle>,
        directories: Arc<Directories>,
    ) -> Self {
        let Links { port, waker, stop, measures, manager, wakefulness } = links;
        let progress = vec![Progress::default(); handles.len()];
        Self {
            controller,
            log,
            port,
            waker,
            stop,
            handles,
            progress,
            asks: VecDeque::new(),
            due: None,
            phase: Phase::Starting,
            recovery: RecoveryReport::new(directories.clone()),
            directories,
            measures,
            manager,
            wakefulness,
            cause: None,
        }
    }

    /// Runs until all shards have ended. `ready` is called once, when clients are let in.
    ///
    /// # Errors
    /// If a shard ended without being told to.
    pub fn run(mut self, ready: impl FnOnce()) -> Result<Ended, BootError> {
        let mut ready = Some(ready);
        self.publish(Delta::of_everything(self.controller.image()));
        loop {
            self.port.awake();
            while let Some(message) = self.port.receive() {
                self.deliver(message);
            }
            while self.due.is_none()
                && let Some((from, request)) = self.asks.pop_front()
            {
                self.ask(from, &request);
            }
            self.measure();
            self.port.flush();
            if self.phase == Phase::Starting
                && self.applied_everywhere() >= Some(self.controller.image().index())
            {
                self.phase = Phase::Serving;
                self.recovery.end();
                self.broadcast(|| Message::Open);
                if let Some(ready) = ready.take() {
                    ready();
                    self.manager.ready();
                }
            }
            if self.phase == Phase::Starting {
                self.recovery.tell(Instant::now());
            }
            self.wakefulness.look(Instant::now());
            self.stop_without_directories();
            self.advance_stop();
            if self.progress.iter().all(|shard| shard.stopped) {
                return Ok(Ended { handles: self.handles, cause: self.cause });
            }
            if let Some(lost) = self.lost_shard() {
                return Err(BootError::ShardLost(lost));
            }
            if self.port.prepare_to_sleep() {
                self.waker.wait(Some(WATCH_INTERVAL))?;
            }
        }
    }

    /// Stops the broker when the directory of the metadata log has failed.
    fn stop_without_directories(&mut self) {
        if self.cause.is_none()
            && let Some(loss) = self.directories.loss()
        {
            tracing::error!("{loss}");
            self.cause = Some(BootError::Directories(loss));
            self.stop.stop();
        }
    }

    /// Passes on that figures are wanted, and gives its own.
    fn measure(&mut self) {
        while let Ok(admin::Ask { shards, control, reply }) = self.measures.try_recv() {
            for shard in shards.into_iter().filter(|shard| shard.index() < self.progress.len()) {
                self.port.send(port_of(shard), Message::Measure(reply.clone()));
            }
            if control && reply.try_send(Snapshot::Control(self.figures())).is_err() {
                tracing::debug!("nobody waits for the control thread's figures any longer");
            }
        }
    }

    fn figures(&self) -> ControlSnapshot {
        let image = self.controller.image();
        let partitions = || image.topics().flat_map(|topic| topic.partitions().map(|(_, state)| state));
        ControlSnapshot {
            phase: match self.phase {
                Phase::Starting => metrics::Phase::Starting,
                Phase::Serving => metrics::Phase::Serving,
                Phase::Stopping | Phase::Closing => metrics::Phase::Stopping,
            },
            topics: image.topic_count(),
            partitions: partitions().count(),
            leaderless: partitions().filter(|state| state.leader == BrokerId::NONE).count(),
            under_replicated: partitions().filter(|state| state.isr.len() < state.replicas.len()).count(),
            asks_waiting: self.asks.len(),
        }
    }

    /// Takes the next step of a graceful stop, if one is due.
    fn advance_stop(&mut self) {
        match self.phase {
            Phase::Starting | Phase::Serving if self.stop.requested.load(Ordering::SeqCst) => {
                self.phase = Phase::Stopping;
                self.manager.stopping();
                self.broadcast(|| Message::Stop);
            }
            Phase::Stopping if self.progress.iter().all(|shard| shard.drained) => {
                self.phase = Phase::Closing;
                self.broadcast(|| Message::Close);
            }
            _ => {}
        }
    }

    /// The name of a shard whose thread is gone though it has not said that it ended.
    fn lost_shard(&self) -> Option<String> {
        let shards = self.handles.iter().zip(&self.progress);
        let mut lost = shards.filter(|(handle, progress)| handle.is_finished() && !progress.stopped);
        lost.next().map(|(handle, _)| handle.name().to_owned())
    }

    fn deliver(&mut self, message: Message) {
        match message {
            Message::Ask { from, request } => self.asks.push_back((Some(from), request)),
            Message::Applied { shard, index } => {
                self.progress[shard.index()].applied = Some(index);
                self.send_due_reply();
            }
            Message::News(news) => self.pass_on(&news),
            Message::Drained { shard } => self.progress[shard.index()].drained = true,
            Message::Stopped { shard } => self.progress[shard.index()].stopped = true,
            Message::Work { .. }
            | Message::Done { .. }
            | Message::Hurry { .. }
            | Message::Moved(_)
            | Message::Publish { .. }
            | Message::Measure(_)
            | Message::Open
            | Message::Stop
            | Message::Close => debug_assert!(false, "a message for a shard"),
        }
    }

    fn ask(&mut self, from: Option<RequestRef>, request: &controller::Request) {
        let outcome = match random_seed() {
            Ok(seed) => self.controller.handle(request, Now::read().wall, seed),
            Err(error) => {
                tracing::error!("no random bytes from the system: {error}");
                return self.answer(from, Err(ErrorCode::UnknownServerError));
            }
        };
        if outcome.records.is_empty() {
            return self.answer(from, Ok(Box::new(outcome.reply)));
        }
        let written = self.log.propose(&outcome.records);
        let index = match written {
            Ok(index) => index,
            Err(error) => {
                tracing::error!("the metadata log takes no more records until this is mended: {error}");
                if let Some(cause) = storage_error(error).filter(StorageError::is_disk_failure) {
                    self.directories.metadata_failed(&cause);
                }
                return self.answer(from, Err(ErrorCode::KafkaStorageError));
            }
        };
        match self.controller.replay(index, &outcome.records) {
            Ok(delta) => self.publish(delta),
            Err(error) => {
                // The controller made these records itself: that they do not fit is a bug, and going on would spread it.
                tracing::error!("{error}; this broker stops");
                self.answer(from, Err(ErrorCode::UnknownServerError));
                return self.stop.stop();
            }
        }
        self.due = Some(DueReply { index, to: from, reply: Box::new(outcome.reply) });
        self.snapshot_when_grown();
    }

    fn snapshot_when_grown(&mut self) {
        if self.log.wants_snapshot()
            && let Err(error) = self.log.snapshot(self.controller.image())
        {
            tracing::warn!("the metadata log could not be shortened, it is kept whole: {error}");
        }
    }

    fn publish(&mut self, delta: Delta) {
        delta.complaints.iter().for_each(|complaint| tracing::warn!("{complaint}"));
        let (image, delta) = (self.controller.image().clone(), Arc::new(delta));
        self.broadcast(|| Message::Publish { image: image.clone(), delta: delta.clone() });
    }

    fn send_due_reply(&mut self) {
        let applied = self.applied_everywhere();
        if let Some(due) = self.due.take_if(|due| applied >= Some(due.index)) {
            self.answer(due.to, Ok(due.reply));
        }
    }

    /// The last image that every shard has acted on.
    fn applied_everywhere(&self) -> Option<LogIndex> {
        self.progress.iter().map(|shard| shard.applied).min().flatten()
    }

    /// Has the controller judge what shards tell of their partitions.
    fn pass_on(&mut self, news: &ReplicaNews) {
        let image = self.controller.image();
        let broker = image.node();
        let broker_epoch = image.brokers().get(&broker).map_or(-1, |broker| broker.epoch);
        let of =
            |partitions: &[TopicPartition]| partitions.iter().map(|at| (at.topic, at.partition)).collect();
        if !news.cut.is_empty() {
            let request = RenewLeaderEpochs { broker, broker_epoch, partitions: of(&news.cut) };
            self.asks.push_back((None, Box::new(controller::Request::RenewLeaderEpochs(request))));
        }
        if !(news.offline.is_empty() && news.online.is_empty()) {
            let (offline, online) = (of(&news.offline), of(&news.online));
            let request = ReportReplicas { broker, broker_epoch, offline, online };
            self.asks.push_back((None, Box::new(controller::Request::ReportReplicas(request))));
        }
    }

    fn answer(&mut self, to: Option<RequestRef>, result: Result<Box<controller::Reply>, ErrorCode>) {
        let Some(to) = to else { return };
        let from = PortId(self.progress.len());
        let done = Done::Controlled(result);
        // The time until here is time of others for whoever asked.
        let passage = Passage::begin(Moment::now());
        self.port.send(port_of(to.shard), Message::Done { to, from, done, passage });
    }

    fn broadcast(&mut self, message: impl Fn() -> Message) {
        for shard in 0..self.progress.len() {
            self.port.send(PortId(shard), message());
        }
    }
}

/// What an error of the metadata log says of its disk, if it says anything.
fn storage_error(error: QuorumError) -> Option<StorageError> {
    match error {
        QuorumError::Io { action, path, source } => {
            Some(StorageError::Io { doing: action, file: path, error: Arc::new(source) })
        }
        _ => None,
    }
}

/// A shard's end of the mesh; the control thread's comes after the last shard's.
pub fn port_of(shard: ShardId) -> PortId {
    PortId(shard.index())
}

fn random_seed() -> Result<Seed, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(Seed(bytes))
}
