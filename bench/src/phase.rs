//! One phase of a run: threads that work to a plan, and their tallies put together.
//!
//! # Invariants
//! - A second is told and added up once every thread has handed it over.
//! - What is measured of processes and of the machine covers the time that is measured of records, as closely as the
//!   kernel's ticks allow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use reactor::{Handle, Placement, Waker, launch};
use rustix::time::{ClockId, clock_gettime};
use types::{BrokerId, Offset};

use crate::cluster::{Access, Map};
use crate::consumer::{ConsumerParts, Source};
use crate::control::{Control, Finished, Note};
use crate::dial::Dialed;
use crate::error::BenchError;
use crate::explain::{Looks, Witness};
use crate::host::MachineTime;
use crate::link::Line;
use crate::moment::{Clock, Moment, Timeline};
use crate::outcome::{Digest, Point};
use crate::payload::{Keys, RunId, Values};
use crate::plan::{Load, Mode, Plan};
use crate::process::{Process, Usage};
use crate::producer::{ProducerParts, Target, TopicName};
use crate::random::Random;
use crate::schedule::Schedule;
use crate::tally::{Sample, Tally};
use crate::watch::{Stage, Watch};
use crate::worker::{self, Role, Task};

/// Between the moment when all threads are ready and the first record.
const HEAD_START: Duration = Duration::from_millis(20);

/// How often it is looked whether to stop.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// A run that somebody stops goes on for so long: every thread hears of its end before it comes, so that all end together.
const STOP_NOTICE: Duration = Duration::from_millis(50);
/// Its last answers are awaited no longer than this.
const STOP_DRAIN_MAX: Duration = Duration::from_secs(2);

/// What a phase begins with.
pub(crate) struct Phase<'a> {
    pub(crate) plan: Plan,
    pub(crate) access: Access,
    pub(crate) map: Map,
    /// Beginning and end of each partition's log, by topic.
    pub(crate) offsets: Vec<Vec<(Offset, Offset)>>,
    pub(crate) run: RunId,
    pub(crate) clock: Clock,
    /// Of brokers on this machine.
    pub(crate) processes: Vec<Process>,
    pub(crate) watch: &'a mut dyn Watch,
    pub(crate) stop: &'a AtomicBool,
}

/// What a phase has found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) seconds: f64,
    /// Whether somebody stopped it before its end.
    pub(crate) stopped: bool,
    pub(crate) total: Tally,
    pub(crate) series: Vec<Point>,
    pub(crate) missing: u64,
    pub(crate) caught_up_s: Option<f64>,
    pub(crate) client_cpu_seconds: f64,
    pub(crate) threads_busy: Vec<f64>,
    /// By process number.
    pub(crate) usages: Vec<(u32, Usage)>,
    pub(crate) machine_cpu_seconds: f64,
    pub(crate) stolen_cpu_seconds: f64,
    /// At the broker's metrics, if the plan wants them explained.
    pub(crate) looks: Option<Result<Looks, BenchError>>,
}

/// Runs a phase to its end.
pub(crate) fn perform(phase: Phase<'_>) -> Result<Found, BenchError> {
    let producers = if phase.plan.mode.produces() { phase.plan.producers } else { 0 };
    let control = Arc::new(Control::new(producers));
    let (sender, notes) = channel();
    // Those that began before one that could not are to end too.
    let threads = launch_threads(&phase, &control, &sender).inspect_err(|_| control.stop())?;
    // Only threads can send from here on, so that the channel ends with them.
    drop(sender);
    let result = Conductor::new(phase, Arc::clone(&control), notes, &threads).conduct();
    if result.is_err() {
        control.stop();
        threads.iter().for_each(|thread| thread.waker.wake());
    }
    for thread in threads {
        let joined = thread.handle.join();
        if result.is_ok() {
            joined?;
        }
    }
    result
}

struct Thread {
    handle: Handle,
    waker: Waker,
}

fn launch_threads(
    phase: &Phase<'_>,
    control: &Arc<Control>,
    notes: &Sender<(usize, Note)>,
) -> Result<Vec<Thread>, BenchError> {
    let topics: Arc<[TopicName]> =
        phase.map.topics.iter().map(|topic| TopicName { name: topic.name.clone(), id: topic.id }).collect();
    let (plan, map) = (Arc::new(phase.plan.clone()), Arc::new(phase.map.clone()));
    let roles = roles(phase, &topics);
    let count = plan.threads.min(roles.len()).max(1);
    let mut tasks: Vec<Task> = (0..count)
        .map(|index| Task {
            plan: Arc::clone(&plan),
            access: phase.access.clone(),
            topics: Arc::clone(&topics),
            map: Arc::clone(&map),
            clock: phase.clock,
            control: Arc::clone(control),
            notes: notes.clone(),
            index,
            roles: Vec::new(),
            lines: Vec::new(),
        })
        .collect();
    for (place, role) in roles.into_iter().enumerate() {
        let task = &mut tasks[place % count];
        let member = task.roles.len();
        for broker in role.leaders() {
            if let Some(address) = map.brokers.get(&broker) {
                let dialed = Dialed::open(address, &phase.access)?;
                task.lines.push(Line::new(member, broker, dialed));
            }
        }
        task.roles.push(role);
    }
    tasks.into_iter().map(|task| launch_thread(task, &plan.cores)).collect()
}

