//! Topics get more partitions.

use std::collections::BTreeMap;

use metadata::{Partition, Record, Topic};
use types::{ErrorCode, PartitionIndex, limits};

use crate::Controller;
use crate::assignment::{check_chosen, first_state, placer};
use crate::create_topics::PARTITIONS_PER_REQUEST_MAX;
use crate::request::{CreatePartitions, NewPartitions, Outcome, Refusal, TopicResult};
use crate::seed::Seed;

impl Controller {
    /// Gives topics more partitions, or checks whether they could have them. A topic that is named twice is refused,
    /// with one result.
    #[must_use]
    pub fn create_partitions(&self, request: &CreatePartitions, seed: Seed) -> Outcome<Vec<TopicResult<()>>> {
        let mut count = BTreeMap::new();
        for topic in &request.topics {
            *count.entry(topic.name.as_str()).or_insert(0) += 1;
        }
        let (mut records, mut reply, mut room) = (Vec::new(), Vec::new(), PARTITIONS_PER_REQUEST_MAX);
        for (n, topic) in (0..).zip(&request.topics) {
            let result = match count.remove(topic.name.as_str()) {
                // Its result is there already.
                None => continue,
                Some(1) => self.more_partitions(topic, seed.number(n), &mut room),
                Some(_) => Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.")),
            };
            let result = result.map(|more| records.extend(more));
            reply.push(TopicResult { name: topic.name.clone(), result });
        }
        if request.validate_only {
            records.clear();
        }
        Outcome { records, reply }
    }

    fn more_partitions(
        &self,
        request: &NewPartitions,
        seed: u64,
        room: &mut i64,
    ) -> Result<Vec<Record>, Refusal> {
        let topic = self.image().topic(&request.name).ok_or_else(|| {
            let text = "This server does not host this topic-partition.";
            Refusal::new(ErrorCode::UnknownTopicOrPartition, text)
        })?;
        let from = topic.partitions.len() as i32;
        let more = check_count(&request.name, from, request.count)?;
        if let Some(chosen) = &request.assignments
            && i64::try_from(chosen.len()) != Ok(more)
        {
            let text = format!(
                "Attempted to add {more} additional partition(s), but only {} assignment(s) were specified.",
                chosen.len()
            );
            return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, text));
        }
        if more > *room {
            let text = "Excessively large number of partitions per request.";
            return Err(Refusal::new(ErrorCode::PolicyViolation, text));
        }
        *room -= more;
        let states = self.new_states(topic, from..request.count, request, seed)?;
        let indexes = (from..).map(PartitionIndex);
        let record = |(index, state)| Record::Partition { topic: topic.id, index, state };
        Ok(indexes.zip(states).map(record).collect())
    }

    fn new_states(
        &self,
        topic: &Topic,
        indexes: std::ops::Range<i32>,
        request: &NewPartitions,
        seed: u64,
    ) -> Result<Vec<Partition>, Refusal> {
        let replicas = topic.partitions.first().map_or(1, |partition| partition.replicas.len());
        let indexes = indexes.map(PartitionIndex);
        match &request.assignments {
            None => {
                let placer = placer(self.image(), i16::try_from(replicas).unwrap_or(i16::MAX), seed)?;
                indexes.map(|index| first_state(self.image(), index, placer.place(index))).collect()
            }
            Some(chosen) => {
                let state = |(index, brokers): (_, &Vec<_>)| {
                    check_chosen(self.image(), brokers, replicas)?;
                    first_state(self.image(), index, brokers.clone())
                };
                indexes.zip(chosen).map(state).collect()
            }
        }
    }
}

/// How many partitions come to those that there are.
fn check_count(name: &str, from: i32, count: i32) -> Result<i64, Refusal> {
    let text = if count == from {
        format!("Topic already has {from} partition(s).")
    } else if count < from {
        format!("The topic {name} currently has {from} partition(s); {count} would not be an increase.")
    } else if count > limits::TOPIC_PARTITIONS_MAX {
        format!("A topic may have {} partition(s) at most.", limits::TOPIC_PARTITIONS_MAX)
    } else {
        return Ok(i64::from(count) - i64::from(from));
    };
    Err(Refusal::new(ErrorCode::InvalidPartitions, text))
}
