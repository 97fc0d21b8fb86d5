//! zstd, by way of its C library. A frame that asks for a window of more than 128 MiB is refused, as by Java's.
//!
//! # Hot path
//! A decompression context is 100 KB and its window, so each thread keeps one, unless a batch has made it large.

use std::cell::RefCell;
use std::io::{self, Read, Write};

use zstd::stream::{read::Decoder, write::Encoder};
use zstd::zstd_safe::{DCtx, DParameter, get_error_name};

use super::CompressionLevel;
use crate::error::RecordError;
use crate::header::Compression;

/// The decompressor's memory is a window of at most two to this power, touched only as far as there is data.
const WINDOW_LOG_MAX: u32 = 27;
/// A context that has grown beyond this is not kept. Level 3, the default, has a window of 2 MiB, level 19 one of 8.
const CONTEXT_BYTES_KEPT: usize = 4 * 1024 * 1024;

thread_local! {
    static CONTEXT: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

/// Lends `use_reader` a reader of what `bytes` decompress to.
pub(super) fn with_reader<T>(
    bytes: &[u8],
    use_reader: impl FnOnce(&mut dyn Read) -> T,
) -> Result<T, RecordError> {
    let refuse = |why: &str| RecordError::Decompress { codec: Compression::Zstd, why: why.to_owned() };
    // A reader within a reader finds none and makes its own.
    let kept = CONTEXT.with(|kept| kept.try_borrow_mut().ok().and_then(|mut kept| kept.take()));
    let mut context = match kept {
        Some(context) => context,
        None => {
            let mut context = DCtx::try_create().ok_or_else(|| refuse("out of memory"))?;
            context
                .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
                .map_err(|code| refuse(get_error_name(code)))?;
            context
        }
    };
    let result = use_reader(&mut Decoder::with_context(bytes, &mut context));
    if context.sizeof() <= CONTEXT_BYTES_KEPT {
        CONTEXT.with(|kept| kept.try_borrow_mut().map(|mut kept| *kept = Some(context))).ok();
    }
    Ok(result)
}

pub(super) fn compress(level: CompressionLevel, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let level = match level {
        CompressionLevel::At(level) => level,
        CompressionLevel::Default => zstd::DEFAULT_COMPRESSION_LEVEL,
    };
    let mut encoder = Encoder::new(out, level)?;
    encoder.set_pledged_src_size(u64::try_from(bytes.len()).ok())?;
    encoder.write_all(bytes)?;
    encoder.finish()?;
    Ok(())
}
