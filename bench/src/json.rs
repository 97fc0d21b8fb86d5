//! A result as JSON, which is what is saved and what reports are made of. Its keys end in their units.

use serde_json::{Map, Value, json};
use tuning::disk::Place;

use crate::error::error_name;
use crate::host::Host;
use crate::latency::Latencies;
use crate::outcome::{Broker, Digest, Outcome, Point};
use crate::plan::{Load, Plan};
use crate::tally::Amount;

/// The form of the JSON; it grows by one when a key changes its meaning or goes.
pub(crate) const FORMAT: u64 = 1;

/// The result of one run.
#[must_use]
pub fn to_json(outcome: &Outcome) -> Value {
    let Outcome { plan, total, .. } = outcome;
    let retries: Map<String, Value> =
        total.retries.iter().map(|(code, count)| (error_name(*code), json!(count))).collect();
    let mut result = json!({
        "format": FORMAT,
        "tool": concat!("strome bench ", env!("CARGO_PKG_VERSION")),
        "workload": plan.name,
        "mode": plan.mode.name(),
        "began_unix_s": outcome.began_unix_s,
        "seconds": outcome.seconds,
        "stopped": outcome.cut_short.is_some(),
        "plan": plan_json(plan),
        "topics": { "count": outcome.topics.count, "partitions": outcome.topics.partitions },
        "durability": {
            "meaning": outcome.durability().text(),
            "acks": plan.produce.acks.name(),
            "replication_factor": outcome.topics.replication_factor,
            "topic_settings": outcome.topic_settings,
        },
        "retries": retries,
        "reconnects": total.reconnects,
        "unacknowledged_records": total.unacknowledged,
        "client": {
            "cpu_seconds": outcome.client.cpu_seconds,
            "cpu_us_per_record": outcome.client_cpu_us_per_record(),
            "threads_busy": outcome.client.threads_busy,
        },
        "brokers": outcome.brokers.iter().map(broker_json).collect::<Vec<_>>(),
        "broker_cpu_seconds": outcome.broker_cpu_seconds(),
        "broker_cpu_us_per_record": outcome.broker_cpu_us_per_record(),
        "others_cpu_seconds": outcome.others_cpu_seconds,
        "stolen_cpu_seconds": outcome.stolen_cpu_seconds,
        "unwritten_before_bytes": outcome.unwritten_before_bytes,
        "host": host_json(&outcome.host),
        "warnings": outcome.warnings(),
        "series": outcome.series.iter().map(point_json).collect::<Vec<_>>(),
    });
    for (name, part) in parts(outcome) {
        result[name] = part;
    }
    result
}

/// What only some runs have.
fn parts(outcome: &Outcome) -> Vec<(&'static str, Value)> {
    let Outcome { plan, total, .. } = outcome;
    let mut parts = Vec::new();
    if plan.mode.produces() {
        let mut part = flow_json(outcome.produced, outcome.seconds, &total.produce);
        part["requests"] = json!(total.produce_requests);
        parts.push(("produce", part));
    }
    if plan.mode.consumes() {
        let mut part = flow_json(outcome.consumed, outcome.seconds, &total.fetch);
        part["requests"] = json!(total.fetch_requests);
        part["caught_up_s"] = json!(outcome.caught_up_s);
        parts.push(("consume", part));
    }
    if plan.mode.produces() && plan.mode.consumes() {
        let part = json!({ "latency": latency_json(&total.end_to_end), "missing_records": outcome.missing });
        parts.push(("end_to_end", part));
    }
    match &outcome.explanation {
        Some(Ok(explanation)) => parts.push(("explain", explanation.to_json())),
        Some(Err(why)) => parts.push(("explain", json!({ "error": why }))),
        None => {}
    }
    parts
}

pub(crate) fn host_json(host: &Host) -> Value {
    json!({
        "cpu": host.cpu,
        "cpus": host.cpus,
        "cpus_usable": host.cpus_usable,
        "virtual": host.is_virtual,
        "memory_bytes": host.memory_bytes,
        "kernel": host.kernel,
        "governor": host.governor,
        "wake_up_us_max": host.wake_up_us_max,
        "autogroup": host.autogroup,
    })
}

