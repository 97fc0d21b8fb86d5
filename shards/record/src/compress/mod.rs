//! The four codecs of Kafka's batches. Decompression is a reader, so that nobody needs to hold all of its output;
//! whoever reads sets the limit. Compression makes a whole batch's records at once.

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use std::io::Read;

use crate::error::RecordError;
use crate::header::Compression;

/// The level a codec works at: `compression.gzip.level` and its likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CompressionLevel {
    /// The codec's own.
    #[default]
    Default,
    /// A number that means what it means to the codec. Snappy has no levels, and lz4 only its fast one here.
    At(i32),
}

/// Lends `use_reader` a reader of what `bytes` decompress to.
pub(crate) fn with_reader<T>(
    codec: Compression,
    bytes: &[u8],
    use_reader: impl FnOnce(&mut dyn Read) -> T,
) -> Result<T, RecordError> {
    Ok(match codec {
        Compression::None => use_reader(&mut &bytes[..]),
        Compression::Gzip => use_reader(&mut gzip::reader(bytes)),
        Compression::Snappy => use_reader(&mut snappy::Reader::new(bytes)),
        Compression::Lz4 => use_reader(&mut lz4::reader(bytes)?),
        Compression::Zstd => zstd::with_reader(bytes, use_reader)?,
    })
}

/// What `bytes` decompress to, if that is at most `limit` bytes.
pub(crate) fn decompress(codec: Compression, bytes: &[u8], limit: usize) -> Result<Vec<u8>, RecordError> {
    with_reader(codec, bytes, |reader| {
        let mut out = Vec::new();
        let past_limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        reader
            .take(past_limit)
            .read_to_end(&mut out)
            .map_err(|error| RecordError::decompress(codec, &error))?;
        if out.len() > limit { Err(RecordError::DecompressedTooLarge { limit }) } else { Ok(out) }
    })?
}

/// `bytes` compressed, appended to `out`.
pub(crate) fn compress(
    codec: Compression,
    level: CompressionLevel,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    let result = match codec {
        Compression::None => {
            out.extend_from_slice(bytes);
            Ok(())
        }
        Compression::Gzip => gzip::compress(level, bytes, out),
        Compression::Snappy => snappy::compress(bytes, out),
        Compression::Lz4 => lz4::compress(bytes, out),
        Compression::Zstd => zstd::compress(level, bytes, out),
    };
    result.map_err(|error| RecordError::Compress { codec, why: error.to_string() })
}
