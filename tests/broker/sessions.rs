//! Incremental fetch sessions (KIP-227), and topics named by their ids (KIP-516).

use protocol::messages::fetch::{FetchTopic, ForgottenTopic};
use protocol::messages::{FetchRequest, FetchResponse, ProduceRequest};
use types::Uuid;

use crate::client::{Client, newest};
use crate::support::Broker;
use crate::topics::{
    FETCH, append, batch, create, delete, fetch_partition, fetch_request, only_partition, produce_request,
    records,
};

const SESSION_ID_NOT_FOUND: i16 = 70;
const INVALID_SESSION_EPOCH: i16 = 71;
const SESSION_TOPIC_ID_ERROR: i16 = 106;
const UNKNOWN_TOPIC_ID: i16 = 100;

/// A broker with a topic `t` of four partitions over four shards, and a client.
fn begin() -> (Broker, Client, Uuid) {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut client = Client::connect(broker.address());
    let id = create(&mut client, "t", 4, &[]);
    (broker, client, id)
}

fn in_session(session_id: i32, session_epoch: i32, request: FetchRequest) -> FetchRequest {
    FetchRequest { session_id, session_epoch, ..request }
}

fn nothing_new() -> FetchRequest {
    FetchRequest { topics: Vec::new(), ..fetch_request("t", &[]) }
}

/// The partitions that an answer names.
fn named(response: &FetchResponse) -> Vec<i32> {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|data| data.partition_index).collect()
}

const ALL_FOUR: [(i32, i64); 4] = [(0, 0), (1, 0), (2, 0), (3, 0)];

#[test]
fn a_session_tells_only_what_has_changed() {
    let (_broker, mut client, _) = begin();
    let first = client.call(FETCH, &in_session(0, 0, fetch_request("t", &ALL_FOUR)));
    assert!(first.session_id > 0);
    assert_eq!(named(&first), [0, 1, 2, 3], "the first answer names all");
    let id = first.session_id;
    let second = client.call(FETCH, &in_session(id, 1, nothing_new()));
    assert_eq!((second.session_id, named(&second)), (id, vec![]));

    append(&mut client, "t", 2, batch(&["a"]));
    let third = client.call(FETCH, &in_session(id, 2, nothing_new()));
    assert_eq!(named(&third), [2]);
    assert_eq!(records(&third.responses[0].partitions[0])[0].value, "a");
    // As long as the client does not go on, the records come again.
    let fourth = client.call(FETCH, &in_session(id, 3, nothing_new()));
    assert_eq!(named(&fourth), [2]);
    let fifth = client.call(FETCH, &in_session(id, 4, fetch_request("t", &[(2, 1)])));
    assert_eq!(named(&fifth), Vec::<i32>::new());
}

#[test]
fn a_session_tells_an_error_until_the_client_reacts() {
    let (_broker, mut client, _) = begin();
    let first = client.call(FETCH, &in_session(0, 0, fetch_request("t", &[(0, 0), (1, 50)])));
    let id = first.session_id;
    for epoch in 1..3 {
        let response = client.call(FETCH, &in_session(id, epoch, nothing_new()));
        assert_eq!(named(&response), [1]);
        assert_eq!(response.responses[0].partitions[0].error_code, 1);
    }
    // The partition is sound again, which the client has to be told once.
    let response = client.call(FETCH, &in_session(id, 3, fetch_request("t", &[(1, 0)])));
    assert_eq!(named(&response), [1]);
    assert_eq!(response.responses[0].partitions[0].error_code, 0);
    assert_eq!(named(&client.call(FETCH, &in_session(id, 4, nothing_new()))), Vec::<i32>::new());
}

#[test]
fn forgotten_partitions_are_not_told_any_more() {
    let (_broker, mut client, _) = begin();
    let id = client.call(FETCH, &in_session(0, 0, fetch_request("t", &ALL_FOUR))).session_id;
    for partition in 0..4 {
        append(&mut client, "t", partition, batch(&["x"]));
    }
    let mut forget = nothing_new();
    forget.forgotten_topics_data =
        vec![ForgottenTopic { topic: "t".into(), partitions: vec![0, 3], ..Default::default() }];
    let mut left = named(&client.call(FETCH, &in_session(id, 1, forget)));
    left.sort();
    assert_eq!(left, [1, 2]);
    // When none is left, the session is over.
    let mut forget = nothing_new();
    forget.forgotten_topics_data =
        vec![ForgottenTopic { topic: "t".into(), partitions: vec![1, 2], ..Default::default() }];
    let last = client.call(FETCH, &in_session(id, 2, forget));
    assert_eq!((last.error_code, last.session_id), (0, 0));
    let gone = client.call(FETCH, &in_session(id, 3, nothing_new()));
    assert_eq!(gone.error_code, SESSION_ID_NOT_FOUND);
}

