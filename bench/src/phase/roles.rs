//! Who produces what in a phase, and who reads what.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Phase;
use crate::consumer::{ConsumerParts, Source};
use crate::moment::Moment;
use crate::payload::{Keys, Values};
use crate::plan::{Load, Mode, ProducePlan};
use crate::producer::{ProducerParts, Target, TopicName};
use crate::random::Random;
use crate::schedule::Schedule;
use crate::worker::Role;

/// All producers and consumers. They take turns, so that threads get some of both.
pub(super) fn roles(phase: &Phase<'_>, topics: &Arc<[TopicName]>) -> Vec<Role> {
    let plan = &phase.plan;
    let producers = if plan.mode.produces() { plan.producers } else { 0 };
    let consumers = if plan.mode.consumes() { plan.consumers } else { 0 };
    let shares = reading_shares(phase, consumers);
    let produce = Arc::new(plan.produce.clone());
    let mut roles = Vec::new();
    for index in 0..producers.max(consumers) {
        if index < producers {
            roles.push(Role::Produce(Box::new(producer(phase, topics, &produce, index, &shares))));
        }
        if let Some(share) = shares.get(index)
            && !share.is_empty()
        {
            roles.push(Role::Consume(Box::new(ConsumerParts {
                plan: plan.fetch,
                topics: Arc::clone(topics),
                sources: share.clone(),
                run: phase.run,
                timeout: phase.access.timeout,
            })));
        }
    }
    roles
}

fn producer(
    phase: &Phase<'_>,
    topics: &Arc<[TopicName]>,
    produce: &Arc<ProducePlan>,
    index: usize,
    shares: &[Vec<Source>],
) -> ProducerParts {
    let plan = &phase.plan;
    let mut readers: BTreeMap<(usize, i32), u64> = BTreeMap::new();
    for source in shares.iter().flatten() {
        *readers.entry((source.topic, source.partition)).or_default() += 1;
    }
    let (count, all) = (phase.map.topics.len(), plan.producers);
    let mut targets = Vec::new();
    for (topic, described) in phase.map.topics.iter().enumerate() {
        // With more producers than topics several share one; with more topics than producers one has several.
        let is_own = if all >= count { index % count == topic } else { topic % all == index };
        if is_own {
            targets.extend((0..).zip(&described.leaders).map(|(partition, leader)| Target {
                topic,
                partition,
                leader: *leader,
                readers: readers.get(&(topic, partition)).copied().unwrap_or_default(),
            }));
        }
    }
    let random = |purpose: u64| Random::new(plan.seed).fork((index as u64) << 8 | purpose);
    let schedule = match plan.produce.load {
        Load::Closed => None,
        // It begins with the run, whose start is not known yet.
        Load::Open { records_per_second, arrivals } => {
            Some(Schedule::share(records_per_second, arrivals, Moment::ORIGIN, (index, all), plan.seed))
        }
    };
    let share_of = |records: u64| (records + all as u64 - 1 - index as u64) / all as u64;
    ProducerParts {
        plan: Arc::clone(produce),
        topics: Arc::clone(topics),
        // Producers begin at different partitions.
        first_target: targets.len() * index / all,
        targets,
        values: Values::new(plan.records.sizes, plan.records.random_share, phase.run, random(0), all),
        keys: plan.records.keys.map(|count| Keys::new(count, random(1))),
        schedule,
        records: plan.produce.records.map(share_of),
        timeout: phase.access.timeout,
    }
}

/// Who reads what. Consumers share the partitions; where they are more, several read the same one.
fn reading_shares(phase: &Phase<'_>, consumers: usize) -> Vec<Vec<Source>> {
    let mut all = Vec::new();
    for (topic, (described, offsets)) in phase.map.topics.iter().zip(&phase.offsets).enumerate() {
        for (partition, (leader, (begin, end))) in (0..).zip(described.leaders.iter().zip(offsets)) {
            let from_begin = phase.plan.mode.reads_backlog();
            all.push(Source {
                topic,
                partition,
                leader: *leader,
                position: if from_begin { *begin } else { *end },
                end: (phase.plan.mode == Mode::Consume).then_some(*end),
                backlog_end: *end,
            });
        }
    }
    (0..consumers)
        .map(|consumer| {
            if all.is_empty() {
                return Vec::new();
            }
            if consumers >= all.len() {
                return vec![all[consumer % all.len()].clone()];
            }
            all.iter().skip(consumer).step_by(consumers).cloned().collect()
        })
        .collect()
}
