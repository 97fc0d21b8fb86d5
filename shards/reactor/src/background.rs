//! Tasks that run on a shard's thread while the shard itself has nothing to do, or yields to them.
//!
//! # Invariants
//! - Whoever yields waits on a timer for a moment, so that glommio's queue of runnable tasks becomes empty and
//!   it looks at its timers and files; by itself it would do so only on its preemption timer, which is off
//!   (`launch.rs`).
//!
//! # Not here
//! Work that blocks the thread (`offload.rs`).

use std::cell::{Cell, OnceCell};
use std::time::{Duration, Instant};

use glommio::{Latency, Shares, TaskQueueHandle};

/// glommio's share of background tasks where it is to choose; the shard's own loop has the usual 1000.
const BACKGROUND_SHARES: usize = 100;
/// A busy shard goes on for so long before background tasks get their turn, ...
const SHARD_SLICE: Duration = Duration::from_millis(1);
/// ... which they should end after so long: it delays requests, and makes up a tenth of a busy shard's time.
const BACKGROUND_SLICE: Duration = Duration::from_micros(100);
/// What yielding waits for. The shortest time that is not over when glommio looks at it first.
const MOMENT: Duration = Duration::from_micros(5);

thread_local! {
    /// How many background tasks this thread's executor has.
    static TASKS: Cell<usize> = const { Cell::new(0) };
    static QUEUE: OnceCell<TaskQueueHandle> = const { OnceCell::new() };
    /// When the task that runs now, the shard's or one in the background, began its slice.
    static SLICE_BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs `task` on this shard's thread beside its loop, with fewer shares. It is dropped, wherever it is, when
/// the shard ends.
///
/// # Panics
/// Outside of a shard's thread (see [`launch`](crate::launch)).
pub fn spawn_background(task: impl Future<Output = ()> + 'static) {
    let queue = QUEUE.with(|queue| {
        *queue.get_or_init(|| {
            let shares = Shares::Static(BACKGROUND_SHARES);
            glommio::executor().create_task_queue(shares, Latency::NotImportant, "background")
        })
    });
    let counted = Counted::new();
    let task = async move {
        let _counted = counted;
        begin_slice();
        task.await;
    };
    match glommio::spawn_local_into(task, queue) {
        Ok(task) => {
            task.detach();
        }
        // Only a queue that was removed could be missing, and nothing removes it.
        Err(error) => tracing::error!(%error, "a background task could not be started"),
    }
}

/// Lets background tasks run if their turn has come. A shard that is never idle calls it once per round; a
/// background task calls it wherever it can be interrupted. Costs next to nothing when no background task exists.
pub async fn yield_if_needed() {
    if !is_any() {
        return;
    }
    let now = Instant::now();
    let began = SLICE_BEGAN.with(|began| {
        began.get().unwrap_or_else(|| {
            began.set(Some(now));
            now
        })
    });
    let slice = if in_background() { BACKGROUND_SLICE } else { SHARD_SLICE };
    if now.duration_since(began) >= slice {
        sleep(MOMENT).await;
    }
}

/// Waits, in a background task.
pub async fn sleep(time: Duration) {
    glommio::timer::sleep(time).await;
    begin_slice();
}

/// To be called by whoever gets the thread back.
pub(crate) fn begin_slice() {
    SLICE_BEGAN.with(|began| began.set(None));
}

fn in_background() -> bool {
    let current = glommio::executor().current_task_queue();
    QUEUE.with(|queue| queue.get() == Some(&current))
}

/// Whether this thread has background tasks. As long as it has none, its executor need not be asked anything.
pub(crate) fn is_any() -> bool {
    TASKS.with(Cell::get) > 0
}

/// Counts a task for as long as it exists.
struct Counted;

impl Counted {
    fn new() -> Self {
        TASKS.with(|tasks| tasks.set(tasks.get() + 1));
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        TASKS.with(|tasks| tasks.set(tasks.get() - 1));
    }
}
