//! Identifiers of brokers, shards, partitions, producers, topics and directories.

use std::fmt;
use std::str::FromStr;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Kafka's `node.id`. -1 stands for "none" on the wire.
    BrokerId(i32)
}
id! {
    /// A shard of this broker: one pinned thread. Counted from 0.
    ShardId(u16)
}
id! {
    /// A partition within its topic, counted from 0.
    PartitionIndex(i32)
}
id! {
    /// Names a producer across its connections; -1 for a producer that is neither idempotent nor transactional.
    ProducerId(i64)
}
id! {
    /// Tells apart the incarnations of a producer id.
    ProducerEpoch(i16)
}

impl BrokerId {
    /// Kafka's "no broker".
    pub const NONE: Self = Self(-1);
}

impl ProducerId {
    /// Kafka's "no producer id".
    pub const NONE: Self = Self(-1);
}

impl ProducerEpoch {
    /// Kafka's "no producer epoch".
    pub const NONE: Self = Self(-1);
}

impl ShardId {
    /// As an index into tables with an entry per shard.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A 128-bit identifier, written as Kafka writes it: 22 characters of URL-safe base64 without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid(pub [u8; 16]);

/// Identifies a topic for as long as it exists; a topic created anew under the same name has another (KIP-516).
pub type TopicId = Uuid;

/// Identifies a log directory (KIP-858).
pub type DirectoryId = Uuid;

/// One partition of one incarnation of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    pub topic: TopicId,
    pub partition: PartitionIndex,
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const TEXT_LEN: usize = 22;

impl Uuid {
    /// Kafka's "no id" on the wire.
    pub const ZERO: Self = Self([0; 16]);

    /// Whether this is the id that stands for none.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// A version 4 id out of 16 random bytes. Like Kafka's `Uuid.randomUuid`, never one whose text begins with a
    /// dash, which command line tools would take for a flag.
    #[must_use]
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        if bytes[0] >> 2 == 62 {
            bytes[0] ^= 0x80;
        }
        Self(bytes)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bits = u128::from_be_bytes(self.0);
        let mut text = [0u8; TEXT_LEN];
        // 22 characters hold 132 bits: the last one carries two bits of the id and four zeros.
        text[TEXT_LEN - 1] = BASE64[((bits as usize) & 0x3) << 4];
        bits >>= 2;
        for place in text[..TEXT_LEN - 1].iter_mut().rev() {
            *place = BASE64[(bits as usize) & 0x3f];
            bits >>= 6;
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

/// The text is not the 22 characters of an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseUuidError(String);

impl fmt::Display for ParseUuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an id: expected {TEXT_LEN} characters of URL-safe base64", self.0)
    }
}

impl std::error::Error for ParseUuidError {}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUuidError(text.chars().take(64).collect());
        if text.len() != TEXT_LEN {
            return Err(error());
        }
        let mut bits = 0u128;
        for (i, character) in text.bytes().enumerate() {
            let value = BASE64.iter().position(|c| *c == character).ok_or_else(error)? as u128;
            bits = if i + 1 < TEXT_LEN { bits << 6 | value } else { bits << 2 | value >> 4 };
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = Uuid::from_random(*b"\xfb\x01strome-test\xff\x00\x7f");
        assert_eq!(id.to_string().len(), TEXT_LEN);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(!id.to_string().starts_with('-'));
    }

    #[test]
    fn ids_are_written_as_kafka_writes_them() {
        // The id of Kafka's __cluster_metadata topic (Uuid.METADATA_TOPIC_ID) is 0...01.
        let mut bytes = [0; 16];
        bytes[15] = 1;
        assert_eq!(Uuid(bytes).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        for text in ["", "short", "AAAAAAAAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(text.parse::<Uuid>().is_err(), "{text}");
        }
    }
}
