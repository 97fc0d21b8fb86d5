//! Runs that have a name, so that results of different people can be compared.
//!
//! After the OpenMessaging Benchmark (one topic, a few producers, 1 KB) and its critics (many producers, small keyed batches,
//! consumers that lag behind, retention at work).

use std::time::Duration;

use crate::plan::{Load, Mode, Plan};
use crate::schedule::Arrivals;
use crate::sizes::Sizes;

/// A run that has a name.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name.
    pub name: &'static str,
    /// What it does, and what it shows.
    pub about: &'static str,
    plan: fn() -> Plan,
}

impl Workload {
    /// What it is to do.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan { name: self.name.to_owned(), ..(self.plan)() }
    }

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        WORKLOADS.iter().find(|workload| workload.name == name)
    }
}

/// All of them.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "1kb-1p",
        about: "1 KB records into one partition: the cost of a byte",
        plan: || produce(1_000, 1, 1),
    },
    Workload { name: "1kb-16p", about: "1 KB records into 16 partitions", plan: || produce(1_000, 16, 1) },
    Workload { name: "1kb-100p", about: "1 KB records into 100 partitions", plan: || produce(1_000, 100, 1) },
    Workload {
        name: "1kb-1000p",
        about: "1 KB records into 1,000 partitions: the cost of a partition",
        plan: || produce(1_000, 1_000, 1),
    },
    Workload {
        name: "100b-1p",
        about: "100 byte records into one partition: the cost of a record",
        plan: || produce(100, 1, 1),
    },
    Workload { name: "100b-16p", about: "100 byte records into 16 partitions", plan: || produce(100, 16, 1) },
    Workload {
        name: "100b-100p",
        about: "100 byte records into 100 partitions",
        plan: || produce(100, 100, 1),
    },
    Workload {
        name: "100b-1000p",
        about: "100 byte records into 1,000 partitions",
        plan: || produce(100, 1_000, 1),
    },
    Workload {
        name: "64kb-1p",
        about: "64 KiB records into one partition: a stream of large batches",
        plan: || produce(65_536, 1, 1),
    },
    Workload {
        name: "64kb-16p",
        about: "64 KiB records into 16 partitions",
        plan: || produce(65_536, 16, 1),
    },
    Workload {
        name: "64kb-100p",
        about: "64 KiB records into 100 partitions",
        plan: || produce(65_536, 100, 1),
    },
    Workload {
        name: "64kb-1000p",
        about: "64 KiB records into 1,000 partitions",
        plan: || produce(65_536, 1_000, 1),
    },
    Workload {
        name: "4-producers",
        about: "4 producers of 1 KB records, 16 partitions",
        plan: || produce(1_000, 16, 4),
    },
    Workload {
        name: "50-producers",
        about: "50 producers of 1 KB records, 16 partitions, batches of 16 KiB: many connections",
        plan: || small_batches(produce(1_000, 16, 50)),
    },
    Workload {
        name: "100-producers",
        about: "100 producers of 1 KB records, 100 partitions, batches of 16 KiB",
        plan: || small_batches(produce(1_000, 100, 100)),
    },
    Workload {
        name: "keyed-100p",
        about: "keyed 100 byte records, 4 producers, 100 partitions: small batches for every partition",
        plan: || keyed(100, 4),
    },
    Workload {
        name: "keyed-1000p",
        about: "keyed 100 byte records, 4 producers, 1,000 partitions",
        plan: || keyed(1_000, 4),
    },
    Workload {
        name: "tail-1kb",
        about: "20,000 1 KB records/s of 4 producers to 4 consumers, 16 partitions, linger 1 ms: end to end",
        plan: || {
            let mut plan = Plan { producers: 4, consumers: 4, ..Plan::of(Mode::EndToEnd) };
            plan.topics.partitions = 16;
            plan.produce.linger = Duration::from_millis(1);
            plan.produce.load = TWENTY_THOUSAND;
            plan
        },
    },
    Workload {
        name: "read-1kb",
        about: "1 GB of 1 KB records, read once from the first to the last",
        plan: || Plan::of(Mode::Consume),
    },
    Workload {
        name: "backlog-drain",
        about: "consumers read 4 GB that lie there while 4 producers write on: does reading disturb writing?",
        plan: || {
            let mut plan = Plan { producers: 4, consumers: 4, ..Plan::of(Mode::Mixed) };
            plan.topics.partitions = 16;
            plan.fetch.backlog_bytes = 4_000_000_000;
            plan.duration = Duration::from_secs(60);
            plan
        },
    },
    Workload {
        name: "past-retention",
        about: "20,000 1 KB records/s into 4 partitions that keep 256 MiB each in segments of 32 MiB, for 6 minutes",
        plan: || {
            let mut plan = produce(1_000, 4, 1);
            // As fast as it goes, a good disk would be full before the first brokers look what to remove.
            plan.produce.load = TWENTY_THOUSAND;
            let settings = [("segment.bytes", 32 << 20), ("retention.bytes", 256 << 20)];
            plan.topics.configs =
                settings.map(|(key, value): (&str, u64)| (key.to_owned(), value.to_string())).into();
            // Brokers look every five minutes by default (`log.retention.check.interval.ms`), and what is kept is full after one:
            // they remove something while it is measured, whenever they have looked last.
            plan.duration = Duration::from_secs(360);
            plan
        },
    },
];

