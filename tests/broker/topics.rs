//! Topics of a test, and the requests that most tests make.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use protocol::Records;
use protocol::messages::configs::{IncrementalAlterConfigsAlterableConfig, IncrementalAlterConfigsResource};
use protocol::messages::fetch::{FetchPartition, FetchTopic, PartitionData};
use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsTopic,
};
use protocol::messages::produce::{PartitionProduceData, PartitionProduceResponse, TopicProduceData};
use protocol::messages::topics::{CreatableTopic, CreatableTopicConfig, DeleteTopicState};
use protocol::messages::{
    CreateTopicsRequest, DeleteTopicsRequest, FetchRequest, FetchResponse, IncrementalAlterConfigsRequest,
    InitProducerIdRequest, ListOffsetsRequest, ProduceRequest,
};
use record::{BatchBuilder, BatchOptions, Compression, ProducerStamp, batches, check_crc, decompress};
use types::{ProducerEpoch, ProducerId, Sequence, TimestampMs, Uuid};

use crate::client::{Client, newest};

pub const PRODUCE: i16 = 12;
pub const FETCH: i16 = 12;
pub const ALL: i16 = -1;

/// The timestamp of the first record of [`batch`]; they count up by a millisecond each.
pub const SOME_TIME: i64 = 1_700_000_000_000;

/// Creates a topic and returns its id.
pub fn create(client: &mut Client, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Uuid {
    let request = create_request(name, partitions, configs);
    let response = client.call(newest::<CreateTopicsRequest>(), &request);
    assert_eq!(response.topics[0].error_code, 0, "{:?}", response.topics[0].error_message);
    response.topics[0].topic_id
}

pub fn create_request(name: &str, partitions: i32, configs: &[(&str, &str)]) -> CreateTopicsRequest {
    let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
        name: (*name).into(),
        value: Some((*value).into()),
    };
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: 1,
        configs: configs.iter().map(config).collect(),
        ..Default::default()
    };
    CreateTopicsRequest { topics: vec![topic], ..Default::default() }
}

/// Deletes a topic by its name; the error code.
pub fn delete(client: &mut Client, name: &str) -> i16 {
    client.call(newest::<DeleteTopicsRequest>(), &delete_request(name)).responses[0].error_code
}

pub fn delete_request(name: &str) -> DeleteTopicsRequest {
    let topics = vec![DeleteTopicState { name: Some(name.into()), ..Default::default() }];
    DeleteTopicsRequest { topics, timeout_ms: 30_000, ..Default::default() }
}

/// Sets a setting of a topic.
pub fn configure(client: &mut Client, topic: &str, name: &str, value: &str) {
    let configs = vec![IncrementalAlterConfigsAlterableConfig {
        name: name.into(),
        config_operation: 0,
        value: Some(value.into()),
    }];
    let resources =
        vec![IncrementalAlterConfigsResource { resource_type: 2, resource_name: topic.into(), configs }];
    let request = IncrementalAlterConfigsRequest { resources, validate_only: false };
    let response = client.call(newest::<IncrementalAlterConfigsRequest>(), &request);
    assert_eq!(response.responses[0].error_code, 0, "{:?}", response.responses[0].error_message);
}

/// A batch of records without keys.
pub fn batch<V: AsRef<[u8]>>(values: &[V]) -> Bytes {
    batch_of(BatchOptions::default(), SOME_TIME, None, values)
}

pub fn batch_of<V: AsRef<[u8]>>(
    options: BatchOptions,
    first_timestamp: i64,
    key: Option<&[u8]>,
    values: &[V],
) -> Bytes {
    let mut builder = BatchBuilder::new(options);
    for (at, value) in values.iter().enumerate() {
        let timestamp = TimestampMs(first_timestamp + at as i64);
        builder.push(timestamp, key, Some(value.as_ref()), &[]).expect("a small record");
    }
    builder.build().expect("a batch")
}

/// A batch of an idempotent producer.
pub fn idempotent<V: AsRef<[u8]>>(id: i64, epoch: i16, sequence: i32, values: &[V]) -> Bytes {
    let producer =
        ProducerStamp { id: ProducerId(id), epoch: ProducerEpoch(epoch), base_sequence: Sequence(sequence) };
    // Producers whose last record is old are forgotten.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis() as i64;
    batch_of(BatchOptions { producer, ..Default::default() }, now, None, values)
}

pub fn compressed<V: AsRef<[u8]>>(compression: Compression, values: &[V]) -> Bytes {
    batch_of(BatchOptions { compression, ..Default::default() }, SOME_TIME, None, values)
}

/// A new producer id; its epoch is 0.
pub fn producer_id(client: &mut Client) -> i64 {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let response = client.call(newest::<InitProducerIdRequest>(), &request);
    assert_eq!((response.error_code, response.producer_epoch), (0, 0));
    response.producer_id
}

