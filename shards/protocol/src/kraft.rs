//! The records of Kafka's own metadata log (`__cluster_metadata`), as far as a data directory can be taken over from
//! Kafka: read, never written.
//!
//! ```text
//! frame version  unsigned varint   1
//! kind           unsigned varint   the apiKey of Kafka's definition
//! version        unsigned varint
//! fields         as in a message of a flexible version
//! ```

use bytes::Bytes;
use types::Uuid;

use crate::schema::{StructSchema, Versions};
use crate::table::{first, present, tables, versions};
use crate::wire::{At, Wire};
use crate::{DecodeError, DecodeProblem, Reader, Str};

tables! {
    /// A topic was created.
    pub struct TopicRecord {
        /// Its name.
        name: Str, [0+];
        /// Its id.
        topic_id: Uuid, [0+];
    }

    /// The whole state of a partition.
    pub struct PartitionRecord {
        /// Its index.
        partition_id: i32, [0+] = -1;
        /// Its topic.
        topic_id: Uuid, [0+];
        /// The brokers with a replica, the preferred leader first.
        replicas: Vec<i32>, [0+];
        /// The replicas in sync.
        isr: Vec<i32>, [0+];
        /// Replicas that are being taken away.
        removing_replicas: Vec<i32>, [0+];
        /// Replicas that are being added.
        adding_replicas: Vec<i32>, [0+];
        /// The leader, or -1.
        leader: i32, [0+] = -1;
        /// 1 while it recovers from an election outside the in-sync replicas.
        leader_recovery_state: i8, [0+] tag 0;
        /// Counts the leaderships.
        leader_epoch: i32, [0+] = -1;
        /// Counts the changes.
        partition_epoch: i32, [0+] = -1;
        /// The log directory of each replica.
        directories: Vec<Uuid>, [1+];
        /// Replicas that may lead though they have left the in-sync ones.
        eligible_leader_replicas: Option<Vec<i32>>, [2+] nullable [2+] tag 1 = None;
        /// The last known of these.
        last_known_elr: Option<Vec<i32>>, [2+] nullable [2+] tag 2 = None;
    }

    /// What changed in a partition's state.
    pub struct PartitionChangeRecord {
        /// Its index.
        partition_id: i32, [0+] = -1;
        /// Its topic.
        topic_id: Uuid, [0+];
        /// The new in-sync replicas.
        isr: Option<Vec<i32>>, [0+] nullable [0+] tag 0 = None;
        /// The new leader; -1 for none, -2 if it stays.
        leader: i32, [0+] tag 1 = -2;
        /// The new replicas.
        replicas: Option<Vec<i32>>, [0+] nullable [0+] tag 2 = None;
        /// The new replicas that are being taken away.
        removing_replicas: Option<Vec<i32>>, [0+] nullable [0+] tag 3 = None;
        /// The new replicas that are being added.
        adding_replicas: Option<Vec<i32>>, [0+] nullable [0+] tag 4 = None;
        /// The new state of recovery; -1 if it stays.
        leader_recovery_state: i8, [0+] tag 5 = -1;
        /// The new directories.
        directories: Option<Vec<Uuid>>, [1+] nullable [1+] tag 8 = None;
        /// The new replicas that may lead though not in sync.
        eligible_leader_replicas: Option<Vec<i32>>, [2+] nullable [2+] tag 6 = None;
        /// The last known of these.
        last_known_elr: Option<Vec<i32>>, [2+] nullable [2+] tag 7 = None;
    }

    /// A dynamic setting was set or deleted.
    pub struct ConfigRecord {
        /// The kind of what it belongs to.
        resource_type: i8, [0+];
        /// Its name.
        resource_name: Str, [0+];
        /// The setting.
        name: Str, [0+];
        /// Its value; null deletes it.
        value: Option<Str>, [0+] nullable [0+];
    }

    /// A topic was removed.
    pub struct RemoveTopicRecord {
        /// Its id.
        topic_id: Uuid, [0+];
    }

    /// A feature has a level.
    pub struct FeatureLevelRecord {
        /// The feature.
        name: Str, [0+];
        /// The level; 0 removes it.
        feature_level: i16, [0+];
    }

    /// Producer ids were given out.
    pub struct ProducerIdsRecord {
        /// To which broker.
        broker_id: i32, [0+];
        /// In which of its registrations.
        broker_epoch: i64, [0+] = -1;
        /// The first id that is free.
        next_producer_id: i64, [0+];
    }
}

/// A record of Kafka's metadata log.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataRecord {
    Topic(TopicRecord),
    Partition(PartitionRecord),
    PartitionChange(PartitionChangeRecord),
    Config(ConfigRecord),
    RemoveTopic(RemoveTopicRecord),
    FeatureLevel(FeatureLevelRecord),
    ProducerIds(ProducerIdsRecord),
    /// Of a kind that is not read: its number, and its fields as they are.
    Other {
        kind: u32,
        fields: Bytes,
    },
}

