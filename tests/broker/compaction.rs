//! Topics with `cleanup.policy=compact`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use record::{BatchBuilder, BatchOptions, batches};
use types::TimestampMs;

use crate::client::Client;
use crate::support::Broker;
use crate::topics::{SOME_TIME, append, batch, configure, create, fetch, produce, records};

const PATIENCE: Duration = Duration::from_secs(30);

/// Every batch gets a segment of its own, and whatever is not compacted is worth it.
const EAGER: &[(&str, &str)] = &[("segment.ms", "1"), ("min.cleanable.dirty.ratio", "0.01")];

const HURRIED: &[(&str, &str)] = &[("log.cleaner.backoff.ms", "50")];

/// A batch of one record; its time is `at` seconds after others.
fn keyed(at: i64, key: &str, value: Option<&str>) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let timestamp = TimestampMs(SOME_TIME + 1000 * at);
    builder.push(timestamp, Some(key.as_bytes()), value.map(str::as_bytes), &[]).expect("a small record");
    builder.build().expect("a batch")
}

/// Up to where the partition is compacted, as its directory says.
fn compacted(broker: &Broker, topic: &str) -> i64 {
    let path = broker.data_dir().join("cleaner-offset-checkpoint");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{topic} 0 ")));
    line.map_or(0, |offset| offset.parse().expect("an offset"))
}

fn wait_until_compacted(broker: &Broker, topic: &str, to: i64) {
    let deadline = Instant::now() + PATIENCE;
    while compacted(broker, topic) < to {
        assert!(Instant::now() < deadline, "{topic} is compacted up to {} only", compacted(broker, topic));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The values of all records that are left, in order; those of batches without any are passed over.
fn survivors(client: &mut Client, topic: &str) -> Vec<String> {
    let (mut next, mut values) = (0, Vec::new());
    loop {
        let data = fetch(client, topic, 0, next);
        assert_eq!(data.error_code, 0);
        values.extend(records(&data).into_iter().filter(|seen| seen.offset >= next).map(|seen| seen.value));
        let bytes = data.records.clone().unwrap_or_default().into_bytes();
        let last = batches(&bytes).last().map(|batch| batch.expect("whole batches").0.next_offset().0);
        next = last.unwrap_or_else(|| panic!("nothing at {next} below {}", data.high_watermark));
        if next >= data.high_watermark {
            return values;
        }
    }
}

#[test]
fn a_compacted_topic_keeps_the_last_record_of_each_key() {
    let mut broker = Broker::start(HURRIED);
    let mut client = Client::connect(broker.address());
    create(
        &mut client,
        "state",
        1,
        &[EAGER, &[("cleanup.policy", "compact"), ("delete.retention.ms", "0")]].concat(),
    );
    for at in 0..40 {
        let (key, value) = (format!("key-{}", at % 4), format!("value-{at}"));
        append(&mut client, "state", 0, keyed(at, &key, Some(&value)));
    }
    append(&mut client, "state", 0, keyed(40, "key-1", None));
    append(&mut client, "state", 0, keyed(41, "last", Some("value-41")));
    wait_until_compacted(&broker, "state", 41);
    // The tombstone has its time, which passes at once, and goes with the next compaction.
    append(&mut client, "state", 0, keyed(42, "last", Some("value-42")));
    append(&mut client, "state", 0, keyed(43, "last", Some("value-43")));
    wait_until_compacted(&broker, "state", 43);
    assert!(broker.stop().success());
    broker.restart();
    let mut client = Client::connect(broker.address());
    let found = survivors(&mut client, "state");
    assert_eq!(found, ["value-36", "value-38", "value-39", "value-42", "value-43"]);
    assert_eq!(append(&mut client, "state", 0, keyed(44, "last", Some("value-44"))), 44, "offsets go on");
    broker.stop();
}

#[test]
fn a_topic_that_becomes_compacted_is_compacted_and_takes_no_records_without_a_key() {
    let mut broker = Broker::start(HURRIED);
    let mut client = Client::connect(broker.address());
    create(&mut client, "events", 1, EAGER);
    for at in 0..10 {
        append(&mut client, "events", 0, keyed(at, "key", Some("value")));
    }
    append(&mut client, "events", 0, batch(&["without a key"]));
    append(&mut client, "events", 0, keyed(11, "key", Some("the last")));
    assert_eq!(compacted(&broker, "events"), 0);
    configure(&mut client, "events", "cleanup.policy", "compact,delete");
    wait_until_compacted(&broker, "events", 11);
    let refused = produce(&mut client, "events", 0, batch(&["without a key"]));
    assert_eq!(refused.error_code, 87, "INVALID_RECORD: {:?}", refused.error_message);
    assert_eq!(refused.record_errors.len(), 1);
    assert!(broker.stop().success());
    broker.restart();
    let mut client = Client::connect(broker.address());
    let found = survivors(&mut client, "events");
    assert_eq!(found.last().map(String::as_str), Some("the last"));
    assert!(found.len() <= 2 && !found.contains(&"without a key".to_owned()), "{found:?}");
    broker.stop();
}
