//! Batches made here and by the Java client are read back; damaged ones are found out. Seeded: a failure names its seed.

mod dice;

use bytes::Bytes;
use dice::Dice;
use strome_record::{
    BatchBuilder, BatchHeader, BatchOptions, Compression, CompressionLevel, CompressionPolicy, EndTxnMarker,
    Header, ProducerStamp, RecordError, Rules, TimestampType, TxnOutcome, batches, check_crc, crc32c,
    decompress, find_timestamp, offset_of_max_timestamp, stamp, validate,
};
use types::{ErrorCode, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs};

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);
const LIMIT: usize = 16 * 1024 * 1024;
const JAVA: &str = include_str!("fixtures/batches.txt");

#[derive(Clone, Debug, PartialEq, Eq)]
struct Plain {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

fn java(name: &str) -> Bytes {
    let hex = JAVA.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn random_records(dice: &mut Dice) -> Vec<Plain> {
    let bytes = |dice: &mut Dice, max: u64| {
        let (len, few) = (dice.below(max), dice.below(4) == 0);
        (0..len).map(|_| if few { b'a' } else { dice.next() as u8 }).collect::<Vec<u8>>()
    };
    let optional = |dice: &mut Dice, max: u64| (dice.below(5) > 0).then(|| bytes(dice, max));
    (0..=dice.below(60))
        .map(|_| Plain {
            timestamp: NOW.0 + dice.below(1 << 40) as i64 - (1 << 39),
            key: optional(dice, 40),
            value: optional(dice, 3000),
            headers: (0..dice.below(4)).map(|_| (bytes(dice, 20), optional(dice, 200))).collect(),
        })
        .collect()
}

fn build(options: BatchOptions, records: &[Plain]) -> Bytes {
    let mut builder = BatchBuilder::new(options);
    for record in records {
        let headers: Vec<Header<'_>> =
            record.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect();
        builder
            .push(TimestampMs(record.timestamp), record.key.as_deref(), record.value.as_deref(), &headers)
            .unwrap();
    }
    builder.build().unwrap()
}

fn read(batch: &[u8]) -> Vec<Plain> {
    let records = decompress(batch, LIMIT).unwrap();
    let base = records.header().base_offset.0;
    records
        .iter()
        .enumerate()
        .map(|(i, record)| {
            let record = record.unwrap();
            assert_eq!(record.offset.0, base + i as i64);
            Plain {
                timestamp: record.timestamp.0,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                headers: record.headers().map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec))).collect(),
            }
        })
        .collect()
}

fn lenient() -> Rules {
    Rules { timestamp_after_ms_max: i64::MAX, ..Rules::default() }
}

#[test]
fn what_is_built_reads_back_from_every_codec() {
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let records = random_records(&mut dice);
        let compression = Compression::ALL[dice.below(5) as usize];
        let level = match dice.below(3) {
            0 => CompressionLevel::At(1 + dice.below(9) as i32),
            _ => CompressionLevel::Default,
        };
        let producer =
            ProducerStamp { id: ProducerId(9), epoch: ProducerEpoch(2), base_sequence: Sequence(77) };
        let batch = build(BatchOptions { compression, level, producer, ..BatchOptions::default() }, &records);
        assert_eq!(read(&batch), records, "seed {seed}, {compression}");
        let validated = validate(&batch, &lenient(), NOW).unwrap_or_else(|e| panic!("seed {seed}: {e:?}"));
        assert_eq!(validated.batch.bytes, batch, "seed {seed}: stored as it came");
        let header = validated.batch.header;
        assert_eq!(header.max_timestamp.0, records.iter().map(|r| r.timestamp).max().unwrap());
        assert_eq!(header.last_sequence(), Sequence(77 + records.len() as i32 - 1));
    }
}

#[test]
fn a_topic_with_its_own_codec_keeps_the_records() {
    for seed in 0..60 {
        let mut dice = Dice::new(1000 + seed);
        let records = random_records(&mut dice);
        let [from, to] = [0, 0].map(|_| Compression::ALL[dice.below(5) as usize]);
        let batch = build(BatchOptions { compression: from, ..BatchOptions::default() }, &records);
        let compression = CompressionPolicy::Always(to, CompressionLevel::Default);
        let stored = validate(&batch, &Rules { compression, ..lenient() }, NOW).unwrap().batch;
        assert_eq!(stored.header.compression(), Ok(to));
        assert_eq!(BatchHeader::parse(&stored.bytes), Ok(stored.header));
        assert_eq!(check_crc(&stored.bytes), Ok(()));
        assert_eq!(read(&stored.bytes), records, "seed {seed}, {from} to {to}");
        assert_eq!(stored.bytes == batch, from == to, "seed {seed}, {from} to {to}");
    }
}