#[test]
fn partitions_with_records_take_turns() {
    let broker = Broker::start(&[("strome.shards", "1")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 4, &[]);
    for partition in 0..4 {
        append(&mut client, "t", partition, batch(&["x"]));
    }
    // There is room for one batch, so whoever is read first is the only one.
    let mut request = FetchRequest { max_bytes: 1, ..in_session(0, 0, fetch_request("t", &ALL_FOUR)) };
    let mut read = std::collections::BTreeSet::new();
    for epoch in 0..8 {
        let response = client.call(FETCH, &request);
        let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
        let with_records: Vec<i32> =
            partitions.filter(|data| !records(data).is_empty()).map(|data| data.partition_index).collect();
        assert_eq!(with_records.len(), 1);
        read.extend(with_records);
        request = FetchRequest { max_bytes: 1, ..in_session(response.session_id, epoch + 1, nothing_new()) };
    }
    assert_eq!(read.len(), 4, "none is starved");
}

#[test]
fn sessions_that_are_unknown_or_out_of_step_are_refused() {
    let (_broker, mut client, _) = begin();
    let id = client.call(FETCH, &in_session(0, 0, fetch_request("t", &ALL_FOUR))).session_id;
    let skipped = client.call(FETCH, &in_session(id, 2, nothing_new()));
    assert_eq!((skipped.error_code, named(&skipped)), (INVALID_SESSION_EPOCH, vec![]));
    let unknown = client.call(FETCH, &in_session(id ^ 1, 1, nothing_new()));
    assert_eq!(unknown.error_code, SESSION_ID_NOT_FOUND);
    let by_id = client.call(newest::<FetchRequest>(), &in_session(id, 1, nothing_new()));
    assert_eq!(by_id.error_code, SESSION_TOPIC_ID_ERROR);
    // None of these has harmed it.
    assert_eq!(client.call(FETCH, &in_session(id, 1, nothing_new())).error_code, 0);

    // The final epoch ends it and answers without one.
    let last = client.call(FETCH, &in_session(id, -1, fetch_request("t", &[(0, 0)])));
    assert_eq!((last.error_code, last.session_id, named(&last)), (0, 0, vec![0]));
    let gone = client.call(FETCH, &in_session(id, 2, nothing_new()));
    assert_eq!(gone.error_code, SESSION_ID_NOT_FOUND);
}

#[test]
fn a_new_session_takes_the_place_of_the_one_it_names() {
    let (_broker, mut client, _) = begin();
    let old = client.call(FETCH, &in_session(0, 0, fetch_request("t", &ALL_FOUR))).session_id;
    let new = client.call(FETCH, &in_session(old, 0, fetch_request("t", &[(0, 0)]))).session_id;
    assert!(new > 0 && new != old);
    assert_eq!(client.call(FETCH, &in_session(old, 1, nothing_new())).error_code, SESSION_ID_NOT_FOUND);
    assert_eq!(client.call(FETCH, &in_session(new, 1, nothing_new())).error_code, 0);
}

/// Far more requests than it takes for a connection to move to the shard of its partition.
#[test]
fn a_session_moves_with_its_connection() {
    let (broker, mut producer, _) = begin();
    let mut consumers: Vec<(Client, i32)> = (0..4)
        .map(|_| {
            let mut client = Client::connect(broker.address());
            let id = client.call(FETCH, &in_session(0, 0, fetch_request("t", &[(2, 0)]))).session_id;
            (client, id)
        })
        .collect();
    for number in 0..100 {
        append(&mut producer, "t", 2, batch(&[number.to_string()]));
        for (client, id) in &mut consumers {
            let request = in_session(*id, number + 1, fetch_request("t", &[(2, i64::from(number))]));
            let response = client.call(FETCH, &request);
            assert_eq!((response.error_code, response.session_id), (0, *id));
            assert_eq!(records(&only_partition(response))[0].value, number.to_string());
        }
    }
}

/// A Fetch of partition 0 of a topic named by its id.
fn fetch_by_id(topic_id: Uuid) -> FetchRequest {
    let partitions = vec![fetch_partition(0, 0)];
    let topics = vec![FetchTopic { topic_id, partitions, ..Default::default() }];
    FetchRequest { topics, ..fetch_request("", &[]) }
}

fn produce_by_id(topic_id: Uuid) -> ProduceRequest {
    let mut request = produce_request("", 0, -1, batch(&["by id"]));
    request.topic_data[0].topic_id = topic_id;
    request
}

#[test]
fn topics_are_found_by_their_ids() {
    let (_broker, mut client, id) = begin();
    let produced = client.call(newest::<ProduceRequest>(), &produce_by_id(id));
    assert_eq!(produced.responses[0].topic_id, id);
    assert_eq!(produced.responses[0].partition_responses[0].error_code, 0);
    let fetched = client.call(newest::<FetchRequest>(), &fetch_by_id(id));
    assert_eq!(fetched.responses[0].topic_id, id);
    assert_eq!(records(&only_partition(fetched))[0].value, "by id");
}

#[test]
fn the_id_of_a_deleted_topic_is_unknown_though_its_name_is_back() {
    let (_broker, mut client, old) = begin();
    let session = client.call(newest::<FetchRequest>(), &in_session(0, 0, fetch_by_id(old))).session_id;
    assert!(session > 0);
    assert_eq!(delete(&mut client, "t"), 0);
    let new = create(&mut client, "t", 4, &[]);
    assert_ne!(old, new);
    let produced = client.call(newest::<ProduceRequest>(), &produce_by_id(old));
    assert_eq!(produced.responses[0].partition_responses[0].error_code, UNKNOWN_TOPIC_ID);
    let fetched = client.call(newest::<FetchRequest>(), &fetch_by_id(old));
    assert_eq!(only_partition(fetched).error_code, UNKNOWN_TOPIC_ID);
    let fetched = client.call(newest::<FetchRequest>(), &in_session(session, 1, nothing_new()));
    assert_eq!(only_partition(fetched).error_code, UNKNOWN_TOPIC_ID);
    let produced = client.call(newest::<ProduceRequest>(), &produce_by_id(new));
    assert_eq!(produced.responses[0].partition_responses[0].error_code, 0);
    let fetched = client.call(newest::<FetchRequest>(), &fetch_by_id(Uuid::ZERO));
    assert_eq!(only_partition(fetched).error_code, UNKNOWN_TOPIC_ID);
}
