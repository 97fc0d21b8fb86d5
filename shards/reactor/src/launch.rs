//! The thread of a shard: pinned, with a glommio executor on which the shard's loop is a task.

use std::any::Any;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use glommio::LocalExecutorBuilder;

use crate::affinity;
use crate::error::ReactorError;

/// Where a shard runs.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The thread's name, such as `shard-0`; the kernel shows its first 15 bytes.
    pub name: String,
    /// The core to stay on, one of [`cores`](crate::cores); `None` leaves the choice to the kernel.
    pub cpu: Option<usize>,
}

/// A running shard.
#[derive(Debug)]
pub struct Handle {
    name: String,
    thread: JoinHandle<()>,
}

/// glommio's own memory for files. Ours pass by it, so the least that it takes (per executor) will do; all of it
/// counts against the limit of locked memory.
const EXECUTOR_IO_BYTES: usize = 64 * 1024;
/// glommio has three rings; nothing but the wake-up and rare background work goes through them.
const EXECUTOR_RING_DEPTH: usize = 32;

/// glommio's preemption timer must never fire: if it does between being set and being looked at, which takes no more
/// than the kernel running another thread, glommio 0.9 skips all runnable tasks and sleeps; a shard was seen to
/// hang so under load. Fairness between the shard and its background tasks is kept by
/// [`yield_if_needed`](crate::yield_if_needed).
const PREEMPT_NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Where glommio reads which CPUs there are before it pins a thread; it panics when nothing is there.
const TOPOLOGY: &str = "/sys/devices/system/cpu";

/// Starts a thread with an executor and runs the future that `start` makes there. Returns once the executor stands.
pub fn launch<Start, Task>(placement: Placement, start: Start) -> Result<Handle, ReactorError>
where
    Start: FnOnce() -> Task + Send + 'static,
    Task: Future<Output = ()> + 'static,
{
    affinity::remember();
    let Placement { name, cpu } = placement;
    if cpu.is_some() && !Path::new(TOPOLOGY).exists() {
        return Err(ReactorError::Executor { name, reason: format!("there is no {TOPOLOGY}; mount /sys") });
    }
    let (report, ready) = sync_channel(1);
    let thread = thread::Builder::new()
        .name(name.clone())
        .spawn(move || {
            let placement = cpu.map_or(glommio::Placement::Unbound, glommio::Placement::Fixed);
            let executor = LocalExecutorBuilder::new(placement)
                .io_memory(EXECUTOR_IO_BYTES)
                .ring_depth(EXECUTOR_RING_DEPTH)
                .preempt_timer(PREEMPT_NEVER)
                .make();
            // The receiver waits for exactly this one report.
            match executor {
                Ok(executor) => {
                    let _ = report.send(None);
                    executor.run(async move { start().await });
                }
                Err(error) => {
                    let _ = report.send(Some(error.to_string()));
                }
            }
        })
        .map_err(|source| ReactorError::Thread { name: name.clone(), source })?;
    match ready.recv() {
        Ok(None) => Ok(Handle { name, thread }),
        Ok(Some(reason)) => Err(ReactorError::Executor { name, reason }),
        // It died before it could tell.
        Err(_) => Err(Handle { name: name.clone(), thread }
            .join()
            .err()
            .unwrap_or(ReactorError::Executor { name, reason: "its thread ended".into() })),
    }
}

impl Handle {
    /// The thread's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the shard has ended, well or not; then `join` does not block.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the shard to end. A panic in its task comes out here.
    pub fn join(self) -> Result<(), ReactorError> {
        let Self { name, thread } = self;
        thread.join().map_err(|payload| ReactorError::Panicked { name, message: message(&*payload) })
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}
