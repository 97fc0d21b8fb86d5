//! Produce, versions 3 to 13.
//!
//! # Hot path
//! Record bytes are slices of the frame until the owner copies them into its log; validation happens here, on the
//! connection's shard, so that a busy partition's owner has less to do.

use std::time::Duration;

use bytes::Bytes;
use metadata::settings::{CompressionPolicy, TimestampSource};
use metadata::{Topic, TopicSettings};
use protocol::messages::produce::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceData, TopicProduceResponse,
};
use protocol::messages::{ProduceRequest, ProduceResponse};
use protocol::{Records, Str};
use record::{Compression, CompressionLevel, Rejected, Rules, TimestampType, Validated};
use types::{ErrorCode, PartitionIndex, TimestampMs, TopicPartition};

use super::encode;
use super::topics::{self, Places};
use crate::requests::{Answer, Call, Gather};
use crate::routing::ByOwner;
use crate::shard::Shard;
use crate::work::{Acks, AppendWork, Appended, Done, Work};

/// From this version on zstd is allowed (KIP-110).
const ZSTD_VERSION: i16 = 7;

/// The names of the topics share the request's buffer until it is answered, unless it is longer than this: it should not
/// lie in memory beside its copy in the log while that is written.
const SHARED_REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Who calls itself so may write to the topics of coordinators, which are loaded anew with what it writes at the next start.
/// Kafka knows no other bar either.
const ADMIN_CLIENT_ID: &str = "__admin_client";

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: ProduceRequest) -> Answer {
    let acks = match request.acks {
        0 => Ok(Acks::None),
        1 => Ok(Acks::Leader),
        -1 => Ok(Acks::All),
        _ => Err(ErrorCode::InvalidRequiredAcks),
    };
    let until = shard.now.monotonic + Duration::from_millis(request.timeout_ms.max(0) as u64);
    let mut gather =
        Box::new(ProduceGather { acks, response: ProduceResponse::default(), places: Places::default() });
    let placement = shard.broker.placement.clone();
    let mut by_owner = ByOwner::new(&placement);
    let is_long = records_bytes(&request) > SHARED_REQUEST_BYTES_MAX;
    for mut data in request.topic_data {
        if is_long {
            data.name = data.name.detached();
        }
        let outcomes = validate_topic(shard, call, acks, &data);
        gather.add_topic(data, outcomes, &mut by_owner);
    }
    if let Some(owner) = by_owner.only_owner() {
        shard.note_owner(call.connection, owner);
    }
    let acks = acks.unwrap_or(Acks::None);
    let works = by_owner.into_works(|parts| Work::Append(AppendWork { parts, acks, until }));
    shard.ask_owners(call, gather, works)
}

fn records_bytes(request: &ProduceRequest) -> usize {
    let parts = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    parts.filter_map(|part| part.records.as_ref()).map(Records::len).sum()
}

/// A partition's batch, ready for its owner, or why it is refused.
type Outcome = Result<(TopicPartition, Validated), Rejected>;

/// Checks one topic's batches, in the order of the request.
fn validate_topic(
    shard: &Shard,
    call: &Call,
    acks: Result<Acks, ErrorCode>,
    data: &TopicProduceData,
) -> Vec<Outcome> {
    let topic = acks.and_then(|_| topics::find(&shard.image, call.version >= 13, &data.name, data.topic_id));
    let validate = |(index, records): (i32, Option<Bytes>)| {
        let topic = topic.map_err(|error| Rejected::new(error, ""))?;
        if topic.name.is_internal() && call.client_id.as_deref() != Some(ADMIN_CLIENT_ID) {
            return Err(Rejected::new(ErrorCode::InvalidTopicException, ""));
        }
        let partition = topics::partition(topic, index).map_err(|error| Rejected::new(error, ""))?;
        if acks == Ok(Acks::All) && !has_enough_replicas(topic, partition) {
            return Err(Rejected::new(ErrorCode::NotEnoughReplicas, ""));
        }
        let at = TopicPartition { topic: topic.id, partition };
        Ok((at, validate_batch(topic, call, records.unwrap_or_default(), shard.now.wall)?))
    };
    let parts = data.partition_data.iter();
    parts.map(|data| (data.index, data.records.clone().map(|r| r.into_bytes()))).map(validate).collect()
}

/// Whether as many replicas are in sync as `min.insync.replicas` asks for. It cannot ask for more than there are, as in
/// Kafka.
fn has_enough_replicas(topic: &Topic, partition: PartitionIndex) -> bool {
    let wanted = topic.settings.in_sync_replicas_min as usize;
    topic.partition(partition).is_some_and(|state| state.isr.len() >= wanted.min(state.replicas.len()))
}

