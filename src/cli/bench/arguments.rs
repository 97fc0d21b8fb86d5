//! The arguments of a run. Each changes one thing of a plan; what is not given stays as the mode or the workload has it.
//!
//! # Not here
//! Arguments that would change nothing (`effect.rs`).

mod effect;

use std::time::Duration;

use bench::{Acks, Address, Arrivals, Load, Plan, Sizes, Spread, parse_bytes};
use clap::{Args, ValueEnum};
use record::Compression;

use crate::cli::codec::codec;
use crate::cli::connect::key_value;
use crate::client::HostPort;

/// Where a broker serves its metrics unless it is told otherwise.
const ADMIN_HOST: &str = "127.0.0.1";
const ADMIN_PORT: u16 = 9644;

/// A run that ends by itself gets so long for it, if nothing is said.
const OPEN_END: Duration = Duration::from_secs(600);

/// Who works, on what, and how long.
#[derive(Args)]
#[command(next_help_heading = "Run")]
pub(super) struct RunArguments {
    /// How long is measured [default: 30; with --records, or reading a backlog once: 600 at most]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    seconds: Option<Duration>,
    /// How long it runs before it is measured [default: 5; 0 with --records and for consume]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    warm_up: Option<Duration>,
    /// How long the last answers to producers are awaited [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    drain: Option<Duration>,
    /// A topic to use as it is, made if it is missing and never removed [default: topics are made for the run]
    #[arg(long)]
    topic: Option<String>,
    /// How many topics to make [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "topic")]
    topics: Option<usize>,
    /// Partitions of each topic that is made; one that is there has its own [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// Replicas of each partition [default: the broker's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A setting of topics that are made; may be given many times
    #[arg(long = "config", value_name = "KEY=VALUE", value_parser = key_value)]
    configs: Vec<(String, String)>,
    /// Leave the topics of the run behind
    #[arg(long, conflicts_with = "topic")]
    keep_topics: bool,
    /// How many producers [default: 1]
    #[arg(long, value_name = "N")]
    producers: Option<usize>,
    /// How many consumers; where there are more than partitions, several read the same one [default: 1]
    #[arg(long, value_name = "N")]
    consumers: Option<usize>,
    /// Threads of this client, which share producers and consumers out [default: 1, and another for every four CPUs]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// CPUs that those threads stay on, each on one: 2,3 [default: wherever there is room]
    #[arg(long, value_name = "CPU,...", value_delimiter = ',')]
    cpus: Vec<usize>,
    #[command(flatten)]
    explain: ExplainArguments,
    /// What sizes, keys, values and arrivals are drawn with: the same again with the same [default: 1]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// Whether the broker is asked where the time went.
#[derive(Args)]
pub(super) struct ExplainArguments {
    /// Ask a Strome broker's metrics where the time of requests went
    #[arg(long)]
    explain: bool,
    /// The broker's admin listener, for --explain [default: 127.0.0.1:9644]
    #[arg(long, value_name = "HOST:PORT", value_parser = admin, requires = "explain")]
    admin: Option<Address>,
}

impl ExplainArguments {
    /// Who is asked, if somebody is.
    pub(super) fn admin(&self) -> Option<Address> {
        let usual = || Address { host: ADMIN_HOST.to_owned(), port: ADMIN_PORT };
        self.explain.then(|| self.admin.clone().unwrap_or_else(usual))
    }
}

/// What is produced, and how.
#[derive(Args)]
#[command(next_help_heading = "Producing")]
pub(super) struct ProduceArguments {
    /// Open loop: so many records a second of all producers together, due at set times [default: closed loop, as fast
    /// as acknowledgements come]
    #[arg(long, value_name = "RECORDS", value_parser = rate)]
    rate: Option<f64>,
    /// How records of an open loop follow each other [default: even]
    #[arg(long, value_enum)]
    arrivals: Option<ArrivalName>,
    /// Stop after so many records of all producers together
    #[arg(long, value_name = "N")]
    records: Option<u64>,
    /// Bytes of a record's value: 1000, 64KiB, or evenly spread: 100..1000 [default: 1000]
    #[arg(long, value_name = "BYTES")]
    record_size: Option<Sizes>,
    /// Give records keys, out of so many; a key decides the partition [default: no keys]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    keys: Option<u64>,
    /// How much of a value is random, from 0 to 1; matters with compression [default: 0.5]
    #[arg(long, value_name = "SHARE")]
    random_share: Option<f64>,
    /// Where records without keys go: a batch to one partition and the next to another, or each to the next
    /// [default: sticky]
    #[arg(long, value_enum)]
    spread: Option<SpreadName>,
    /// Who must have a record before it counts: 0 nobody, 1 the leader, all the replicas in sync
    /// [default: all]
    #[arg(long, value_name = "0|1|all")]
    acks: Option<Acks>,
    /// How to compress batches [default: none]
    #[arg(long, value_name = "CODEC", value_parser = codec())]
    compression: Option<Compression>,
    /// Bytes of a batch, uncompressed [default: 256KiB]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    batch_size: Option<usize>,
    /// How long a batch waits for more records [default: 5]
    #[arg(long, value_name = "MS", value_parser = millis)]
    linger: Option<Duration>,
    /// Bytes of a request's batches; one is always allowed [default: 1MiB]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    max_request_size: Option<usize>,
    /// Unanswered requests of a connection [default: 5]
    #[arg(long, value_name = "N")]
    max_in_flight: Option<usize>,
    /// Bytes of a producer's records that gather or wait for their acknowledgement [default: 4MiB; 8MiB for consume]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    window: Option<usize>,
}

/// How it is consumed.
#[derive(Args)]
#[command(next_help_heading = "Consuming")]
pub(super) struct ConsumeArguments {
    /// Bytes of records to put into the topics before consumers begin; 0 reads what a --topic has [default: 1GB]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    backlog: Option<u64>,
    /// Bytes of an answer [default: 50MiB]
    #[arg(long, value_name = "BYTES", value_parser = fetch_bytes)]
    fetch_max_bytes: Option<i32>,
    /// Bytes of one partition in an answer [default: 1MiB]
    #[arg(long, value_name = "BYTES", value_parser = fetch_bytes)]
    max_partition_fetch_bytes: Option<i32>,
    /// Bytes that a broker waits for [default: 1]
    #[arg(long, value_name = "BYTES", value_parser = fetch_bytes)]
    fetch_min_bytes: Option<i32>,
    /// How long it waits for them [default: 500]
    #[arg(long, value_name = "MS", value_parser = millis)]
    fetch_max_wait: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ArrivalName {
    Even,
    Poisson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SpreadName {
    Sticky,
    RoundRobin,
}

impl RunArguments {
    pub(super) fn apply(&self, plan: &mut Plan) {
        set(&mut plan.duration, self.seconds);
        set(&mut plan.warm_up, self.warm_up);
        set(&mut plan.drain, self.drain);
        if self.topic.is_some() {
            plan.topics.name.clone_from(&self.topic);
            plan.topics.count = 1;
        }
        set(&mut plan.topics.count, self.topics);
        set(&mut plan.topics.partitions, self.partitions);
        set(&mut plan.topics.replication_factor, self.replication_factor);
        // A workload's own are replaced.
        plan.topics.configs.retain(|(key, _)| self.configs.iter().all(|(given, _)| given != key));
        plan.topics.configs.extend(self.configs.iter().cloned());
        plan.topics.keep |= self.keep_topics;
        set(&mut plan.producers, self.producers);
        set(&mut plan.consumers, self.consumers);
        plan.threads = self.threads.unwrap_or_else(|| 1 + reactor::cores().len() / 4);
        plan.cores.clone_from(&self.cpus);
        plan.explain = self.explain.admin();
        set(&mut plan.seed, self.seed);
    }

    /// Threads cannot stay on CPUs that are not there, or not for this process.
    pub(super) fn check_cpus(&self) -> Result<(), String> {
        let cores = reactor::cores();
        match self.cpus.iter().find(|cpu| !cores.contains(cpu)) {
            Some(cpu) => Err(format!("this process may not use a CPU {cpu}, but only these: {cores:?}")),
            None => Ok(()),
        }
    }

    /// Whether the time was given.
    pub(super) fn has_time(&self) -> (bool, bool) {
        (self.seconds.is_some(), self.warm_up.is_some())
    }
}

impl ProduceArguments {
    pub(super) fn apply(&self, plan: &mut Plan, (has_duration, has_warm_up): (bool, bool)) {
        let (rate, arrivals) = match plan.produce.load {
            Load::Open { records_per_second, arrivals } => (Some(records_per_second), arrivals),
            Load::Closed => (None, Arrivals::Even),
        };
        let arrivals = self.arrivals.map_or(arrivals, |name| match name {
            ArrivalName::Poisson => Arrivals::Poisson,
            ArrivalName::Even => Arrivals::Even,
        });
        if let Some(records_per_second) = self.rate.or(rate) {
            plan.produce.load = Load::Open { records_per_second, arrivals };
        }
        if self.records.is_some() && plan.mode.produces() {
            plan.produce.records = self.records;
            if !has_duration {
                plan.duration = OPEN_END;
            }
            if !has_warm_up {
                plan.warm_up = Duration::ZERO;
            }
        }
        set(&mut plan.records.sizes, self.record_size);
        plan.records.keys = self.keys.or(plan.records.keys);
        set(&mut plan.records.random_share, self.random_share);
        let spread = self.spread.map(|spread| match spread {
            SpreadName::Sticky => Spread::Sticky,
            SpreadName::RoundRobin => Spread::RoundRobin,
        });
        set(&mut plan.produce.spread, spread);
        set(&mut plan.produce.acks, self.acks);
        set(&mut plan.produce.compression, self.compression);
        set(&mut plan.produce.batch_bytes, self.batch_size);
        set(&mut plan.produce.linger, self.linger);
        set(&mut plan.produce.request_bytes_max, self.max_request_size);
        set(&mut plan.produce.requests_in_flight_max, self.max_in_flight);
        set(&mut plan.produce.window_bytes, self.window);
    }
}

impl ConsumeArguments {
    pub(super) fn apply(&self, plan: &mut Plan) {
        set(&mut plan.fetch.backlog_bytes, self.backlog);
        set(&mut plan.fetch.max_bytes, self.fetch_max_bytes);
        set(&mut plan.fetch.partition_max_bytes, self.max_partition_fetch_bytes);
        set(&mut plan.fetch.min_bytes, self.fetch_min_bytes);
        set(&mut plan.fetch.wait_max, self.fetch_max_wait);
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    number(text)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "expected seconds, such as 30 or 0.5".to_owned())
}

pub(super) fn millis(text: &str) -> Result<Duration, String> {
    number(text)
        .and_then(|millis| Duration::try_from_secs_f64(millis / 1e3).ok())
        .ok_or_else(|| "expected milliseconds, such as 5 or 0.5".to_owned())
}

/// Records a second: `200000`, `200k`, `1.5M`.
fn rate(text: &str) -> Result<f64, String> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => text.strip_suffix('M').map_or((text, 1.0), |digits| (digits, 1e6)),
    };
    let rate = number(digits).map(|number| number * factor).filter(|rate| *rate > 0.0);
    rate.ok_or_else(|| "expected records a second, such as 200000, 200k or 1.5M".to_owned())
}

fn bytes(text: &str) -> Result<usize, String> {
    usize::try_from(parse_bytes(text)?).map_err(|_| format!("{text:?} is too much"))
}

/// An admin listener; its port may be left out.
fn admin(text: &str) -> Result<Address, String> {
    let names_port = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let HostPort { host, port } =
        if names_port { text.parse() } else { format!("{text}:{ADMIN_PORT}").parse() }?;
    Ok(Address { host, port })
}

fn fetch_bytes(text: &str) -> Result<i32, String> {
    i32::try_from(parse_bytes(text)?).map_err(|_| format!("{text:?} is too much"))
}

#[cfg(test)]
pub(in crate::cli::bench::arguments) mod tests {
    use bench::Mode;
    use clap::Parser;

