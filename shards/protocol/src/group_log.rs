//! The records of `__consumer_offsets`, in which group coordinators keep their state: a table for each key and value.
//!
//! ```text
//! key    kind     int16   the apiKey of Kafka's definition
//!        fields           as in a message that is not flexible
//! value  version  int16
//!        fields           as in a message of that version; a record without a value deletes its key
//! ```
//!
//! # Not here
//! What the records mean, and which are read and written (the crate `group`).

use bytes::Bytes;
use types::Uuid;

use crate::schema::{StructSchema, Versions};
use crate::table::{first, present, tables, versions};
use crate::wire::{At, Wire};
use crate::writer::LENGTH_BYTES;
use crate::{DecodeError, EncodeError, Reader, Str, Writer};

tables! {
    /// Names the offset that a group committed for a partition.
    pub struct OffsetCommitKey {
        /// The group.
        group: Str, [0];
        /// The topic.
        topic: Str, [0];
        /// The partition.
        partition: i32, [0];
    }

    /// A committed offset.
    pub struct OffsetCommitValue {
        /// The offset of the next record to consume.
        offset: i64, [0+];
        /// The leader epoch of the last record that was consumed, or -1.
        leader_epoch: i32, [3+] (ignorable) = -1;
        /// What the client keeps beside the offset.
        metadata: Str, [0+];
        /// When it was committed.
        commit_timestamp: i64, [0+];
        /// When it expires, where the client has said so; else -1.
        expire_timestamp: i64, [1] (ignorable) = -1;
        /// The topic's id.
        topic_id: Uuid, [4+] tag 0 (ignorable);
    }

    /// Names a classic group.
    pub struct GroupMetadataKey {
        /// The group.
        group: Str, [0];
    }

    /// A generation of a classic group.
    pub struct GroupMetadataValue {
        /// The type of protocol, such as `consumer`.
        protocol_type: Str, [0+];
        /// The generation.
        generation: i32, [0+];
        /// The protocol that the members have agreed on; null without members.
        protocol: Option<Str>, [0+] nullable [0+];
        /// The member that computes the assignment; null without members.
        leader: Option<Str>, [0+] nullable [0+];
        /// When the group got into its state.
        current_state_timestamp: i64, [2+] (ignorable) = -1;
        /// The members.
        members: Vec<MemberMetadata>, [0+];
    }

    /// A member, in [`GroupMetadataValue`].
    pub struct MemberMetadata {
        /// The member's id.
        member_id: Str, [0+];
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [3+] nullable [3+] (ignorable) = None;
        /// How the client calls itself.
        client_id: Str, [0+];
        /// The address that the client connects from.
        client_host: Str, [0+];
        /// How long the member may take to rejoin, in milliseconds.
        rebalance_timeout: i32, [1+] (ignorable) = -1;
        /// How long the member may be silent, in milliseconds.
        session_timeout: i32, [0+];
        /// What the member said about itself in the protocol that was agreed on.
        subscription: Bytes, [0+];
        /// What the member got.
        assignment: Bytes, [0+];
    }

    /// Names a consumer group (KIP-848).
    pub struct ConsumerGroupMetadataKey {
        /// The group.
        group_id: Str, [0];
    }

    /// The epoch of a consumer group.
    pub struct ConsumerGroupMetadataValue {
        /// The epoch.
        epoch: i32, [0+];
        /// A hash over the topics that the members subscribe to.
        metadata_hash: i64, [0+] tag 0;
    }

    /// Names what a consumer group saw of its topics. Since Kafka 4.1 a hash takes its place.
    pub struct ConsumerGroupPartitionMetadataKey {
        /// The group.
        group_id: Str, [0];
    }

    /// What a consumer group saw of its topics.
    pub struct ConsumerGroupPartitionMetadataValue {
        /// The topics.
        topics: Vec<TopicMetadata>, [0+];
    }

    /// A topic, in [`ConsumerGroupPartitionMetadataValue`].
    pub struct TopicMetadata {
        /// Its id.
        topic_id: Uuid, [0+];
        /// Its name.
        topic_name: Str, [0+];
        /// How many partitions it has.
        num_partitions: i32, [0+];
        /// The partitions.
        partition_metadata: Vec<PartitionMetadata>, [0+];
    }

    /// A partition, in [`ConsumerGroupPartitionMetadataValue`].
    pub struct PartitionMetadata {
        /// Its index.
        partition: i32, [0+];
        /// The racks that its replicas are in.
        racks: Vec<Str>, [0+];
    }

    /// Names a member of a consumer group.
    pub struct ConsumerGroupMemberMetadataKey {
        /// The group.
        group_id: Str, [0];
        /// The member.
        member_id: Str, [0];
    }

    /// What a member of a consumer group said about itself.
    pub struct ConsumerGroupMemberMetadataValue {
        /// The name of a static member, or null.
        instance_id: Option<Str>, [0+] nullable [0+];
        /// The rack of the client.
        rack_id: Option<Str>, [0+] nullable [0+];
        /// How the client calls itself.
        client_id: Str, [0+];
        /// The address that the client connects from.
        client_host: Str, [0+];
        /// The topics that the member subscribes to.
        subscribed_topic_names: Vec<Str>, [0+];
        /// A pattern of topics that the member subscribes to, or null.
        subscribed_topic_regex: Option<Str>, [0+] nullable [0+];
        /// How long the member may take to give up partitions, in milliseconds.
        rebalance_timeout_ms: i32, [0+] = -1;
        /// The name of the assignor that the member prefers, or null.
        server_assignor: Option<Str>, [0+] nullable [0+];
        /// What else is known of a member that uses the classic protocol; null for one that does not. Kafka leaves out an
        /// empty one, and not null.
        classic_member_metadata: Option<ClassicMemberMetadata>, [0+] nullable [0+] tag 0
            = Some(ClassicMemberMetadata::default());
    }

    /// A member that uses the classic protocol, in [`ConsumerGroupMemberMetadataValue`].
    pub struct ClassicMemberMetadata {
        /// How long the member may be silent, in milliseconds.
        session_timeout_ms: i32, [0+];
        /// The protocols that the member understands, the preferred first.
        supported_protocols: Vec<ClassicProtocol>, [0+];
    }

    /// A protocol, in [`ClassicMemberMetadata`].
    pub struct ClassicProtocol {
        /// Its name.
        name: Str, [0+];
        /// What the member says about itself in it.
        metadata: Bytes, [0+];
    }

    /// Names the target assignment of a consumer group.
    pub struct ConsumerGroupTargetAssignmentMetadataKey {
        /// The group.
        group_id: Str, [0];
    }

    /// When the target assignment of a consumer group was computed.
    pub struct ConsumerGroupTargetAssignmentMetadataValue {
        /// For which epoch of the group.
        assignment_epoch: i32, [0+];
        /// At what time.
        assignment_timestamp: i64, [0+] tag 0 (ignorable);
    }

    /// Names the target assignment of a member.
    pub struct ConsumerGroupTargetAssignmentMemberKey {
        /// The group.
        group_id: Str, [0];
        /// The member.
        member_id: Str, [0];
    }

    /// What a member is meant to have.
    pub struct ConsumerGroupTargetAssignmentMemberValue {
        /// The partitions by topic.
        topic_partitions: Vec<TargetPartitions>, [0+];
    }

    /// Partitions of a topic, in [`ConsumerGroupTargetAssignmentMemberValue`].
    pub struct TargetPartitions {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// Names what a member has.
    pub struct ConsumerGroupCurrentMemberAssignmentKey {
        /// The group.
        group_id: Str, [0];
        /// The member.
        member_id: Str, [0];
    }

    /// What a member has, and how far it has got on its way to its target.
    pub struct ConsumerGroupCurrentMemberAssignmentValue {
        /// The member's epoch.
        member_epoch: i32, [0+];
        /// The epoch before; a member that missed the answer still has it.
        previous_member_epoch: i32, [0+];
        /// The member's state, as a number of Kafka's.
        state: i8, [0+];
        /// The partitions that it holds.
        assigned_partitions: Vec<CurrentPartitions>, [0+];
        /// The partitions that it has to give up.
        partitions_pending_revocation: Vec<CurrentPartitions>, [0+];
    }

    /// Partitions of a topic, in [`ConsumerGroupCurrentMemberAssignmentValue`].
    pub struct CurrentPartitions {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
        /// For each of them, the epoch in which the member got it; null where that is not known.
        assignment_epochs: Option<Vec<i32>>, [0+] nullable [0+] tag 0 = None;
    }

    /// Names a pattern that members of a consumer group subscribe to.
    pub struct ConsumerGroupRegularExpressionKey {
        /// The group.
        group_id: Str, [0];
        /// The pattern.
        regular_expression: Str, [0];
    }

    /// The topics that a pattern was found to match.
    pub struct ConsumerGroupRegularExpressionValue {
        /// Their names.
        topics: Vec<Str>, [0+];
        /// The version of the metadata that they were found in.
        version: i64, [0+];
        /// When they were found.
        timestamp: i64, [0+];
    }
}

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    /// Its number, which the key begins with.
    pub number: i16,
    /// The key's table.
    pub key: &'static StructSchema,
    /// The value's table.
    pub value: &'static StructSchema,
    /// The versions of the value.
    pub versions: Versions,
    /// The versions of the value with compact lengths and tagged fields.
    pub flexible: Versions,
}

