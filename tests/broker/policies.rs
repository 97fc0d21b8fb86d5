//! What a topic's settings do to its records, also when they change while it is used; and what is refused.

use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::Records;
use protocol::messages::InitProducerIdRequest;
use protocol::messages::produce::PartitionProduceData;
use record::{BatchHeader, BatchOptions, Compression, TimestampType};

use crate::client::{Client, newest};
use crate::support::{Broker, PATIENCE};
use crate::topics::{
    ALL, PRODUCE, SOME_TIME, append, batch, batch_of, compressed, configure, create, fetch, list, produce,
    produce_request, read_all, records,
};

const CORRUPT_MESSAGE: i16 = 2;
const MESSAGE_TOO_LARGE: i16 = 10;
const INVALID_TXN_STATE: i16 = 48;
const UNSUPPORTED_COMPRESSION_TYPE: i16 = 76;
const INVALID_RECORD: i16 = 87;

const CODECS: [(&str, Compression); 5] = [
    ("uncompressed", Compression::None),
    ("gzip", Compression::Gzip),
    ("snappy", Compression::Snappy),
    ("lz4", Compression::Lz4),
    ("zstd", Compression::Zstd),
];

fn stored(client: &mut Client, topic: &str, offset: i64) -> BatchHeader {
    let bytes = fetch(client, topic, 0, offset).records.unwrap_or_default().into_bytes();
    BatchHeader::parse(&bytes).expect("a batch")
}

#[test]
fn batches_are_kept_as_they_came_or_compressed_as_the_topic_says() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    let values: Vec<String> = (0..20).map(|number| format!("value {number}").repeat(20)).collect();
    for (setting, codec) in CODECS {
        create(&mut client, setting, 1, &[("compression.type", setting)]);
        let verbatim = format!("as-it-came-{setting}");
        create(&mut client, &verbatim, 1, &[]);
        for (_, from) in CODECS {
            append(&mut client, setting, 0, compressed(from, &values));
        }
        for number in 0..5 {
            let header = stored(&mut client, setting, number * 20);
            assert_eq!(header.compression().expect("a codec"), codec);
            assert_eq!(header.base_offset.0, number * 20);
        }
        assert_eq!(read_all(&mut client, setting, 0, 0), [&values[..]; 5].concat());

        let sent = compressed(codec, &values);
        append(&mut client, &verbatim, 0, sent.clone());
        let kept = fetch(&mut client, &verbatim, 0, 0).records.expect("records").into_bytes();
        // All but the base offset and the leader epoch.
        assert_eq!((&kept[8..12], &kept[16..]), (&sent[8..12], &sent[16..]));
    }
}

#[test]
fn zstd_is_refused_where_the_request_is_older_than_it() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let request = produce_request("t", 0, ALL, compressed(Compression::Zstd, &["x"]));
    let old = client.call(6, &request);
    assert_eq!(old.responses[0].partition_responses[0].error_code, UNSUPPORTED_COMPRESSION_TYPE);
    assert_eq!(client.call(7, &request).responses[0].partition_responses[0].error_code, 0);
}

#[test]
fn the_brokers_time_counts_where_the_topic_says_so() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let first = produce(&mut client, "t", 0, batch(&["a", "b"]));
    assert!(first.log_append_time_ms > SOME_TIME);
    let seen = records(&fetch(&mut client, "t", 0, 0));
    assert!(seen.iter().all(|record| record.timestamp == first.log_append_time_ms));
    assert_eq!(stored(&mut client, "t", 0).timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(list(&mut client, "t", 0, first.log_append_time_ms).offset, 0);
    assert_eq!(list(&mut client, "t", 0, SOME_TIME).offset, 0);

    configure(&mut client, "t", "message.timestamp.type", "CreateTime");
    let second = produce(&mut client, "t", 0, batch(&["c"]));
    assert_eq!(second.log_append_time_ms, -1);
    assert_eq!(records(&fetch(&mut client, "t", 0, 2))[0].timestamp, SOME_TIME);
}

#[test]
fn a_compacted_topic_takes_no_record_without_a_key() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[("cleanup.policy", "compact")]);
    let refused = produce(&mut client, "t", 0, batch(&["a", "b"]));
    assert_eq!((refused.error_code, refused.base_offset), (INVALID_RECORD, -1));
    assert_eq!(refused.record_errors.len(), 2);
    let keyed = batch_of(BatchOptions::default(), SOME_TIME, Some(b"key"), &["a", "b"]);
    assert_eq!(append(&mut client, "t", 0, keyed), 0);
    configure(&mut client, "t", "cleanup.policy", "delete");
    assert_eq!(append(&mut client, "t", 0, batch(&["c"])), 2);
}

