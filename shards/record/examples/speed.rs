//! How fast checksums and validation are on this machine: `cargo run --release -p strome-record --example speed`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it measures; the crate itself has no clock"
)]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use strome_record::{
    BatchBuilder, BatchOptions, Compression, Rules, TimestampType, check_crc, crc32c, decompress, validate,
};
use types::TimestampMs;

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);

fn main() {
    for len in [256, 4096, 65_536, 1 << 20] {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 31) as u8).collect();
        report(&format!("crc32c of {len} bytes"), len, 0, || {
            black_box(crc32c(black_box(&bytes)));
        });
    }
    for value_bytes in [10, 100, 1000] {
        for codec in Compression::ALL {
            let batch = batch(codec, value_bytes);
            let plain = decompress(&batch, 1 << 30).map_or(0, |records| records.iter().count());
            let bytes = plain * (value_bytes + 16);
            let name = |what| format!("{what}, {codec}, {plain} records of {value_bytes} bytes");
            report(&name("validate"), bytes, plain, || {
                drop(black_box(validate(black_box(&batch), &Rules::default(), NOW)));
            });
            if codec == Compression::None {
                report(&name("checksum alone"), bytes, plain, || drop(black_box(check_crc(&batch))));
                let append_time = Rules { timestamp_type: TimestampType::LogAppendTime, ..Rules::default() };
                report(&name("append time"), bytes, plain, || {
                    drop(black_box(validate(black_box(&batch), &append_time, NOW)));
                });
            }
        }
    }
}

fn batch(compression: Compression, value_bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
    let mut i = 0u64;
    while builder.bytes_uncompressed() < 64 * 1024 {
        i += 1;
        let value: Vec<u8> =
            format!("{{\"user\":{i},\"name\":\"u{}\"}}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                .into_bytes()
                .into_iter()
                .cycle()
                .take(value_bytes)
                .collect();
        let pushed = builder.push(NOW, Some(format!("key-{i}").as_bytes()), Some(&value), &[]);
        assert!(pushed.is_ok(), "it is far from too large");
    }
    builder.build().unwrap_or_default()
}

fn report(name: &str, bytes: usize, records: usize, work: impl Fn()) {
    let rounds = 1 + (256 << 20) / bytes.max(1) / 8;
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..rounds {
            work();
        }
        best = best.min(start.elapsed().as_secs_f64() / rounds as f64);
    }
    let per_record =
        if records > 0 { format!(", {:.1} ns a record", best * 1e9 / records as f64) } else { String::new() };
    println!("{name}: {:.2} GB/s, {:.2} us{per_record}", bytes as f64 / best / 1e9, best * 1e6);
}
