//! The topics that consumers subscribe to, as they say it in their metadata (Kafka's `ConsumerProtocolSubscription`).

use std::collections::BTreeSet;

use bytes::Bytes;
use protocol::wire::{At, Wire};
use protocol::{DecodeError, Reader, Str, Versions};

use super::group::ClassicGroup;
use crate::group::Subscription;

impl ClassicGroup {
    /// The topics that the members of this generation subscribe to.
    pub(super) fn subscription(&self) -> Subscription {
        let Some(protocol) = self.protocol.as_deref().filter(|_| self.is_of_consumers()) else {
            return Subscription::Unknown;
        };
        let mut topics = BTreeSet::new();
        for member in self.members.iter() {
            match read_topics(&member.metadata(protocol)) {
                Ok(read) => topics.extend(read),
                Err(_) => return Subscription::Unknown,
            }
        }
        Subscription::Topics(topics)
    }
}

/// Every version begins with its number and the topics.
fn read_topics(metadata: &Bytes) -> Result<Vec<Str>, DecodeError> {
    let mut reader = Reader::new(metadata);
    let at = At::new(0, Versions::NONE);
    reader.enter("version");
    i16::read(&mut reader, at)?;
    reader.enter("topics");
    Vec::<Str>::read(&mut reader, at)
}
