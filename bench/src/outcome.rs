//! What a run has found out.

use std::collections::BTreeMap;

use tuning::disk::Place;

use crate::dial::Address;
use crate::error::BenchError;
use crate::explain::Explanation;
use crate::host::Host;
use crate::plan::{Acks, Load, Mode, Plan};
use crate::process::{Process, Usage};
use crate::search::REACHED_SHARE_MIN;
use crate::tally::{Amount, Tally};
use crate::words::count;

/// See the module.
#[derive(Debug)]
pub struct Outcome {
    /// What was to be done.
    pub plan: Plan,
    /// When it began, in seconds since 1970.
    pub began_unix_s: u64,
    /// How long was measured.
    pub seconds: f64,
    /// Why it was over before its end, if it was: somebody stopped it, or something went wrong.
    pub cut_short: Option<BenchError>,
    /// Why the topics that were made for it are still there, if they should not be.
    pub left_behind: Option<String>,
    /// Acknowledged while it was measured.
    pub produced: Amount,
    /// Received by consumers while it was measured.
    pub consumed: Amount,
    /// All that was seen after the warm-up. Its latencies are those of the records that were due while it was measured,
    /// whenever their answers came.
    pub total: Tally,
    /// Second by second, warm-up included.
    pub series: Vec<Point>,
    /// Records that were acknowledged and did not reach consumers before the run gave up.
    pub missing: u64,
    /// How long after the start consumers had everything that was there before; `None` where there was nothing, or they
    /// did not get so far.
    pub caught_up_s: Option<f64>,
    /// The client's own use of processors.
    pub client: Client,
    /// The brokers.
    pub brokers: Vec<Broker>,
    /// CPU seconds of everything else on this machine, where the brokers' are known.
    pub others_cpu_seconds: Option<f64>,
    /// CPU seconds that the hypervisor gave to others.
    pub stolen_cpu_seconds: f64,
    /// What the kernel of this machine had yet to bring to its disks when the run began.
    pub unwritten_before_bytes: u64,
    /// Where the time of requests went, or why that is not known, if somebody wanted to know.
    pub explanation: Option<Result<Explanation, String>>,
    /// The client's machine.
    pub host: Host,
    /// The topics' settings that decide what an acknowledgement means, as the brokers tell them.
    pub topic_settings: BTreeMap<String, String>,
    /// The topics, as they were found to be.
    pub topics: Topics,
}

/// What the topics of a run were like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    /// How many there were.
    pub count: usize,
    /// Partitions of all of them together.
    pub partitions: usize,
    /// Replicas of each partition.
    pub replication_factor: usize,
}

/// One second of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its end, in seconds from the end of the warm-up; the warm-up's own are below or at zero.
    pub at_s: f64,
    /// How long it really was.
    pub seconds: f64,
    /// Acknowledged.
    pub produced: Amount,
    /// Received by consumers.
    pub consumed: Amount,
    /// Of the answers that came in this second.
    pub produce: Digest,
    /// See above.
    pub end_to_end: Digest,
    /// See above.
    pub fetch: Digest,
}

/// Some figures of a histogram, in microseconds; `None` where nothing was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Digest {
    /// The median.
    pub p50_us: Option<f64>,
    /// Of a hundred, the slowest but one.
    pub p99_us: Option<f64>,
    /// Of a thousand.
    pub p999_us: Option<f64>,
    /// The slowest.
    pub max_us: Option<f64>,
}

impl Digest {
    /// Of these latencies.
    #[must_use]
    pub fn of(latencies: &crate::latency::Latencies) -> Self {
        Self {
            p50_us: latencies.percentile_us(50.0),
            p99_us: latencies.percentile_us(99.0),
            p999_us: latencies.percentile_us(99.9),
            max_us: latencies.max_us(),
        }
    }
}

/// The client's own use of processors while it was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Client {
    /// CPU seconds of the whole process.
    pub cpu_seconds: f64,
    /// How much of the time each thread was busy, from 0 to 1. One that is always busy may be what limits the run.
    pub threads_busy: Vec<f64>,
}

/// One broker of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Broker {
    /// Its number.
    pub id: i32,
    /// Where it listens.
    pub address: Address,
    /// Its process, if it runs on this machine and may be seen.
    pub process: Option<Process>,
    /// What it used while it was measured: CPU seconds; memory as it was at the end.
    pub usage: Option<Usage>,
    /// What its log directories lie on, if its process is known.
    pub disks: Vec<Place>,
}

/// What an acknowledgement means for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On the disk of every replica in sync.
    Synced,
    /// In the memory of every replica in sync.
    Replicated,
    /// In the memory of the leader.
    Leader,
    /// Nothing.
    None,
    /// The broker does not tell its settings.
    Unknown,
}