#[test]
fn batches_of_the_java_client_are_read() {
    for codec in Compression::ALL {
        let batch = java(codec.name());
        let header = validate(&batch, &Rules::default(), NOW).unwrap().batch.header;
        assert_eq!(header.compression(), Ok(codec));
        assert_eq!((header.producer_id, header.producer_epoch), (ProducerId(4242), ProducerEpoch(3)));
        assert_eq!((header.base_sequence, header.last_sequence()), (Sequence(17), Sequence(21)));
        let records = read(&batch);
        assert_eq!(records[0].key.as_deref(), Some(&b"key-0"[..]));
        assert_eq!(records[1].key, None);
        assert_eq!(
            records[1].headers,
            [(b"trace".to_vec(), Some(b"abc".to_vec())), (b"empty".to_vec(), None)]
        );
        assert_eq!((records[2].timestamp, &records[2].value), (NOW.0 + 777, &None));
        assert_eq!((&records[3].key, &records[3].value), (&Some(vec![]), &Some(vec![])));
        assert_eq!(records[4].value.as_ref().map(Vec::len), Some(3000));
        assert_eq!(records.len(), 5);
        assert_eq!(build_like_java(&records), java("none"), "our encoder makes the same bytes");
    }
}

fn build_like_java(records: &[Plain]) -> Bytes {
    let producer =
        ProducerStamp { id: ProducerId(4242), epoch: ProducerEpoch(3), base_sequence: Sequence(17) };
    build(BatchOptions { producer, ..BatchOptions::default() }, records)
}

#[test]
fn transaction_markers_are_those_of_java() {
    let marker = |outcome, coordinator_epoch, base_offset, epoch| {
        let producer = ProducerStamp {
            id: ProducerId(4242),
            epoch: ProducerEpoch(epoch),
            base_sequence: Sequence::NONE,
        };
        let (base_offset, leader_epoch) = (Offset(base_offset), LeaderEpoch(9));
        let options = BatchOptions {
            base_offset,
            leader_epoch,
            producer,
            transactional: true,
            control: true,
            ..BatchOptions::default()
        };
        let marker = EndTxnMarker { outcome, coordinator_epoch };
        let mut builder = BatchBuilder::new(options);
        builder.push_marker(NOW, &marker).unwrap();
        let batch = builder.build().unwrap();
        let records = decompress(&batch, LIMIT).unwrap();
        let record = records.iter().next().unwrap().unwrap();
        assert_eq!(EndTxnMarker::parse(record.key.unwrap(), record.value.unwrap()), Ok(Some(marker)));
        batch
    };
    assert_eq!(marker(TxnOutcome::Commit, 12, 500, 3), java("commit"));
    assert_eq!(marker(TxnOutcome::Abort, 13, 501, 4), java("abort"));
}

#[test]
fn message_sets_of_old_formats_are_refused() {
    for name in ["v0", "v1"] {
        let rejected = validate(&java(name), &Rules::default(), NOW).unwrap_err();
        assert_eq!(rejected.code, ErrorCode::InvalidRecord);
        assert!(rejected.message.contains("magic 2"));
    }
    let old = [&java("v1")[..], &[0; 61]].concat();
    assert_eq!(BatchHeader::parse(&old), Err(RecordError::Magic(1)));
}

#[test]
fn every_flipped_bit_is_detected_or_harmless() {
    for codec in Compression::ALL {
        let batch = java(codec.name());
        for bit in 0..batch.len() * 8 {
            let mut flipped = batch.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let verdict = validate(&Bytes::from(flipped), &Rules::default(), NOW);
            // Only the leader epoch is the broker's own to write.
            assert_eq!(verdict.is_ok(), (12..16).contains(&(bit / 8)), "{codec}, byte {}", bit / 8);
        }
    }
}

