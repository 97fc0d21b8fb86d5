//! What Kafka 4.3.1's own log says to batches, good and bad, against what this crate says.
//!
//! Each line of `fixtures/verdicts.txt` is a case: `version settings batch code append-time stored [ours] # name`.
//! `stored` is what Kafka wrote at offset 1000 in epoch 7, `=` where only these two were changed; `ours` is there where we answer otherwise on purpose.
//! `fixtures/README.md` says how the file was made. With `STROME_VERDICTS` set to a file of such lines, that is
//! compared instead, and every difference is printed.

use bytes::Bytes;
use strome_record as record;
use strome_record::{CompressionLevel, CompressionPolicy, Rules, TimestampType, decompress, stamp, validate};
use types::{LeaderEpoch, Offset, TimestampMs};

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);
const BASE_OFFSET: Offset = Offset(1000);
const EPOCH: LeaderEpoch = LeaderEpoch(7);

#[test]
#[expect(clippy::disallowed_methods, reason = "the crate is pure, this test may choose its input")]
fn batches_are_judged_and_stored_as_kafka_does() {
    let text = match std::env::var("STROME_VERDICTS") {
        Ok(path) => std::fs::read_to_string(path).unwrap(),
        Err(_) => include_str!("fixtures/verdicts.txt").to_owned(),
    };
    let differences: Vec<String> = text.lines().filter_map(difference).collect();
    for difference in differences.iter().take(5000) {
        println!("{difference}");
    }
    assert!(differences.is_empty(), "{} differences", differences.len());
    assert!(text.lines().count() > 100);
}

/// How our verdict on the case in `line` differs from what is expected.
fn difference(line: &str) -> Option<String> {
    let (case, name) = line.split_once(" # ").unwrap_or((line, ""));
    let mut words = case.split(' ');
    let mut word = || words.next().unwrap();
    let version: i16 = word().parse().unwrap();
    let settings = word();
    let batch = Bytes::from(unhex(word()));
    let code: i16 = word().parse().unwrap();
    let append_time = word();
    let stored = word();
    let ours = words.next().and_then(|w| w.parse::<i16>().ok());
    let short: String = batch.iter().take(300).map(|b| format!("{b:02x}")).collect();
    let found = |what: String| Some(format!("{name} [{settings}] {short}: {what}"));

    match validate(&batch, &rules(settings, version), NOW) {
        Err(rejected) if rejected.code.code() == ours.unwrap_or(code) => None,
        Err(rejected) => found(format!("expected {code}, got {} {}", rejected.code, rejected.message)),
        Ok(_) if ours.unwrap_or(code) != 0 => found(format!("expected {code}, but it was accepted")),
        Ok(validated) => {
            if validated.log_append_time.0.to_string() != append_time {
                return found(format!("append time {}", validated.log_append_time));
            }
            let mut bytes = validated.batch.bytes.to_vec();
            stamp(&mut bytes, BASE_OFFSET, EPOCH);
            let parsed = record::BatchHeader::parse(&bytes).unwrap();
            assert_eq!(validated.batch.header.crc, parsed.crc);
            assert_eq!(validated.batch.header.attributes, parsed.attributes);
            assert_eq!(validated.batch.header.max_timestamp, parsed.max_timestamp);
            assert_eq!(record::check_crc(&bytes), Ok(()));
            if stored == "=" {
                let same = bytes[61..] == batch[61..bytes.len()] && bytes[16..61] == batch[16..61];
                return if same { None } else { found("changed, but Kafka did not".to_owned()) };
            }
            let kafka = unhex(stored);
            if bytes == kafka || same_records(&bytes, &kafka) {
                return None;
            }
            found(format!("stored {}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()))
        }
    }
}

/// Kafka gives a batch that it compresses anew another base timestamp, and its compressor other bytes; all else must
/// be the same.
fn same_records(ours: &[u8], kafka: &[u8]) -> bool {
    let (ours, kafka) = (decompress(ours, 1 << 20).unwrap(), decompress(kafka, 1 << 20).unwrap());
    let (mut header, expected) = (*ours.header(), *kafka.header());
    header.batch_len_bytes = expected.batch_len_bytes;
    header.base_timestamp = expected.base_timestamp;
    header.crc = expected.crc;
    let list = |records: &record::Records<'_>| {
        records
            .iter()
            .map(|r| {
                format!(
                    "{:?}",
                    r.map(|r| (
                        r.offset,
                        r.timestamp,
                        r.key.map(<[u8]>::to_vec),
                        r.value.map(<[u8]>::to_vec),
                        r.headers()
                            .map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec)))
                            .collect::<Vec<_>>()
                    ))
                    .unwrap()
                )
            })
            .collect::<Vec<_>>()
    };
    header == expected && list(&ours) == list(&kafka)
}

fn rules(settings: &str, version: i16) -> Rules {
    let mut rules = Rules { zstd_allowed: version >= 7, ..Rules::default() };
    for setting in settings.split(',').filter(|s| *s != "-") {
        let (name, value) = setting.split_once('=').unwrap();
        let codec = |codec| CompressionPolicy::Always(codec, CompressionLevel::Default);
        match (name, value) {
            ("cleanup.policy", "compact") => rules.compacted = true,
            ("message.timestamp.type", "LogAppendTime") => {
                rules.timestamp_type = TimestampType::LogAppendTime
            }
            ("message.timestamp.before.max.ms", ms) => rules.timestamp_before_ms_max = ms.parse().unwrap(),
            ("max.message.bytes", bytes) => rules.batch_bytes_max = bytes.parse().unwrap(),
            ("segment.bytes", bytes) => rules.segment_bytes = bytes.parse().unwrap(),
            ("compression.type", "producer") => rules.compression = CompressionPolicy::Producer,
            ("compression.type", "uncompressed") => rules.compression = codec(record::Compression::None),
            ("compression.type", "gzip") => rules.compression = codec(record::Compression::Gzip),
            ("compression.type", "snappy") => rules.compression = codec(record::Compression::Snappy),
            ("compression.type", "lz4") => rules.compression = codec(record::Compression::Lz4),
            ("compression.type", "zstd") => rules.compression = codec(record::Compression::Zstd),
            other => panic!("unknown setting {other:?}"),
        }
    }
    rules
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}
