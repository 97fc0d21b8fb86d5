//! Replicas that go offline with a log directory of their broker, and that come back.
//!
//! Without any replica that could lead, a partition has no leader; the replicas in sync stay what they are, so that nobody
//! else is elected who lacks records. Kafka's controller does the same with the directories that a broker's heartbeat
//! names as offline.

use metadata::{Partition, PartitionChange, Record};
use types::{BrokerId, ErrorCode, LeaderEpoch};

use crate::Controller;
use crate::request::{Outcome, Refusal, ReportReplicas};

impl Controller {
    /// Takes partitions from a broker that has lost their directories, and gives back those that it has again. Partitions
    /// for which nothing changes, or that there are not, are passed over.
    #[must_use]
    pub fn report_replicas(&self, request: &ReportReplicas) -> Outcome<Result<(), Refusal>> {
        if let Err(refusal) = self.check_broker_epoch(request.broker, request.broker_epoch) {
            return Outcome::refused(refusal);
        }
        let mut records = Vec::new();
        let offline = request.offline.iter().map(|at| (*at, false));
        let online = request.online.iter().map(|at| (*at, true));
        let reported: std::collections::BTreeMap<_, _> = offline.chain(online).collect();
        for ((topic, index), is_online) in reported {
            let Some(state) = self.image().partition(topic, index) else { continue };
            let change = match is_online {
                true => back_online(state, request.broker),
                false => self.gone_offline(state, request.broker),
            };
            match change {
                None => {}
                Some(None) => {
                    let text = format!("Partition {index} of topic {topic} has had all its epochs");
                    return Outcome::refused(Refusal::new(ErrorCode::UnknownServerError, text));
                }
                Some(Some(change)) => records.push(Record::PartitionChange { topic, index, change }),
            }
        }
        Outcome { records, reply: Ok(()) }
    }

    /// What changes when `broker` can no longer lead; `None` if it does not.
    fn gone_offline(&self, state: &Partition, broker: BrokerId) -> Option<Option<PartitionChange>> {
        if state.leader != broker {
            return None;
        }
        let serves = |id: &BrokerId| self.image().brokers().get(id).is_some_and(|broker| !broker.fenced);
        let heir = state.isr.iter().copied().find(|id| *id != broker && serves(id));
        let change = led_by(state, heir.unwrap_or(BrokerId::NONE));
        Some(change.map(|change| match heir {
            None => change,
            Some(_) => {
                let isr = state.isr.iter().copied().filter(|id| *id != broker).collect();
                PartitionChange { isr: Some(isr), ..change }
            }
        }))
    }
}

/// What changes when `broker` has its replica again: it leads where nobody does, if it has all that was acknowledged.
fn back_online(state: &Partition, broker: BrokerId) -> Option<Option<PartitionChange>> {
    let may_lead = state.leader == BrokerId::NONE && state.isr.contains(&broker);
    may_lead.then(|| led_by(state, broker))
}

/// A new leadership; `None` if there are no more epochs.
fn led_by(state: &Partition, leader: BrokerId) -> Option<PartitionChange> {
    Some(PartitionChange {
        leader: Some(leader),
        leader_epoch: Some(LeaderEpoch(state.leader_epoch.0.checked_add(1)?)),
        partition_epoch: state.partition_epoch.checked_add(1)?,
        ..PartitionChange::default()
    })
}
