//! On which brokers new partitions begin: as the asker chose, or as the placement does.

use metadata::placement::{Candidate, Placer};
use metadata::{Broker, Image, Partition};
use types::{BrokerId, DirectoryId, ErrorCode, LeaderEpoch, PartitionIndex};

use crate::request::Refusal;

/// A placer over all registered brokers.
pub(crate) fn placer(image: &Image, replicas: i16, seed: u64) -> Result<Placer, Refusal> {
    Placer::new(image.brokers().values().map(Candidate::from), replicas, seed)
        .map_err(|error| Refusal::new(ErrorCode::InvalidReplicationFactor, error.to_string()))
}

/// Checks the brokers that were chosen for one partition; `replicas` is how many each of its topic's partitions has.
pub(crate) fn check_chosen(image: &Image, chosen: &[BrokerId], replicas: usize) -> Result<(), Refusal> {
    if chosen.is_empty() {
        return invalid("The manual partition assignment includes an empty replica list.");
    }
    for (place, id) in chosen.iter().enumerate() {
        if !image.brokers().contains_key(id) {
            return invalid(format!(
                "The manual partition assignment includes broker {id}, but no such broker is registered."
            ));
        }
        if chosen[..place].contains(id) {
            return invalid(format!(
                "The manual partition assignment includes the broker {id} more than once."
            ));
        }
    }
    if chosen.len() != replicas {
        return invalid(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not consistent \
             with previous partitions, which have {replicas} replica(s).",
            chosen.len()
        ));
    }
    Ok(())
}

/// The first state of a partition: everyone who is not fenced is in sync, and the first of them leads.
pub(crate) fn first_state(
    image: &Image,
    index: PartitionIndex,
    replicas: Vec<BrokerId>,
) -> Result<Partition, Refusal> {
    let broker = |id: &BrokerId| image.brokers().get(id);
    let isr: Vec<BrokerId> =
        replicas.iter().copied().filter(|id| broker(id).is_some_and(|broker| !broker.fenced)).collect();
    let Some(leader) = isr.first().copied() else {
        return invalid(format!(
            "All brokers specified in the manual partition assignment for partition {index} are fenced or in \
             controlled shutdown."
        ));
    };
    let directories =
        replicas.iter().map(|id| broker(id).map_or(DirectoryId::ZERO, only_directory)).collect();
    Ok(Partition { replicas, directories, isr, leader, leader_epoch: LeaderEpoch(0), partition_epoch: 0 })
}

/// A broker with one log directory will put the replica there; one with several chooses by itself.
fn only_directory(broker: &Broker) -> DirectoryId {
    match broker.directories[..] {
        [only] => only,
        _ => DirectoryId::ZERO,
    }
}

fn invalid<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, text))
}
