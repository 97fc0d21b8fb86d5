//! What lies in a journal file. All numbers are big-endian.
//!
//! ```text
//! superblock, twice: in the first block and in the second
//! 0   magic        u64
//! 8   version      u16, and zeros up to 16
//! 16  journal id   16 bytes, other ones whenever the file is used anew
//! 32  checksum     u32  CRC-32C of what lies before
//!
//! commit, at a block boundary
//! 0   magic        u32
//! 4   length       u32  in bytes, of this header and the entries; zeros follow to the end of the last block
//! 8   journal id   16 bytes
//! 24  sequence     u64  one more than that of the commit before
//! 32  position     u64  of this header in the file
//! 40  oldest       u64  the sequence of the oldest commit that was still needed
//! 48  entries      u32  their number
//! 52  body         u32  CRC-32C of the entries
//! 56  header       u32  CRC-32C of what lies before
//! 60  entries, one behind the other
//!
//! entry
//! 0   topic id     16 bytes
//! 16  partition    i32
//! 20  kind         u8   0: records; 1: what older commits hold of this log is void
//! 21  from         i64  where the log ended before these records
//! 29  length       u32  in bytes, of the batches that follow
//! ```
//!
//! # Invariants
//! - The id cannot be guessed, and a commit tells its own position: no record that a producer sends can pass for a commit.
//! - Nothing that is read here is believed before its checksum was compared.

use record::crc32c;
use types::{Offset, PartitionIndex, TopicId, Uuid};

/// The unit of positions in a journal.
pub(crate) const BLOCK_BYTES: u64 = 4096;
/// Where the first commit may lie: behind both superblocks.
pub(crate) const FIRST_POSITION: u64 = 2 * BLOCK_BYTES;

pub(super) const COMMIT_HEADER_BYTES: usize = 60;
pub(super) const ENTRY_HEADER_BYTES: usize = 33;

const SUPERBLOCK_MAGIC: u64 = u64::from_be_bytes(*b"STROMEJ\0");
const SUPERBLOCK_BYTES: usize = 36;
const COMMIT_MAGIC: u32 = u32::from_be_bytes(*b"SJCM");
const VERSION: u16 = 1;

const KIND_RECORDS: u8 = 0;
const KIND_VOID: u8 = 1;

/// Tells apart the uses of a file, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JournalId {
    /// Random, chosen by the broker.
    pub(crate) salt: u64,
    /// One more with every use of the file.
    pub(crate) generation: u64,
}

impl JournalId {
    fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.salt.to_be_bytes());
        bytes[8..].copy_from_slice(&self.generation.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = bytes;
        Self {
            salt: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            generation: u64::from_be_bytes([i, j, k, l, m, n, o, p]),
        }
    }
}

/// The bytes of both superblocks.
pub(super) fn encode_superblocks(id: JournalId) -> Vec<u8> {
    let mut block = Vec::with_capacity(SUPERBLOCK_BYTES);
    block.extend_from_slice(&SUPERBLOCK_MAGIC.to_be_bytes());
    block.extend_from_slice(&VERSION.to_be_bytes());
    block.resize(16, 0);
    block.extend_from_slice(&id.to_bytes());
    block.extend_from_slice(&crc32c(&block).to_be_bytes());
    block.resize(BLOCK_BYTES as usize, 0);
    [block.clone(), block].concat()
}

/// What a superblock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Superblock {
    Journal(JournalId),
    /// Of a journal in a format that this version does not know.
    Version(u16),
    /// No superblock, or a damaged one.
    Nothing,
}

impl Superblock {
    pub(super) fn decode(block: &[u8]) -> Self {
        let mut fields = Fields(block);
        let parsed = (|| {
            let magic = fields.u64()?;
            let version = fields.u16()?;
            fields.take::<6>()?;
            let id = JournalId::from_bytes(fields.take::<16>()?);
            Some((magic, version, id, fields.u32()?))
        })();
        let before = block.get(..SUPERBLOCK_BYTES - 4).unwrap_or_default();
        match parsed {
            Some((SUPERBLOCK_MAGIC, version, id, crc)) if crc == crc32c(before) => {
                if version == VERSION {
                    Self::Journal(id)
                } else {
                    Self::Version(version)
                }
            }
            _ => Self::Nothing,
        }
    }
}

/// The header of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommitHeader {
    pub(super) bytes: u32,
    pub(super) sequence: u64,
    pub(super) position: u64,
    pub(super) oldest: u64,
    pub(super) entries: u32,
    pub(super) body_crc: u32,
}

