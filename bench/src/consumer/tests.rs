//! One consumer without sockets and without a clock.

use protocol::Records;
use protocol::messages::fetch::FetchableTopicResponse;
use record::{BatchBuilder, BatchOptions, Compression};
use types::{TimestampMs, TopicId};

use super::*;
use crate::payload::Values;
use crate::random::Random;
use crate::sizes::Sizes;

const MS: u64 = 1_000_000;
const HERE: BrokerId = BrokerId(1);
const RUN: RunId = RunId(5);
const OFFSET_OUT_OF_RANGE: i16 = 1;
const NOT_LEADER: i16 = 6;

fn consumer(partitions: i32, end: Option<i64>) -> Consumer {
    let source = |partition| Source {
        topic: 0,
        partition,
        leader: HERE,
        position: Offset(0),
        end: end.map(Offset),
        backlog_end: Offset(end.unwrap_or(0)),
    };
    let parts = ConsumerParts {
        plan: FetchPlan {
            max_bytes: 1 << 20,
            partition_max_bytes: 1 << 16,
            min_bytes: 1,
            wait_max: Duration::from_millis(100),
            backlog_bytes: 0,
        },
        topics: [TopicName { name: "t".into(), id: TopicId::default() }].into(),
        sources: (0..partitions).map(source).collect(),
        run: RUN,
        timeout: Duration::from_millis(500),
    };
    let timeline = Timeline {
        start: Moment(0),
        read_from: Moment(0),
        measure_from: Moment(0),
        end: Moment(1_000 * MS),
        give_up: Moment::NEVER,
    };
    Consumer::new(parts, timeline)
}

/// A batch of records of a run that were due one each millisecond.
fn batch(base: i64, count: u64, run: RunId, compression: Compression) -> Vec<u8> {
    let options = BatchOptions { base_offset: Offset(base), compression, ..Default::default() };
    let mut builder = BatchBuilder::new(options);
    let mut values = Values::new(Sizes::fixed(50), 0.5, run, Random::new(1), 1);
    for index in 0..count {
        values.prepare(Moment((base as u64 + index) * MS));
        builder.push(TimestampMs(0), Some(b"key"), Some(values.current()), &[]).unwrap();
    }
    builder.build().unwrap().to_vec()
}

fn data(partition_index: i32, bytes: Vec<u8>) -> PartitionData {
    PartitionData { partition_index, records: Some(Records::from(Bytes::from(bytes))), ..Default::default() }
}

fn response(session_id: i32, partitions: Vec<PartitionData>) -> FetchResponse {
    let topic = FetchableTopicResponse { topic: "t".into(), partitions, ..Default::default() };
    FetchResponse { session_id, responses: vec![topic], ..Default::default() }
}

fn offsets(request: &FetchRequest) -> Vec<(i32, i64)> {
    let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|partition| (partition.partition, partition.fetch_offset)).collect()
}

fn answered(consumer: &mut Consumer, response: FetchResponse, at_ms: u64, tally: &mut Tally) -> bool {
    consumer.answered(HERE, response, (Moment(0), Moment(at_ms * MS)), tally).unwrap()
}

#[test]
fn records_and_bytes_are_counted_and_latency_is_from_when_they_were_due() {
    for compression in Compression::ALL {
        let (mut consumer, mut tally) = (consumer(1, None), Tally::default());
        assert_eq!(offsets(&consumer.request(HERE, Moment(0)).unwrap()), [(0, 0)]);
        let mut bytes = batch(0, 10, RUN, compression);
        bytes.extend(batch(10, 5, RunId(99), compression));
        // The next one does not fit any more.
        bytes.extend(&batch(15, 5, RUN, compression)[..70]);
        answered(&mut consumer, response(0, vec![data(0, bytes)]), 100, &mut tally);
        assert_eq!(tally.consumed, Amount { records: 15, bytes: 15 * 53 });
        assert_eq!((consumer.received(), tally.end_to_end.count()), (10, 10));
        assert!((tally.end_to_end.max_us().unwrap() - 100_000.0).abs() < 100.0);
        assert_eq!(offsets(&consumer.request(HERE, Moment(0)).unwrap()), [(0, 15)]);
    }
}

#[test]
fn records_before_the_offset_that_was_asked_for_count_only_once() {
    let (mut consumer, mut tally) = (consumer(1, None), Tally::default());
    consumer.parts.sources[0].position = Offset(7);
    let bytes = batch(0, 10, RUN, Compression::None);
    answered(&mut consumer, response(0, vec![data(0, bytes.clone())]), 100, &mut tally);
    assert_eq!(tally.consumed.records, 3);
    answered(&mut consumer, response(0, vec![data(0, bytes)]), 100, &mut tally);
    assert_eq!(tally.consumed.records, 3);
}