fn plan_json(plan: &Plan) -> Value {
    let Plan { topics, records, produce, fetch, .. } = plan;
    let (rate, arrivals) = match produce.load {
        Load::Closed => (None, None),
        Load::Open { records_per_second, arrivals } => (Some(records_per_second), Some(arrivals.name())),
    };
    json!({
        "loop": if rate.is_some() { "open" } else { "closed" },
        "rate_per_s": rate,
        "arrivals": arrivals,
        "warm_up_s": plan.warm_up.as_secs_f64(),
        "duration_s": plan.duration.as_secs_f64(),
        "drain_s": plan.drain.as_secs_f64(),
        "topic": topics.name,
        "topics": topics.count,
        "partitions": topics.partitions,
        "topic_configs": topics.configs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
        "record_bytes": records.sizes.to_string(),
        "keys": records.keys,
        "random_share": records.random_share,
        "producers": if plan.mode.produces() { plan.producers } else { 0 },
        "consumers": if plan.mode.consumes() { plan.consumers } else { 0 },
        "threads": plan.threads,
        "cores": plan.cores,
        "acks": produce.acks.name(),
        "compression": produce.compression.name(),
        "spread": if records.keys.is_some() { "by key" } else { produce.spread.name() },
        "batch_bytes": produce.batch_bytes,
        "linger_ms": produce.linger.as_secs_f64() * 1e3,
        "request_bytes_max": produce.request_bytes_max,
        "requests_in_flight_max": produce.requests_in_flight_max,
        "window_bytes": produce.window_bytes,
        "records": produce.records,
        "fetch_max_bytes": fetch.max_bytes,
        "fetch_partition_max_bytes": fetch.partition_max_bytes,
        "fetch_min_bytes": fetch.min_bytes,
        "fetch_wait_max_ms": fetch.wait_max.as_secs_f64() * 1e3,
        "backlog_bytes": fetch.backlog_bytes,
        "seed": plan.seed,
    })
}

fn flow_json(amount: Amount, seconds: f64, latencies: &Latencies) -> Value {
    json!({
        "records": amount.records,
        "bytes": amount.bytes,
        "records_per_s": amount.records as f64 / seconds,
        "mb_per_s": amount.bytes as f64 / seconds / 1e6,
        "latency": latency_json(latencies),
    })
}

pub(crate) fn latency_json(latencies: &Latencies) -> Value {
    json!({
        "count": latencies.count(),
        "min_us": latencies.min_us(),
        "mean_us": latencies.mean_us(),
        "p50_us": latencies.percentile_us(50.0),
        "p90_us": latencies.percentile_us(90.0),
        "p99_us": latencies.percentile_us(99.0),
        "p999_us": latencies.percentile_us(99.9),
        "p9999_us": latencies.percentile_us(99.99),
        "max_us": latencies.max_us(),
        "curve_us": latencies.curve_us(),
    })
}

fn point_json(point: &Point) -> Value {
    json!({
        "at_s": point.at_s,
        "seconds": point.seconds,
        "produced_records": point.produced.records,
        "produced_bytes": point.produced.bytes,
        "consumed_records": point.consumed.records,
        "consumed_bytes": point.consumed.bytes,
        "produce": digest_json(&point.produce),
        "end_to_end": digest_json(&point.end_to_end),
        "fetch": digest_json(&point.fetch),
    })
}

fn digest_json(digest: &Digest) -> Value {
    json!({ "p50_us": digest.p50_us, "p99_us": digest.p99_us, "p999_us": digest.p999_us, "max_us": digest.max_us })
}

fn broker_json(broker: &Broker) -> Value {
    let process = broker.process.as_ref();
    let usage = broker.usage.as_ref();
    json!({
        "id": broker.id,
        "address": broker.address.to_string(),
        "pid": process.map(|process| process.pid),
        "command": process.map(|process| process.command.as_str()),
        "cpu_seconds": usage.map(|usage| usage.cpu_seconds),
        "rss_bytes": usage.map(|usage| usage.rss_bytes),
        "rss_peak_bytes": usage.map(|usage| usage.rss_peak_bytes),
        "threads": usage.map(|usage| usage.threads),
        "disks": broker.disks.iter().map(disk_json).collect::<Vec<_>>(),
    })
}

