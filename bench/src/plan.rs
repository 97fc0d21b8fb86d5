//! What a run is to do.

use std::str::FromStr;
use std::time::Duration;

use record::Compression;

use crate::dial::Address;
use crate::schedule::Arrivals;
use crate::sizes::Sizes;

/// The kind of a run: who works, and what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Producers alone: from when a record was due until it was acknowledged.
    Produce,
    /// Consumers alone, from the beginning of topics that were filled before.
    Consume,
    /// Producers, and consumers that follow: also from when a record was due until a consumer had it.
    EndToEnd,
    /// Producers, and consumers that begin with what lies there already.
    Mixed,
}

impl Mode {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Consume => "consume",
            Self::EndToEnd => "end-to-end",
            Self::Mixed => "mixed",
        }
    }

    /// Whether there are producers.
    #[must_use]
    pub const fn produces(self) -> bool {
        !matches!(self, Self::Consume)
    }

    /// Whether there are consumers.
    #[must_use]
    pub const fn consumes(self) -> bool {
        !matches!(self, Self::Produce)
    }

    /// Whether consumers begin with what lies there already.
    #[must_use]
    pub const fn reads_backlog(self) -> bool {
        matches!(self, Self::Consume | Self::Mixed)
    }
}

/// How fast producers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// Closed loop: as fast as acknowledgements come.
    Closed,
    /// Open loop: so many records a second of all producers together, due at set times, whatever the broker does.
    Open {
        /// Above zero.
        records_per_second: f64,
        /// How they follow each other.
        arrivals: Arrivals,
    },
}

/// How many replicas must have a record before it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Nobody: sent is acknowledged.
    None,
    /// The leader.
    Leader,
    /// All that are in sync.
    All,
}

impl Acks {
    /// As Kafka has it.
    #[must_use]
    pub const fn on_wire(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }

    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Leader => "1",
            Self::All => "all",
        }
    }
}

impl FromStr for Acks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "0" => Ok(Self::None),
            "1" => Ok(Self::Leader),
            "all" | "-1" => Ok(Self::All),
            _ => Err("expected 0, 1 or all".to_owned()),
        }
    }
}

/// Where records go that have no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// A batch for one partition, the next for another, as the Java client and librdkafka do.
    Sticky,
    /// One record for each partition in turn.
    RoundRobin,
}

impl Spread {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sticky => "sticky",
            Self::RoundRobin => "round-robin",
        }
    }
}

/// The topics of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPlan {
    /// A topic to use, made if it is missing and never removed; else topics are made for the run.
    pub name: Option<String>,
    /// How many topics are made.
    pub count: usize,
    /// Partitions of each.
    pub partitions: i32,
    /// -1 for the broker's own.
    pub replication_factor: i16,
    /// Settings that topics are made with.
    pub configs: Vec<(String, String)>,
    /// Leave topics behind that were made for the run.
    pub keep: bool,
}

/// What records are like.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordPlan {
    /// Of their values.
    pub sizes: Sizes,
    /// How many different keys there are; none without keys.
    pub keys: Option<u64>,
    /// How much of a value is random, from 0 to 1; the rest is always the same byte.
    pub random_share: f64,
}

/// How producers work.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducePlan {
    /// How fast.
    pub load: Load,
    /// Where records without a key go.
    pub spread: Spread,
    /// Who must have a record.
    pub acks: Acks,
    /// Of each batch.
    pub compression: Compression,
    /// A batch of so many bytes (before compression) is full.
    pub batch_bytes: usize,
    /// How long a batch that is not full waits for more.
    pub linger: Duration,
    /// A request has no more batches than fit into so many bytes, but at least one.
    pub request_bytes_max: usize,
    /// Unanswered requests of a connection.
    pub requests_in_flight_max: usize,
    /// Bytes of records of one producer that wait or are unanswered. In a closed loop this is what bounds it; in an open
    /// loop records that find no room wait outside, and their time runs.
    pub window_bytes: usize,
    /// All producers together stop after so many records, instead of after some time.
    pub records: Option<u64>,
}

/// How consumers work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchPlan {
    /// Bytes of an answer.
    pub max_bytes: i32,
    /// Bytes of one partition in an answer.
    pub partition_max_bytes: i32,
    /// Bytes that a broker waits for before it answers.
    pub min_bytes: i32,
    /// How long it waits for them.
    pub wait_max: Duration,
    /// Bytes of records that are put into the topics before consumers begin.
    pub backlog_bytes: u64,
}

