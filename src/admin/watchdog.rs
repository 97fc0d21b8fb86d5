//! Signs of life for the service manager, for as long as every thread that serves clients gives one itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::collector::View;
use super::server::Site;
use crate::service_manager::ServiceManager;

/// So many chances within the time after which the manager ends the broker: one late answer is not the end.
const CHANCES: u32 = 4;

/// Gives signs of life while the broker is well; ends with the thread that it runs on.
pub async fn watch(manager: ServiceManager, limit: Duration, site: Arc<Site>) {
    loop {
        let view = site.collector.gather().await;
        // How long a stop may take is for another of the manager's limits, and threads that are done do not answer.
        if all_answer(&view) || manager.is_stopping() {
            manager.alive();
        } else {
            tracing::warn!("no sign of life for the service manager: a shard or the control thread is late");
        }
        sleep(limit / CHANCES).await;
    }
}

/// Whether nobody is stuck. That a disk is full or a directory lost is no reason to end a broker that serves the others.
fn all_answer(view: &View) -> bool {
    view.control.1 && view.shards.iter().all(|(_, answers)| *answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_that_does_not_answer_is_enough_to_be_silent() {
        let view = |shards: &[bool], control| View {
            shards: shards.iter().map(|answers| (None, *answers)).collect(),
            control: (None, control),
            took: Duration::ZERO,
        };
        assert!(all_answer(&view(&[true, true], true)));
        assert!(!all_answer(&view(&[true, false], true)));
        assert!(!all_answer(&view(&[true, true], false)));
    }
}
