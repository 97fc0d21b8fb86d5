//! kill -9, again and again, under load.

use crate::dice::rounds;
use crate::storm::{Storm, Troubles};
use crate::suite::{Case, Verdict};

pub const CASES: &[Case] = &[
    Case { name: "acknowledged_records_survive_kill_9", run: survive_kills },
    Case { name: "records_survive_kill_9_while_segments_roll_and_records_are_deleted", run: survive_rolls },
    Case { name: "a_start_that_is_killed_twice_loses_nothing", run: survive_killed_starts },
    Case { name: "a_broker_that_was_stopped_for_a_while_goes_on", run: survive_pauses },
    Case { name: "a_lazily_flushed_log_loses_nothing_but_its_end", run: lose_only_the_end },
];

/// Segments of a few index entries each: they roll all the time.
const TINY_SEGMENTS: &[(&str, &str)] = &[("segment.index.bytes", "64"), ("index.interval.bytes", "4096")];

/// Runs rounds of any length up to `batches`.
fn run(mut storm: Storm, rounds: u32, batches: u64) -> Verdict {
    for _ in 0..rounds {
        let batches = storm.dice.between(1, batches);
        storm.round(batches);
    }
    storm.finish();
    Verdict::Passed
}

fn survive_kills() -> Verdict {
    let mut storm = Storm::begin(Troubles { other_shards: true, ..Default::default() });
    storm.topic("one", 1, &[]);
    storm.topic("twenty", 20, &[]);
    storm.topic("many", 200, &[]);
    run(storm, rounds(4, 15), 1500)
}

fn survive_rolls() -> Verdict {
    let mut storm = Storm::begin(Troubles { other_shards: true, deletions: true, ..Default::default() });
    storm.topic("tiny", 5, TINY_SEGMENTS);
    storm.topic("short", 3, &[TINY_SEGMENTS, &[("retention.bytes", "200000")]].concat());
    storm.topic("smallest", 2, &[("segment.bytes", "1048576")]);
    run(storm, rounds(4, 15), 1500)
}

fn survive_killed_starts() -> Verdict {
    let troubles =
        Troubles { other_shards: true, killed_starts: true, deletions: true, ..Default::default() };
    let mut storm = Storm::begin(troubles);
    storm.topic("one", 1, &[]);
    storm.topic("tiny", 20, TINY_SEGMENTS);
    storm.topic("lazy", 3, &[("flush.messages", "1000000")]);
    run(storm, rounds(3, 10), 1000)
}

fn survive_pauses() -> Verdict {
    let mut storm = Storm::begin(Troubles { pauses: true, other_shards: true, ..Default::default() });
    storm.topic("one", 1, &[]);
    storm.topic("tiny", 20, TINY_SEGMENTS);
    run(storm, rounds(3, 8), 1000)
}

fn lose_only_the_end() -> Verdict {
    let mut storm = Storm::begin(Troubles { other_shards: true, pauses: true, ..Default::default() });
    storm.topic("lazy", 3, &[("flush.messages", "1000000")]);
    storm.topic("timed", 20, &[("flush.messages", "1000000"), ("flush.ms", "50")]);
    storm.topic("tiny", 5, &[TINY_SEGMENTS, &[("flush.messages", "100")]].concat());
    run(storm, rounds(4, 10), 2000)
}