#[test]
fn the_largest_batch_follows_the_setting_at_once() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[]);
    let large = batch(&["x".repeat(10_000)]);
    for partition in 0..2 {
        append(&mut client, "t", partition, large.clone());
        configure(&mut client, "t", "max.message.bytes", "1000");
        assert_eq!(produce(&mut client, "t", partition, large.clone()).error_code, MESSAGE_TOO_LARGE);
        configure(&mut client, "t", "max.message.bytes", "100000");
        append(&mut client, "t", partition, large.clone());
    }
}

#[test]
fn retention_follows_the_settings_at_once() {
    let broker = Broker::start(&[("strome.shards", "2"), ("log.retention.check.interval.ms", "50")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[("segment.bytes", "1048576")]);
    for _ in 0..12 {
        for partition in 0..2 {
            let now = list_time();
            let value = "x".repeat(300_000);
            append(&mut client, "t", partition, batch_of(BatchOptions::default(), now, None, &[value]));
        }
    }
    thread::sleep(Duration::from_millis(200));
    assert_eq!(list(&mut client, "t", 0, -2).offset, 0, "a week is not over");
    configure(&mut client, "t", "retention.bytes", "1500000");
    for partition in 0..2 {
        let deadline = Instant::now() + PATIENCE;
        while list(&mut client, "t", partition, -2).offset == 0 {
            assert!(Instant::now() < deadline, "nothing is removed");
            thread::sleep(Duration::from_millis(20));
        }
        let start = list(&mut client, "t", partition, -2).offset;
        assert!(read_all(&mut client, "t", partition, start).len() as i64 == 12 - start);
        assert!(start <= 8, "1.5 MB are kept");
    }
}

fn list_time() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    since.as_millis() as i64
}

#[test]
fn records_wait_for_the_disk_or_not_as_flush_messages_says() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[("flush.messages", "1000000")]);
    for partition in 0..2 {
        append(&mut client, "t", partition, batch(&["a"]));
        configure(&mut client, "t", "flush.messages", "1");
        append(&mut client, "t", partition, batch(&["b"]));
        configure(&mut client, "t", "flush.messages", "1000000");
        append(&mut client, "t", partition, batch(&["c"]));
        assert_eq!(read_all(&mut client, "t", partition, 0), ["a", "b", "c"]);
    }
}

#[test]
fn what_is_not_one_sound_batch_is_refused() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let sound = batch(&["a", "b"]);
    let spoilt = |at: usize, to: u8| {
        let mut bytes = sound.to_vec();
        bytes[at] = to;
        Bytes::from(bytes)
    };
    let last = sound.len() - 1;
    let cases = [
        ("a wrong checksum", spoilt(last, !sound[last]), CORRUPT_MESSAGE),
        ("magic 1", spoilt(16, 1), INVALID_RECORD),
        ("two batches", Bytes::from([&sound[..], &sound[..]].concat()), INVALID_RECORD),
        ("nothing", Bytes::new(), INVALID_RECORD),
    ];
    for (what, bytes, error) in cases {
        let answer = produce(&mut client, "t", 0, bytes);
        assert_eq!((answer.error_code, answer.base_offset), (error, -1), "{what}");
    }
    let mut null = produce_request("t", 0, ALL, Bytes::new());
    null.topic_data[0].partition_data[0].records = None;
    let answer = client.call(PRODUCE, &null);
    assert_eq!(answer.responses[0].partition_responses[0].error_code, INVALID_RECORD);
    // A sound partition beside an unsound one is appended.
    let mut both = produce_request("t", 0, ALL, sound);
    both.topic_data[0].partition_data.push(PartitionProduceData {
        index: 1,
        records: Some(Records::from(batch(&["there is no partition 1"]))),
    });
    let response = client.call(PRODUCE, &both);
    let codes: Vec<i16> =
        response.responses[0].partition_responses.iter().map(|partition| partition.error_code).collect();
    assert_eq!(codes, [0, 3]);
    assert_eq!(read_all(&mut client, "t", 0, 0), ["a", "b"]);
}

#[test]
fn transactions_are_refused() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let request = InitProducerIdRequest {
        transactional_id: Some("tx".into()),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let response = client.call(newest::<InitProducerIdRequest>(), &request);
    assert_ne!(response.error_code, 0);
    assert_eq!(response.producer_id, -1);
    let producer = record::ProducerStamp {
        id: types::ProducerId(1),
        epoch: types::ProducerEpoch(0),
        base_sequence: types::Sequence(0),
    };
    let options = BatchOptions { producer, transactional: true, ..Default::default() };
    let answer = produce(&mut client, "t", 0, batch_of(options, SOME_TIME, None, &["x"]));
    assert_eq!(answer.error_code, INVALID_TXN_STATE);
    let control = BatchOptions { producer, transactional: true, control: true, ..Default::default() };
    assert_ne!(produce(&mut client, "t", 0, batch_of(control, SOME_TIME, Some(b"k"), &["x"])).error_code, 0);
    assert!(read_all(&mut client, "t", 0, 0).is_empty());
}