fn validate_batch(
    topic: &Topic,
    call: &Call,
    records: Bytes,
    now: TimestampMs,
) -> Result<Validated, Rejected> {
    let validated = record::validate(&records, &rules(&topic.settings, call.version), now)?;
    if validated.batch.header.is_transactional() {
        // Without a coordinator nothing would ever end the transaction, and its readers would wait for ever.
        return Err(Rejected::new(ErrorCode::InvalidTxnState, "this broker has no transaction coordinator"));
    }
    Ok(validated)
}

fn rules(settings: &TopicSettings, version: i16) -> Rules {
    Rules {
        batch_bytes_max: settings.batch_bytes_max.0 as usize,
        compression: compression(settings.compression),
        timestamp_type: match settings.timestamps {
            TimestampSource::CreateTime => TimestampType::CreateTime,
            TimestampSource::LogAppendTime => TimestampType::LogAppendTime,
        },
        timestamp_before_ms_max: settings.timestamp_before_ms_max.try_into().unwrap_or(i64::MAX),
        timestamp_after_ms_max: settings.timestamp_after_ms_max.try_into().unwrap_or(i64::MAX),
        compacted: settings.cleanup.compact,
        zstd_allowed: version >= ZSTD_VERSION,
        ..Rules::default()
    }
}

fn compression(policy: CompressionPolicy) -> record::CompressionPolicy {
    let always = |codec, level| record::CompressionPolicy::Always(codec, level);
    match policy {
        CompressionPolicy::Producer => record::CompressionPolicy::Producer,
        CompressionPolicy::Uncompressed => always(Compression::None, CompressionLevel::Default),
        CompressionPolicy::Gzip { level: -1 } => always(Compression::Gzip, CompressionLevel::Default),
        CompressionPolicy::Gzip { level } => always(Compression::Gzip, CompressionLevel::At(level)),
        CompressionPolicy::Snappy => always(Compression::Snappy, CompressionLevel::Default),
        CompressionPolicy::Lz4 { level } => always(Compression::Lz4, CompressionLevel::At(level)),
        CompressionPolicy::Zstd { level } => always(Compression::Zstd, CompressionLevel::At(level)),
    }
}

/// The response as far as it is known.
struct ProduceGather {
    acks: Result<Acks, ErrorCode>,
    response: ProduceResponse,
    /// Where the owners' answers belong.
    places: Places,
}

impl ProduceGather {
    fn add_topic(
        &mut self,
        data: TopicProduceData,
        outcomes: Vec<Outcome>,
        by_owner: &mut ByOwner<'_, Validated>,
    ) {
        let mut responses = Vec::with_capacity(outcomes.len());
        for (data, outcome) in data.partition_data.iter().zip(outcomes) {
            responses.push(match outcome {
                Ok((at, validated)) => {
                    let place = self.places.add(self.response.responses.len(), responses.len());
                    by_owner.push(place, at, validated);
                    PartitionProduceResponse { index: data.index, ..Default::default() }
                }
                Err(rejected) => refused(data.index, rejected),
            });
        }
        self.response.responses.push(TopicProduceResponse {
            name: data.name,
            topic_id: data.topic_id,
            partition_responses: responses,
        });
    }

    fn has_error(&self) -> bool {
        let mut partitions = self.response.responses.iter().flat_map(|topic| &topic.partition_responses);
        partitions.any(|partition| partition.error_code != 0)
    }
}

impl Gather for ProduceGather {
    fn merge(&mut self, done: Done) {
        let Done::Append(parts) = done else { return debug_assert!(false, "not an append: {done:?}") };
        for part in parts {
            let Some((topic, partition)) = self.places.find(part.place) else { continue };
            let response = &mut self.response.responses[topic].partition_responses[partition];
            fill(response, &part.item);
        }
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        match self.acks {
            // The only way to tell a producer that expects no answer that something is wrong.
            Ok(Acks::None) if self.has_error() => Answer::Close,
            Ok(Acks::None) => Answer::Silence,
            _ => encode(call, &self.response),
        }
    }
}

fn fill(response: &mut PartitionProduceResponse, appended: &Appended) {
    response.error_code = appended.error.code();
    response.base_offset = appended.base_offset.0;
    response.log_append_time_ms = appended.append_time.0;
    response.log_start_offset = appended.log_start.0;
}

fn refused(index: i32, rejected: Rejected) -> PartitionProduceResponse {
    let record_errors = rejected.record_errors.into_iter().map(|(index, message)| {
        BatchIndexAndErrorMessage { batch_index: index, batch_index_error_message: Some(Str::from(message)) }
    });
    PartitionProduceResponse {
        index,
        error_code: rejected.code.code(),
        base_offset: -1,
        record_errors: record_errors.collect(),
        error_message: (!rejected.message.is_empty()).then(|| Str::from(rejected.message)),
        ..Default::default()
    }
}