macro_rules! kinds {
    ($($constant:ident = $number:literal: $key:ident => $value:ident $versions:tt flexible $flexible:tt;)*) => {
        impl Kind {
            $(
                #[doc = concat!("[`", stringify!($key), "`] and [`", stringify!($value), "`].")]
                pub const $constant: Self = Self {
                    number: $number,
                    key: &$key::SCHEMA,
                    value: &$value::SCHEMA,
                    versions: versions!($versions),
                    flexible: versions!($flexible),
                };
            )*

            /// All kinds that have tables here.
            pub const ALL: &'static [Self] = &[$(Self::$constant,)*];
        }
    };
}

kinds! {
    OFFSET_COMMIT = 1: OffsetCommitKey => OffsetCommitValue [0-4] flexible [4+];
    GROUP_METADATA = 2: GroupMetadataKey => GroupMetadataValue [0-4] flexible [4+];
    CONSUMER_GROUP_METADATA = 3: ConsumerGroupMetadataKey => ConsumerGroupMetadataValue [0] flexible [0+];
    CONSUMER_GROUP_PARTITION_METADATA = 4:
        ConsumerGroupPartitionMetadataKey => ConsumerGroupPartitionMetadataValue [0] flexible [0+];
    CONSUMER_GROUP_MEMBER_METADATA = 5:
        ConsumerGroupMemberMetadataKey => ConsumerGroupMemberMetadataValue [0] flexible [0+];
    CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA = 6:
        ConsumerGroupTargetAssignmentMetadataKey => ConsumerGroupTargetAssignmentMetadataValue [0] flexible [0+];
    CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER = 7:
        ConsumerGroupTargetAssignmentMemberKey => ConsumerGroupTargetAssignmentMemberValue [0] flexible [0+];
    CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT = 8:
        ConsumerGroupCurrentMemberAssignmentKey => ConsumerGroupCurrentMemberAssignmentValue [0] flexible [0+];
    CONSUMER_GROUP_REGULAR_EXPRESSION = 16:
        ConsumerGroupRegularExpressionKey => ConsumerGroupRegularExpressionValue [0] flexible [0+];
}