/// Whatever a batch with a right checksum holds: what is accepted can be read.
#[test]
fn what_is_accepted_can_be_read() {
    let mut accepted = 0;
    for seed in 0..6_000 {
        let mut dice = Dice::new(seed);
        let codec = Compression::ALL[dice.below(5) as usize];
        let mut batch = java(codec.name()).to_vec();
        for _ in 0..=dice.below(3) {
            let at = 21 + dice.below(batch.len() as u64 - 21) as usize;
            match dice.below(4) {
                0 => batch[at] ^= 1 << dice.below(8),
                1 => batch[at] = dice.next() as u8,
                2 if at >= 61 => drop(batch.remove(at)),
                _ => batch.insert(at.max(61), dice.next() as u8),
            }
        }
        let after_length = (batch.len() - 12) as i32;
        batch[8..12].copy_from_slice(&after_length.to_be_bytes());
        let crc = crc32c(&batch[21..]).to_be_bytes();
        batch[17..21].copy_from_slice(&crc);
        let rules = if dice.below(2) == 0 {
            lenient()
        } else {
            let to = Compression::ALL[dice.below(5) as usize];
            Rules { compression: CompressionPolicy::Always(to, CompressionLevel::Default), ..lenient() }
        };
        let Ok(validated) = validate(&Bytes::from(batch), &rules, NOW) else { continue };
        accepted += 1;
        let stored = validated.batch;
        let records = read(&stored.bytes);
        assert_eq!(records.len() as i32, stored.header.record_count, "seed {seed}");
        let max = records.iter().map(|r| r.timestamp).max().unwrap().max(-1);
        assert_eq!(max, stored.header.max_timestamp.0, "seed {seed}");
        assert_eq!(check_crc(&stored.bytes), Ok(()), "seed {seed}");
    }
    assert!(accepted > 300, "only {accepted} were accepted: this test has lost its point");
}

#[test]
fn batches_behind_each_other_are_walked_until_one_is_cut_off() {
    let (first, second) = (java("none"), java("zstd"));
    let both = [&first[..], &second[..]].concat();
    let walked: Vec<_> = batches(&both).map(|b| b.unwrap().1.len()).collect();
    assert_eq!(walked, [first.len(), second.len()]);
    for len in 0..both.len() {
        let mut walk = batches(&both[..len]);
        let whole = [first.len(), both.len()].iter().filter(|end| **end <= len).count();
        assert_eq!(walk.by_ref().take(whole).filter(Result::is_ok).count(), whole);
        let at_edge = len == 0 || len == first.len();
        assert_eq!(walk.next().is_some_and(|last| last.is_err()), !at_edge, "cut at {len}");
        assert!(walk.next().is_none());
    }
}

#[test]
fn stamping_changes_nothing_else() {
    let mut batch = java("lz4").to_vec();
    stamp(&mut batch, Offset(1 << 40), LeaderEpoch(5));
    assert_eq!(check_crc(&batch), Ok(()));
    let header = BatchHeader::parse(&batch).unwrap();
    assert_eq!((header.base_offset, header.partition_leader_epoch), (Offset(1 << 40), LeaderEpoch(5)));
    assert_eq!((header.last_offset(), header.next_offset()), (Offset((1 << 40) + 4), Offset((1 << 40) + 5)));
    assert_eq!(batch[16..], java("lz4")[16..]);
}

#[test]
fn a_timestamp_is_found_at_the_first_record_that_reaches_it() {
    for codec in Compression::ALL {
        let mut batch = java(codec.name()).to_vec();
        stamp(&mut batch, Offset(100), LeaderEpoch(0));
        let find = |target: i64, from: i64| {
            find_timestamp(&batch, TimestampMs(NOW.0 + target), Offset(from), LIMIT)
                .unwrap()
                .map(|(offset, timestamp)| (offset.0, timestamp.0 - NOW.0))
        };
        assert_eq!(find(-1000, 0), Some((100, 0)));
        assert_eq!(find(1, 0), Some((102, 777)));
        assert_eq!(find(777, 103), Some((103, 777)));
        assert_eq!(find(1, 104), Some((104, 1)));
        assert_eq!(find(778, 0), None);
        assert_eq!(find(0, 105), None);
        let max = offset_of_max_timestamp(&batch, LIMIT).unwrap();
        assert_eq!(max, Some((Offset(102), TimestampMs(NOW.0 + 777))));
    }
}