fn launch_thread(task: Task, cores: &[usize]) -> Result<Thread, BenchError> {
    let waker = Waker::new().map_err(reactor::ReactorError::Eventfd)?;
    let cpu = (!cores.is_empty()).then(|| cores[task.index % cores.len()]);
    let placement = Placement { name: format!("bench-{}", task.index), cpu };
    let own = waker.clone();
    let handle = launch(placement, move || worker::run(task, own))?;
    Ok(Thread { handle, waker })
}

impl Role {
    fn leaders(&self) -> std::collections::BTreeSet<BrokerId> {
        match self {
            Self::Produce(parts) => parts.targets.iter().map(|target| target.leader).collect(),
            Self::Consume(parts) => parts.sources.iter().map(|source| source.leader).collect(),
        }
    }
}

/// All producers and consumers. They take turns, so that threads get some of both.
fn roles(phase: &Phase<'_>, topics: &Arc<[TopicName]>) -> Vec<Role> {
    let plan = &phase.plan;
    let producers = if plan.mode.produces() { plan.producers } else { 0 };
    let consumers = if plan.mode.consumes() { plan.consumers } else { 0 };
    let shares = reading_shares(phase, consumers);
    let produce = Arc::new(plan.produce.clone());
    let mut roles = Vec::new();
    for index in 0..producers.max(consumers) {
        if index < producers {
            roles.push(Role::Produce(Box::new(producer(phase, topics, &produce, index, &shares))));
        }
        if let Some(share) = shares.get(index)
            && !share.is_empty()
        {
            roles.push(Role::Consume(Box::new(ConsumerParts {
                plan: plan.fetch,
                topics: Arc::clone(topics),
                sources: share.clone(),
                run: phase.run,
                timeout: phase.access.timeout,
            })));
        }
    }
    roles
}

fn producer(
    phase: &Phase<'_>,
    topics: &Arc<[TopicName]>,
    produce: &Arc<crate::plan::ProducePlan>,
    index: usize,
    shares: &[Vec<Source>],
) -> ProducerParts {
    let plan = &phase.plan;
    let mut readers: BTreeMap<(usize, i32), u64> = BTreeMap::new();
    for source in shares.iter().flatten() {
        *readers.entry((source.topic, source.partition)).or_default() += 1;
    }
    let (count, all) = (phase.map.topics.len(), plan.producers);
    let mut targets = Vec::new();
    for (topic, described) in phase.map.topics.iter().enumerate() {
        // With more producers than topics several share one; with more topics than producers one has several.
        let is_own = if all >= count { index % count == topic } else { topic % all == index };
        if is_own {
            targets.extend((0..).zip(&described.leaders).map(|(partition, leader)| Target {
                topic,
                partition,
                leader: *leader,
                readers: readers.get(&(topic, partition)).copied().unwrap_or_default(),
            }));
        }
    }
    let random = |purpose: u64| Random::new(plan.seed).fork((index as u64) << 8 | purpose);
    let schedule = match plan.produce.load {
        Load::Closed => None,
        // It begins with the run, whose start is not known yet.
        Load::Open { records_per_second, arrivals } => {
            Some(Schedule::share(records_per_second, arrivals, Moment::ORIGIN, (index, all), plan.seed))
        }
    };
    let share_of = |records: u64| (records + all as u64 - 1 - index as u64) / all as u64;
    ProducerParts {
        plan: Arc::clone(produce),
        topics: Arc::clone(topics),
        // Producers begin at different partitions.
        first_target: targets.len() * index / all,
        targets,
        values: Values::new(plan.records.sizes, plan.records.random_share, phase.run, random(0), all),
        keys: plan.records.keys.map(|count| Keys::new(count, random(1))),
        schedule,
        records: plan.produce.records.map(share_of),
        timeout: phase.access.timeout,
    }
}

