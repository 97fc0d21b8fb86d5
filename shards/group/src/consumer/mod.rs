//! Groups of KIP-848: the coordinator assigns the partitions.

use metadata::Image;
use types::ErrorCode;

use crate::effects::Effects;
use crate::group::{Subscription, Turn};
use crate::names::GroupId;
use crate::records::Record;

/// A group whose partitions the coordinator assigns (KIP-848).
#[derive(Debug, Default)]
pub(crate) struct ConsumerGroup;

impl ConsumerGroup {
    /// Kafka's name of its state.
    pub fn state_name(&self) -> &'static str {
        "Empty"
    }

    /// Whether it has no members, and so may be deleted.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Whether nothing would be lost without it: no members and no record.
    pub fn is_vacant(&self) -> bool {
        true
    }

    /// Adds the records that delete it.
    pub fn delete(&self, id: &GroupId, records: &mut Vec<Record>) {
        let _ = (id, records);
    }

    /// The topics that its members subscribe to.
    pub fn subscription(&self) -> Subscription {
        Subscription::none()
    }

    /// Handles all that is due, and sets the alarm for what comes next.
    pub fn expire(&mut self, image: &Image, turn: &mut Turn<'_>) {
        let _ = (image, turn);
    }

    /// The group was loaded: from now on its members have to show that they are alive.
    pub fn loaded(&mut self, turn: &mut Turn<'_>) {
        let _ = turn;
    }

    /// The coordinator ends: who waits is told so.
    pub fn unload(&mut self, error: ErrorCode, out: &mut Effects) {
        let _ = (error, out);
    }
}