/// Latencies mean something in an open loop alone. Any broker that is worth measuring sustains so much.
const TWENTY_THOUSAND: Load = Load::Open { records_per_second: 20_000.0, arrivals: Arrivals::Even };

fn produce(record_bytes: usize, partitions: i32, producers: usize) -> Plan {
    let mut plan = Plan { producers, ..Plan::of(Mode::Produce) };
    plan.records.sizes = Sizes::fixed(record_bytes);
    plan.topics.partitions = partitions;
    plan
}

fn small_batches(mut plan: Plan) -> Plan {
    plan.produce.batch_bytes = 16 * 1024;
    plan.produce.window_bytes = 256 * 1024;
    plan
}

fn keyed(partitions: i32, producers: usize) -> Plan {
    let mut plan = produce(100, partitions, producers);
    plan.records.keys = Some(1_000_000);
    plan.produce.batch_bytes = 16 * 1024;
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_retention_writes_more_than_is_kept_and_goes_on_until_brokers_have_looked() {
        const LOOK_EVERY: Duration = Duration::from_secs(300);
        let plan = Workload::named("past-retention").unwrap().plan();
        let Load::Open { records_per_second, .. } = plan.produce.load else { panic!("it fills any disk") };
        let bytes_per_s = records_per_second * plan.records.sizes.mean();
        let kept: f64 = plan.topics.configs[1].1.parse::<f64>().unwrap() * f64::from(plan.topics.partitions);
        let full_after = Duration::from_secs_f64(kept / bytes_per_s);
        assert!(full_after + LOOK_EVERY <= plan.warm_up + plan.duration, "{full_after:?}");
        // Nothing is removed in the worst case.
        assert!(bytes_per_s * plan.duration.as_secs_f64() < 10e9);
    }

    #[test]
    fn every_number_of_partitions_meets_every_size_of_records() {
        for (size, bytes) in [("1kb", 1_000), ("100b", 100), ("64kb", 65_536)] {
            for partitions in [1, 16, 100, 1_000] {
                let plan = Workload::named(&format!("{size}-{partitions}p")).expect(size).plan();
                let found = (plan.records.sizes.bounds(), plan.topics.partitions, plan.mode);
                assert_eq!(found, ((bytes, bytes), partitions, Mode::Produce));
            }
        }
    }

    #[test]
    fn every_workload_makes_sense_and_has_a_name_of_its_own() {
        for workload in WORKLOADS {
            assert_eq!(workload.plan().check(), Ok(()), "{}", workload.name);
            assert_eq!(workload.plan().name, workload.name);
            assert_eq!(WORKLOADS.iter().filter(|other| other.name == workload.name).count(), 1);
        }
        assert!(Workload::named("1kb-1p").is_some() && Workload::named("nonsense").is_none());
    }
}