/// A Produce of one batch.
pub fn produce_request(topic: &str, partition: i32, acks: i16, batch: Bytes) -> ProduceRequest {
    let data = PartitionProduceData { index: partition, records: Some(Records::from(batch)) };
    let topic = TopicProduceData { name: topic.into(), partition_data: vec![data], ..Default::default() };
    ProduceRequest { acks, timeout_ms: 60_000, topic_data: vec![topic], ..Default::default() }
}

/// Produces a batch with `acks=all` and returns what was said about its partition.
pub fn produce(client: &mut Client, topic: &str, partition: i32, batch: Bytes) -> PartitionProduceResponse {
    let response = client.call(PRODUCE, &produce_request(topic, partition, ALL, batch));
    response.responses[0].partition_responses[0].clone()
}

/// The same, which must succeed; the offset of the first record.
pub fn append(client: &mut Client, topic: &str, partition: i32, batch: Bytes) -> i64 {
    let answer = produce(client, topic, partition, batch);
    assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
    answer.base_offset
}

/// A Fetch of one topic's partitions, each with its offset, that does not wait.
pub fn fetch_request(topic: &str, partitions: &[(i32, i64)]) -> FetchRequest {
    let partitions = partitions.iter().map(|(partition, offset)| fetch_partition(*partition, *offset));
    let topic = FetchTopic { topic: topic.into(), partitions: partitions.collect(), ..Default::default() };
    FetchRequest { max_bytes: 50 << 20, topics: vec![topic], ..Default::default() }
}

pub fn fetch_partition(partition: i32, fetch_offset: i64) -> FetchPartition {
    FetchPartition { partition, fetch_offset, partition_max_bytes: 10 << 20, ..Default::default() }
}

/// Fetches one partition without waiting.
pub fn fetch(client: &mut Client, topic: &str, partition: i32, offset: i64) -> PartitionData {
    let response = client.call(FETCH, &fetch_request(topic, &[(partition, offset)]));
    assert_eq!(response.error_code, 0);
    only_partition(response)
}

pub fn only_partition(response: FetchResponse) -> PartitionData {
    assert_eq!(response.responses.len(), 1);
    let topic = response.responses.into_iter().next().expect("a topic");
    assert_eq!(topic.partitions.len(), 1);
    topic.partitions.into_iter().next().expect("a partition")
}

/// A record as a consumer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub offset: i64,
    pub timestamp: i64,
    pub value: String,
}

/// The records of a partition in an answer, whose checksums must hold.
pub fn records(data: &PartitionData) -> Vec<Seen> {
    let bytes = data.records.clone().unwrap_or_default().into_bytes();
    let mut seen = Vec::new();
    for batch in batches(&bytes) {
        let (_, batch) = batch.expect("whole batches");
        check_crc(batch).expect("its checksum");
        let records = decompress(batch, 64 << 20).expect("records");
        for record in records.iter() {
            let record = record.expect("a record");
            seen.push(Seen {
                offset: record.offset.0,
                timestamp: record.timestamp.0,
                value: String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned(),
            });
        }
    }
    seen
}

/// Every value of a partition from `from` on, in order; offsets must have no gaps.
pub fn read_all(client: &mut Client, topic: &str, partition: i32, from: i64) -> Vec<String> {
    try_read_all(client, topic, partition, from).expect("no error code")
}

/// The same, or the error code of a fetch.
pub fn try_read_all(client: &mut Client, topic: &str, partition: i32, from: i64) -> Result<Vec<String>, i16> {
    let (mut next, mut values) = (from, Vec::new());
    loop {
        let data = fetch(client, topic, partition, next);
        if data.error_code != 0 {
            return Err(data.error_code);
        }
        let before = next;
        for record in records(&data).into_iter().filter(|record| record.offset >= before) {
            assert_eq!(record.offset, next, "offsets without gaps");
            next += 1;
            values.push(record.value);
        }
        if next >= data.high_watermark {
            return Ok(values);
        }
        assert!(next > before, "no records below the high watermark");
    }
}

/// What ListOffsets says for one partition and timestamp.
pub fn list(
    client: &mut Client,
    topic: &str,
    partition: i32,
    timestamp: i64,
) -> ListOffsetsPartitionResponse {
    list_at(client, newest::<ListOffsetsRequest>(), topic, partition, timestamp)
}

pub fn list_at(
    client: &mut Client,
    version: i16,
    topic: &str,
    partition: i32,
    timestamp: i64,
) -> ListOffsetsPartitionResponse {
    let partitions =
        vec![ListOffsetsPartition { partition_index: partition, timestamp, ..Default::default() }];
    let topics = vec![ListOffsetsTopic { name: topic.into(), partitions }];
    let request = ListOffsetsRequest { replica_id: -1, topics, ..Default::default() };
    client.call(version, &request).topics[0].partitions[0].clone()
}
