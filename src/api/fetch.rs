//! Fetch, versions 4 to 18.
//!
//! # Hot path
//! Records go from the owner's memory into the response as views; nothing is copied.

use std::time::{Duration, Instant};

use protocol::messages::fetch::{
    AbortedTransaction, EpochEndOffset, FetchPartition, FetchableTopicResponse, PartitionData,
};
use protocol::messages::{FetchRequest, FetchResponse};
use protocol::{Records, Str};
use types::{ErrorCode, LeaderEpoch, Offset, ProducerId, TopicPartition, Uuid};

use super::{encode, topics};
use crate::fetch_session::{FetchPlan, TopicRef, Wanted};
use crate::requests::{Answer, Call, Gather};
use crate::routing::ByOwner;
use crate::shard::Shard;
use crate::work::{Done, Fetched, Part, Place, ReadPart, ReadWork, SessionRef, Work};

/// From this version on READ_COMMITTED is the client's to ask for, as all versions served here.
const READ_COMMITTED: i8 = 1;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: FetchRequest) -> Answer {
    let Some(session) = shard.connections.session_mut(call.connection) else { return Answer::Close };
    let plan = match session.fetches.plan(call.connection, call.version, &request) {
        Ok(plan) => plan,
        Err(error) => {
            return encode(call, &FetchResponse { error_code: error.code(), ..Default::default() });
        }
    };
    let placement = shard.broker.placement.clone();
    let mut by_owner = ByOwner::new(&placement);
    let mut fetched = Vec::with_capacity(plan.wanted.len());
    for (place, wanted) in plan.wanted.iter().enumerate() {
        fetched.push(match locate(shard, &wanted.topic, &wanted.partition) {
            Ok(at) => {
                by_owner.push(Place(place as u32), at, read_part(&wanted.partition));
                None
            }
            Err(error) => Some(Fetched::failed(error)),
        });
    }
    if let Some(owner) = by_owner.only_owner() {
        shard.note_owner(call.connection, owner);
    }
    let urgent = fetched.iter().any(Option::is_some);
    let limits = ReadLimits::of(shard, &request, by_owner.owners(), urgent);
    let session = SessionRef { connection: call.connection, id: plan.session_id };
    let polls =
        by_owner.owners() > 1 && plan.incremental && limits.bytes_wanted == 1 && shard.polls.is_free(session);
    let gather = Box::new(FetchGather {
        plan,
        fetched,
        answer_bytes_max: limits.answer_bytes_max,
        bytes_wanted: limits.bytes_wanted,
        committed_only: limits.committed_only,
    });
    shard.connections.expect(call.connection, call.slot, limits.answer_bytes_max);
    if polls {
        let works = by_owner.into_works(|parts| limits.work(parts));
        return shard.poll_owners(call, session, gather, works);
    }
    let works = by_owner.into_works(|parts| Work::Read(limits.work(parts)));
    shard.ask_owners(call, gather, works)
}

/// What each owner is asked for.
#[derive(Clone, Copy)]
struct ReadLimits {
    /// For all owners together.
    answer_bytes_max: usize,
    /// For each.
    bytes_max: usize,
    bytes_wanted: usize,
    until: Instant,
    committed_only: bool,
}

impl ReadLimits {
    /// Each of several owners may return its share. The first one that has all the bytes wanted answers, and the others
    /// are then told not to wait: all traffic may go to one of them, so a share of them is nothing to wait for.
    fn of(shard: &Shard, request: &FetchRequest, owners: usize, urgent: bool) -> Self {
        let answer_bytes_max = (request.max_bytes.max(0) as usize).min(shard.broker.fetch_bytes_max);
        let bytes_max = answer_bytes_max.div_ceil(owners.max(1));
        let bytes_wanted = if urgent { 0 } else { request.min_bytes.max(0) as usize };
        Self {
            answer_bytes_max,
            bytes_max,
            // More than may be returned would never come.
            bytes_wanted: bytes_wanted.min(bytes_max),
            until: shard.now.monotonic + Duration::from_millis(request.max_wait_ms.max(0) as u64),
            committed_only: request.isolation_level == READ_COMMITTED,
        }
    }

    fn work(self, parts: Vec<Part<ReadPart>>) -> ReadWork {
        let Self { bytes_max, bytes_wanted, until, committed_only, .. } = self;
        ReadWork { parts, bytes_max, bytes_wanted, until, committed_only }
    }
}

fn locate(shard: &Shard, topic: &TopicRef, partition: &FetchPartition) -> Result<TopicPartition, ErrorCode> {
    let topic = match topic {
        TopicRef::Name(name) => topics::find(&shard.image, false, name, Uuid::ZERO),
        TopicRef::Id(id) => topics::find(&shard.image, true, "", *id),
    }?;
    let partition = topics::partition(topic, partition.partition)?;
    Ok(TopicPartition { topic: topic.id, partition })
}

