//! Which partition of `__consumer_offsets` keeps a group, and so which broker and shard coordinate it.

use metadata::Image;
use types::{BrokerId, ErrorCode, PartitionIndex, TopicPartition};

/// The topic that keeps groups and their offsets.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// The partition that keeps a group, once the topic is there.
pub fn partition_of(image: &Image, group_id: &str) -> Option<TopicPartition> {
    let topic = image.topic(OFFSETS_TOPIC)?;
    let count = i32::try_from(topic.partitions().len()).ok().filter(|count| *count > 0)?;
    let partition = PartitionIndex(positive(java_hash(group_id)) % count);
    Some(TopicPartition { topic: topic.id, partition })
}

/// The partition that keeps a group, if this broker leads it.
pub fn led_here(image: &Image, group_id: &str) -> Result<TopicPartition, ErrorCode> {
    // Whoever is told so looks for the coordinator, and the topic is made then.
    let at = partition_of(image, group_id).ok_or(ErrorCode::NotCoordinator)?;
    let leader = image.partition(at.topic, at.partition).map_or(BrokerId::NONE, |state| state.leader);
    if leader == image.node() { Ok(at) } else { Err(ErrorCode::NotCoordinator) }
}

/// Java's `String.hashCode`: over the text's UTF-16 units.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// Kafka's `Utils.abs`: the number without its sign, and 0 for the one whose opposite does not fit.
fn positive(number: i32) -> i32 {
    number.checked_abs().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_groups_hash_is_javas() {
        for (text, hash) in [
            ("", 0),
            ("a", 97),
            ("group", 98_629_247),
            // Units of UTF-16, not letters: this one has two.
            ("\u{1F600}", 1_772_899),
            ("polygenelubricants", i32::MIN),
        ] {
            assert_eq!(java_hash(text), hash, "{text}");
        }
    }

    #[test]
    fn the_smallest_hash_has_a_place_too() {
        assert_eq!(positive(i32::MIN), 0);
        assert_eq!(positive(-7), 7);
    }
}
