//! Leaving records out of a batch, as a compactor does (Kafka's `MemoryRecords.filterTo`).
//!
//! # Invariants
//! - Offsets, sequences, leader epoch and producer of what stays are what they were: the base offset and the last
//!   offset delta stay, also when the first or the last record goes.
//! - A batch that loses nothing, and needs no delete horizon, is not touched.

use bytes::Bytes;
use types::{Offset, TimestampMs};

use crate::build::{assemble, write_header};
use crate::compress::CompressionLevel;
use crate::encode::Fields;
use crate::error::RecordError;
use crate::header::{Attributes, BATCH_HEADER_BYTES, BatchHeader, Compression, TimestampType};
use crate::records::{Record, Records};
use crate::varint;

/// What becomes of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filtered {
    /// It stays as it is.
    Unchanged,
    /// It is replaced by this one.
    Rewritten(Bytes),
    /// None of its records stays.
    Emptied,
}

/// When tombstones that stay for now may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstones {
    /// Written into a batch with tombstones which has no such time yet.
    pub delete_horizon: TimestampMs,
    /// Whether the batch gets it without having tombstones: it is a marker that has nothing to mark any more.
    pub always: bool,
}

/// Keeps those records of a batch for which `keep` says so. What is compressed is compressed anew with the same codec.
///
/// # Errors
/// Records that are malformed, and what the compressor reports.
pub fn filter(
    records: &Records<'_>,
    tombstones: Tombstones,
    mut keep: impl FnMut(&Record<'_>) -> bool,
) -> Result<Filtered, RecordError> {
    let header = records.header();
    let (mut kept, mut all, mut has_tombstones) = (Vec::new(), true, false);
    for record in records {
        let record = record?;
        if keep(&record) {
            has_tombstones |= record.value.is_none();
            kept.push(record);
        } else {
            all = false;
        }
    }
    if kept.is_empty() {
        return Ok(Filtered::Emptied);
    }
    let has_horizon = header.delete_horizon().is_some();
    let needs_horizon = !has_horizon && (has_tombstones || tombstones.always);
    if all && !needs_horizon {
        return Ok(Filtered::Unchanged);
    }
    let horizon = if needs_horizon { Some(tombstones.delete_horizon) } else { header.delete_horizon() };
    rewrite(header, &kept, horizon).map(Filtered::Rewritten)
}

/// The batch with this header without any records: it keeps the place of its offsets and sequences.
///
/// # Errors
/// None for a header that was parsed.
pub fn emptied(header: &BatchHeader) -> Result<Bytes, RecordError> {
    let mut header = BatchHeader {
        batch_len_bytes: BATCH_HEADER_BYTES,
        attributes: plain(header.attributes).with_compression(Compression::None),
        base_timestamp: TimestampMs::NONE,
        record_count: 0,
        ..*header
    };
    let mut batch = vec![0; BATCH_HEADER_BYTES];
    write_header(&mut header, &mut batch)?;
    Ok(Bytes::from(batch))
}

/// Without a delete horizon, and without the bits that have no meaning.
fn plain(attributes: Attributes) -> Attributes {
    attributes.only_known().without_delete_horizon()
}

fn rewrite(
    header: &BatchHeader,
    kept: &[Record<'_>],
    horizon: Option<TimestampMs>,
) -> Result<Bytes, RecordError> {
    let first = kept.first().map_or(header.base_timestamp, |record| record.timestamp);
    let base_timestamp = horizon.unwrap_or(first);
    let mut bytes = Vec::new();
    for record in kept {
        let fields = Fields {
            timestamp_delta: record.timestamp.0.wrapping_sub(base_timestamp.0),
            offset_delta: offset_delta(record.offset, header.base_offset),
            key: record.key,
            value: record.value,
        };
        let body = fields.body_bytes(record.header_count, record.headers.len());
        bytes.reserve(body + varint::len(body as i64));
        fields.put(&mut bytes, body, record.header_count);
        bytes.extend_from_slice(record.headers);
    }
    let newest = kept.iter().map(|record| record.timestamp).max();
    let attributes = plain(header.attributes);
    let rewritten = BatchHeader {
        attributes: if horizon.is_some() { attributes.with_delete_horizon() } else { attributes },
        base_timestamp,
        max_timestamp: match header.timestamp_type() {
            TimestampType::CreateTime => newest.unwrap_or(header.max_timestamp),
            TimestampType::LogAppendTime => header.max_timestamp,
        },
        // Not more than there were, which was an i32.
        record_count: kept.len() as i32,
        ..*header
    };
    let (_, batch) = assemble(&rewritten, header.compression()?, CompressionLevel::Default, &bytes)?;
    Ok(batch)
}

/// The offset was made of the base and an i32.
fn offset_delta(offset: Offset, base: Offset) -> i32 {
    offset.0.wrapping_sub(base.0) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{BatchBuilder, BatchOptions, ProducerStamp};
    use crate::crc::check_crc;
    use crate::records::{Header, decompress};
    use crate::stamp::stamp;
    use types::{LeaderEpoch, ProducerEpoch, ProducerId, Sequence};

    const TOMBSTONES: Tombstones = Tombstones { delete_horizon: TimestampMs(9_000_000), always: false };

    /// Five records, the fourth a tombstone, at offset 100.
    fn batch(compression: Compression, log_append_time: Option<TimestampMs>) -> Vec<u8> {
        let producer =
            ProducerStamp { id: ProducerId(7), epoch: ProducerEpoch(2), base_sequence: Sequence(40) };
        let options = BatchOptions { compression, producer, log_append_time, ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        for i in 0..5 {
            let key = format!("key-{i}");
            let value = (i != 3).then(|| format!("value-{i}"));
            let header = Header { key: b"h", value: Some(key.as_bytes()) };
            let value = value.as_ref().map(|value| value.as_bytes());
            builder.push(TimestampMs(1000 + i), Some(key.as_bytes()), value, &[header]).unwrap();
        }
        let mut batch = builder.build().unwrap().to_vec();
        stamp(&mut batch, Offset(100), LeaderEpoch(3));
        batch
    }

    fn filtered(batch: &[u8], tombstones: Tombstones, keep: impl Fn(i64) -> bool) -> Filtered {
        let records = decompress(batch, 1 << 20).unwrap();
        filter(&records, tombstones, |record| keep(record.offset.0)).unwrap()
    }

    /// Offset, timestamp, key, value and first header of each record.
    type Told = (i64, i64, Vec<u8>, Option<Vec<u8>>, Vec<u8>);

    fn told(batch: &[u8]) -> Vec<Told> {
        check_crc(batch).unwrap();
        let records = decompress(batch, 1 << 20).unwrap();
        let tell = |record: Record<'_>| {
            let header = record.headers().next().unwrap().value.unwrap().to_vec();
            let (key, value) = (record.key.unwrap().to_vec(), record.value.map(<[u8]>::to_vec));
            (record.offset.0, record.timestamp.0, key, value, header)
        };
        records.iter().map(|record| tell(record.unwrap())).collect()
    }

    #[test]
    fn records_that_stay_are_what_they_were_with_every_codec() {
        for codec in Compression::ALL {
            for append_time in [None, Some(TimestampMs(5555))] {
                let before = batch(codec, append_time);
                let Filtered::Rewritten(after) = filtered(&before, TOMBSTONES, |o| o == 101 || o == 102)
                else {
                    panic!("{codec}: two records stay of five")
                };
                assert_eq!(told(&after), told(&before)[1..3], "{codec}");
                let (old, new) = (BatchHeader::parse(&before).unwrap(), BatchHeader::parse(&after).unwrap());
                let newest = append_time.unwrap_or(TimestampMs(1002));
                let expected = BatchHeader {
                    batch_len_bytes: after.len(),
                    crc: new.crc,
                    base_timestamp: append_time.unwrap_or(TimestampMs(1001)),
                    max_timestamp: newest,
                    record_count: 2,
                    ..old
                };
                assert_eq!(new, expected, "{codec}");
                assert_eq!((new.last_offset(), new.last_sequence()), (Offset(104), Sequence(44)));
            }
        }
    }

    #[test]
    fn tombstones_get_a_horizon_once_and_keep_it() {
        for codec in Compression::ALL {
            let before = batch(codec, None);
            let Filtered::Rewritten(first) = filtered(&before, TOMBSTONES, |_| true) else {
                panic!("the horizon has to be written")
            };
            let header = BatchHeader::parse(&first).unwrap();
            assert_eq!(header.delete_horizon(), Some(TimestampMs(9_000_000)));
            assert_eq!(told(&first), told(&before));
            let later = Tombstones { delete_horizon: TimestampMs(9_999_999), always: true };
            assert_eq!(filtered(&first, later, |_| true), Filtered::Unchanged);
            let Filtered::Rewritten(second) = filtered(&first, later, |o| o != 100) else {
                panic!("a record goes")
            };
            assert_eq!(BatchHeader::parse(&second).unwrap().delete_horizon(), Some(TimestampMs(9_000_000)));
            assert_eq!(told(&second), told(&before)[1..]);
        }
    }

    #[test]
    fn a_batch_that_loses_nothing_stays_and_one_that_loses_all_is_empty() {
        let batch = batch(Compression::Lz4, None);
        assert_eq!(filtered(&batch, TOMBSTONES, |_| false), Filtered::Emptied);
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(TimestampMs(1), Some(b"k"), Some(b"v"), &[]).unwrap();
        let plain = builder.build().unwrap();
        assert_eq!(filtered(&plain, TOMBSTONES, |_| true), Filtered::Unchanged);
    }

    #[test]
    fn an_emptied_batch_keeps_offsets_and_sequences() {
        let batch = batch(Compression::Zstd, None);
        let header = BatchHeader::parse(&batch).unwrap();
        let empty = emptied(&header).unwrap();
        assert_eq!(told(&empty), []);
        let after = BatchHeader::parse(&empty).unwrap();
        let expected = BatchHeader {
            batch_len_bytes: BATCH_HEADER_BYTES,
            crc: after.crc,
            attributes: Attributes(0),
            base_timestamp: TimestampMs::NONE,
            record_count: 0,
            ..header
        };
        assert_eq!(after, expected);
        assert_eq!((after.last_offset(), after.last_sequence()), (Offset(104), Sequence(44)));
    }
}
