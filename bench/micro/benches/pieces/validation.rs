//! What is looked at in a batch before it is appended.

use bytes::Bytes;
use record::{BatchBuilder, BatchOptions, Compression, Rules, validate};
use types::TimestampMs;

use crate::Case;

/// The time of every record, and of the broker.
pub const NOW: TimestampMs = TimestampMs(1_700_000_000_000);

pub fn cases() -> Vec<Case> {
    let one = |codec, records, bytes| {
        let name = format!("validation/{codec}, {records} x {bytes} B");
        let batch = batch(codec, records, bytes);
        Case::new(name, move || validate(&batch, &Rules::default(), NOW))
    };
    vec![
        one(Compression::None, 1, 100),
        one(Compression::None, 100, 100),
        one(Compression::None, 64, 1000),
        one(Compression::Lz4, 100, 100),
        one(Compression::Zstd, 100, 100),
    ]
}

/// Records with keys, and values that a codec finds something in.
pub fn batch(compression: Compression, records: usize, value_bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
    for number in 0..records {
        let (key, text) = (format!("key-{number}"), format!("{{\"order\":{number},\"state\":\"paid\"}}"));
        let value: Vec<u8> = text.bytes().cycle().take(value_bytes).collect();
        builder.push(NOW, Some(key.as_bytes()), Some(&value), &[]).expect("a small record");
    }
    builder.build().expect("a batch")
}