/// A kind of record: its number, the versions that are read, and its table.
pub type Kind = (u32, Versions, &'static StructSchema);

/// The kinds that are read.
pub const KINDS: &[Kind] = &[
    (2, Versions::between(0, 0), &TopicRecord::SCHEMA),
    (3, Versions::between(0, 2), &PartitionRecord::SCHEMA),
    (4, Versions::between(0, 0), &ConfigRecord::SCHEMA),
    (5, Versions::between(0, 2), &PartitionChangeRecord::SCHEMA),
    (9, Versions::between(0, 0), &RemoveTopicRecord::SCHEMA),
    (12, Versions::between(0, 0), &FeatureLevelRecord::SCHEMA),
    (15, Versions::between(0, 0), &ProducerIdsRecord::SCHEMA),
];

const FRAME_VERSION: u32 = 1;

impl MetadataRecord {
    /// Reads the value of a record.
    ///
    /// # Errors
    /// For bytes that are none, and for versions of the kinds above that this release does not know.
    pub fn decode(value: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(value);
        reader.enter("frame version");
        let frame = reader.uvarint()?;
        reader.enter("kind");
        let kind = reader.uvarint()?;
        reader.enter("version");
        let version = reader.uvarint()?;
        let known = KINDS.iter().find(|(number, _, _)| *number == kind);
        let unsupported = reader.error(DecodeProblem::UnsupportedRecord { kind, version });
        let version = i16::try_from(version).map_err(|_| unsupported)?;
        if frame != FRAME_VERSION || known.is_some_and(|(_, versions, _)| !versions.contains(version)) {
            return Err(unsupported);
        }
        let reader = &mut reader;
        let at = At::new(version, Versions::since(0));
        Ok(match kind {
            2 => Self::Topic(Wire::read(reader, at)?),
            3 => Self::Partition(Wire::read(reader, at)?),
            4 => Self::Config(Wire::read(reader, at)?),
            5 => Self::PartitionChange(Wire::read(reader, at)?),
            9 => Self::RemoveTopic(Wire::read(reader, at)?),
            12 => Self::FeatureLevel(Wire::read(reader, at)?),
            15 => Self::ProducerIds(Wire::read(reader, at)?),
            kind => {
                let rest = reader.remaining();
                Self::Other { kind, fields: reader.slice(rest)? }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Writer;

    /// The bytes of a record as Kafka writes them.
    fn encoded(kind: u8, version: u8, fields: &impl Wire) -> Bytes {
        let mut writer = Writer::default();
        writer.put(&[1, kind, version]);
        fields.write(&mut writer, At::new(version.into(), Versions::since(0))).unwrap();
        // Without the length in front that a frame has.
        Bytes::from(writer.finish().unwrap().concat()).slice(4..)
    }

    #[test]
    fn records_read_back_in_every_version() {
        let partition = PartitionRecord {
            partition_id: 3,
            replicas: vec![1, 2],
            isr: vec![2],
            leader: 2,
            leader_epoch: 7,
            partition_epoch: 9,
            ..Default::default()
        };
        let read = |bytes| MetadataRecord::decode(&bytes).unwrap();
        assert_eq!(read(encoded(3, 0, &partition)), MetadataRecord::Partition(partition.clone()));
        let newer = PartitionRecord {
            directories: vec![Uuid([1; 16]), Uuid([2; 16])],
            eligible_leader_replicas: Some(vec![1]),
            ..partition
        };
        assert_eq!(read(encoded(3, 2, &newer)), MetadataRecord::Partition(newer));
        let change = PartitionChangeRecord { isr: Some(vec![1]), leader: 1, ..Default::default() };
        assert_eq!(read(encoded(5, 1, &change)), MetadataRecord::PartitionChange(change));
        let other = Bytes::from_static(&[1, 20, 0, 0]);
        let fields = Bytes::from_static(&[0]);
        assert_eq!(read(other), MetadataRecord::Other { kind: 20, fields });
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let problem =
            |bytes: &'static [u8]| MetadataRecord::decode(&Bytes::from_static(bytes)).unwrap_err().problem;
        let unsupported = |kind, version| DecodeProblem::UnsupportedRecord { kind, version };
        assert_eq!(problem(&[1, 3, 3, 0]), unsupported(3, 3), "a newer partition");
        assert_eq!(problem(&[2, 2, 0, 0]), unsupported(2, 0), "another frame");
        assert!(matches!(problem(&[1, 2]), DecodeProblem::Truncated { .. }));
        assert!(matches!(problem(&[1, 2, 0, 5, b'a']), DecodeProblem::Truncated { .. }));
    }
}
