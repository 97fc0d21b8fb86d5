//! How much memory validation takes, whatever it is given. What zstd's C library allocates is not counted; its window is
//! bounded by its own parameter.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;

use bytes::Bytes;
use strome_record::{
    BatchBuilder, BatchHeader, BatchOptions, Compression, Rules, check_crc, crc32c, decompress, validate,
};
use types::{ErrorCode, TimestampMs};

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);
const LIMIT: usize = 4 * 1024 * 1024;
const BOMB: usize = 3 * LIMIT;
const CODECS: [Compression; 4] =
    [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

thread_local! {
    /// Bytes that the thread has allocated and not given back.
    static IN_USE: Cell<usize> = const { Cell::new(0) };
    /// The most that were in use since somebody last asked.
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// Counts for each thread, since the test harness allocates on its own whenever it likes.
struct Counting;

// SAFETY: everything is handed on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let in_use = IN_USE.get() + layout.size();
        IN_USE.set(in_use);
        PEAK.set(PEAK.get().max(in_use));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // What another thread has allocated was not counted here.
        IN_USE.set(IN_USE.get().saturating_sub(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static MEMORY: Counting = Counting;

#[test]
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

#[test]
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
#[test]
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

/// The most that `work` has in use at a time beyond what was before, in bytes.
fn peak_of(work: impl FnOnce()) -> usize {
    let before = IN_USE.get();
    PEAK.set(before);
    work();
    PEAK.get() - before
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