#[test]
fn a_session_is_told_only_what_has_changed_and_begun_anew_when_it_is_lost() {
    let (mut consumer, mut tally) = (consumer(3, None), Tally::default());
    let first = consumer.request(HERE, Moment(0)).unwrap();
    assert_eq!((first.session_id, first.session_epoch, first.topics[0].partitions.len()), (0, 0, 3));
    let bytes = batch(0, 4, RUN, Compression::None);
    answered(&mut consumer, response(77, vec![data(1, bytes)]), 1, &mut tally);
    let second = consumer.request(HERE, Moment(0)).unwrap();
    assert_eq!((second.session_id, second.session_epoch, offsets(&second)), (77, 1, vec![(1, 4)]));
    answered(&mut consumer, response(77, vec![]), 1, &mut tally);
    let third = consumer.request(HERE, Moment(0)).unwrap();
    assert_eq!((third.session_epoch, third.topics.len()), (2, 0));
    let lost = FetchResponse { error_code: FETCH_SESSION_ID_NOT_FOUND, ..Default::default() };
    answered(&mut consumer, lost, 1, &mut tally);
    let anew = consumer.request(HERE, Moment(0)).unwrap();
    assert_eq!((anew.session_id, anew.session_epoch), (0, 0));
    assert_eq!(offsets(&anew), [(0, 0), (1, 4), (2, 0)]);
}

#[test]
fn a_backlog_ends_where_it_ended_before_the_run() {
    let (mut consumer, mut tally) = (consumer(2, Some(4)), Tally::default());
    consumer.request(HERE, Moment(0)).unwrap();
    let bytes = batch(0, 4, RunId(1), Compression::None);
    answered(&mut consumer, response(9, vec![data(0, bytes.clone())]), 1, &mut tally);
    assert!(!consumer.is_finished() && consumer.caught_up().is_none());
    // A new session, for the partition that is at its end is not to be asked for any more.
    let rest = consumer.request(HERE, Moment(0)).unwrap();
    assert_eq!((rest.session_epoch, offsets(&rest)), (0, vec![(1, 0)]));
    answered(&mut consumer, response(10, vec![data(1, bytes)]), 2, &mut tally);
    assert!(consumer.is_finished());
    assert_eq!(consumer.caught_up(), Some(Moment(2 * MS)));
    assert!(consumer.request(HERE, Moment(0)).is_none());
}

#[test]
fn an_error_that_passes_is_waited_out_and_one_that_stays_ends_the_run() {
    let (mut consumer, mut tally) = (consumer(1, None), Tally::default());
    consumer.request(HERE, Moment(0)).unwrap();
    let failed = |code| response(3, vec![PartitionData { error_code: code, ..data(0, Vec::new()) }]);
    assert!(
        answered(&mut consumer, failed(NOT_LEADER), 1, &mut tally),
        "somebody should look for the leader"
    );
    assert_eq!(tally.retries[&NOT_LEADER], 1);
    assert!(consumer.request(HERE, Moment(2 * MS)).is_none());
    let wake = consumer.wake(Moment(2 * MS));
    assert_eq!(offsets(&consumer.request(HERE, wake).unwrap()), [(0, 0)]);
    let error = consumer.answered(HERE, failed(OFFSET_OUT_OF_RANGE), (Moment(0), Moment(MS)), &mut tally);
    assert!(matches!(error, Err(BenchError::Refused { code: OFFSET_OUT_OF_RANGE, .. })), "{error:?}");
}

#[test]
fn records_that_are_damaged_are_not_counted_but_said() {
    let (mut consumer, mut tally) = (consumer(1, None), Tally::default());
    let mut bytes = batch(0, 4, RUN, Compression::None);
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    let error =
        consumer.answered(HERE, response(0, vec![data(0, bytes)]), (Moment(0), Moment(1)), &mut tally);
    assert!(matches!(error, Err(BenchError::Records { partition: 0, .. })), "{error:?}");
}

#[test]
fn partitions_that_move_are_asked_for_at_their_new_leader() {
    let mut consumer = consumer(2, None);
    consumer.follow_leaders(|_, partition| Some(BrokerId(partition + 1)));
    assert_eq!(consumer.leaders().collect::<Vec<_>>(), [BrokerId(1), BrokerId(2)]);
    assert_eq!(offsets(&consumer.request(BrokerId(2), Moment(0)).unwrap()), [(1, 0)]);
}
