//! Which partition a record belongs to, as the Java client decides: equal keys meet wherever they were produced.

use types::PartitionIndex;

/// The partition of a key among `partitions`, of which there is at least one: the key's murmur2 hash without its sign,
/// modulo their number (Kafka's `BuiltInPartitioner.partitionForKey`).
pub fn partition_for_key(key: &[u8], partitions: i32) -> PartitionIndex {
    assert!(partitions > 0, "a topic has at least one partition");
    PartitionIndex((murmur2(key) & i32::MAX) % partitions)
}

/// Kafka's variant of Austin Appleby's MurmurHash2: its seed, and bytes taken little-endian.
fn murmur2(data: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let mut hash = SEED ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k = (k ^ (k >> R)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    (hash ^ (hash >> 15)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `org.apache.kafka.common.utils.Utils.murmur2` of kafka-clients 4.3.1 returns.
    #[test]
    fn the_hash_is_the_java_clients() {
        let all_bytes: Vec<u8> = (0..=255).collect();
        let vectors: &[(&[u8], i32)] = &[
            (b"", 275_646_681),
            (b"a", -1_563_381_124),
            (b"ab", 316_155_434),
            (b"abc", 479_470_107),
            (b"abcd", -1_323_649_548),
            (b"abcde", 461_995_741),
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("grüße".as_bytes(), 1_943_707_148),
            (&[0xff, 0xfe, 0x80], -160_726_397),
            (&all_bytes, -1_948_347_274),
        ];
        for (key, hash) in vectors {
            assert_eq!(murmur2(key), *hash, "{key:?}");
        }
    }

    #[test]
    fn a_key_goes_where_the_java_client_sends_it() {
        let vectors: &[(&[u8], i32)] =
            &[(b"", 2), (b"a", 5), (b"abcd", 5), (b"key-0", 0), (b"key-1", 5), (b"key-42", 3)];
        for (key, partition) in vectors {
            assert_eq!(partition_for_key(key, 7), PartitionIndex(*partition), "{key:?}");
        }
    }
}
