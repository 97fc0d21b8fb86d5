//! Whether the broker is well, and if not, why. Figures in, reasons out.

use serde_json::json;

use super::collector::{ANSWER_MAX, View};
use crate::metrics::Phase;
use crate::partition::{Directories, Directory};

/// Why clients are not served, one reason each; none if they are.
pub fn of_readiness(view: &View) -> Vec<String> {
    let mut reasons = Vec::new();
    match view.control {
        (Some(control), true) => match control.phase {
            Phase::Starting => reasons.push("the broker is starting: logs are being recovered".to_owned()),
            Phase::Serving => {}
            Phase::Stopping => reasons.push("the broker is stopping".to_owned()),
        },
        _ => reasons.push(late("the control thread")),
    }
    let silent = view.shards.iter().enumerate().filter(|(_, (_, answers))| !answers);
    reasons.extend(silent.map(|(shard, _)| late(&format!("shard {shard}"))));
    reasons
}

/// The same, and whatever else is not as it should be.
pub fn of_everything(view: &View, directories: &Directories) -> Vec<String> {
    let mut reasons = of_readiness(view);
    let failed = |directory: &Directory| {
        let error = directory.in_use().err()?;
        Some(format!("log directory {} is offline: {error}", directory.path().display()))
    };
    reasons.extend(directories.all().iter().filter_map(failed));
    let partitions = view.shards.iter().filter_map(|(shard, _)| shard.as_ref());
    let offline: usize = partitions.clone().map(|shard| shard.partitions.offline).sum();
    let stalled: usize = partitions.map(|shard| shard.partitions.levels.stalled_logs).sum();
    if offline > 0 {
        reasons.push(format!("{offline} partitions are offline; the log says why"));
    }
    if stalled > 0 {
        reasons.push(format!("{stalled} partitions wait for space on their disk"));
    }
    reasons
}

/// The page.
pub fn to_json(reasons: &[String]) -> String {
    let status = if reasons.is_empty() { "ok" } else { "unavailable" };
    format!("{}\n", json!({ "status": status, "reasons": reasons }))
}

fn late(who: &str) -> String {
    format!("{who} has not answered within {} ms", ANSWER_MAX.as_millis())
}
