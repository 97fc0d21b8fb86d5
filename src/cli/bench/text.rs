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
    group(rows, &format!("{}, {:.1} s", outcome.plan.name, outcome.seconds));
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
    row(rows, "records", format!("{} bytes, {keys}", records.sizes));
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
            row(rows, &name, format!("{}: not on this machine, or not visible", broker.address));
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
    use super::*;

    #[test]
    fn a_script_can_tell_groups_apart() {
        let rows = [("", "produced"), ("rate", "5"), ("", "cost"), ("client", "6")];
        let rows: Vec<Row> = rows.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        assert_eq!(plain(&rows), "produced\trate\t5\ncost\tclient\t6\n");
        assert_eq!(aligned(&rows), "produced\n  rate    5\ncost\n  client  6\n");
    }
}
