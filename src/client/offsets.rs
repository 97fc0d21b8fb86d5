//! Asking leaders for offsets: the ends of partitions, and the first records of a time.

use std::collections::BTreeMap;
use std::time::Instant;

use protocol::Str;
use protocol::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use types::{BrokerId, Offset, PartitionIndex, TimestampMs};

use super::consumer::Isolation;
use super::error::{ClientError, is_retriable};
use super::node::{Client, pause};
use super::topic::Topic;

/// What to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetTarget {
    /// The first record that is there.
    Earliest,
    /// Behind the last record that may be read.
    Latest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first record that is at least as new.
    AtOrAfter(TimestampMs),
}

impl OffsetTarget {
    /// Kafka's marks in the place of a timestamp.
    const fn on_wire(self) -> i64 {
        match self {
            Self::Latest => -1,
            Self::Earliest => -2,
            Self::MaxTimestamp => -3,
            Self::AtOrAfter(timestamp) => timestamp.0,
        }
    }
}

/// What a leader found; both are -1 if there is no such record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundOffset {
    pub offset: Offset,
    pub timestamp: TimestampMs,
}

type Found = BTreeMap<PartitionIndex, FoundOffset>;

impl Client {
    /// Finds an offset in each of the partitions, trying again while leaders change. `topic` is brought up to date.
    pub fn offsets(
        &mut self,
        topic: &mut Topic,
        partitions: &[PartitionIndex],
        target: OffsetTarget,
        isolation: Isolation,
    ) -> Result<Found, ClientError> {
        let deadline = Instant::now() + self.options().request_timeout;
        let mut found = Found::new();
        loop {
            let missing: Vec<PartitionIndex> =
                partitions.iter().copied().filter(|p| !found.contains_key(p)).collect();
            if missing.is_empty() {
                return Ok(found);
            }
            match self.offsets_once(topic, &missing, target, isolation, &mut found) {
                Ok(()) => {}
                Err(error) if error.is_retriable() && Instant::now() < deadline => {
                    pause();
                    *topic = self.topic(&topic.name, false)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn offsets_once(
        &mut self,
        topic: &Topic,
        partitions: &[PartitionIndex],
        target: OffsetTarget,
        isolation: Isolation,
        found: &mut Found,
    ) -> Result<(), ClientError> {
        let mut by_leader: BTreeMap<BrokerId, Vec<ListOffsetsPartition>> = BTreeMap::new();
        for partition in partitions {
            let asked = ListOffsetsPartition {
                partition_index: partition.0,
                timestamp: target.on_wire(),
                ..Default::default()
            };
            by_leader.entry(topic.leader(*partition)?).or_default().push(asked);
        }
        let mut retriable = None;
        for (leader, partitions) in by_leader {
            let asked = ListOffsetsTopic { name: Str::from(topic.name.as_str()), partitions };
            let request = ListOffsetsRequest {
                replica_id: -1,
                isolation_level: isolation.on_wire(),
                topics: vec![asked],
                timeout_ms: i32::try_from(self.options().request_timeout.as_millis()).unwrap_or(i32::MAX),
            };
            let response = self.ask_broker(leader, &request)?;
            take_in(topic, &response, found, &mut retriable)?;
        }
        retriable.map_or(Ok(()), Err)
    }
}

/// Takes what was found out of an answer; errors that may pass are kept until all answers are there.
fn take_in(
    topic: &Topic,
    response: &ListOffsetsResponse,
    found: &mut Found,
    retriable: &mut Option<ClientError>,
) -> Result<(), ClientError> {
    for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
        let index = PartitionIndex(partition.partition_index);
        let what = || format!("offsets of partition {index} of {}", topic.name);
        match ClientError::check(partition.error_code, None, what) {
            Ok(()) => {
                let offset = Offset(partition.offset);
                found.insert(index, FoundOffset { offset, timestamp: TimestampMs(partition.timestamp) });
            }
            Err(error) if is_retriable(partition.error_code) => *retriable = Some(error),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
