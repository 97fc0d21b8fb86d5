//! When offsets that nobody uses any more are deleted (`offsets.retention.minutes`, KIP-211).

use protocol::Str;
use types::{PartitionIndex, TimestampMs};

use super::{CommittedOffset, Offsets, tombstone};
use crate::group::Subscription;
use crate::names::GroupId;
use crate::records::Record;

/// From when on the retention of a group's offsets counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// It does not: the group is changing, or what its members consume is not known.
    Never,
    /// Since the group has no members; where it is not known since when, from the commit on.
    SinceEmpty(Option<TimestampMs>),
    /// Since the commit, except for topics that members consume.
    SinceCommit(Subscription),
}

impl Expiry {
    fn has_expired(
        &self,
        topic: &str,
        offset: &CommittedOffset,
        now: TimestampMs,
        retention_ms: i64,
    ) -> bool {
        let since = match self {
            Self::Never => return false,
            Self::SinceEmpty(since) => since.unwrap_or(offset.committed_at),
            Self::SinceCommit(consumed) if consumed.contains(topic) => return false,
            Self::SinceCommit(_) => offset.committed_at,
        };
        match offset.expires_at {
            Some(at) => now >= at,
            None => now.0.saturating_sub(since.0) >= retention_ms,
        }
    }
}

impl Offsets {
    /// Adds the records that delete what has expired, but no more than `count_max`. Gives how many those are.
    pub fn delete_expired(
        &self,
        id: &GroupId,
        expiry: &Expiry,
        now: TimestampMs,
        retention_ms: i64,
        count_max: usize,
        records: &mut Vec<Record>,
    ) -> usize {
        let before = records.len();
        records.extend(
            self.each()
                .filter(|(topic, _, offset)| expiry.has_expired(topic, offset, now, retention_ms))
                .take(count_max)
                .map(|(topic, partition, _)| tombstone(id, topic, partition)),
        );
        records.len() - before
    }

    fn each(&self) -> impl Iterator<Item = (&Str, PartitionIndex, &CommittedOffset)> {
        self.topics().flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, offset)| (topic, *partition, offset))
        })
    }
}