fn read_part(wanted: &FetchPartition) -> ReadPart {
    ReadPart {
        fetch_offset: Offset(wanted.fetch_offset),
        current_epoch: LeaderEpoch(wanted.current_leader_epoch),
        last_fetched_epoch: LeaderEpoch(wanted.last_fetched_epoch),
        bytes_max: wanted.partition_max_bytes.max(0) as usize,
    }
}

/// What has been read so far.
struct FetchGather {
    plan: FetchPlan,
    /// One for each of the plan's partitions.
    fetched: Vec<Option<Fetched>>,
    answer_bytes_max: usize,
    bytes_wanted: usize,
    committed_only: bool,
}

impl Gather for FetchGather {
    fn merge(&mut self, done: Done) {
        let Done::Read(parts) = done else { return debug_assert!(false, "not a read: {done:?}") };
        for part in parts {
            if let Some(fetched) = self.fetched.get_mut(part.place.0 as usize) {
                *fetched = Some(part.item);
            }
        }
    }

    fn is_satisfied(&self) -> bool {
        let bytes = self.fetched.iter().flatten().map(Fetched::len).sum::<usize>();
        bytes >= self.bytes_wanted || self.needs_all()
    }

    fn needs_all(&self) -> bool {
        self.fetched.iter().flatten().any(Fetched::is_urgent)
    }

    fn finish(self: Box<Self>, call: &Call, shard: &mut Shard) -> Answer {
        let Self { plan, mut fetched, answer_bytes_max, committed_only, .. } = *self;
        keep_within(&mut fetched, answer_bytes_max);
        let mut session = shard.connections.session_mut(call.connection);
        let mut response = FetchResponse { session_id: plan.session_id, ..Default::default() };
        for (wanted, fetched) in plan.wanted.into_iter().zip(fetched) {
            let fetched = match fetched {
                Some(fetched) => fetched,
                // Its owner still waits for records: there is nothing to tell.
                None if plan.incremental => continue,
                None => Fetched::failed(ErrorCode::UnknownServerError),
            };
            let data = partition_data(&wanted, fetched, committed_only);
            let told = plan.session_id == 0
                || session
                    .as_mut()
                    .is_none_or(|s| s.fetches.must_tell(plan.session_id, &wanted.topic, &data));
            if told || !plan.incremental {
                push(&mut response.responses, wanted.topic, data);
            }
        }
        if let Some(session) = session {
            session.fetches.take_turns(plan.session_id);
        }
        encode(call, &response)
    }
}

/// Each owner gives one batch however long it is, so that its readers get on; a client that asks several of them expects
/// only one of these. What is too much is left out, and the client comes for it again.
fn keep_within(fetched: &mut [Option<Fetched>], bytes_max: usize) {
    let mut bytes = 0;
    for part in fetched.iter_mut().flatten() {
        let with_it = bytes + part.len();
        if bytes > 0 && with_it > bytes_max {
            part.records.clear();
            part.aborted.clear();
        } else {
            bytes = with_it;
        }
    }
}

fn partition_data(wanted: &Wanted, fetched: Fetched, committed_only: bool) -> PartitionData {
    let diverging = fetched.diverging.map(|end| EpochEndOffset { epoch: end.epoch.0, end_offset: end.end.0 });
    PartitionData {
        partition_index: wanted.partition.partition,
        error_code: fetched.error.code(),
        high_watermark: fetched.high_watermark.0,
        last_stable_offset: fetched.last_stable_offset.0,
        log_start_offset: fetched.log_start.0,
        diverging_epoch: diverging.unwrap_or_default(),
        aborted_transactions: committed_only.then(|| fetched.aborted.iter().map(aborted).collect()),
        records: Some(Records::from(fetched.records)),
        ..Default::default()
    }
}

fn aborted((producer, first): &(ProducerId, Offset)) -> AbortedTransaction {
    AbortedTransaction { producer_id: producer.0, first_offset: first.0 }
}

/// Adds a partition behind the last one of its topic, if that topic came last.
fn push(responses: &mut Vec<FetchableTopicResponse>, topic: TopicRef, data: PartitionData) {
    let (name, topic_id) = match topic {
        TopicRef::Name(name) => (name, Uuid::ZERO),
        TopicRef::Id(id) => (Str::default(), id),
    };
    match responses.last_mut() {
        Some(last) if last.topic == name && last.topic_id == topic_id => last.partitions.push(data),
        _ => responses.push(FetchableTopicResponse { topic: name, topic_id, partitions: vec![data] }),
    }
}