    use super::super::OneMode;
    use super::*;

    #[test]
    fn rates_and_times_are_read_as_people_write_them() {
        assert_eq!((rate("200k"), rate("1.5M"), rate("70")), (Ok(200e3), Ok(1.5e6), Ok(70.0)));
        for bad in ["0", "-5", "k", "NaN", "inf", "1G"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        assert_eq!(millis("0.5"), Ok(Duration::from_micros(500)));
        assert_eq!(seconds("90"), Ok(Duration::from_secs(90)));
        assert!(seconds("-1").is_err() && seconds("1e300").is_err());
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: OneMode,
    }

    fn parse(line: &str) -> Result<OneMode, clap::Error> {
        let words = line.split(' ').filter(|word| !word.is_empty());
        Line::try_parse_from(["bench"].into_iter().chain(words)).map(|line| line.arguments)
    }

    pub(super) fn read(line: &str) -> OneMode {
        parse(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn plan(mode: Mode, line: &str) -> Plan {
        let mut plan = Plan::of(mode);
        read(line).change(&mut plan);
        plan
    }

    #[test]
    fn each_argument_changes_what_it_names_and_nothing_else() {
        type Change = fn(&mut Plan);
        let arguments: &[(&str, Change)] = &[
            ("--seconds 0.5", |plan| plan.duration = Duration::from_millis(500)),
            ("--warm-up 2", |plan| plan.warm_up = Duration::from_secs(2)),
            ("--drain 3", |plan| plan.drain = Duration::from_secs(3)),
            ("--topic x", |plan| plan.topics.name = Some("x".to_owned())),
            ("--topics 4", |plan| plan.topics.count = 4),
            ("--partitions 5", |plan| plan.topics.partitions = 5),
            ("--replication-factor 3", |plan| plan.topics.replication_factor = 3),
            ("--config a=b --config c=d", |plan| {
                plan.topics.configs =
                    [("a", "b"), ("c", "d")].map(|(key, value)| (key.into(), value.into())).into();
            }),
            ("--keep-topics", |plan| plan.topics.keep = true),
            ("--producers 6", |plan| plan.producers = 6),
            ("--consumers 7", |plan| plan.consumers = 7),
            ("--threads 8", |plan| plan.threads = 8),
            ("--cpus 2,3", |plan| plan.cores = vec![2, 3]),
            ("--seed 9", |plan| plan.seed = 9),
            ("--explain", |plan| plan.explain = Some(Address { host: ADMIN_HOST.to_owned(), port: 9644 })),
            ("--rate 2k", |plan| {
                plan.produce.load = Load::Open { records_per_second: 2e3, arrivals: Arrivals::Even };
            }),
            ("--rate 1 --arrivals poisson", |plan| {
                plan.produce.load = Load::Open { records_per_second: 1.0, arrivals: Arrivals::Poisson };
            }),
            // Then it lasts as long as it takes, and nothing warms up.
            ("--records 10", |plan| {
                plan.produce.records = Some(10);
                plan.duration = OPEN_END;
                plan.warm_up = Duration::ZERO;
            }),
            ("--records 10 --seconds 5 --warm-up 1", |plan| {
                plan.produce.records = Some(10);
                plan.duration = Duration::from_secs(5);
                plan.warm_up = Duration::from_secs(1);
            }),
            ("--record-size 100..64KiB", |plan| plan.records.sizes = "100..65536".parse().unwrap()),
            ("--keys 11", |plan| plan.records.keys = Some(11)),
            ("--random-share 0.25", |plan| plan.records.random_share = 0.25),
            ("--spread round-robin", |plan| plan.produce.spread = Spread::RoundRobin),
            ("--acks 1", |plan| plan.produce.acks = Acks::Leader),
            ("--compression lz4", |plan| plan.produce.compression = Compression::Lz4),
            ("--batch-size 1MB", |plan| plan.produce.batch_bytes = 1_000_000),
            ("--linger 0.5", |plan| plan.produce.linger = Duration::from_micros(500)),
            ("--max-request-size 2MiB", |plan| plan.produce.request_bytes_max = 2 << 20),
            ("--max-in-flight 12", |plan| plan.produce.requests_in_flight_max = 12),
            ("--window 3MiB", |plan| plan.produce.window_bytes = 3 << 20),
            ("--backlog 1GB", |plan| plan.fetch.backlog_bytes = 1_000_000_000),
            ("--fetch-max-bytes 1MiB", |plan| plan.fetch.max_bytes = 1 << 20),
            ("--max-partition-fetch-bytes 2MiB", |plan| plan.fetch.partition_max_bytes = 2 << 20),
            ("--fetch-min-bytes 1KiB", |plan| plan.fetch.min_bytes = 1_024),
            ("--fetch-max-wait 20", |plan| plan.fetch.wait_max = Duration::from_millis(20)),
        ];
        for (line, change) in arguments {
            let mut changed = plan(Mode::Mixed, "");
            change(&mut changed);
            assert_eq!(plan(Mode::Mixed, line), changed, "{line}");
        }
    }

    #[test]
    fn a_setting_that_a_workload_has_is_replaced() {
        let mut plan = Plan::of(Mode::Produce);
        let pairs = |pairs: [(&str, &str); 2]| pairs.map(|(key, value)| (key.into(), value.into())).to_vec();
        plan.topics.configs = pairs([("a", "1"), ("b", "2")]);
        read("--config a=3").change(&mut plan);
        assert_eq!(plan.topics.configs, pairs([("b", "2"), ("a", "3")]));
    }

    #[test]
    fn arrivals_are_those_of_a_workload_whose_rate_is_not_given() {
        let even = Load::Open { records_per_second: 7.0, arrivals: Arrivals::Even };
        let poisson = Load::Open { records_per_second: 7.0, arrivals: Arrivals::Poisson };
        for (load, line, changed) in [
            (even, "--arrivals poisson", poisson),
            (poisson, "--arrivals even", even),
            (Load::Open { records_per_second: 9.0, arrivals: Arrivals::Poisson }, "--rate 7", poisson),
        ] {
            let mut plan = Plan::of(Mode::Produce);
            plan.produce.load = load;
            read(line).change(&mut plan);
            assert_eq!(plan.produce.load, changed, "{line}");
        }
    }

    #[test]
    fn what_cannot_go_together_is_refused_by_both_names() {
        for line in ["--topic x --topics 2", "--topic x --keep-topics", "--admin x"] {
            let told = parse(line).map(drop).unwrap_err().to_string();
            assert!(told.matches("--").count() >= 2, "{told}");
        }
        // No argument is called so.
        let told = parse("--seconds -1").map(drop).unwrap_err().to_string();
        assert!(told.contains("expected seconds"), "{told}");
    }

    #[test]
    fn an_admin_listener_is_read_with_its_port_or_without() {
        let shown = |text| admin(text).map(|address| address.to_string());
        assert_eq!(shown("node-1:80"), Ok("node-1:80".to_owned()));
        assert_eq!(shown("node-1"), Ok("node-1:9644".to_owned()));
        assert_eq!(shown("[::1]"), Ok("[::1]:9644".to_owned()));
        assert!(shown("").is_err() && shown("node-1:x").is_err());
    }
}
