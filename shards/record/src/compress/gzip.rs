//! gzip, by way of miniz_oxide. Like Java's, the reader goes on with a second member if one follows, and
//! does not mind other bytes after the last.

use std::io::{self, Read, Write};

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::CompressionLevel;

const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// zlib's default, which its -1 stands for.
const LEVEL_DEFAULT: u32 = 6;
const LEVEL_MAX: u32 = 9;

/// Reads one member after the other.
pub(super) struct Reader<'a> {
    member: GzDecoder<&'a [u8]>,
}

pub(super) fn reader(bytes: &[u8]) -> Reader<'_> {
    Reader { member: GzDecoder::new(bytes) }
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.member.read(buf)?;
            if count > 0 || buf.is_empty() {
                return Ok(count);
            }
            let rest: &[u8] = self.member.get_ref();
            if !rest.starts_with(&MAGIC) {
                return Ok(0);
            }
            self.member = GzDecoder::new(rest);
        }
    }
}

pub(super) fn compress(level: CompressionLevel, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let level = match level {
        CompressionLevel::At(level) => {
            u32::try_from(level).map_or(LEVEL_DEFAULT, |level| level.min(LEVEL_MAX))
        }
        CompressionLevel::Default => LEVEL_DEFAULT,
    };
    let mut encoder = GzEncoder::new(out, flate2::Compression::new(level));
    encoder.write_all(bytes)?;
    encoder.finish()?;
    Ok(())
}