/// Everything that a run is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the result is called: a named workload, or the mode.
    pub name: String,
    /// Who works.
    pub mode: Mode,
    /// On what.
    pub topics: TopicPlan,
    /// With which records.
    pub records: RecordPlan,
    /// How many producers, each with connections of its own.
    pub producers: usize,
    /// How they work.
    pub produce: ProducePlan,
    /// How many consumers, each with connections of its own.
    pub consumers: usize,
    /// How they work.
    pub fetch: FetchPlan,
    /// What is not measured at the beginning.
    pub warm_up: Duration,
    /// What is measured. A run that ends by itself, with its records or its backlog, lasts no longer than this either.
    pub duration: Duration,
    /// How long answers are waited for after the end.
    pub drain: Duration,
    /// Threads of the client.
    pub threads: usize,
    /// The cores that they stay on, in turns; the kernel decides if there are none.
    pub cores: Vec<usize>,
    /// The admin listener of the broker whose metrics shall say where the time of requests went, if they shall.
    pub explain: Option<Address>,
    /// Of everything that is random.
    pub seed: u64,
}

/// Filling topics is to take as little time as it may.
pub(crate) const FILL_WINDOW_BYTES: usize = 8 * 1024 * 1024;

/// Each has connections of its own, and some memory.
const MEMBERS_MAX: usize = 10_000;
/// Each record of an open loop is accounted for, even if it was never made: more could not be counted in any time.
const RATE_MAX: f64 = 1e8;
/// A key has twelve digits.
const KEYS_MAX: u64 = 1_000_000_000_000;

impl Plan {
    /// The plan of a mode as it is unless somebody says otherwise.
    #[must_use]
    pub fn of(mode: Mode) -> Self {
        let consume = mode == Mode::Consume;
        Self {
            name: mode.name().to_owned(),
            mode,
            topics: TopicPlan {
                name: None,
                count: 1,
                partitions: 1,
                replication_factor: -1,
                configs: Vec::new(),
                keep: false,
            },
            records: RecordPlan { sizes: Sizes::fixed(1000), keys: None, random_share: 0.5 },
            producers: 1,
            produce: ProducePlan {
                load: Load::Closed,
                spread: Spread::Sticky,
                acks: Acks::All,
                compression: Compression::None,
                batch_bytes: 256 * 1024,
                linger: Duration::from_millis(5),
                request_bytes_max: 1024 * 1024,
                requests_in_flight_max: 5,
                window_bytes: if consume { FILL_WINDOW_BYTES } else { 4 * 1024 * 1024 },
                records: None,
            },
            consumers: usize::from(mode.consumes()),
            fetch: FetchPlan {
                max_bytes: 50 * 1024 * 1024,
                partition_max_bytes: 1024 * 1024,
                min_bytes: 1,
                wait_max: Duration::from_millis(500),
                backlog_bytes: if mode.reads_backlog() { 1_000_000_000 } else { 0 },
            },
            // What was filled in has warmed the broker up, and reading it once leaves nothing to warm up with.
            warm_up: Duration::from_secs(if consume { 0 } else { 5 }),
            duration: Duration::from_secs(if consume { 600 } else { 30 }),
            drain: Duration::from_secs(30),
            threads: 1,
            cores: Vec::new(),
            explain: None,
            seed: 1,
        }
    }

    /// Whether something else than time ends it.
    #[must_use]
    pub fn ends_by_itself(&self) -> bool {
        self.mode == Mode::Consume || self.produce.records.is_some()
    }

