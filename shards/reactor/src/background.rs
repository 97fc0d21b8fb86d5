//! Tasks that run on a shard's thread while the shard itself has nothing to do, or yields to them.
//!
//! # Not here
//! Work that blocks the thread (`offload.rs`).

use std::cell::{Cell, OnceCell};
use std::time::Duration;

use glommio::{Latency, Shares, TaskQueueHandle};

/// The shard's own loop has glommio's usual 1000 shares; when both want the core all the time, it gets ten parts
/// of eleven.
const BACKGROUND_SHARES: usize = 100;

thread_local! {
    /// How many background tasks this thread's executor has.
    static TASKS: Cell<usize> = const { Cell::new(0) };
    static QUEUE: OnceCell<TaskQueueHandle> = const { OnceCell::new() };
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
    if is_any() {
        glommio::yield_if_needed().await;
    }
}

/// Waits, in a background task.
pub async fn sleep(time: Duration) {
    glommio::timer::sleep(time).await;
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
