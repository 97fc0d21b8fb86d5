//! A result for people: names and values, in groups.

use bench::words::{count, micros};
use bench::{Amount, Explanation, Latencies, Load, Outcome, Plan};

/// A name and its value; an empty name begins a group, which the value then names.
pub(super) type Row = (String, String);

/// What is shown of a result.
pub(super) fn rows(outcome: &Outcome) -> Vec<Row> {
    let mut rows = Vec::new();
    run_rows(outcome, &mut rows);
    let total = &outcome.total;
    if outcome.plan.mode.produces() {
        group(&mut rows, "produced");
        amount(&mut rows, outcome.produced, outcome.seconds);
        latency(&mut rows, "latency", &total.produce);
        row(&mut rows, "requests", count(total.produce_requests as f64));
    }
    if outcome.plan.mode.consumes() {
        group(&mut rows, "consumed");
        amount(&mut rows, outcome.consumed, outcome.seconds);
        latency(&mut rows, "fetch until answer", &total.fetch);
        row(&mut rows, "fetches", count(total.fetch_requests as f64));
        if let Some(seconds) = outcome.caught_up_s.filter(|_| outcome.plan.mode.produces()) {
            row(&mut rows, "backlog read after", format!("{seconds:.1} s"));
        }
    }
    if outcome.plan.mode.produces() && outcome.plan.mode.consumes() {
        group(&mut rows, "end to end");
        latency(&mut rows, "latency", &total.end_to_end);
    }
    if let Some(Ok(explanation)) = &outcome.explanation {
        explanation_rows(explanation, &mut rows);
    }
    cost_rows(outcome, &mut rows);
    trouble_rows(outcome, &mut rows);
    rows
}

fn run_rows(outcome: &Outcome, rows: &mut Vec<Row>) {
    let Plan { records, produce, .. } = &outcome.plan;
    group(rows, "run");
    row(rows, "workload", outcome.plan.name.clone());
    row(rows, "measured", format!("{:.1} s", outcome.seconds));
    let load = match produce.load {
        Load::Closed => "closed loop, as fast as acknowledgements come".to_owned(),
        Load::Open { records_per_second, arrivals } => {
            format!("open loop, {} records/s, {} arrivals", count(records_per_second), arrivals.name())
        }
    };
    let keys = records.keys.map_or("no keys".to_owned(), |keys| format!("{} keys", count(keys as f64)));
    if outcome.plan.mode.produces() {
        row(rows, "load", load);
    }
    // What others have written may be like anything.
    if outcome.plan.mode.produces() || outcome.plan.fetch.backlog_bytes > 0 {
        row(rows, "records", format!("{} bytes, {keys}", records.sizes));
    }
    let found = &outcome.topics;
    let told = [
        several(found.count, "topic"),
        several(found.partitions, "partition"),
        several(found.replication_factor, "replica") + " each",
        several(outcome.brokers.len(), "broker"),
    ];
    row(rows, "topics", told.join(", "));
    if outcome.plan.mode.produces() {
        let linger = produce.linger.as_secs_f64() * 1e3;
        let batches = format!(
            "{} bytes, linger {linger} ms, compression {}",
            count(produce.batch_bytes as f64),
            produce.compression.name()
        );
        row(rows, "producers", outcome.plan.producers.to_string());
        row(rows, "batches", batches);
        row(rows, "acks", format!("{}: {}", produce.acks.name(), outcome.durability().text()));
    }
    if outcome.plan.mode.consumes() {
        row(rows, "consumers", outcome.plan.consumers.to_string());
    }
}