impl Durability {
    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Synced => "acknowledged when on the disk of all replicas in sync",
            Self::Replicated => {
                "acknowledged when in the memory of all replicas in sync, before the disk has it"
            }
            Self::Leader => "acknowledged when in the leader's memory",
            Self::None => "not acknowledged: sent is all that is known",
            Self::Unknown => {
                "acknowledged by all replicas in sync; the broker does not say whether from disk"
            }
        }
    }
}

impl Outcome {
    /// Only if the run went through to its end.
    pub(crate) fn whole(mut self) -> Result<Self, BenchError> {
        self.cut_short.take().map_or(Ok(self), Err)
    }

    /// What an acknowledgement meant, by what the brokers say of themselves.
    #[must_use]
    pub fn durability(&self) -> Durability {
        let flush = self.topic_settings.get("flush.messages").and_then(|text| text.parse::<u64>().ok());
        match (self.plan.produce.acks, flush) {
            (Acks::None, _) => Durability::None,
            (Acks::Leader, _) => Durability::Leader,
            (Acks::All, Some(1)) => Durability::Synced,
            (Acks::All, Some(_)) => Durability::Replicated,
            (Acks::All, None) => Durability::Unknown,
        }
    }

    /// Acknowledged records a second.
    #[must_use]
    pub fn produced_per_s(&self) -> f64 {
        self.produced.records as f64 / self.seconds
    }

    /// Records that were moved: produced, or consumed where nobody produced.
    #[must_use]
    pub fn records(&self) -> u64 {
        if self.plan.mode.produces() { self.produced.records } else { self.consumed.records }
    }

    /// Microseconds of CPU that the client used per record that it sent or received.
    #[must_use]
    pub fn client_cpu_us_per_record(&self) -> Option<f64> {
        per_record(self.client.cpu_seconds, self.produced.records + self.consumed.records)
    }

    /// Microseconds of CPU that all brokers together used per record; `None` if not all of them are known.
    #[must_use]
    pub fn broker_cpu_us_per_record(&self) -> Option<f64> {
        per_record(self.broker_cpu_seconds()?, self.records())
    }

    /// CPU seconds of all brokers together; `None` if not all of them are known.
    #[must_use]
    pub fn broker_cpu_seconds(&self) -> Option<f64> {
        self.brokers.iter().map(|broker| broker.usage.map(|usage| usage.cpu_seconds)).sum()
    }

    /// How much of `rate` was under way at the end, if it was as much as on average: answers come late by their latency.
    #[must_use]
    pub(crate) fn under_way_per_s(&self, rate: f64) -> f64 {
        rate * self.total.produce.mean_us().unwrap_or_default() / 1e6 / self.seconds
    }

    /// The rate of an open loop, if less of it was acknowledged in time than is under way anyway.
    fn missed_rate(&self) -> Option<f64> {
        let Load::Open { records_per_second: rate, .. } = self.plan.produce.load else { return None };
        // One that ends with its records may have had no more for the last second.
        let is_whole =
            self.plan.mode.produces() && self.plan.produce.records.is_none() && self.cut_short.is_none();
        let missing = rate - self.produced_per_s() - self.under_way_per_s(rate);
        let may_miss = (rate * (1.0 - REACHED_SHARE_MIN)).max(RECORDS_TELLING / self.seconds);
        (is_whole && missing > may_miss).then_some(rate)
    }

