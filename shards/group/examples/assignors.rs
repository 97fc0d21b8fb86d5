//! How long an assignment takes on this machine: `cargo run --release -p strome-group --example assignors`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it measures; the crate itself has no clock"
)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Instant;

use strome_group::assignor::{Assignment, Assignor, PartitionCounts, Subscriber};
use types::{TopicId, Uuid};

fn main() {
    for (members, topics, partitions) in [(10, 10, 100), (100, 100, 100), (500, 100, 100), (1000, 200, 500)] {
        let counts: PartitionCounts = (0..topics).map(|n| (topic(n), partitions)).collect();
        for assignor in Assignor::ALL {
            report(assignor, "equal subscriptions", members, &counts, |_, _| true);
            report(assignor, "overlapping subscriptions", members, &counts, |member, n| {
                (member + n) % 3 != 0
            });
        }
    }
}

fn topic(number: usize) -> TopicId {
    Uuid((number as u128 + 1).to_be_bytes())
}

fn report(
    assignor: Assignor,
    what: &str,
    members: usize,
    counts: &PartitionCounts,
    wants: impl Fn(usize, usize) -> bool,
) {
    let ids: Vec<String> = (0..members).map(|member| format!("member-{member:05}")).collect();
    let subscription =
        |member| (0..counts.len()).filter(|n| wants(member, *n)).map(topic).collect::<BTreeSet<_>>();
    let topics: Vec<_> = (0..members).map(subscription).collect();
    let mut assigned = vec![Assignment::new(); members];
    // From nothing; with one member less, whose partitions go to the others; and with nothing to do.
    for (step, taking_part) in [("first", members - 1), ("one joins", members), ("unchanged", members)] {
        let subscribers: Vec<_> = (0..taking_part)
            .map(|n| Subscriber {
                member_id: &ids[n],
                instance_id: None,
                topics: &topics[n],
                assigned: &assigned[n],
            })
            .collect();
        let start = Instant::now();
        let assignments = black_box(assignor.assign(black_box(&subscribers), counts));
        let took = start.elapsed();
        println!(
            "{}, {what}, {members} members, {} partitions, {step}: {:.2} ms",
            assignor.name(),
            counts.values().sum::<i32>(),
            took.as_secs_f64() * 1e3
        );
        assigned[..taking_part].clone_from_slice(&assignments);
    }
}
