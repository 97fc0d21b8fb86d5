//! What `/metrics` shows: every family with its name, type and help. `docs/METRICS.md` lists the same names, which a test
//! compares.
//!
//! # Not here
//! How the format is written (`text.rs`).

mod shards;
mod sums;

use super::Facts;
use super::collector::View;
use super::process;
use super::text::{Kind, Page};
use crate::metrics::{Phase, ShardSnapshot};

/// The page.
pub fn page(view: &View, facts: &Facts) -> String {
    let mut page = Page::default();
    broker(&mut page, view, facts);
    directories(&mut page, facts);
    let known: Vec<(String, &ShardSnapshot)> = view
        .shards
        .iter()
        .enumerate()
        .filter_map(|(shard, (snapshot, _))| Some((shard.to_string(), snapshot.as_deref()?)))
        .collect();
    shards::write(&mut page, &known, facts);
    sums::write(&mut page, &known);
    process::write(&mut page);
    page.into_text()
}

fn broker(page: &mut Page, view: &View, facts: &Facts) {
    let node = facts.node.to_string();
    let labels =
        [("version", env!("CARGO_PKG_VERSION")), ("node", node.as_str()), ("cluster", &facts.cluster)];
    page.family("strome_info", Kind::Gauge, "Which broker this is; always 1.").sample(&labels, 1);

    let mut answers = page.family(
        "strome_shard_answers",
        Kind::Gauge,
        "Whether the shard has answered in time; if not (0), its figures are the last ones known.",
    );
    for (shard, (_, has_answered)) in view.shards.iter().enumerate() {
        answers.sample(&[("shard", &shard.to_string())], u8::from(*has_answered));
    }
    let (control, has_answered) = view.control;
    page.single(
        "strome_control_answers",
        Kind::Gauge,
        "The same of the control thread.",
        u8::from(has_answered),
    );
    page.single(
        "strome_gather_seconds",
        Kind::Gauge,
        "How long it took to gather these figures.",
        view.took.as_secs_f64(),
    );
    let Some(control) = control else { return };
    let mut state =
        page.family("strome_state", Kind::Gauge, "1 for what the broker is doing, 0 for the others.");
    let phases = [("starting", Phase::Starting), ("serving", Phase::Serving), ("stopping", Phase::Stopping)];
    for (name, phase) in phases {
        state.sample(&[("state", name)], u8::from(control.phase == phase));
    }
    let gauges = [
        ("strome_topics", "Topics in the metadata.", control.topics),
        ("strome_partitions", "Partitions in the metadata.", control.partitions),
        ("strome_leaderless_partitions", "Partitions that no broker leads.", control.leaderless),
        (
            "strome_under_replicated_partitions",
            "Partitions of which a replica is not in sync.",
            control.under_replicated,
        ),
        ("strome_controller_queue", "Requests that wait for the controller.", control.asks_waiting),
    ];
    for (name, help, value) in gauges {
        page.single(name, Kind::Gauge, help, value);
    }
}

fn directories(page: &mut Page, facts: &Facts) {
    let mut online = page.family(
        "strome_directory_online",
        Kind::Gauge,
        "Whether the log directory is in use (1) or has failed (0).",
    );
    for directory in facts.directories.all() {
        let path = directory.path().to_string_lossy();
        online.sample(&[("directory", &path)], u8::from(directory.in_use().is_ok()));
    }
    let mut methods = page.family(
        "strome_directory_commit_info",
        Kind::Gauge,
        "How commits reach the directory's disk; always 1.",
    );
    for directory in facts.directories.all() {
        let Ok(dir) = directory.in_use() else { continue };
        let (method, path) = (dir.commit_method(), directory.path().to_string_lossy());
        let io = if method.is_direct { "direct" } else { "buffered" };
        let sync = if method.is_inline { "dsync" } else { "fdatasync" };
        methods.sample(&[("directory", &path), ("io", io), ("sync", sync)], 1);
    }
}
