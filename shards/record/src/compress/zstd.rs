//! zstd, by way of its C library. A frame that asks for a window of more than 128 MiB is refused, as by Java's.

use std::io::{self, Write};

use zstd::stream::{read::Decoder, write::Encoder};

use super::CompressionLevel;
use crate::error::RecordError;
use crate::header::Compression;

/// The decompressor's memory is a window of at most two to this power, touched only as far as there is data.
const WINDOW_LOG_MAX: u32 = 27;

pub(super) fn reader(bytes: &[u8]) -> Result<Decoder<'static, &[u8]>, RecordError> {
    let open = || {
        let mut decoder = Decoder::with_buffer(bytes)?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        Ok(decoder)
    };
    open().map_err(|error: io::Error| RecordError::decompress(Compression::Zstd, &error))
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