/// Reads the number that a key or a value begins with, and gives the fields behind it.
///
/// # Errors
/// If there are fewer than two bytes.
pub fn split_number(bytes: &Bytes) -> Result<(i16, Bytes), DecodeError> {
    let mut reader = Reader::new(bytes);
    reader.enter("number");
    let number = reader.array().map(i16::from_be_bytes)?;
    let rest = reader.remaining();
    Ok((number, reader.slice(rest)?))
}

/// Reads the fields of a key.
///
/// # Errors
/// If the bytes are not those of such a key.
pub fn decode_key<T: Wire>(fields: &Bytes) -> Result<T, DecodeError> {
    T::read(&mut Reader::new(fields), At::new(0, Versions::NONE))
}

/// Reads the fields of a value.
///
/// # Errors
/// If the bytes are not those of such a value in this version.
pub fn decode_value<T: Wire>(kind: &Kind, version: i16, fields: &Bytes) -> Result<T, DecodeError> {
    T::read(&mut Reader::new(fields), At::new(version, kind.flexible))
}

/// A key as it is written.
///
/// # Errors
/// If a text is too long for the format.
pub fn encode_key<T: Wire>(kind: &Kind, key: &T) -> Result<Bytes, EncodeError> {
    encode(kind.number, key, At::new(0, Versions::NONE))
}

