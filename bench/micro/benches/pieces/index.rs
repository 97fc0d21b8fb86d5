//! Where in a segment a record lies, by its offset and by its time.
//!
//! Both indexes are private to `storage`, and nothing else there looks into them without reading a file as well; so they
//! are compiled in here once more.

use record::Compression;
use types::{Offset, TimestampMs};

use crate::Case;
use crate::validation::{NOW, batch};

#[allow(dead_code, reason = "only what is measured is used")]
#[path = "../../../../shards/storage/src/index.rs"]
mod offsets;
#[allow(dead_code, reason = "only what is measured is used")]
#[path = "../../../../shards/storage/src/time_index.rs"]
mod times;

/// As many as a segment of 1 GiB has, at 4 KiB each.
const ENTRIES: u32 = 262_144;
const RECORDS_PER_ENTRY: i64 = 40;

/// Far from each other, so that no look-up finds the way of the one before in the caches alone.
const STRIDE: i64 = 7_368_787;

pub fn cases() -> Vec<Case> {
    let base = Offset(1 << 40);
    let end = i64::from(ENTRIES) * RECORDS_PER_ENTRY;
    let mut offsets = offsets::OffsetIndex::new(base);
    let mut times = times::TimeIndex::new(base);
    for entry in 1..=ENTRIES {
        let last = Offset(base.0 + i64::from(entry) * RECORDS_PER_ENTRY - 1);
        offsets.push(last, entry * 4096);
        times.push(TimestampMs(i64::from(entry) * 10), last);
    }
    let (mut at, mut moment) = (0, 0);
    let by_offset = move || {
        at = (at + STRIDE) % end;
        offsets.position_before(Offset(base.0 + at))
    };
    let by_time = move || {
        moment = (moment + STRIDE) % (i64::from(ENTRIES) * 10);
        times.offset_before(TimestampMs(moment))
    };
    let bytes = batch(Compression::None, 100, 100);
    let by_time_in_batch =
        move || record::find_timestamp(&bytes, NOW, Offset(99), record::DECOMPRESSED_BYTES_MAX);
    vec![
        Case::new(format!("index/by offset, {ENTRIES} entries"), by_offset),
        Case::new(format!("index/by time, {ENTRIES} entries"), by_time),
        Case::new("index/by time within a batch, 100 records", by_time_in_batch),
    ]
}