/// Who reads what. Consumers share the partitions; where they are more, several read the same one.
fn reading_shares(phase: &Phase<'_>, consumers: usize) -> Vec<Vec<Source>> {
    let mut all = Vec::new();
    for (topic, (described, offsets)) in phase.map.topics.iter().zip(&phase.offsets).enumerate() {
        for (partition, (leader, (begin, end))) in (0..).zip(described.leaders.iter().zip(offsets)) {
            let from_begin = phase.plan.mode.reads_backlog();
            all.push(Source {
                topic,
                partition,
                leader: *leader,
                position: if from_begin { *begin } else { *end },
                end: (phase.plan.mode == Mode::Consume).then_some(*end),
                backlog_end: *end,
            });
        }
    }
    (0..consumers)
        .map(|consumer| {
            if all.is_empty() {
                return Vec::new();
            }
            if consumers >= all.len() {
                return vec![all[consumer % all.len()].clone()];
            }
            all.iter().skip(consumer).step_by(consumers).cloned().collect()
        })
        .collect()
}

/// Listens to the threads.
struct Conductor<'a> {
    phase: Phase<'a>,
    control: Arc<Control>,
    notes: Receiver<(usize, Note)>,
    wakers: Vec<Waker>,
    /// Up to where each thread has handed its tallies over.
    handed: Vec<Moment>,
    finished: Vec<Option<Finished>>,
    /// Intervals that not all threads have handed over, by their beginning.
    pending: BTreeMap<Moment, (Moment, Tally)>,
    total: Tally,
    series: Vec<Point>,
}

/// What clocks of processes say at a moment.
struct Readings {
    machine: MachineTime,
    own_cpu_seconds: f64,
    usages: Vec<(u32, Usage)>,
}

impl Readings {
    fn take(processes: &[Process]) -> Self {
        let usages = processes.iter().filter_map(|process| Some((process.pid, process.usage()?)));
        let usages = usages.collect();
        Self { machine: MachineTime::now(), own_cpu_seconds: own_cpu_seconds(), usages }
    }
}

impl<'a> Conductor<'a> {
    fn new(
        phase: Phase<'a>,
        control: Arc<Control>,
        notes: Receiver<(usize, Note)>,
        threads: &[Thread],
    ) -> Self {
        let count = threads.len();
        Self {
            phase,
            control,
            notes,
            wakers: threads.iter().map(|thread| thread.waker.clone()).collect(),
            handed: vec![Moment::ORIGIN; count],
            finished: vec![None; count],
            pending: BTreeMap::new(),
            total: Tally::default(),
            series: Vec::new(),
        }
    }