    /// What who reads the figures should know.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(why) = &self.cut_short {
            let (seconds, planned) = (self.seconds, self.plan.duration.as_secs_f64());
            warnings.push(match why {
                BenchError::Stopped => format!("somebody stopped it after {seconds:.1} s of {planned} s"),
                other => format!("it ended after {seconds:.1} s of {planned} s: {other}"),
            });
        }
        let had_backlog = self.plan.mode == Mode::Consume || self.plan.fetch.backlog_bytes > 0;
        let was_to_end = self.plan.mode.reads_backlog() && had_backlog && self.cut_short.is_none();
        if was_to_end && self.caught_up_s.is_none() {
            warnings.push(
                "it was over before consumers had read all that was there: more --seconds, or less --backlog"
                    .to_owned(),
            );
        }
        if let Some(busiest) = self.client.threads_busy.iter().copied().reduce(f64::max)
            && busiest > BUSY_WARNING
        {
            warnings.push(format!(
                "a thread of the client was busy for {:.0} % of the time: it may be what limits this run (--threads)",
                busiest * 100.0
            ));
        }
        if let Some(rate) = self.missed_rate() {
            warnings.push(format!(
                "the rate of {} records/s was not kept: records piled up, and latencies say how long that went on",
                count(rate)
            ));
        }
        if self.total.unacknowledged > 0 {
            warnings.push(format!(
                "{} records were not acknowledged when the run gave up; they count with the time until then",
                count(self.total.unacknowledged as f64)
            ));
        }
        if self.missing > 0 {
            let missing = count(self.missing as f64);
            warnings.push(format!("{missing} acknowledged records did not reach a consumer in time"));
        }
        warnings.extend(self.disturbances());
        warnings.extend(self.left_behind.clone());
        match &self.explanation {
            Some(Ok(explanation)) => warnings.extend(explanation.doubts.iter().cloned()),
            Some(Err(why)) => warnings.push(why.clone()),
            None => {}
        }
        if self.total.produce.clipped() + self.total.end_to_end.clipped() > 0 {
            warnings.push("some latencies were above an hour and count as an hour".to_owned());
        }
        warnings
    }

    /// What else the machine was busy with.
    fn disturbances(&self) -> Vec<String> {
        let mut disturbances = Vec::new();
        if let Some(others) = self.others_cpu_seconds
            && self.seconds >= SECONDS_TELLING
            && others / self.seconds > OTHERS_WARNING
        {
            disturbances.push(format!(
                "other programs used {:.1} processors meanwhile: throughput and latencies suffer, CPU per record hardly",
                others / self.seconds
            ));
        }
        if self.seconds >= SECONDS_TELLING && self.stolen_cpu_seconds / self.seconds > STOLEN_WARNING {
            disturbances.push(format!(
                "the hypervisor withheld {:.2} processors meanwhile",
                self.stolen_cpu_seconds / self.seconds
            ));
        }
        let is_local = self.brokers.iter().any(|broker| broker.process.is_some());
        if is_local && self.unwritten_before_bytes > UNWRITTEN_WARNING {
            disturbances.push(format!(
                "{} MiB of earlier writes were not on the disks when it began, and the broker's own may have waited for them: \
                 run sync before",
                self.unwritten_before_bytes >> 20
            ));
        }
        disturbances
    }
}

/// Above it a thread has no room for bursts any more.
const BUSY_WARNING: f64 = 0.8;
/// Processors.
const OTHERS_WARNING: f64 = 0.1;
const STOLEN_WARNING: f64 = 0.05;
/// One record more or less is none of the rate.
const RECORDS_TELLING: f64 = 5.0;
/// A disk takes them in a tenth of a second or so, in which nothing else gets on.
const UNWRITTEN_WARNING: u64 = 64 << 20;
/// The system counts CPU time in hundredths of a second, which says nothing about a run that is shorter.
const SECONDS_TELLING: f64 = 0.5;

