//! lz4's frame format, as far as Kafka's clients read it: blocks that do not depend on each other, no dictionary.
//! What they could not read is not let in.

use std::io::{self, Read, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use crate::error::RecordError;
use crate::header::Compression;

const MAGIC: [u8; 4] = 0x184d_2204u32.to_le_bytes();
const VERSION_MASK: u8 = 0b1100_0000;
const VERSION_1: u8 = 0b0100_0000;
const INDEPENDENT: u8 = 0b0010_0000;
const RESERVED_OR_DICTIONARY: u8 = 0b0000_0011;

/// Reads the one frame that a batch holds.
pub(super) struct Reader<'a> {
    frame: FrameDecoder<Input<'a>>,
    ended: bool,
}

/// The compressed bytes, noticing when more of them was asked for than there is: the frame decoder takes that for the
/// end of a frame, but clients insist on the end mark.
struct Input<'a> {
    rest: &'a [u8],
    ran_out: bool,
}

impl Read for Input<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.rest.read(buf)?;
        self.ran_out |= count == 0 && !buf.is_empty();
        Ok(count)
    }
}

pub(super) fn reader(bytes: &[u8]) -> Result<Reader<'_>, RecordError> {
    let refuse = |why: &str| RecordError::Decompress { codec: Compression::Lz4, why: why.to_owned() };
    let flags = match bytes.split_first_chunk::<4>() {
        Some((&MAGIC, [flags, ..])) => *flags,
        _ => return Err(refuse("no frame begins here")),
    };
    if flags & VERSION_MASK != VERSION_1 || flags & RESERVED_OR_DICTIONARY != 0 {
        return Err(refuse("unsupported frame flags"));
    }
    if flags & INDEPENDENT == 0 {
        return Err(refuse("blocks that depend on each other are not supported"));
    }
    Ok(Reader { frame: FrameDecoder::new(Input { rest: bytes, ran_out: false }), ended: false })
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Behind the frame's end its decoder would go on with a next one, which clients do not.
        if self.ended || buf.is_empty() {
            return Ok(0);
        }
        let count = self.frame.read(buf)?;
        self.ended = count == 0;
        if self.ended && self.frame.get_ref().ran_out {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the frame has no end mark"));
        }
        Ok(count)
    }
}

pub(super) fn compress(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    encoder.write_all(bytes)?;
    encoder.finish()?;
    Ok(())
}
