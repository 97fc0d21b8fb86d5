//! One phase of a run: threads that work to a plan, and what they have found.
//!
//! # Not here
//! Who produces and reads what (`roles.rs`); beginning, end and what was seen meanwhile (`conductor.rs`), clocks of processes
//! (`readings.rs`).

mod conductor;
mod readings;
mod roles;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Sender, channel};

use reactor::{Handle, Placement, Waker, launch};
use types::{BrokerId, Offset};

use self::conductor::Conductor;
use self::readings::Spent;
use self::roles::roles;
use crate::cluster::{Access, Map};
use crate::control::{Control, Note};
use crate::dial::Dialed;
use crate::error::BenchError;
use crate::explain::Looks;
use crate::link::Line;
use crate::moment::Clock;
use crate::outcome::Point;
use crate::payload::RunId;
use crate::plan::Plan;
use crate::process::Process;
use crate::producer::TopicName;
use crate::tally::Tally;
use crate::watch::Watch;
use crate::worker::{self, Role, Task};

/// What a phase begins with.
pub(crate) struct Phase<'a> {
    pub(crate) plan: Plan,
    /// Whether it makes things ready for what is measured.
    pub(crate) prepares: bool,
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
    /// Why it was over before its end, if it was.
    pub(crate) cut_short: Option<BenchError>,
    pub(crate) total: Tally,
    pub(crate) series: Vec<Point>,
    pub(crate) missing: u64,
    pub(crate) caught_up_s: Option<f64>,
    pub(crate) threads_busy: Vec<f64>,
    pub(crate) spent: Spent,
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
    let wakers = threads.iter().map(|thread| thread.waker.clone()).collect();
    let result = Conductor::new(phase, Arc::clone(&control), notes, wakers).conduct();
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
    fn leaders(&self) -> BTreeSet<BrokerId> {
        match self {
            Self::Produce(parts) => parts.targets.iter().map(|target| target.leader).collect(),
            Self::Consume(parts) => parts.sources.iter().map(|source| source.leader).collect(),
        }
    }
}