fn disk_json(disk: &Place) -> Value {
    json!({
        "directory": disk.directory,
        "filesystem": disk.filesystem,
        "mount_options": disk.mount_options,
        "device": disk.device,
        "model": disk.model,
        "rotational": disk.is_rotational,
        "write_cache": disk.write_cache,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dial::Address;
    use crate::outcome::tests::outcome;
    use crate::outcome::{Client, Topics};
    use crate::plan::Mode;
    use crate::process::Usage;
    use crate::tally::Tally;

    /// In four seconds; no two figures are the same.
    fn full() -> Outcome {
        let mut total = Tally {
            produce_requests: 31,
            fetch_requests: 32,
            reconnects: 33,
            unacknowledged: 34,
            retries: [(6, 35)].into(),
            ..Tally::default()
        };
        (1_001..=101_000).for_each(|us| total.produce.record(Duration::from_micros(us), 1));
        total.fetch.record(Duration::from_millis(7), 1);
        total.end_to_end.record(Duration::from_millis(8), 1);
        let digest = |p50: f64| Digest {
            p50_us: Some(p50),
            p99_us: Some(p50 + 1.0),
            p999_us: Some(p50 + 2.0),
            max_us: None,
        };
        let point = Point {
            at_s: 1.0,
            seconds: 0.5,
            produced: Amount { records: 41, bytes: 42 },
            consumed: Amount { records: 43, bytes: 44 },
            produce: digest(50.0),
            end_to_end: digest(60.0),
            fetch: digest(70.0),
        };
        let usage = Usage { cpu_seconds: 2.0, rss_bytes: 21, rss_peak_bytes: 22, threads: 23 };
        let address = Address { host: "localhost".to_owned(), port: 9092 };
        let mut found = Outcome {
            produced: Amount { records: 1_000_000, bytes: 8_000_000 },
            consumed: Amount { records: 3_000_000, bytes: 24_000_000 },
            total,
            series: vec![point],
            missing: 11,
            caught_up_s: Some(1.25),
            client: Client { cpu_seconds: 6.0, threads_busy: vec![0.25] },
            brokers: vec![Broker { id: 1, address, process: None, usage: Some(usage), disks: Vec::new() }],
            others_cpu_seconds: Some(0.125),
            stolen_cpu_seconds: 0.0625,
            unwritten_before_bytes: 12,
            topics: Topics { count: 2, partitions: 6, replication_factor: 3 },
            ..outcome(Mode::Mixed)
        };
        found.plan.produce.linger = Duration::from_micros(1_500);
        found.plan.produce.load =
            Load::Open { records_per_second: 77.0, arrivals: crate::schedule::Arrivals::Poisson };
        found.plan.records.keys = Some(9);
        found
    }

    #[test]
    fn every_figure_is_under_its_name_in_its_unit() {
        let told = to_json(&full());
        let figures = json!({
            "/seconds": 4.0, "/retries/NOT_LEADER_OR_FOLLOWER": 35, "/reconnects": 33, "/unacknowledged_records": 34,
            "/topics/partitions": 6, "/durability/replication_factor": 3, "/client/cpu_us_per_record": 1.5,
            "/broker_cpu_seconds": 2.0, "/broker_cpu_us_per_record": 2.0, "/others_cpu_seconds": 0.125,
            "/stolen_cpu_seconds": 0.0625, "/unwritten_before_bytes": 12,
            "/brokers/0/rss_bytes": 21, "/brokers/0/rss_peak_bytes": 22, "/brokers/0/threads": 23,
            "/produce/records_per_s": 250_000.0, "/produce/mb_per_s": 2.0, "/produce/requests": 31,
            "/consume/records_per_s": 750_000.0, "/consume/mb_per_s": 6.0, "/consume/requests": 32,
            "/consume/caught_up_s": 1.25, "/end_to_end/missing_records": 11,
            "/plan/loop": "open", "/plan/rate_per_s": 77.0, "/plan/arrivals": "poisson", "/plan/linger_ms": 1.5,
            "/plan/warm_up_s": 5.0, "/plan/duration_s": 30.0, "/plan/drain_s": 30.0, "/plan/spread": "by key",
            "/plan/fetch_wait_max_ms": 500.0,
            "/series/0/produced_records": 41, "/series/0/produced_bytes": 42, "/series/0/consumed_records": 43,
            "/series/0/consumed_bytes": 44, "/series/0/produce/p50_us": 50.0, "/series/0/end_to_end/p99_us": 61.0,
            "/series/0/fetch/p999_us": 72.0,
        });
        for (path, figure) in figures.as_object().unwrap() {
            assert_eq!(told.pointer(path), Some(figure), "{path}");
        }
        // To three digits.
        for (key, us) in [
            ("min", 1_001.0),
            ("mean", 51_000.0),
            ("p50", 51_000.0),
            ("p90", 91_000.0),
            ("p99", 100_000.0),
            ("p999", 100_900.0),
            ("p9999", 100_990.0),
            ("max", 101_000.0),
        ] {
            let found = told["produce"]["latency"][format!("{key}_us")].as_f64().unwrap();
            assert!((found / us - 1.0).abs() < 6e-4, "{key}: {found}");
        }
        let longest = ["consume", "end_to_end"].map(|part| told[part]["latency"]["max_us"].as_f64().unwrap());
        assert_eq!(longest.map(|us| (us / 1e3).round()), [7.0, 8.0]);
    }

    #[test]
    fn what_a_run_does_not_do_is_not_in_its_result() {
        let told = to_json(&Outcome { plan: Plan::of(Mode::Consume), ..full() });
        assert!(told.get("produce").is_none() && told.get("end_to_end").is_none());
        assert_eq!(
            (&told["plan"]["producers"], &told["broker_cpu_us_per_record"]),
            (&json!(0), &json!(2.0 / 3.0))
        );
        let told = to_json(&Outcome { plan: Plan::of(Mode::Produce), ..full() });
        assert!(told.get("consume").is_none() && told.get("end_to_end").is_none());
        assert_eq!((&told["plan"]["consumers"], &told["plan"]["loop"]), (&json!(0), &json!("closed")));
    }
}