/// A value as it is written in this version.
///
/// # Errors
/// If the version cannot carry the value.
pub fn encode_value<T: Wire>(kind: &Kind, version: i16, value: &T) -> Result<Bytes, EncodeError> {
    encode(version, value, At::new(version, kind.flexible))
}

fn encode<T: Wire>(number: i16, fields: &T, at: At) -> Result<Bytes, EncodeError> {
    let mut writer = Writer::default();
    writer.put(&number.to_be_bytes());
    fields.write(&mut writer, at)?;
    // No table here has records, so there is one piece; the length in front belongs to frames.
    let pieces = writer.finish()?;
    Ok(pieces.first().map(|piece| piece.slice(LENGTH_BYTES..)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_committed_offset_has_the_bytes_that_kafka_writes() {
        let key = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 7 };
        let bytes = encode_key(&Kind::OFFSET_COMMIT, &key).unwrap();
        assert_eq!(&bytes[..], b"\0\x01\0\x01g\0\x01t\0\0\0\x07");
        let value = OffsetCommitValue {
            offset: 5,
            leader_epoch: 2,
            metadata: "m".into(),
            commit_timestamp: 9,
            ..Default::default()
        };
        let bytes = encode_value(&Kind::OFFSET_COMMIT, 3, &value).unwrap();
        assert_eq!(&bytes[..], b"\0\x03\0\0\0\0\0\0\0\x05\0\0\0\x02\0\x01m\0\0\0\0\0\0\0\x09");
        let (version, fields) = split_number(&bytes).unwrap();
        assert_eq!(decode_value(&Kind::OFFSET_COMMIT, version, &fields), Ok(value));
    }

    #[test]
    fn a_member_says_in_so_many_words_that_it_is_no_classic_one() {
        let mut member =
            ConsumerGroupMemberMetadataValue { classic_member_metadata: None, ..Default::default() };
        let bytes = encode_value(&Kind::CONSUMER_GROUP_MEMBER_METADATA, 0, &member).unwrap();
        assert!(bytes.ends_with(b"\x01\0\x01\0"), "{bytes:?}: one tagged field, its number, its size, null");
        for metadata in [
            None,
            Some(ClassicMemberMetadata::default()),
            Some(ClassicMemberMetadata { session_timeout_ms: 5, ..Default::default() }),
        ] {
            member.classic_member_metadata = metadata;
            let bytes = encode_value(&Kind::CONSUMER_GROUP_MEMBER_METADATA, 0, &member).unwrap();
            let (_, fields) = split_number(&bytes).unwrap();
            assert_eq!(decode_value(&Kind::CONSUMER_GROUP_MEMBER_METADATA, 0, &fields).as_ref(), Ok(&member));
        }
    }

    #[test]
    fn a_key_that_ends_too_early_is_refused() {
        assert!(split_number(&Bytes::from_static(b"\0")).is_err());
        let (number, fields) = split_number(&Bytes::from_static(b"\0\x01\0\x05g")).unwrap();
        assert_eq!(number, 1);
        assert!(decode_key::<OffsetCommitKey>(&fields).is_err());
    }
}