#[test]
fn a_search_in_a_damaged_batch_says_so() {
    for codec in Compression::ALL {
        let batch = java(codec.name());
        let cut = batch.len() - 20;
        assert!(find_timestamp(&batch[..cut], NOW, Offset(0), LIMIT).is_err(), "{codec}: cut off");
        let mut damaged = batch.to_vec();
        damaged[61..].fill(0xff);
        assert!(find_timestamp(&damaged, NOW, Offset(0), LIMIT).is_err(), "{codec}: not records");
        assert!(offset_of_max_timestamp(&damaged, LIMIT).is_err(), "{codec}: not records");
    }
}

#[test]
fn under_append_time_every_record_has_it() {
    let rules = Rules { timestamp_type: TimestampType::LogAppendTime, ..Rules::default() };
    for codec in Compression::ALL {
        let came = java(codec.name());
        let validated = validate(&came, &rules, TimestampMs(5)).unwrap();
        assert_eq!(validated.log_append_time, TimestampMs(5));
        assert!(read(&validated.batch.bytes).iter().all(|r| r.timestamp == 5));
        assert_eq!(validated.batch.bytes[61..], came[61..], "the records are not touched");
        assert_eq!(check_crc(&validated.batch.bytes), Ok(()));
        let found = find_timestamp(&validated.batch.bytes, TimestampMs(5), Offset(2), LIMIT).unwrap();
        assert_eq!(found, Some((Offset(2), TimestampMs(5))));
    }
}

#[test]
fn record_errors_name_their_records() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for i in 0..5 {
        builder.push(NOW, (i % 2 == 0).then_some(&b"k"[..]), None, &[]).unwrap();
    }
    let batch = builder.build().unwrap();
    let rules = Rules { compacted: true, ..Rules::default() };
    let rejected = validate(&batch, &rules, NOW).unwrap_err();
    assert_eq!(rejected.code, ErrorCode::InvalidRecord);
    assert_eq!(rejected.record_errors.iter().map(|e| e.0).collect::<Vec<_>>(), [1, 3]);
    let late = validate(&batch, &rules, TimestampMs(0)).unwrap_err();
    assert_eq!(late.code, ErrorCode::InvalidTimestamp);
    assert_eq!(late.record_errors.len(), 5);
}

#[test]
fn record_errors_are_counted_but_not_told_without_end() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..5000 {
        builder.push(NOW, None, None, &[]).unwrap();
    }
    let rules = Rules { compacted: true, ..Rules::default() };
    let rejected = validate(&builder.build().unwrap(), &rules, NOW).unwrap_err();
    assert_eq!(rejected.record_errors.len(), 1000);
    assert!(rejected.message.contains("5000"));
}

#[test]
fn a_batch_larger_than_a_segment_is_refused() {
    let batch = java("none");
    let rules = Rules { segment_bytes: batch.len(), ..Rules::default() };
    assert!(validate(&batch, &rules, NOW).is_ok());
    let rules = Rules { segment_bytes: batch.len() - 1, ..rules };
    assert_eq!(validate(&batch, &rules, NOW).unwrap_err().code, ErrorCode::RecordListTooLarge);
}

#[test]
fn levels_are_the_codecs_own() {
    let records = random_records(&mut Dice::new(3));
    for compression in [Compression::Gzip, Compression::Zstd] {
        let len =
            |level| build(BatchOptions { compression, level, ..BatchOptions::default() }, &records).len();
        assert!(len(CompressionLevel::At(1)) > len(CompressionLevel::At(9)), "{compression}");
        // Out of range is clamped.
        assert!(len(CompressionLevel::At(-1)).min(len(CompressionLevel::At(100))) > 61);
    }
}

#[test]
fn raw_snappy_of_librdkafka_is_read() {
    let plain = java("none");
    let mut batch = plain[..61].to_vec();
    batch.extend(snap::raw::Encoder::new().compress_vec(&plain[61..]).unwrap());
    let after_length = (batch.len() - 12) as i32;
    batch[8..12].copy_from_slice(&after_length.to_be_bytes());
    batch[22] = Compression::Snappy as u8;
    let crc = crc32c(&batch[21..]).to_be_bytes();
    batch[17..21].copy_from_slice(&crc);
    let batch = Bytes::from(batch);
    assert_eq!(validate(&batch, &Rules::default(), NOW).unwrap().batch.bytes, batch);
    assert_eq!(read(&batch), read(&plain));
}