    /// What about it makes no sense.
    pub fn check(&self) -> Result<(), String> {
        let Self { topics, produce, .. } = self;
        let (size_min, size_max) = self.records.sizes.bounds();
        let members = self.producers.saturating_add(self.consumers);
        let wrong = [
            (topics.count == 0 || topics.partitions < 1, "there must be a topic and a partition"),
            (topics.name.is_some() && topics.count != 1, "a topic that is named is one topic"),
            (self.mode.produces() && self.producers == 0, "there must be a producer"),
            (self.mode.consumes() && self.consumers == 0, "there must be a consumer"),
            (self.threads == 0, "there must be a thread"),
            (produce.requests_in_flight_max == 0, "a connection must be allowed a request"),
            (
                produce.batch_bytes == 0 || produce.window_bytes == 0,
                "a batch and the window must have room for a record",
            ),
            (self.duration.is_zero(), "what is measured must last some time"),
            (!(0.0..=1.0).contains(&self.records.random_share), "the random share is a number from 0 to 1"),
            (members > MEMBERS_MAX, "there can be 10,000 producers and consumers at most"),
            (self.records.keys == Some(0), "there must be a key"),
            (self.records.keys > Some(KEYS_MAX), "there can be 1,000,000,000,000 keys at most"),
            (size_max == 0 && self.records.keys.is_none(), "a record must have a key or a value"),
            (produce.records == Some(0), "there must be a record"),
            (
                matches!(produce.load, Load::Open { records_per_second, .. }
                    if !(records_per_second.is_finite() && records_per_second > 0.0)),
                "the rate must be above zero",
            ),
            (
                matches!(produce.load, Load::Open { records_per_second, .. } if records_per_second > RATE_MAX),
                "the rate can be 100,000,000 records a second at most",
            ),
            (
                matches!(self.mode, Mode::EndToEnd | Mode::Mixed) && size_min < crate::payload::STAMP_BYTES,
                "records must have 16 bytes at least, to tell a consumer when they were due",
            ),
        ];
        match wrong.iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, why)) => Err((*why).to_owned()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_makes_sense_as_it_is_and_not_without_what_it_needs() {
        for mode in [Mode::Produce, Mode::Consume, Mode::EndToEnd, Mode::Mixed] {
            let plan = Plan::of(mode);
            assert_eq!(plan.check(), Ok(()));
            assert_eq!(Plan { producers: 0, ..plan.clone() }.check().is_err(), mode.produces());
            assert_eq!(Plan { consumers: 0, ..plan.clone() }.check().is_err(), mode.consumes());
            assert!(Plan { threads: 0, ..plan }.check().is_err());
        }
    }

    type Change = fn(&mut Plan);

    /// Some of these would go on without an end, or take all memory there is.
    #[test]
    fn what_makes_no_sense_is_refused_with_its_reason_and_what_is_just_allowed_is_not() {
        let why = |mode, change: Change| {
            let mut plan = Plan::of(mode);
            change(&mut plan);
            plan.check().err().unwrap_or_default()
        };
        fn rate(plan: &mut Plan, records_per_second: f64) {
            plan.produce.load = Load::Open { records_per_second, arrivals: Arrivals::Even };
        }
        let refused: &[(Mode, Change, &str)] = &[
            (Mode::Produce, |plan| plan.topics.count = 0, "a topic and a partition"),
            (Mode::Produce, |plan| plan.topics.partitions = 0, "a topic and a partition"),
            (Mode::Produce, |plan| plan.produce.requests_in_flight_max = 0, "a request"),
            (Mode::Produce, |plan| plan.produce.batch_bytes = 0, "room for a record"),
            (Mode::Produce, |plan| plan.produce.window_bytes = 0, "room for a record"),
            (Mode::Produce, |plan| plan.duration = Duration::ZERO, "last some time"),
            (Mode::Produce, |plan| plan.records.random_share = 1.01, "random share"),
            (Mode::Produce, |plan| plan.records.random_share = f64::NAN, "random share"),
            (Mode::EndToEnd, |plan| plan.producers = 10_000, "10,000 producers and consumers"),
            (Mode::Produce, |plan| plan.records.keys = Some(0), "there must be a key"),
            (Mode::Produce, |plan| plan.records.keys = Some(KEYS_MAX + 1), "1,000,000,000,000 keys"),
            (Mode::Produce, |plan| plan.records.sizes = Sizes::fixed(0), "a key or a value"),
            (Mode::Produce, |plan| plan.produce.records = Some(0), "there must be a record"),
            (Mode::Produce, |plan| rate(plan, 0.0), "above zero"),
            (Mode::Produce, |plan| rate(plan, f64::INFINITY), "above zero"),
            (Mode::Produce, |plan| rate(plan, 1.01e8), "100,000,000 records a second"),
            (Mode::EndToEnd, |plan| plan.records.sizes = Sizes::fixed(15), "16 bytes"),
            (Mode::Mixed, |plan| plan.records.sizes = Sizes::fixed(15), "16 bytes"),
        ];
        for (mode, change, words) in refused {
            let why = why(*mode, *change);
            assert!(why.contains(words), "{words}: {why:?}");
        }
        let allowed: &[(Mode, Change)] = &[
            (Mode::EndToEnd, |plan| plan.producers = 9_999),
            (Mode::Produce, |plan| plan.records.keys = Some(KEYS_MAX)),
            (Mode::Produce, |plan| rate(plan, 1e8)),
            (Mode::Mixed, |plan| plan.records.sizes = Sizes::fixed(16)),
            // A record that has nothing but its key is one.
            (Mode::Produce, |plan| {
                plan.records.sizes = Sizes::fixed(0);
                plan.records.keys = Some(9);
            }),
        ];
        for (number, (mode, change)) in allowed.iter().enumerate() {
            assert_eq!(why(*mode, *change), "", "{number}");
        }
    }

    #[test]
    fn acknowledgements_are_named_as_in_kafkas_clients() {
        let read = ["0", "1", "all", "-1"].map(|text| text.parse::<Acks>().map(Acks::on_wire));
        assert_eq!(read, [Ok(0), Ok(1), Ok(-1), Ok(-1)]);
        assert_eq!("2".parse::<Acks>(), Err("expected 0, 1 or all".to_owned()));
    }
}
