//! What consumers of the classic protocol tell each other through the coordinator, which only passes it on: what a member
//! subscribes to, and what the leader assigns to it.
//!
//! ```text
//! version  int16
//! fields          as in a message of that version that is not flexible
//! ```
//!
//! # Invariants
//! - A version that is not known yet is read as the latest that is: later ones add fields at the end only.

use bytes::Bytes;

use crate::table::{first, present, tables, versions};
use crate::wire::{At, Wire};
use crate::writer::LENGTH_BYTES;
use crate::{DecodeError, EncodeError, Reader, Str, Versions, Writer};

tables! {
    /// What a consumer subscribes to.
    pub struct ConsumerProtocolSubscription {
        /// The topics.
        topics: Vec<Str>, [0+];
        /// What its assignor adds.
        user_data: Option<Bytes>, [0+] nullable [0+] = None;
        /// The partitions that it holds.
        owned_partitions: Vec<OwnedPartitions>, [1+] (ignorable);
        /// The generation in which it got them, or -1.
        generation_id: i32, [2+] (ignorable) = -1;
        /// The rack that it is in.
        rack_id: Option<Str>, [3+] nullable [3+] (ignorable) = None;
    }

    /// What a consumer is to hold.
    pub struct ConsumerProtocolAssignment {
        /// The partitions.
        assigned_partitions: Vec<AssignedPartitions>, [0+];
        /// What the leader's assignor adds.
        user_data: Option<Bytes>, [0+] nullable [0+] = None;
    }

    /// Partitions of a topic, in [`ConsumerProtocolSubscription`].
    pub struct OwnedPartitions {
        /// The topic.
        topic: Str, [1+];
        /// The partitions.
        partitions: Vec<i32>, [1+];
    }

    /// Partitions of a topic, in [`ConsumerProtocolAssignment`].
    pub struct AssignedPartitions {
        /// The topic.
        topic: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }
}

/// The versions that both have.
pub const VERSIONS: Versions = Versions::between(0, 3);

/// Reads what a member says about itself or is assigned, and the version it is in.
///
/// # Errors
/// If the bytes are neither of this version nor of a later one.
pub fn decode<T: Wire>(bytes: &Bytes) -> Result<(i16, T), DecodeError> {
    let mut reader = Reader::new(bytes);
    reader.enter("version");
    let version = i16::read(&mut reader, At::new(0, Versions::NONE))?;
    let known = version.clamp(VERSIONS.min, VERSIONS.max);
    Ok((version, T::read(&mut reader, At::new(known, Versions::NONE))?))
}

/// Writes it in this version, or in the latest that is known if that is older.
///
/// # Errors
/// If a text or an array is too long for the format.
pub fn encode<T: Wire>(version: i16, fields: &T) -> Result<Bytes, EncodeError> {
    let version = version.clamp(VERSIONS.min, VERSIONS.max);
    let mut writer = Writer::default();
    writer.put(&version.to_be_bytes());
    fields.write(&mut writer, At::new(version, Versions::NONE))?;
    // No table here has records, so there is one piece; the length in front belongs to frames.
    let pieces = writer.finish()?;
    Ok(pieces.first().map(|piece| piece.slice(LENGTH_BYTES..)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_has_the_bytes_that_kafkas_client_writes() {
        let subscription = ConsumerProtocolSubscription {
            topics: vec!["t".into()],
            owned_partitions: vec![OwnedPartitions { topic: "t".into(), partitions: vec![2] }],
            generation_id: 7,
            ..Default::default()
        };
        let bytes = encode(3, &subscription).unwrap();
        let expected =
            b"\0\x03\0\0\0\x01\0\x01t\xff\xff\xff\xff\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x02\0\0\0\x07\xff\xff";
        assert_eq!(&bytes[..], expected);
        assert_eq!(decode(&bytes), Ok((3, subscription)));
    }

    #[test]
    fn a_later_version_is_read_as_the_latest_that_is_known() {
        let mut bytes = encode(3, &ConsumerProtocolAssignment::default()).unwrap().to_vec();
        bytes[1] = 9;
        bytes.extend_from_slice(b"something new");
        assert_eq!(decode(&bytes.into()), Ok((9, ConsumerProtocolAssignment::default())));
    }

    #[test]
    fn bytes_that_end_too_early_are_refused() {
        assert!(decode::<ConsumerProtocolAssignment>(&Bytes::from_static(b"\0\0\0\0\0")).is_err());
        assert!(decode::<ConsumerProtocolAssignment>(&Bytes::new()).is_err());
    }
}
