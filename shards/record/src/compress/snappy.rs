//! Snappy in the two forms that clients send: framed by the xerial library's stream (Java), or one raw block
//! (librdkafka). What does not begin with the stream's magic is taken for a raw block, as Java's reader does.
//!
//! ```text
//!  0  magic       8 bytes  0x82 "SNAPPY" 0
//!  8  version     i32
//! 12  compatible  i32
//! 16  blocks      each an i32 length and a raw snappy block
//! ```
//!
//! # Invariants
//! - A block's buffer is made only as large as so many compressed bytes can at all expand to.

use std::io::{self, Read};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const VERSION: i32 = 1;
const HEADER_BYTES: usize = 16;
/// What the Java client puts into a block.
const BLOCK_BYTES: usize = 32 * 1024;
/// Snappy's longest copy makes 64 bytes out of 3, and its lengths take at most 5.
const EXPANSION_MAX: usize = 22;
/// A raw block of a whole batch may be as large as a frame; decompressed in one piece, this is where it ends.
const RAW_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Decompresses block by block.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    framed: bool,
    block: Vec<u8>,
    read: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let framed = bytes.starts_with(&MAGIC) && bytes.len() >= HEADER_BYTES;
        let rest = if framed { &bytes[HEADER_BYTES..] } else { bytes };
        Self { rest, framed, block: Vec::new(), read: 0 }
    }

    /// Decompresses the next block; `false` at the end.
    fn next_block(&mut self) -> io::Result<bool> {
        let compressed = if self.framed {
            let Some((len, rest)) = self.rest.split_first_chunk::<4>() else {
                // Java's reader takes less than a length for the end, too.
                self.rest = &[];
                return Ok(false);
            };
            let len = usize::try_from(i32::from_be_bytes(*len))
                .map_err(|_| invalid("a block length is negative"))?;
            let (block, rest) = rest.split_at_checked(len).ok_or(invalid("a block is cut off"))?;
            self.rest = rest;
            block
        } else {
            std::mem::take(&mut self.rest)
        };
        if compressed.is_empty() {
            return if self.framed { Err(invalid("a block is empty")) } else { Ok(false) };
        }
        self.decompress(compressed)?;
        Ok(true)
    }

    fn decompress(&mut self, compressed: &[u8]) -> io::Result<()> {
        let len = snap::raw::decompress_len(compressed)?;
        if len > compressed.len().saturating_mul(EXPANSION_MAX) || len > RAW_BYTES_MAX {
            return Err(invalid("a block claims more than it can hold"));
        }
        self.block.clear();
        self.block.resize(len, 0);
        let written = snap::raw::Decoder::new().decompress(compressed, &mut self.block)?;
        self.block.truncate(written);
        self.read = 0;
        Ok(())
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.read == self.block.len() {
            if self.rest.is_empty() || !self.next_block()? {
                return Ok(0);
            }
        }
        let here = self.block.get(self.read..).unwrap_or_default();
        let count = here.len().min(buf.len());
        let (from, to) = (here.get(..count), buf.get_mut(..count));
        if let (Some(from), Some(to)) = (from, to) {
            to.copy_from_slice(from);
        }
        self.read += count;
        Ok(count)
    }
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Writes the framed form, which every client reads.
pub(super) fn compress(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.extend(MAGIC);
    out.extend(VERSION.to_be_bytes());
    out.extend(VERSION.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for block in bytes.chunks(BLOCK_BYTES) {
        let compressed = encoder.compress_vec(block)?;
        let len = i32::try_from(compressed.len()).map_err(|_| invalid("a block is too long"))?;
        out.extend(len.to_be_bytes());
        out.extend(compressed);
    }
    Ok(())
}
