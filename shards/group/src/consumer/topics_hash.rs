//! One number for all that an assignment depends on in the topics of a group: as long as it stays, the assignment may.
//!
//! Kafka keeps such a number too (KIP-1101) but reckons it differently, with the racks of replicas in it, which no assignor
//! looks at. A group that comes from Kafka therefore rebalances once, which moves nothing.

use metadata::{Image, Topic};

/// FNV-1a of 64 bits: small, the same everywhere, and good enough where nobody gains by a collision.
struct Fnv(u64);

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }

    fn topic(&mut self, topic: &Topic) {
        self.write(&topic.id.0);
        self.write(&(topic.partitions.len() as u64).to_be_bytes());
    }
}

/// The hash of those of `topics` that exist; 0 if none does. Their order decides, so they come sorted.
pub(crate) fn of<'a>(topics: impl IntoIterator<Item = &'a str>, image: &Image) -> i64 {
    let mut hash = Fnv(OFFSET_BASIS);
    for topic in topics.into_iter().filter_map(|name| image.topic(name)) {
        hash.topic(topic);
    }
    if hash.0 == OFFSET_BASIS { 0 } else { hash.0.cast_signed() }
}