    fn conduct(mut self) -> Result<Found, BenchError> {
        for _ in 0..self.wakers.len() {
            match self.notes.recv() {
                Ok((_, Note::Failed(error))) => return Err(error),
                Ok(_) => {}
                Err(_) => {
                    return Err(BenchError::Plan("a thread of the client ended before it began".to_owned()));
                }
            }
        }
        let mut witness = self.witness();
        let mut timeline = self.begin();
        let mut stopped = false;
        let (mut before, mut after) = (None, None);
        while self.finished.iter().any(Option::is_none) {
            let now = self.phase.clock.now();
            if before.is_none() && now >= timeline.measure_from {
                before = Some(Readings::take(&self.phase.processes));
                // What was seen before the run is the better beginning where nothing has happened since.
                if let Some(Ok(witness)) = witness.as_mut().filter(|_| timeline.start < timeline.measure_from)
                {
                    witness.look_before();
                }
            }
            if after.is_none() && now >= timeline.end {
                after = Some(Readings::take(&self.phase.processes));
                if let Some(Ok(witness)) = &mut witness {
                    witness.look_after();
                }
            }
            if !stopped && self.phase.stop.load(Ordering::Relaxed) {
                timeline = self.cut_off(timeline, now)?;
                stopped = true;
            }
            let next = [timeline.measure_from, timeline.end].into_iter().filter(|moment| *moment > now).min();
            let wait = next.map_or(LOOK_AROUND, |next| next.since(now).min(LOOK_AROUND));
            match self.notes.recv_timeout(wait) {
                Ok((thread, note)) => self.hear(thread, note, &timeline)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(BenchError::Plan("a thread of the client died".to_owned()));
                }
            }
        }
        let after = after.unwrap_or_else(|| Readings::take(&self.phase.processes));
        // A run that is over before its warm-up has measured nothing.
        let before = before.unwrap_or_else(|| Readings::take(&self.phase.processes));
        let looks = witness.map(|witness| witness.and_then(Witness::conclude));
        Ok(Found { looks, stopped, ..self.conclude(&timeline, &before, &after) })
    }

    /// A witness of the run, who has had a first look, if one is wanted.
    fn witness(&mut self) -> Option<Result<Witness, BenchError>> {
        let witness = Witness::new(self.phase.plan.explain.clone()?);
        if let Err(error) = &witness {
            self.phase.watch.warning(&error.to_string());
        }
        Some(witness)
    }

    fn begin(&self) -> Timeline {
        let plan = &self.phase.plan;
        let start = self.phase.clock.now() + HEAD_START;
        let measure_from = start + plan.warm_up;
        let end = measure_from + plan.duration;
        // What reading a backlog does to writing is to be seen, not to be over when the warm-up is.
        let read_from = if plan.mode == Mode::Mixed { measure_from } else { start };
        let timeline = Timeline { start, read_from, measure_from, end, give_up: end + plan.drain };
        let _ = self.control.timeline.set(timeline);
        self.wakers.iter().for_each(Waker::wake);
        timeline
    }

    /// Somebody wants the end. What was measured so far is a result, if anything was.
    fn cut_off(&self, timeline: Timeline, now: Moment) -> Result<Timeline, BenchError> {
        if self.phase.plan.name == FILLING || now <= timeline.measure_from {
            return Err(BenchError::Stopped);
        }
        let timeline = timeline.cut_off(now + STOP_NOTICE, STOP_DRAIN_MAX.min(self.phase.plan.drain));
        let _ = self.control.cut_off.set(timeline);
        self.wakers.iter().for_each(Waker::wake);
        Ok(timeline)
    }

    fn hear(&mut self, thread: usize, note: Note, timeline: &Timeline) -> Result<(), BenchError> {
        match note {
            Note::Ready => {}
            Note::Failed(error) => return Err(error),
            Note::Interval(sample) => {
                let Sample { from, to, tally } = *sample;
                self.handed[thread] = to;
                let (until, pending) = self.pending.entry(from).or_insert_with(|| (to, Tally::default()));
                *until = (*until).max(to);
                pending.add(&tally);
            }
            Note::Finished(finished) => {
                self.handed[thread] = Moment::NEVER;
                self.finished[thread] = Some(finished);
            }
        }
        let handed = self.handed.iter().copied().min().unwrap_or(Moment::NEVER);
        while let Some(entry) = self.pending.first_entry()
            && entry.get().0 <= handed
        {
            let (from, (to, tally)) = entry.remove_entry();
            self.second(from, to, &tally, timeline);
        }
        Ok(())
    }

    fn second(&mut self, from: Moment, to: Moment, tally: &Tally, timeline: &Timeline) {
        let seconds = to.since(from).as_secs_f64();
        let at_s =
            to.since(timeline.measure_from).as_secs_f64() - timeline.measure_from.since(to).as_secs_f64();
        let point = Point {
            at_s,
            seconds,
            produced: tally.produced,
            consumed: tally.consumed,
            produce: Digest::of(&tally.produce),
            end_to_end: Digest::of(&tally.end_to_end),
            fetch: Digest::of(&tally.fetch),
        };
        let stage = match () {
            () if self.phase.plan.name == FILLING => Stage::Filling,
            () if from < timeline.measure_from => Stage::WarmUp,
            () if from < timeline.end => Stage::Measuring,
            () => Stage::Draining,
        };
        if from >= timeline.measure_from {
            self.total.add(tally);
        }
        self.phase.watch.second(stage, &point);
        self.series.push(point);
    }

    fn conclude(self, timeline: &Timeline, before: &Readings, after: &Readings) -> Found {
        let finished: Vec<Finished> = self.finished.iter().flatten().copied().collect();
        let at = finished.iter().map(|finished| finished.at).max().unwrap_or(timeline.end);
        let seconds = at.min(timeline.end).since(timeline.measure_from).as_secs_f64();
        let used = |(pid, after): &(u32, Usage)| {
            let before = before.usages.iter().find(|(of, _)| of == pid).map(|(_, usage)| *usage);
            let cpu_seconds = after.cpu_seconds - before.unwrap_or_default().cpu_seconds;
            (*pid, Usage { cpu_seconds, ..*after })
        };
        let busy = |finished: &Finished| {
            let nanos = finished.at.since(timeline.measure_from).as_nanos().max(1);
            finished.cpu_nanos as f64 / nanos as f64
        };
        let caught_up: Option<Moment> = finished.iter().filter_map(|finished| finished.caught_up).max();
        Found {
            seconds,
            stopped: false,
            total: self.total,
            series: self.series,
            missing: self.control.missing(),
            caught_up_s: caught_up.map(|at| at.since(timeline.read_from).as_secs_f64()),
            client_cpu_seconds: after.own_cpu_seconds - before.own_cpu_seconds,
            threads_busy: finished.iter().map(busy).collect(),
            usages: after.usages.iter().map(used).collect(),
            machine_cpu_seconds: after.machine.busy_seconds - before.machine.busy_seconds,
            stolen_cpu_seconds: after.machine.stolen_seconds - before.machine.stolen_seconds,
            looks: None,
        }
    }
}

/// The name of the plan by which topics are filled.
pub(crate) const FILLING: &str = "fill";

/// CPU time of this process, all threads together.
fn own_cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