/// Where the time of requests went.
pub(super) fn explanation_rows(explanation: &Explanation, rows: &mut Vec<Row>) {
    for api in &explanation.apis {
        group(rows, &format!("time of {} requests in the broker", api.api));
        row(rows, "in short", api.sentence());
        let told = mean_and_p99(api.mean_us, api.p99_at_most_us);
        row(rows, "whole", format!("{told}, {}", several(api.requests as usize, "request")));
        // What took no time would only make it longer.
        for stage in api.stages.iter().filter(|stage| stage.mean_us > 0.0) {
            let told = mean_and_p99(stage.mean_us, stage.p99_at_most_us);
            row(rows, &stage.stage, format!("{told}, {:.1} %", stage.share * 100.0));
        }
        if let Some((client, outside)) = api.client_mean_us.zip(api.outside_mean_us()) {
            let told = format!("mean {}: the client saw {}", signed_micros(outside), micros(client));
            row(rows, "outside the broker", told);
        }
    }
    if explanation.shards.len() > 1 {
        group(rows, "time of the requests of each shard");
        for shard in &explanation.shards {
            let stages =
                shard.stages.iter().map(|(stage, seconds)| format!("{stage} {}", micros(seconds * 1e6)));
            row(rows, &format!("shard {}", shard.shard), stages.collect::<Vec<_>>().join("  "));
        }
    }
    if !explanation.writes.is_empty() {
        group(rows, "writes to disk");
        for write in &explanation.writes {
            let told = mean_and_p99(write.mean_us, write.p99_at_most_us);
            row(rows, &write.way, format!("{told}, {}", several(write.writes as usize, "write")));
        }
    }
}

fn mean_and_p99(mean_us: f64, p99_at_most_us: Option<f64>) -> String {
    let p99 = p99_at_most_us.map_or("beyond what is told".to_owned(), |us| format!("at most {}", micros(us)));
    format!("mean {}, p99 {p99}", micros(mean_us))
}

/// A difference may be below zero.
fn signed_micros(us: f64) -> String {
    if us < 0.0 { format!("-{}", micros(-us)) } else { micros(us) }
}

fn cost_rows(outcome: &Outcome, rows: &mut Vec<Row>) {
    group(rows, "cost");
    for broker in &outcome.brokers {
        let name = format!("broker {}", broker.id);
        let Some(usage) = broker.usage else {
            let why = match &broker.process {
                Some(process) => format!("process {} is gone", process.pid),
                None => "not on this machine, or not visible".to_owned(),
            };
            row(rows, &name, format!("{}: {why}", broker.address));
            continue;
        };
        let per_record = outcome.records().max(1) as f64;
        let told = format!(
            "{:.2} CPU s, {:.2} µs per record, {} MiB resident (at most {})",
            usage.cpu_seconds,
            usage.cpu_seconds * 1e6 / per_record,
            usage.rss_bytes >> 20,
            usage.rss_peak_bytes >> 20,
        );
        row(rows, &name, told);
    }
    let busiest = outcome.client.threads_busy.iter().copied().fold(0.0, f64::max);
    let per_record =
        outcome.client_cpu_us_per_record().map_or(String::new(), |us| format!(", {us:.2} µs per record"));
    let client = format!(
        "{:.2} CPU s{per_record}, busiest thread {:.0} %",
        outcome.client.cpu_seconds,
        busiest * 100.0
    );
    row(rows, "client", client);
}

fn trouble_rows(outcome: &Outcome, rows: &mut Vec<Row>) {
    let retries: u64 = outcome.total.retries.values().sum();
    if retries > 0 {
        let kinds = outcome.total.retries.iter();
        let kinds: Vec<String> =
            kinds.map(|(code, count)| format!("{} x {}", count, bench::error_name(*code))).collect();
        row(rows, "tried again", kinds.join(", "));
    }
    if outcome.total.reconnects > 0 {
        row(rows, "connected again", outcome.total.reconnects.to_string());
    }
    for warning in outcome.warnings() {
        row(rows, "note", warning);
    }
}

fn amount(rows: &mut Vec<Row>, amount: Amount, seconds: f64) {
    let (records, bytes) = (amount.records as f64, amount.bytes as f64);
    row(rows, "records", count(records));
    row(rows, "rate", format!("{} records/s, {:.1} MB/s", count(records / seconds), bytes / seconds / 1e6));
}

fn latency(rows: &mut Vec<Row>, name: &str, latencies: &Latencies) {
    let percentiles = [50.0, 90.0, 99.0, 99.9, 99.99];
    // One that no record lies beyond says no more than the longest.
    let is_told = |percent: &f64| (100.0 - percent) / 100.0 * latencies.count() as f64 >= 1.0;
    let mut told: Vec<String> = percentiles
        .into_iter()
        .filter(is_told)
        .filter_map(|percent| Some(format!("p{percent} {}", micros(latencies.percentile_us(percent)?))))
        .collect();
    told.extend(latencies.max_us().map(|max| format!("max {}", micros(max))));
    if !told.is_empty() {
        row(rows, name, told.join("  "));
    }
}

