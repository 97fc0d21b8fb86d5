//! A run from its beginning to its end: topics, connections, threads, and what they report.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::Str;
use record::Compression;
use tuning::disk::Place;
use types::Offset;

use crate::cluster::{Access, Map, NewTopic};
use crate::dial::Address;
use crate::error::BenchError;
use crate::explain::explain;
use crate::host::{Host, unwritten_bytes};
use crate::moment::Clock;
use crate::outcome::{Broker, Client, Outcome, Point, Topics};
use crate::payload::{RunId, STAMP_BYTES};
use crate::phase::{Found, Phase, perform};
use crate::plan::{Acks, FILL_WINDOW_BYTES, Load, Mode, Plan, RecordPlan, Spread};
use crate::process::Process;
use crate::random::mix;
use crate::sizes::Sizes;
use crate::tally::Amount;
use crate::watch::{Unwatched, Watch};

/// Settings of a topic that decide what its figures mean.
const TELLING_SETTINGS: &[&str] = &[
    "cleanup.policy",
    "compression.type",
    "flush.messages",
    "flush.ms",
    "max.message.bytes",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
];

/// Filling topics goes in batches of this size beside producers whose own are smaller.
const FILL_BATCH_BYTES: usize = 256 * 1024;
/// The first records of new partitions go in requests of this size: three partitions each, or some hundred.
const BEGIN_REQUEST_BYTES_MAX: usize = 16 * 1024;
/// The first record of a new partition: more than `index.interval.bytes` (4,096), so that the second one is indexed.
const FIRST_RECORD_BYTES: usize = 5_000;
/// Filling topics never takes longer.
const FILL_TIME_MAX: Duration = Duration::from_secs(3600);

/// Runs a plan. `watch` is told how it goes; `stop` ends it early. What was measured until then, or until something went
/// wrong, is a result; an error if that is nothing.
pub fn run(
    plan: &Plan,
    access: &Access,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<Outcome, BenchError> {
    plan.check().map_err(BenchError::Plan)?;
    let began = Beginning::now();
    let mut access = access.clone();
    let names = prepare_topics(plan, &access, began.unix_time)?;
    // Any broker that is known from here on will do.
    let result = measure(plan, &mut access, &names, began, watch, stop);
    let is_own = plan.topics.name.is_none() && !plan.topics.keep;
    let left_behind = if is_own { access.clear_away(&names) } else { None };
    // If nothing was measured, the first thing that went wrong is the one to tell.
    result.map(|outcome| Outcome { left_behind, ..outcome })
}

/// What is known before anything is done.
#[derive(Clone, Copy)]
struct Beginning {
    unix_time: Duration,
    unwritten_bytes: u64,
}

impl Beginning {
    fn now() -> Self {
        let unix_time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { unix_time, unwritten_bytes: unwritten_bytes() }
    }
}

/// Makes the topics of the run, or finds the one that is named.
fn prepare_topics(plan: &Plan, access: &Access, began: Duration) -> Result<Vec<Str>, BenchError> {
    let names: Vec<String> = match &plan.topics.name {
        Some(name) => vec![name.clone()],
        None => {
            let run = format!("strome-bench-{}-{}", began.as_millis(), std::process::id());
            (0..plan.topics.count).map(|index| format!("{run}-{index}")).collect()
        }
    };
    let as_str: Vec<Str> = names.iter().map(|name| Str::from(name.as_str())).collect();
    if let [only] = &as_str[..]
        && plan.topics.name.is_some()
        && access.has_topic(only)?
    {
        return Ok(as_str);
    }
    let new = |name: &'_ String| NewTopic {
        name: name.clone(),
        partitions: plan.topics.partitions,
        replication_factor: plan.topics.replication_factor,
        configs: plan.topics.configs.clone(),
    };
    access.create(&names.iter().map(new).collect::<Vec<_>>())?;
    Ok(as_str)
}

