//! How much memory validation takes, whatever it is given. One test only: the counters are the process's. What zstd's C
//! library allocates is not counted; its window is bounded by its own parameter.

use std::io::Write;

use bytes::Bytes;
use peak_alloc::PeakAlloc;
use strome_record::{
    BatchBuilder, BatchHeader, BatchOptions, Compression, Rules, check_crc, crc32c, decompress, validate,
};
use types::{ErrorCode, TimestampMs};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);
const LIMIT: usize = 4 * 1024 * 1024;
const BOMB: usize = 3 * LIMIT;
const CODECS: [Compression; 4] =
    [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

#[test]
fn memory_is_bounded_by_what_came_in() {
    verbatim_batches_take_none();
    bombs_are_refused_within_a_window();
    claims_are_not_believed();
}

fn verbatim_batches_take_none() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..1000 {
        builder.push(NOW, Some(b"key"), Some(&[7; 200]), &[]).unwrap();
    }
    let batch = builder.build().unwrap();
    // Bytes that are held once get their counter with the first clone: as in the broker, they are held by a frame.
    let _frame = batch.clone();
    let rules = Rules::default();
    let peak = peak_of(|| assert_eq!(validate(&batch, &rules, NOW).unwrap().batch.bytes, batch));
    assert_eq!(peak, 0, "an uncompressed batch that is kept as it came");
}

fn bombs_are_refused_within_a_window() {
    for codec in CODECS {
        let bomb = bomb(codec);
        let rules = Rules { decompressed_bytes_max: LIMIT, ..Rules::default() };
        let mut code = ErrorCode::None;
        let peak = peak_of(|| code = validate(&bomb, &rules, NOW).unwrap_err().code);
        assert_eq!(code, ErrorCode::MessageTooLarge, "{codec}");
        let bound = match codec {
            // Its raw form is one block, held as a whole: at most 22 times what came in.
            Compression::Snappy => 22 * bomb.len(),
            // Two buffers of a block, which is at most 4 MiB.
            Compression::Lz4 => 9 * 1024 * 1024,
            _ => 512 * 1024,
        };
        assert!(peak < bound, "{codec}: {peak} bytes for a bomb of {}", bomb.len());

        let peak = peak_of(|| assert!(decompress(&bomb, LIMIT).is_err()));
        // While it grows, a vector is there twice.
        assert!(peak < 3 * LIMIT + bound, "{codec}: {peak} bytes to decompress up to {LIMIT}");
        let enough = Rules { decompressed_bytes_max: BOMB + 100, batch_bytes_max: BOMB, ..rules };
        assert!(
            validate(&bomb, &enough, NOW).is_ok(),
            "{codec}: under a higher limit it is a batch as any other"
        );
    }
}

/// Lengths and counts of two billion, in the header, in records, in blocks.
fn claims_are_not_believed() {
    let honest = |codec| {
        let mut builder = BatchBuilder::new(BatchOptions { compression: codec, ..BatchOptions::default() });
        builder.push(NOW, Some(b"k"), Some(b"v"), &[]).unwrap();
        builder.build().unwrap().to_vec()
    };
    let huge = i32::MAX.to_be_bytes();
    let varint = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    for codec in Compression::ALL {
        let whole = honest(codec);
        for at in 8..whole.len() {
            for claim in [&huge[..], &varint[..], &[0xff; 9][..]] {
                let mut batch = whole.clone();
                let end = batch.len().min(at + claim.len());
                batch[at..end].copy_from_slice(&claim[..end - at]);
                let crc = crc32c(&batch[21..]).to_be_bytes();
                batch[17..21].copy_from_slice(&crc);
                let batch = Bytes::from(batch);
                let peak = peak_of(|| {
                    drop(validate(&batch, &Rules::default(), NOW));
                    if let Ok(records) = decompress(&batch, LIMIT) {
                        assert!(records.iter().count() <= batch.len() + LIMIT);
                    }
                });
                // A frame of lz4 may ask for two buffers of 4 MiB, its largest block; nothing else asks for much.
                assert!(peak < 9 * 1024 * 1024, "{codec}: {peak} bytes with a claim at {at}");
            }
        }
    }
}

fn peak_of(work: impl FnOnce()) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before)
}

/// One record with a value of zeros, compressed outside of this crate.
fn bomb(codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(NOW, Some(b"k"), Some(&vec![0; BOMB]), &[]).unwrap();
    let plain = builder.build().unwrap();
    let records = match codec {
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(9));
            encoder.write_all(&plain[61..]).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Snappy => snap::raw::Encoder::new().compress_vec(&plain[61..]).unwrap(),
        Compression::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(&plain[61..]).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Zstd => zstd::encode_all(&plain[61..], 3).unwrap(),
        Compression::None => plain[61..].to_vec(),
    };
    let mut batch = plain[..61].to_vec();
    batch.extend(records);
    let after_length = i32::try_from(batch.len() - 12).unwrap();
    batch[8..12].copy_from_slice(&after_length.to_be_bytes());
    batch[22] = codec as u8;
    let crc = crc32c(&batch[21..]).to_be_bytes();
    batch[17..21].copy_from_slice(&crc);
    assert_eq!(check_crc(&batch), Ok(()));
    assert_eq!(BatchHeader::parse(&batch).unwrap().compression(), Ok(codec));
    Bytes::from(batch)
}
