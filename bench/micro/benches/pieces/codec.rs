//! Kafka's wire format: what a broker does with requests, and with what it answers.

use bytes::Bytes;
use protocol::messages::fetch::{FetchPartition, FetchTopic, FetchableTopicResponse, PartitionData};
use protocol::messages::metadata::{
    MetadataRequestTopic, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use protocol::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, TopicProduceData, TopicProduceResponse,
};
use protocol::messages::{
    FetchRequest, FetchResponse, MetadataRequest, MetadataResponse, ProduceRequest, ProduceResponse,
};
use protocol::{Message, Records, Request, Str, decode_request, encode_request, encode_response};
use types::Uuid;

use crate::Case;

/// The versions that current clients use.
const PRODUCE: i16 = 13;
const FETCH: i16 = 17;
const METADATA: i16 = 13;

const TOPIC: Uuid = Uuid([7; 16]);

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for partitions in [1, 100] {
        cases.push(decoding(
            format!("codec/decode Produce, {partitions} partitions"),
            PRODUCE,
            &produce(partitions),
        ));
        cases.push(encoding(
            format!("codec/encode Produce, {partitions} partitions"),
            PRODUCE,
            produced(partitions),
        ));
        cases.push(decoding(
            format!("codec/decode Fetch, {partitions} partitions"),
            FETCH,
            &fetch(partitions),
        ));
        cases.push(encoding(
            format!("codec/encode Fetch, {partitions} partitions"),
            FETCH,
            fetched(partitions),
        ));
    }
    cases.push(decoding("codec/decode Metadata, 1 topic".to_owned(), METADATA, &metadata()));
    for partitions in [1, 1000] {
        let name = format!("codec/encode Metadata, {partitions} partitions");
        cases.push(encoding(name, METADATA, described(partitions)));
    }
    cases
}

/// Reads a request as it comes from a client.
fn decoding<R: Request + 'static>(name: String, version: i16, request: &R) -> Case {
    let pieces = encode_request(version, 1, Some(Str::from_static("client")), request).expect("a frame");
    // Without the length, which `net` has taken off.
    let frame = Bytes::from(pieces.concat()).slice(4..);
    Case::new(name, move || decode_request::<R>(&frame).expect("a request"))
}

/// Writes an answer.
fn encoding<M: Message + 'static>(name: String, version: i16, answer: M) -> Case {
    Case::new(name, move || encode_response(version, 1, &answer).expect("a frame"))
}

fn records() -> Records {
    Records::from(Bytes::from(vec![9; 1000]))
}

fn produce(partitions: i32) -> ProduceRequest {
    let data = |index| PartitionProduceData { index, records: Some(records()) };
    let topic = TopicProduceData {
        topic_id: TOPIC,
        partition_data: (0..partitions).map(data).collect(),
        ..Default::default()
    };
    ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() }
}

fn produced(partitions: i32) -> ProduceResponse {
    let answer = |index| PartitionProduceResponse { index, base_offset: 1 << 40, ..Default::default() };
    let topic = TopicProduceResponse {
        topic_id: TOPIC,
        partition_responses: (0..partitions).map(answer).collect(),
        ..Default::default()
    };
    ProduceResponse { responses: vec![topic], ..Default::default() }
}

fn fetch(partitions: i32) -> FetchRequest {
    let asked = |partition| FetchPartition {
        partition,
        current_leader_epoch: 3,
        fetch_offset: 1 << 40,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    };
    let topic = FetchTopic {
        topic_id: TOPIC,
        partitions: (0..partitions).map(asked).collect(),
        ..Default::default()
    };
    FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        session_id: 5,
        session_epoch: 9,
        topics: vec![topic],
        ..Default::default()
    }
}

fn fetched(partitions: i32) -> FetchResponse {
    let answer = |partition_index| PartitionData {
        partition_index,
        high_watermark: 1 << 40,
        last_stable_offset: 1 << 40,
        log_start_offset: 0,
        records: Some(records()),
        ..Default::default()
    };
    let topic = FetchableTopicResponse {
        topic_id: TOPIC,
        partitions: (0..partitions).map(answer).collect(),
        ..Default::default()
    };
    FetchResponse { session_id: 5, responses: vec![topic], ..Default::default() }
}

fn metadata() -> MetadataRequest {
    let topic = MetadataRequestTopic { name: Some(Str::from_static("orders")), ..Default::default() };
    MetadataRequest { topics: Some(vec![topic]), ..Default::default() }
}

fn described(partitions: i32) -> MetadataResponse {
    let broker = |node_id| MetadataResponseBroker {
        node_id,
        host: Str::from_static("broker.example.org"),
        port: 9092,
        rack: None,
    };
    let partition = |partition_index| MetadataResponsePartition {
        partition_index,
        leader_id: partition_index % 3,
        leader_epoch: 4,
        replica_nodes: vec![0, 1, 2],
        isr_nodes: vec![0, 1, 2],
        ..Default::default()
    };
    let topic = MetadataResponseTopic {
        name: Some(Str::from_static("orders")),
        topic_id: TOPIC,
        partitions: (0..partitions).map(partition).collect(),
        ..Default::default()
    };
    MetadataResponse { brokers: (0..3).map(broker).collect(), topics: vec![topic], ..Default::default() }
}