impl CommitHeader {
    pub(super) fn encode(&self, id: JournalId) -> [u8; COMMIT_HEADER_BYTES] {
        let mut bytes = [0; COMMIT_HEADER_BYTES];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        };
        put(&COMMIT_MAGIC.to_be_bytes());
        put(&self.bytes.to_be_bytes());
        put(&id.to_bytes());
        put(&self.sequence.to_be_bytes());
        put(&self.position.to_be_bytes());
        put(&self.oldest.to_be_bytes());
        put(&self.entries.to_be_bytes());
        put(&self.body_crc.to_be_bytes());
        let crc = crc32c(&bytes[..COMMIT_HEADER_BYTES - 4]);
        bytes[COMMIT_HEADER_BYTES - 4..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// The header at `position`, if there is one of this journal.
    pub(super) fn decode(bytes: &[u8], id: JournalId, position: u64) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.u32()? != COMMIT_MAGIC {
            return None;
        }
        let length = fields.u32()?;
        let of = JournalId::from_bytes(fields.take::<16>()?);
        let header = Self {
            bytes: length,
            sequence: fields.u64()?,
            position: fields.u64()?,
            oldest: fields.u64()?,
            entries: fields.u32()?,
            body_crc: fields.u32()?,
        };
        let crc = crc32c(bytes.get(..COMMIT_HEADER_BYTES - 4)?);
        let is_sound = crc == fields.u32()?
            && of == id
            && header.position == position
            && header.oldest <= header.sequence
            && length as usize >= COMMIT_HEADER_BYTES;
        is_sound.then_some(header)
    }
}

/// What an entry says of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Batches that follow what the log held up to `from`.
    Records { from: Offset },
    /// Whatever older commits hold of this log is not to be replayed.
    Void,
}

/// The header of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryHeader {
    pub(super) topic: TopicId,
    pub(super) partition: PartitionIndex,
    pub(super) kind: Kind,
    /// Bytes of batches behind it.
    pub(super) bytes: u32,
}

impl EntryHeader {
    pub(super) fn encode(&self) -> [u8; ENTRY_HEADER_BYTES] {
        let (kind, from) = match self.kind {
            Kind::Records { from } => (KIND_RECORDS, from.0),
            Kind::Void => (KIND_VOID, 0),
        };
        let mut bytes = [0; ENTRY_HEADER_BYTES];
        bytes[..16].copy_from_slice(&self.topic.0);
        bytes[16..20].copy_from_slice(&self.partition.0.to_be_bytes());
        bytes[20] = kind;
        bytes[21..29].copy_from_slice(&from.to_be_bytes());
        bytes[29..].copy_from_slice(&self.bytes.to_be_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let topic = Uuid(fields.take::<16>()?);
        let partition = PartitionIndex(fields.u32()?.cast_signed());
        let [kind] = fields.take::<1>()?;
        let from = Offset(fields.u64()?.cast_signed());
        let bytes = fields.u32()?;
        let kind = match kind {
            KIND_RECORDS => Kind::Records { from },
            KIND_VOID => Kind::Void,
            _ => return None,
        };
        Some(Self { topic, partition, kind, bytes })
    }
}

/// Fields that are read one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: JournalId = JournalId { salt: 0x0123_4567_89ab_cdef, generation: 7 };

    #[test]
    fn superblocks_read_back_and_a_flipped_bit_makes_them_none() {
        let blocks = encode_superblocks(ID);
        assert_eq!(blocks.len() as u64, FIRST_POSITION);
        let (first, second) = blocks.split_at(BLOCK_BYTES as usize);
        assert_eq!(Superblock::decode(first), Superblock::Journal(ID));
        assert_eq!(first, second);
        for at in 0..SUPERBLOCK_BYTES {
            let mut damaged = first.to_vec();
            damaged[at] ^= 0x10;
            assert_eq!(Superblock::decode(&damaged), Superblock::Nothing, "byte {at}");
        }
        assert_eq!(Superblock::decode(&[]), Superblock::Nothing);
    }

    #[test]
    fn a_newer_format_is_recognised() {
        let mut block = encode_superblocks(ID);
        block[9] = 2;
        let crc = crc32c(&block[..SUPERBLOCK_BYTES - 4]);
        block[SUPERBLOCK_BYTES - 4..SUPERBLOCK_BYTES].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(Superblock::decode(&block), Superblock::Version(2));
    }

    #[test]
    fn a_commit_header_is_believed_only_where_it_was_written() {
        let header = CommitHeader {
            bytes: 300,
            sequence: 12,
            position: 8192,
            oldest: 5,
            entries: 2,
            body_crc: 0xdead_beef,
        };
        let bytes = header.encode(ID);
        assert_eq!(CommitHeader::decode(&bytes, ID, 8192), Some(header));
        assert_eq!(CommitHeader::decode(&bytes, ID, 12288), None, "elsewhere");
        let older = JournalId { generation: 6, ..ID };
        assert_eq!(CommitHeader::decode(&bytes, older, 8192), None, "of an earlier use of the file");
        for at in 0..COMMIT_HEADER_BYTES {
            let mut damaged = bytes;
            damaged[at] ^= 1;
            assert_eq!(CommitHeader::decode(&damaged, ID, 8192), None, "byte {at}");
        }
    }

    #[test]
    fn entries_read_back() {
        for kind in [Kind::Records { from: Offset(1 << 40) }, Kind::Void] {
            let entry =
                EntryHeader { topic: Uuid([9; 16]), partition: PartitionIndex(3), kind, bytes: 70_000 };
            assert_eq!(EntryHeader::decode(&entry.encode()), Some(entry));
        }
        assert_eq!(EntryHeader::decode(&[0; ENTRY_HEADER_BYTES - 1]), None);
        assert_eq!(EntryHeader::decode(&[9; ENTRY_HEADER_BYTES]), None, "an unknown kind");
    }
}
