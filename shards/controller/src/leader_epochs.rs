//! Partitions get a new leader epoch though their leader stays.
//!
//! A leader that crashed may have lost records that were acknowledged but not yet durable, where the settings allow that.
//! It will give their offsets to other records. Under a new epoch consumers notice (KIP-320), as they do with Kafka, where
//! every restart of a broker is a new leadership.

use metadata::{PartitionChange, Record};
use types::{ErrorCode, LeaderEpoch, PartitionIndex, TopicId};

use crate::Controller;
use crate::request::{Outcome, Refusal, RenewLeaderEpochs};

impl Controller {
    /// Gives partitions that the broker leads their next leader epoch. The reply has those that it does not lead, or
    /// that there are not, for which nothing is done.
    #[must_use]
    pub fn renew_leader_epochs(
        &self,
        request: &RenewLeaderEpochs,
    ) -> Outcome<Result<Vec<(TopicId, PartitionIndex)>, Refusal>> {
        if let Err(refusal) = self.check_broker_epoch(request.broker, request.broker_epoch) {
            return Outcome::refused(refusal);
        }
        let (mut records, mut others) = (Vec::new(), Vec::new());
        let wanted: std::collections::BTreeSet<_> = request.partitions.iter().copied().collect();
        for (topic, index) in wanted {
            let state = self.image().partition(topic, index).filter(|state| state.leader == request.broker);
            let Some(state) = state else {
                others.push((topic, index));
                continue;
            };
            let (Some(epoch), Some(partition_epoch)) =
                (state.leader_epoch.0.checked_add(1), state.partition_epoch.checked_add(1))
            else {
                let text = format!("Partition {index} of topic {topic} has had all its epochs");
                return Outcome::refused(Refusal::new(ErrorCode::UnknownServerError, text));
            };
            let change = PartitionChange {
                leader_epoch: Some(LeaderEpoch(epoch)),
                partition_epoch,
                ..PartitionChange::default()
            };
            records.push(Record::PartitionChange { topic, index, change });
        }
        Outcome { records, reply: Ok(others) }
    }
}
