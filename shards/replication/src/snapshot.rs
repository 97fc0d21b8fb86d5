//! The content of a producer snapshot file: `<offset>.snapshot`, version 1, as Kafka writes it.
//!
//! ```text
//!  0  version  i16   1
//!  2  crc      u32   CRC-32C of everything after it
//!  6  count    i32
//! 10  entries  46 bytes each: producer id i64, epoch i16, last sequence i32, last offset i64, offset delta i32,
//!              timestamp i64, coordinator epoch i32, first offset of the open transaction i64 (-1: none)
//! ```

use types::{Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs};

use record::crc32c;

use crate::error::ReplicationError;
use crate::producer_entry::{AppendedBatch, ProducerEntry};

const VERSION: i16 = 1;
const CRC_AT: usize = 2;
const COUNT_AT: usize = 6;
const HEADER_BYTES: usize = 10;
const ENTRY_BYTES: usize = 46;

const _: () = assert!(ENTRY_BYTES == 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8);

/// The file for `entries`.
pub(crate) fn encode<'a>(entries: impl ExactSizeIterator<Item = &'a ProducerEntry>) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEADER_BYTES + entries.len() * ENTRY_BYTES);
    file.extend(VERSION.to_be_bytes());
    file.extend([0; 4]);
    file.extend((entries.len() as u32).to_be_bytes());
    for entry in entries {
        let last = entry.last_batch();
        file.extend(entry.producer_id.0.to_be_bytes());
        file.extend(entry.epoch.0.to_be_bytes());
        file.extend(entry.last_sequence().0.to_be_bytes());
        file.extend(last.map_or(Offset::NONE, |b| b.last_offset).0.to_be_bytes());
        file.extend(last.map_or(0, |b| b.offset_delta).to_be_bytes());
        file.extend(entry.last_timestamp.0.to_be_bytes());
        file.extend(entry.coordinator_epoch.to_be_bytes());
        file.extend(entry.txn_first_offset.unwrap_or(Offset::NONE).0.to_be_bytes());
    }
    let crc = crc32c(&file[COUNT_AT..]);
    file[CRC_AT..COUNT_AT].copy_from_slice(&crc.to_be_bytes());
    file
}

/// The entries of `file`, each remembering at most its last batch.
pub(crate) fn decode(file: &[u8]) -> Result<Vec<ProducerEntry>, ReplicationError> {
    let (header, entries) =
        file.split_first_chunk::<HEADER_BYTES>().ok_or(ReplicationError::Snapshot("too short"))?;
    let mut fields = Fields(header);
    if fields.i16() != VERSION {
        return Err(ReplicationError::Snapshot("unknown version"));
    }
    let (crc, count) = (fields.i32() as u32, fields.i32());
    if crc32c(&file[COUNT_AT..]) != crc {
        return Err(ReplicationError::Snapshot("the checksum does not match"));
    }
    let claimed = usize::try_from(count).ok().and_then(|n| n.checked_mul(ENTRY_BYTES));
    if claimed != Some(entries.len()) {
        return Err(ReplicationError::Snapshot("the length does not match the number of entries"));
    }
    Ok(entries.chunks_exact(ENTRY_BYTES).map(entry).collect())
}

fn entry(bytes: &[u8]) -> ProducerEntry {
    let mut fields = Fields(bytes);
    let mut entry = ProducerEntry::new(ProducerId(fields.i64()));
    let epoch = ProducerEpoch(fields.i16());
    let last_sequence = Sequence(fields.i32());
    let last_offset = Offset(fields.i64());
    let offset_delta = fields.i32();
    let timestamp = TimestampMs(fields.i64());
    entry.coordinator_epoch = fields.i32();
    entry.txn_first_offset = Some(Offset(fields.i64())).filter(|offset| offset.0 >= 0);
    entry.turn_epoch(epoch);
    if last_offset.0 >= 0 {
        entry.push(epoch, AppendedBatch { last_sequence, last_offset, offset_delta, timestamp });
    }
    entry.last_timestamp = timestamp;
    entry.seen_at = timestamp;
    entry
}

/// Reads big-endian numbers one after the other; zeros beyond the end, which the lengths above rule out.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((first, rest)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = rest;
        *first
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take())
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take())
    }

    fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.take())
    }
}