/// A number of things.
pub(super) fn several(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(number as f64))
}

fn group(rows: &mut Vec<Row>, name: &str) {
    rows.push((String::new(), name.to_owned()));
}

fn row(rows: &mut Vec<Row>, name: &str, value: String) {
    rows.push((name.to_owned(), value));
}

/// For a terminal.
pub(super) fn aligned(rows: &[Row]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let lines = rows.iter().map(|(name, value)| match name.as_str() {
        "" => format!("{value}\n"),
        name => format!("  {name:<width$}  {value}\n"),
    });
    lines.collect()
}

/// For scripts: group, name and value, separated by tabs.
pub(super) fn plain(rows: &[Row]) -> String {
    let mut group = "";
    let mut text = String::new();
    for (name, value) in rows {
        if name.is_empty() {
            group = value;
        } else {
            text += &format!("{group}\t{name}\t{value}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bench::{
        Address, ApiTime, Arrivals, Broker, Client, Mode, ShardTime, StageTime, Tally, Topics, Usage,
        WriteTime,
    };

    use super::*;

    /// Two thousand records in four seconds, with latencies of 1, 2 and so on to 2,000 ms.
    fn outcome(mode: Mode) -> Outcome {
        let mut total = Tally { produce_requests: 20, fetch_requests: 30, ..Tally::default() };
        (1..=2_000).for_each(|us| total.produce.record(Duration::from_micros(us * 1_000), 1));
        total.fetch.record(Duration::from_millis(7), 1);
        let usage = Usage { cpu_seconds: 0.5, rss_bytes: 21 << 20, rss_peak_bytes: 22 << 20, threads: 2 };
        let address = Address { host: "localhost".to_owned(), port: 9092 };
        let broker =
            |id, usage| Broker { id, address: address.clone(), process: None, usage, disks: Vec::new() };
        let mut plan = Plan::of(mode);
        plan.produce.linger = Duration::from_micros(500);
        plan.produce.load = Load::Open { records_per_second: 500.0, arrivals: Arrivals::Even };
        Outcome {
            plan,
            began_unix_s: 0,
            seconds: 4.0,
            cut_short: None,
            left_behind: None,
            produced: Amount { records: 2_000, bytes: 8_000_000 },
            consumed: Amount { records: 1_000, bytes: 4_000_000 },
            total,
            series: Vec::new(),
            missing: 0,
            caught_up_s: Some(2.5),
            client: Client { cpu_seconds: 0.75, threads_busy: vec![0.5, 0.25] },
            brokers: vec![broker(1, Some(usage)), broker(2, None)],
            others_cpu_seconds: None,
            stolen_cpu_seconds: 0.0,
            unwritten_before_bytes: 0,
            explanation: None,
            host: bench::Host::default(),
            topic_settings: [("flush.messages".to_owned(), "1".to_owned())].into(),
            topics: Topics { count: 1, partitions: 6, replication_factor: 3 },
        }
    }

    #[test]
    fn a_result_is_told_in_units_that_it_names() {
        let mut found = outcome(Mode::Produce);
        found.total.retries = [(6, 3)].into();
        found.total.reconnects = 2;
        found.missing = 9;
        let told = plain(&rows(&found)).replace("run\t", "");
        let (run, found) = told.split_at(told.find("produced\t").unwrap());
        assert_eq!(
            run,
            "workload\tproduce\n\
             measured\t4.0 s\n\
             load\topen loop, 500 records/s, even arrivals\n\
             records\t1000 bytes, no keys\n\
             topics\t1 topic, 6 partitions, 3 replicas each, 2 brokers\n\
             producers\t1\n\
             batches\t262,144 bytes, linger 0.5 ms, compression none\n\
             acks\tall: acknowledged when on the disk of all replicas in sync\n"
        );
        // Of 2,000 records two lie beyond p99.9, and none beyond p99.99.
        assert_eq!(
            found,
            "produced\trecords\t2,000\n\
             produced\trate\t500 records/s, 2.0 MB/s\n\
             produced\tlatency\tp50 1.00 s  p90 1.80 s  p99 1.98 s  p99.9 2.00 s  max 2.00 s\n\
             produced\trequests\t20\n\
             cost\tbroker 1\t0.50 CPU s, 250.00 µs per record, 21 MiB resident (at most 22)\n\
             cost\tbroker 2\tlocalhost:9092: not on this machine, or not visible\n\
             cost\tclient\t0.75 CPU s, 250.00 µs per record, busiest thread 50 %\n\
             cost\ttried again\t3 x NOT_LEADER_OR_FOLLOWER\n\
             cost\tconnected again\t2\n\
             cost\tnote\t9 acknowledged records did not reach a consumer in time\n"
        );
    }

    #[test]
    fn when_a_backlog_was_read_is_told_where_producers_went_on() {
        let told = |mode| plain(&rows(&outcome(mode)));
        let (mixed, consume) = (told(Mode::Mixed), told(Mode::Consume));
        assert!(mixed.contains("consumed\tbacklog read after\t2.5 s\n"), "{mixed}");
        assert!(!consume.contains("backlog read") && !consume.contains("produced"), "{consume}");
        assert!(consume.contains("consumed\tfetch until answer\tmax 7.00 ms\n"), "{consume}");
        assert!(consume.contains("cost\tbroker 1\t0.50 CPU s, 500.00 µs per record"), "{consume}");
        // Nobody knows what records are like that others have written.
        assert!(consume.contains("records\t1000 bytes, no keys\n"), "{consume}");
        let mut others = outcome(Mode::Consume);
        others.plan.fetch.backlog_bytes = 0;
        assert!(!plain(&rows(&others)).contains("1000 bytes"));
    }

    #[test]
    fn an_explanation_leaves_out_what_took_no_time_and_a_single_shard() {
        let stage = |stage: &str, mean_us: f64| StageTime {
            stage: stage.to_owned(),
            mean_us,
            share: mean_us / 200.0,
            p99_at_most_us: None,
        };
        let shard = |shard| ShardTime { shard, stages: vec![("work".to_owned(), 1.5)] };
        let mut explanation = Explanation {
            admin: Address { host: "localhost".to_owned(), port: 9644 },
            apis: vec![ApiTime {
                api: "Produce".to_owned(),
                requests: 1_000,
                mean_us: 200.0,
                p99_at_most_us: Some(500.0),
                stages: vec![stage("queue", 0.0), stage("work", 50.0), stage("commit", 150.0)],
                client_mean_us: Some(150.0),
            }],
            shards: vec![shard(0)],
            writes: vec![WriteTime {
                way: "journal".to_owned(),
                writes: 1,
                mean_us: 80.0,
                p99_at_most_us: Some(90.0),
            }],
            doubts: Vec::new(),
        };
        let told = |explanation: &Explanation| {
            let mut rows = Vec::new();
            explanation_rows(explanation, &mut rows);
            plain(&rows).replace("time of Produce requests in the broker\t", "")
        };
        assert_eq!(
            told(&explanation),
            "in short\tthe largest part of the broker's time is commit (records becoming durable), 150 µs of 200 µs or 75 %\n\
             whole\tmean 200 µs, p99 at most 500 µs, 1,000 requests\n\
             work\tmean 50.0 µs, p99 beyond what is told, 25.0 %\n\
             commit\tmean 150 µs, p99 beyond what is told, 75.0 %\n\
             outside the broker\tmean -50.0 µs: the client saw 150 µs\n\
             writes to disk\tjournal\tmean 80.0 µs, p99 at most 90.0 µs, 1 write\n"
        );
        explanation.shards.push(shard(1));
        assert!(told(&explanation).contains("time of the requests of each shard\tshard 1\twork 1.50 s\n"));
    }

    #[test]
    fn a_script_can_tell_groups_apart() {
        let rows = [("", "produced"), ("rate", "5"), ("", "cost"), ("client", "6")];
        let rows: Vec<Row> = rows.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        assert_eq!(plain(&rows), "produced\trate\t5\ncost\tclient\t6\n");
        assert_eq!(aligned(&rows), "produced\n  rate    5\ncost\n  client  6\n");
    }
}