fn measure(
    plan: &Plan,
    access: &mut Access,
    names: &[Str],
    began: Beginning,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<Outcome, BenchError> {
    let map = access.map(names)?;
    access.await_leaders(&map)?;
    access.bootstrap.extend(map.brokers.values().cloned());
    let topics = Topics {
        count: map.topics.len(),
        partitions: map.topics.iter().map(|topic| topic.leaders.len()).sum(),
        replication_factor: map.topics.iter().map(|topic| topic.replication_factor).max().unwrap_or_default(),
    };
    let topic_settings = match names.first() {
        Some(first) => access.settings(first, TELLING_SETTINGS).unwrap_or_default(),
        None => Default::default(),
    };
    let seed = mix(plan.seed ^ began.unix_time.as_nanos() as u64);
    prepare_logs(plan, access, &map, &topic_settings, RunId(seed), watch, stop)?;
    let offsets = offsets(plan, access, &map)?;
    if plan.mode == Mode::Consume && offsets.iter().flatten().all(|(begin, end)| begin == end) {
        return Err(BenchError::Plan("there is nothing to read: the topic is empty".to_owned()));
    }
    let mut brokers: Vec<Broker> = map.brokers.iter().map(|(id, at)| broker(access, id.0, at)).collect();
    let processes: Vec<Process> = brokers.iter().filter_map(|broker| broker.process.clone()).collect();
    let mut found = perform(Phase {
        plan: plan.clone(),
        prepares: false,
        access: access.clone(),
        map,
        offsets,
        run: RunId(mix(seed.wrapping_add(1))),
        clock: Clock::start(),
        processes,
        watch,
        stop,
    })?;
    if let Some(error) =
        found.cut_short.take_if(|_| moved_within(found.seconds, &found.series) == Default::default())
    {
        return Err(error);
    }
    if found.seconds <= 0.0 {
        return Err(BenchError::Plan("the run was over before its warm-up was".to_owned()));
    }
    for broker in &mut brokers {
        let pid = broker.process.as_ref().map(|process| process.pid);
        broker.usage = found.spent.usages.iter().find(|(of, _)| Some(*of) == pid).map(|(_, usage)| *usage);
    }
    Ok(outcome(plan, began, found, brokers, topic_settings, topics))
}

/// A broker, before it has done anything.
fn broker(access: &Access, id: i32, address: &Address) -> Broker {
    let (process, host) = (Process::at(address), tuning::Host::real());
    let disks = process.iter().flat_map(|process| {
        // Who may not ask, or asks somebody who does not know, does without.
        let directories = access.log_directories(address).unwrap_or_default();
        directories
            .into_iter()
            .filter_map(|directory| Place::of(&host, process.pid, &directory))
            .collect::<Vec<_>>()
    });
    Broker { id, address: address.clone(), disks: disks.collect(), process, usage: None }
}

fn outcome(
    plan: &Plan,
    began: Beginning,
    found: Found,
    brokers: Vec<Broker>,
    topic_settings: BTreeMap<String, String>,
    topics: Topics,
) -> Outcome {
    let (produced, consumed) = moved_within(found.seconds, &found.series);
    let broker_cpu: Option<f64> =
        brokers.iter().map(|broker| broker.usage.map(|usage| usage.cpu_seconds)).sum();
    let spent = &found.spent;
    let others =
        broker_cpu.map(|broker| (spent.machine_cpu_seconds - broker - spent.client_cpu_seconds).max(0.0));
    let explanation = found.looks.map(|looks| {
        let explained = looks.and_then(|looks| explain(&looks, plan, &found.total, brokers.len()));
        explained.map_err(|error| error.to_string())
    });
    Outcome {
        plan: plan.clone(),
        began_unix_s: began.unix_time.as_secs(),
        seconds: found.seconds,
        cut_short: found.cut_short,
        left_behind: None,
        produced,
        consumed,
        total: found.total,
        series: found.series,
        missing: if plan.mode == Mode::Consume { 0 } else { found.missing },
        caught_up_s: found.caught_up_s,
        client: Client { cpu_seconds: found.spent.client_cpu_seconds, threads_busy: found.threads_busy },
        brokers,
        others_cpu_seconds: others,
        stolen_cpu_seconds: found.spent.stolen_cpu_seconds,
        unwritten_before_bytes: began.unwritten_bytes,
        explanation,
        host: Host::this(),
        topic_settings,
        topics,
    }
}

/// What was produced and consumed in the measured time: neither in the warm-up nor in what is awaited after the end.
fn moved_within(seconds: f64, series: &[Point]) -> (Amount, Amount) {
    let (mut produced, mut consumed) = (Amount::default(), Amount::default());
    for point in series.iter().filter(|point| point.at_s > 0.0 && point.at_s <= seconds + 1e-6) {
        produced.add(point.produced);
        consumed.add(point.consumed);
    }
    (produced, consumed)
}

/// Puts records into the topics, for consumers to begin with, or just those that new logs are to have.
fn prepare_logs(
    plan: &Plan,
    access: &Access,
    map: &Map,
    settings: &BTreeMap<String, String>,
    run: RunId,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<(), BenchError> {
    let needs_keys = settings.get("cleanup.policy").is_some_and(|policy| policy.contains("compact"));
    let fills = plan.fetch.backlog_bytes > 0 && plan.mode.reads_backlog();
    if needs_keys && (plan.mode.produces() || fills) && plan.records.keys.is_none() {
        return Err(BenchError::Plan(
            "the topic is compacted and takes only records with keys: give --keys".to_owned(),
        ));
    }
    if fills {
        return write(filling(plan), access, map, run, watch, stop);
    }
    if plan.topics.name.is_some() || plan.mode.reads_backlog() || needs_keys {
        return Ok(());
    }
    let told = settings.get("max.message.bytes").and_then(|bytes| bytes.parse().ok());
    begin_logs(plan, access, map, run, told.unwrap_or(usize::MAX), stop)
}

/// The plan of the records that consumers begin with.
fn filling(plan: &Plan) -> Plan {
    let mut filling = plan.clone();
    let record_bytes =
        plan.records.sizes.mean() + plan.records.keys.map_or(0.0, |_| crate::payload::KEY_BYTES as f64);
    let records = (plan.fetch.backlog_bytes as f64 / record_bytes.max(1.0)).ceil() as u64;
    filling.producers = plan.producers.max(1);
    // Where producers go on what is said of them is about that; where they do not, it is about this.
    if plan.mode.produces() {
        filling.produce.spread = Spread::Sticky;
        filling.produce.batch_bytes = plan.produce.batch_bytes.max(FILL_BATCH_BYTES);
        filling.produce.window_bytes = plan.produce.window_bytes.max(FILL_WINDOW_BYTES);
    }
    filling.produce.records = Some(records.max(1));
    filling
}

/// Writes two records to each partition of new topics, which nobody counts: for the first ones some brokers do what they never
/// do again. Kafka syncs a file for each new leader, and enters a first position into each of a log's two indexes as soon as
/// more than `index.interval.bytes` have come; with 1,000 partitions both have taken half a minute, and outlast many a run.
fn begin_logs(
    plan: &Plan,
    access: &Access,
    map: &Map,
    run: RunId,
    message_bytes_max: usize,
    stop: &AtomicBool,
) -> Result<(), BenchError> {
    let partitions: usize = map.topics.iter().map(|topic| topic.leaders.len()).sum();
    for bytes in [FIRST_RECORD_BYTES, STAMP_BYTES] {
        if bytes > message_bytes_max / 2 {
            continue;
        }
        let mut beginning = plan.clone();
        beginning.producers = 1;
        beginning.records = RecordPlan { sizes: Sizes::fixed(bytes), keys: None, random_share: 0.0 };
        beginning.produce.spread = Spread::RoundRobin;
        beginning.produce.compression = Compression::None;
        beginning.produce.records = Some(partitions as u64);
        // Few partitions in each request, so that each is answered in time.
        beginning.produce.request_bytes_max = BEGIN_REQUEST_BYTES_MAX;
        beginning.produce.requests_in_flight_max = 1;
        if plan.produce.acks == Acks::None {
            beginning.produce.acks = Acks::Leader;
        }
        write(beginning, access, map, run, &mut Unwatched, stop)?;
    }
    Ok(())
}

/// Writes the records of a plan as fast as it goes. They are the run's own business, and not part of what it measures.
fn write(
    mut plan: Plan,
    access: &Access,
    map: &Map,
    run: RunId,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) -> Result<(), BenchError> {
    plan.mode = Mode::Produce;
    plan.explain = None;
    plan.produce.load = Load::Closed;
    plan.warm_up = Duration::ZERO;
    plan.duration = FILL_TIME_MAX;
    let found = perform(Phase {
        offsets: no_offsets(map),
        plan,
        prepares: true,
        access: access.clone(),
        map: map.clone(),
        run,
        clock: Clock::start(),
        processes: Vec::new(),
        watch,
        stop,
    })?;
    match found.total.unacknowledged {
        0 => Ok(()),
        left => Err(BenchError::Failed(format!("{left} records that prepare the run were not acknowledged"))),
    }
}

/// Where each partition's log begins and ends; only consumers want to know.
fn offsets(plan: &Plan, access: &Access, map: &Map) -> Result<Vec<Vec<(Offset, Offset)>>, BenchError> {
    if !plan.mode.consumes() {
        return Ok(no_offsets(map));
    }
    map.topics.iter().map(|topic| access.offsets(map, topic)).collect()
}

fn no_offsets(map: &Map) -> Vec<Vec<(Offset, Offset)>> {
    map.topics.iter().map(|topic| vec![(Offset(0), Offset(0)); topic.leaders.len()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Digest;

    #[test]
    fn what_is_said_of_producers_is_about_the_backlog_where_they_write_nothing_else() {
        let written = |mode| {
            let mut plan = Plan::of(mode);
            plan.fetch.backlog_bytes = 5_500;
            plan.produce.batch_bytes = 10;
            plan.produce.window_bytes = 20;
            plan.produce.spread = Spread::RoundRobin;
            filling(&plan).produce
        };
        let (consume, mixed) = (written(Mode::Consume), written(Mode::Mixed));
        assert_eq!((consume.batch_bytes, consume.window_bytes, consume.spread), (10, 20, Spread::RoundRobin));
        assert_eq!(
            (mixed.batch_bytes, mixed.window_bytes, mixed.spread),
            (256 << 10, 8 << 20, Spread::Sticky)
        );
        assert_eq!((consume.records, mixed.records), (Some(6), Some(6)));
        assert_eq!(filling(&Plan::of(Mode::Consume)).produce.window_bytes, 8 << 20);
    }

    #[test]
    fn neither_the_warm_up_nor_what_comes_after_the_end_was_moved_in_the_measured_time() {
        let point = |at_s, records| Point {
            at_s,
            seconds: 1.0,
            produced: Amount { records, bytes: 2 * records },
            consumed: Amount { records: 3 * records, bytes: 0 },
            produce: Digest::default(),
            end_to_end: Digest::default(),
            fetch: Digest::default(),
        };
        let series = [point(-1.0, 1), point(0.0, 10), point(1.0, 100), point(1.5, 1_000), point(2.5, 10_000)];
        let (produced, consumed) = moved_within(1.5, &series);
        assert_eq!((produced.records, produced.bytes, consumed.records), (1_100, 2_200, 3_300));
    }
}