fn per_record(cpu_seconds: f64, records: u64) -> Option<f64> {
    (records > 0).then(|| cpu_seconds * 1e6 / records as f64)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plan::Mode;

    /// A run of four seconds in which nothing happened.
    pub(crate) fn outcome(mode: Mode) -> Outcome {
        Outcome {
            plan: Plan::of(mode),
            began_unix_s: 0,
            seconds: 4.0,
            cut_short: None,
            left_behind: None,
            produced: Amount::default(),
            consumed: Amount::default(),
            total: Tally::default(),
            series: Vec::new(),
            missing: 0,
            caught_up_s: None,
            client: Client::default(),
            brokers: Vec::new(),
            others_cpu_seconds: None,
            stolen_cpu_seconds: 0.0,
            unwritten_before_bytes: 0,
            explanation: None,
            host: Host::this(),
            topic_settings: BTreeMap::new(),
            topics: Topics::default(),
        }
    }

    /// A broker on this machine that used so much CPU time, if that is known.
    fn broker(cpu_seconds: Option<f64>) -> Broker {
        Broker {
            id: 1,
            address: Address { host: "localhost".to_owned(), port: 9092 },
            process: Some(Process { pid: 1, command: String::new() }),
            usage: cpu_seconds.map(|cpu_seconds| Usage { cpu_seconds, ..Usage::default() }),
            disks: Vec::new(),
        }
    }

    #[test]
    fn what_makes_figures_doubtful_is_told_and_nothing_else() {
        let quiet = || Outcome {
            client: Client { cpu_seconds: 1.0, threads_busy: vec![0.8, 0.2] },
            others_cpu_seconds: Some(0.4),
            stolen_cpu_seconds: 0.2,
            unwritten_before_bytes: 64 << 20,
            brokers: vec![broker(None)],
            ..outcome(Mode::Produce)
        };
        assert_eq!(quiet().warnings(), [""; 0]);
        let busy = Client { cpu_seconds: 1.0, threads_busy: vec![0.2, 0.81] };
        let late = Tally { unacknowledged: 7, ..Tally::default() };
        let mut longest = Tally::default();
        let gone = BenchError::Failed("why".to_owned());
        longest.end_to_end.record(Duration::from_secs(3_601), 1);
        for (warned, told) in [
            (Outcome { cut_short: Some(BenchError::Stopped), ..quiet() }, "stopped it after 4.0 s of 30 s"),
            (Outcome { cut_short: Some(gone), ..quiet() }, "ended after 4.0 s of 30 s: why"),
            (Outcome { client: busy, ..quiet() }, "busy for 81 %"),
            (Outcome { total: late, ..quiet() }, "7 records were not acknowledged"),
            (Outcome { missing: 3, ..quiet() }, "3 acknowledged records did not reach"),
            (Outcome { others_cpu_seconds: Some(2.0), ..quiet() }, "other programs used 0.5"),
            (Outcome { stolen_cpu_seconds: 1.0, ..quiet() }, "withheld 0.25"),
            (Outcome { unwritten_before_bytes: 65 << 20, ..quiet() }, "65 MiB of earlier writes"),
            (Outcome { left_behind: Some("left".to_owned()), ..quiet() }, "left"),
            (Outcome { explanation: Some(Err("why".to_owned())), ..quiet() }, "why"),
            (Outcome { total: longest, ..quiet() }, "above an hour"),
        ] {
            let warnings = warned.warnings();
            assert!(warnings.len() == 1 && warnings[0].contains(told), "{told}: {warnings:?}");
        }
    }

    #[test]
    fn a_rate_that_was_not_kept_is_told_unless_it_was_not_to_be() {
        let told = |rate, records, latency_ms, change: fn(&mut Outcome)| {
            let mut found = outcome(Mode::Produce);
            let arrivals = crate::schedule::Arrivals::Even;
            found.plan.produce.load = Load::Open { records_per_second: rate, arrivals };
            found.produced.records = records;
            found.total.produce.record(Duration::from_millis(latency_ms), 1);
            change(&mut found);
            found.warnings().iter().any(|warning| warning.contains("was not kept"))
        };
        let as_it_is: fn(&mut Outcome) = |_| {};
        // In four seconds.
        assert!(told(1_000.0, 3_900, 0, as_it_is) && !told(1_000.0, 3_961, 0, as_it_is));
        assert!(!told(1_000.0, 3_900, 100, as_it_is), "they were under way");
        assert!(!told(1.0, 0, 0, as_it_is), "it is one record or another");
        assert!(!told(1_000.0, 3_900, 0, |found| found.cut_short = Some(BenchError::Stopped)));
        assert!(!told(1_000.0, 3_900, 0, |found| found.plan.produce.records = Some(3_900)));
        assert!(!told(1_000.0, 3_900, 0, |found| found.plan.produce.load = Load::Closed));
    }

    #[test]
    fn a_backlog_that_was_not_read_to_its_end_is_told() {
        let told = |mode, backlog_bytes, caught_up_s| {
            let mut found = Outcome { caught_up_s, ..outcome(mode) };
            found.plan.fetch.backlog_bytes = backlog_bytes;
            found.warnings().iter().any(|warning| warning.contains("all that was there"))
        };
        assert!(told(Mode::Consume, 5, None) && told(Mode::Consume, 0, None) && told(Mode::Mixed, 5, None));
        let cut_short = Outcome { cut_short: Some(BenchError::Stopped), ..outcome(Mode::Consume) };
        assert_eq!(cut_short.warnings().len(), 1, "more time would have changed nothing");
        assert!(
            !told(Mode::Consume, 5, Some(1.0))
                && !told(Mode::Mixed, 0, None)
                && !told(Mode::EndToEnd, 0, None)
        );
    }

    #[test]
    fn the_cpu_time_of_brokers_is_known_only_if_that_of_each_is() {
        let of = |brokers: [Option<f64>; 2]| {
            let produced = Amount { records: 1_000_000, bytes: 0 };
            let brokers = brokers.map(broker).to_vec();
            Outcome { brokers, produced, ..outcome(Mode::Produce) }.broker_cpu_us_per_record()
        };
        assert_eq!([of([Some(1.0), Some(2.0)]), of([Some(1.0), None])], [Some(3.0), None]);
    }

    #[test]
    fn what_an_acknowledgement_meant_is_what_the_topic_says() {
        let of = |acks, flush: Option<&str>| {
            let mut found = outcome(Mode::Produce);
            found.plan.produce.acks = acks;
            let setting = flush.map(|value| ("flush.messages".to_owned(), value.to_owned()));
            found.topic_settings = setting.into_iter().collect();
            found.durability()
        };
        assert_eq!(of(Acks::All, Some("1")), Durability::Synced);
        assert_eq!(of(Acks::All, Some("2")), Durability::Replicated);
        assert_eq!(of(Acks::All, Some("9223372036854775807")), Durability::Replicated);
        assert_eq!(of(Acks::All, None), Durability::Unknown);
        assert_eq!(of(Acks::Leader, Some("1")), Durability::Leader);
        assert_eq!(of(Acks::None, Some("1")), Durability::None);
    }
}
