//! Groups and what they have committed, asked of their coordinators.
//!
//! # Invariants
//! - An answer of a broker that does not coordinate the group, or not yet, is never taken for the group's: the
//!   coordinator is looked for again.

use std::collections::BTreeMap;
use std::time::Instant;

use protocol::messages::group_offsets::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use protocol::messages::{
    DeleteGroupsRequest, FindCoordinatorRequest, ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest,
};
use protocol::{Request, Str, Versions};
use types::{BrokerId, Offset, PartitionIndex};

use super::connection::any_version;
use super::error::ClientError;
use super::node::{Client, pause};

/// Those that look for the coordinator of one group.
const FIND_COORDINATOR: Versions = Versions::between(0, 3);
/// Those that ask for all offsets of one group, and name topics.
const OFFSET_FETCH: Versions = Versions::between(2, 7);
/// Those that name topics.
const OFFSET_COMMIT: Versions = Versions::between(2, 9);

const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const NOT_COORDINATOR: i16 = 16;

/// A group as its coordinator lists it.
#[derive(Clone, Debug)]
pub struct ListedGroup {
    pub id: String,
    pub coordinator: BrokerId,
    /// What its members are: `consumer`, `connect`; empty if it only has offsets.
    pub protocol_type: String,
    /// Empty from brokers before Kafka 2.6.
    pub state: String,
    /// `Classic` or `Consumer`, or a kind that is not known here; empty from brokers before Kafka 3.8.
    pub kind: String,
}

/// Offsets by topic and partition.
pub type Committed = BTreeMap<String, BTreeMap<PartitionIndex, Offset>>;

/// A partition whose offset a coordinator did not take, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCommit {
    pub topic: String,
    pub partition: PartitionIndex,
    pub code: i16,
}

impl Client {
    /// The groups of all brokers by name; empty filters let all through.
    pub fn list_groups(
        &mut self,
        states: &[String],
        kinds: &[String],
    ) -> Result<Vec<ListedGroup>, ClientError> {
        let texts = |texts: &[String]| texts.iter().map(|text| Str::from(text.as_str())).collect();
        let request = ListGroupsRequest { states_filter: texts(states), types_filter: texts(kinds) };
        self.metadata(Some(&[]), false)?;
        let brokers: Vec<BrokerId> = self.brokers().map(|(broker, _)| broker).collect();
        let mut groups = Vec::new();
        for broker in brokers {
            let response = self.until_loaded(|client| {
                let response = client.ask_broker(broker, &request)?;
                Ok((response.error_code, response))
            })?;
            ClientError::check(response.error_code, None, || format!("the groups of broker {broker}"))?;
            groups.extend(response.groups.iter().map(|group| ListedGroup {
                id: group.group_id.to_string(),
                coordinator: broker,
                protocol_type: group.protocol_type.to_string(),
                state: group.group_state.to_string(),
                kind: group.group_type.to_string(),
            }));
        }
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(groups)
    }

    /// Deletes a group with its offsets.
    pub fn delete_group(&mut self, group: &str) -> Result<(), ClientError> {
        let request = DeleteGroupsRequest { groups_names: vec![Str::from(group)] };
        let first = |response: &<DeleteGroupsRequest as Request>::Response| {
            response.results.first().map_or(0, |result| result.error_code)
        };
        let any = any_version::<DeleteGroupsRequest>();
        let (_, response) = self.ask_coordinator(group, &request, any, first)?;
        ClientError::check(first(&response), None, || format!("cannot delete group {group}"))
    }

    /// What a group has committed.
    pub fn committed(&mut self, group: &str) -> Result<Committed, ClientError> {
        let request = OffsetFetchRequest { group_id: Str::from(group), topics: None, ..Default::default() };
        let (_, response) =
            self.ask_coordinator(group, &request, OFFSET_FETCH, |response| response.error_code)?;
        let what = || format!("offsets of group {group}");
        ClientError::check(response.error_code, None, what)?;
        let mut committed = Committed::new();
        for topic in &response.topics {
            for partition in &topic.partitions {
                ClientError::check(partition.error_code, None, what)?;
                if partition.committed_offset >= 0 {
                    let offsets = committed.entry(topic.name.to_string()).or_default();
                    offsets.insert(
                        PartitionIndex(partition.partition_index),
                        Offset(partition.committed_offset),
                    );
                }
            }
        }
        Ok(committed)
    }

    /// Commits offsets for a group without members; returns those that were not taken.
    pub fn commit(&mut self, group: &str, offsets: &Committed) -> Result<Vec<RefusedCommit>, ClientError> {
        let partition = |(partition, offset): (&PartitionIndex, &Offset)| OffsetCommitRequestPartition {
            partition_index: partition.0,
            committed_offset: offset.0,
            committed_leader_epoch: -1,
            committed_metadata: Some(Str::default()),
        };
        let topic = |(name, partitions): (&String, &BTreeMap<PartitionIndex, Offset>)| {
            let partitions = partitions.iter().map(partition).collect();
            OffsetCommitRequestTopic { name: Str::from(name.as_str()), partitions, ..Default::default() }
        };
        let request = OffsetCommitRequest {
            group_id: Str::from(group),
            topics: offsets.iter().map(topic).collect(),
            ..Default::default()
        };
        let (_, response) = self.ask_coordinator(group, &request, OFFSET_COMMIT, |response| {
            let mut codes = response.topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code);
            // A coordinator that is the wrong one, or loads, takes no partition at all.
            codes.find(|code| *code != 0).unwrap_or_default()
        })?;
        let mut refused = Vec::new();
        for topic in &response.topics {
            refused.extend(topic.partitions.iter().filter(|p| p.error_code != 0).map(|p| RefusedCommit {
                topic: topic.name.to_string(),
                partition: PartitionIndex(p.partition_index),
                code: p.error_code,
            }));
        }
        Ok(refused)
    }

    /// Asks the coordinator of a group, which is told with the answer; `code` is the error of an answer.
    pub(super) fn ask_coordinator<R: Request>(
        &mut self,
        group: &str,
        request: &R,
        wanted: Versions,
        code: impl Fn(&R::Response) -> i16,
    ) -> Result<(BrokerId, R::Response), ClientError> {
        self.until_loaded(|client| {
            let coordinator = client.coordinator(group)?;
            let response = client.ask_broker_version(coordinator, request, wanted)?;
            Ok((code(&response), (coordinator, response)))
        })
    }

    /// The broker that coordinates a group.
    fn coordinator(&mut self, group: &str) -> Result<BrokerId, ClientError> {
        let request = FindCoordinatorRequest { key: Str::from(group), ..Default::default() };
        let response = self.until_loaded(|client| {
            let response = client.ask_version(&request, FIND_COORDINATOR)?;
            Ok((response.error_code, response))
        })?;
        let message = response.error_message.as_deref();
        ClientError::check(response.error_code, message, || format!("the coordinator of group {group}"))?;
        Ok(BrokerId(response.node_id))
    }

    /// Asks again while the error of the answer is one that passes when a coordinator has come up.
    fn until_loaded<T>(
        &mut self,
        mut ask: impl FnMut(&mut Self) -> Result<(i16, T), ClientError>,
    ) -> Result<T, ClientError> {
        let deadline = Instant::now() + self.options().request_timeout;
        loop {
            let (code, answer) = ask(self)?;
            let passes =
                matches!(code, COORDINATOR_LOAD_IN_PROGRESS | COORDINATOR_NOT_AVAILABLE | NOT_COORDINATOR);
            if !passes || Instant::now() >= deadline {
                return Ok(answer);
            }
            pause();
        }
    }
}
