//! One producer without sockets and without a clock.

use std::ops::Range;

use protocol::messages::produce::{PartitionProduceResponse, TopicProduceResponse};
use record::{Compression, decompress};

use super::*;
use crate::payload::RunId;
use crate::plan::{Acks, Load};
use crate::random::Random;
use crate::schedule::Arrivals;
use crate::sizes::Sizes;

const MS: u64 = 1_000_000;
const HERE: BrokerId = BrokerId(1);
const NOT_LEADER: i16 = 6;
const TOO_LARGE: i16 = 10;

const TIMELINE: Timeline = Timeline {
    start: Moment(0),
    read_from: Moment(0),
    measure_from: Moment(0),
    end: Moment(1_000 * MS),
    give_up: Moment(2_000 * MS),
};

fn plan() -> ProducePlan {
    ProducePlan {
        load: Load::Closed,
        spread: Spread::Sticky,
        acks: Acks::All,
        compression: Compression::None,
        batch_bytes: 2_000,
        linger: Duration::from_millis(5),
        request_bytes_max: 1 << 20,
        requests_in_flight_max: 5,
        window_bytes: 1 << 20,
        records: None,
    }
}

/// A producer of 100 byte records. A rate makes it an open loop.
fn producer(plan: ProducePlan, partitions: i32, rate: Option<f64>, records: Option<u64>) -> Producer {
    Producer::new(parts(plan, partitions, rate, records), TIMELINE)
}

fn parts(plan: ProducePlan, partitions: i32, rate: Option<f64>, records: Option<u64>) -> ProducerParts {
    let target = |partition| Target { topic: 0, partition, leader: HERE, readers: 2 };
    let schedule = rate.map(|rate| Schedule::share(rate, Arrivals::Even, Moment::ORIGIN, (0, 1), 0));
    ProducerParts {
        plan: Arc::new(plan),
        topics: [TopicName { name: "t".into(), id: TopicId::default() }].into(),
        targets: (0..partitions).map(target).collect(),
        first_target: 0,
        values: Values::new(Sizes::fixed(100), 0.5, RunId(1), Random::new(1), 1),
        keys: None,
        schedule,
        records,
        timeout: Duration::from_millis(500),
    }
}

fn advance(producer: &mut Producer, ms: u64) -> Vec<Batch> {
    let now = Moment(ms * MS);
    producer.advance(now, TimestampMs(0)).unwrap();
    producer.take_request(HERE, now).unwrap()
}

fn records(batches: &[Batch]) -> Vec<u32> {
    batches.iter().map(|batch| batch.records).collect()
}

fn answer(partitions: Range<i32>, code: i16) -> ProduceResponse {
    let partition = |index| PartitionProduceResponse { index, error_code: code, ..Default::default() };
    let topic = TopicProduceResponse {
        name: "t".into(),
        partition_responses: partitions.map(partition).collect(),
        ..Default::default()
    };
    ProduceResponse { responses: vec![topic], ..Default::default() }
}

#[test]
fn a_batch_waits_for_its_linger_counted_from_when_its_first_record_was_due() {
    let mut producer = producer(plan(), 1, Some(1_000.0), None);
    assert!(advance(&mut producer, 4).is_empty());
    // Due at 0 to 5 ms.
    let batches = advance(&mut producer, 5);
    assert_eq!(records(&batches), [6]);
    assert_eq!(batches[0].dues, (0..6).map(|ms| (Moment(ms * MS), 1)).collect::<Vec<_>>());
    assert_eq!(producer.wake(Moment(5 * MS)), Moment(6 * MS));
}

#[test]
fn a_client_that_comes_late_counts_from_when_records_were_due() {
    let mut producer = producer(plan(), 1, Some(1_000.0), None);
    let mut tally = Tally::default();
    let late = Moment(300 * MS);
    producer.advance(late, TimestampMs(0)).unwrap();
    loop {
        let batches = producer.take_request(HERE, late).unwrap();
        if batches.is_empty() {
            break;
        }
        producer.answered(batches, Some(&answer(0..1, 0)), late, &mut tally).unwrap();
    }
    assert_eq!(tally.produced.records, 301);
    assert!((tally.produce.max_us().unwrap() - 300_000.0).abs() < 300.0, "{:?}", tally.produce.max_us());
    assert!((tally.produce.percentile_us(50.0).unwrap() - 150_000.0).abs() < 1_500.0);
    assert_eq!(producer.promised(), 602);
}

#[test]
fn a_batch_that_was_to_go_because_the_window_was_full_goes_when_there_is_room_again() {
    let plan = ProducePlan {
        window_bytes: 1_000,
        request_bytes_max: 1_000,
        linger: Duration::from_millis(50),
        spread: Spread::RoundRobin,
        ..plan()
    };
    let mut producer = producer(plan, 20, Some(1_000.0), None);
    // Ten records fill the window, each in a batch of its own, and not all find room in the request.
    let first = advance(&mut producer, 9);
    let sent = first.len();
    assert!((1..10).contains(&sent), "{sent}");
    producer.answered(first, Some(&answer(0..20, 0)), Moment(10 * MS), &mut Tally::default()).unwrap();
    let lanes: Vec<usize> = advance(&mut producer, 10).iter().map(|batch| batch.lane).collect();
    assert_eq!(
        lanes,
        (sent..10).collect::<Vec<_>>(),
        "the others, and not the one that has just begun to gather"
    );
}

#[test]
fn records_that_find_the_window_full_stay_due() {
    let mut producer = producer(ProducePlan { window_bytes: 1_000, ..plan() }, 1, Some(1_000.0), None);
    let batches = advance(&mut producer, 100);
    assert_eq!(records(&batches), [10], "as many as the window holds, and at once");
    assert_eq!(producer.wake(Moment(100 * MS)), Moment::NEVER, "nothing can be done without an answer");
    let mut tally = Tally::default();
    producer.answered(batches, Some(&answer(0..1, 0)), Moment(200 * MS), &mut tally).unwrap();
    let batches = advance(&mut producer, 200);
    assert_eq!(
        batches[0].dues.first(),
        Some(&(Moment(10 * MS), 1)),
        "the next ones are those that were missed"
    );
}

#[test]
fn a_closed_loop_fills_its_window_and_no_more() {
    let mut producer = producer(ProducePlan { window_bytes: 10_000, ..plan() }, 1, None, None);
    let mut sent = Vec::new();
    for _ in 0..20 {
        sent.extend(advance(&mut producer, 1));
    }
    assert_eq!(sent.iter().map(|batch| batch.payload_bytes).sum::<usize>(), 10_000);
    assert!(sent.iter().all(|batch| batch.bytes.len() <= 2_000), "no batch is larger than it may be");
    let records_of = |batch: &Batch| decompress(&batch.bytes, 1 << 20).unwrap().iter().count();
    assert!(sent.iter().all(|batch| records_of(batch) == batch.records as usize));
}

#[test]
fn a_large_window_is_not_filled_in_one_go() {
    let mut closed = producer(ProducePlan { window_bytes: 16 * MADE_BYTES_MAX, ..plan() }, 1, None, None);
    for turn in 1..=3 {
        closed.advance(Moment(MS), TimestampMs(0)).unwrap();
        let made = closed.window_used_bytes;
        assert_eq!(made.div_ceil(MADE_BYTES_MAX + 100), turn, "{made}");
        assert_eq!(closed.wake(Moment(MS)), Moment(MS), "and it goes on at once");
    }
}

#[test]
fn a_number_of_records_ends_it_without_waiting_for_the_linger() {
    let mut producer = producer(plan(), 1, None, Some(7));
    let batches = advance(&mut producer, 1);
    assert_eq!(records(&batches), [7]);
    assert!(!producer.is_finished());
    producer.answered(batches, Some(&answer(0..1, 0)), Moment(2 * MS), &mut Tally::default()).unwrap();
    assert!(producer.is_finished());
}

#[test]
fn a_request_has_one_batch_of_each_partition_and_goes_no_further_than_it_may() {
    let spread = ProducePlan { spread: Spread::RoundRobin, window_bytes: 20_000, ..plan() };
    let mut all = producer(spread.clone(), 4, None, None);
    let batches = advance(&mut all, 1);
    assert_eq!(batches.iter().map(|batch| batch.lane).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let mut few = producer(ProducePlan { request_bytes_max: 4_500, ..spread }, 4, None, None);
    assert_eq!(advance(&mut few, 1).iter().map(|batch| batch.lane).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(advance(&mut few, 1).iter().map(|batch| batch.lane).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn records_without_a_key_fill_a_batch_before_they_go_elsewhere() {
    let mut producer = producer(ProducePlan { window_bytes: 5_000, ..plan() }, 3, None, None);
    let batches = advance(&mut producer, 1);
    let (full, last) = batches.split_at(2);
    assert!(full.iter().all(|batch| batch.records == full[0].records), "{:?}", records(&batches));
    assert!(last[0].records < full[0].records);
}

#[test]
fn records_without_a_key_go_elsewhere_once_a_batch_was_sent() {
    let mut producer = producer(plan(), 3, Some(1_000.0), None);
    let lanes = |batches: Vec<Batch>| batches.iter().map(|batch| batch.lane).collect::<Vec<_>>();
    // Every 6 ms a batch has lingered.
    assert_eq!([5, 11, 17, 23].map(|ms| lanes(advance(&mut producer, ms))), [[0], [1], [2], [0]]);
}

#[test]
fn records_of_different_sizes_make_no_batch_larger_than_it_may_be() {
    let values = Values::new("100..1500".parse().unwrap(), 0.5, RunId(1), Random::new(1), 1);
    let parts = ProducerParts { values, ..parts(plan(), 1, None, Some(200)) };
    let mut producer = Producer::new(parts, TIMELINE);
    let mut batches = Vec::new();
    for _ in 0..200 {
        batches.extend(advance(&mut producer, 1));
    }
    assert_eq!(records(&batches).iter().sum::<u32>(), 200);
    let sizes = || batches.iter().map(|batch| batch.bytes.len());
    assert!(sizes().all(|bytes| bytes <= 2_000), "{:?}", sizes().max());
}

#[test]
fn the_memory_of_an_answered_batch_serves_another() {
    let mut producer = producer(plan(), 1, Some(1_000.0), None);
    let batches = advance(&mut producer, 5);
    let memory = batches[0].bytes.as_ptr();
    producer.answered(batches, Some(&answer(0..1, 0)), Moment(6 * MS), &mut Tally::default()).unwrap();
    assert_eq!(advance(&mut producer, 11)[0].bytes.as_ptr(), memory);
}

#[test]
fn records_that_gather_are_made_several_at_a_time() {
    let mut producer = producer(plan(), 1, Some(1e6), None);
    producer.advance(Moment(MS), TimestampMs(0)).unwrap();
    // The next one is due in a microsecond; an eighth of the linger time is 625.
    assert_eq!(producer.wake(Moment(MS)), Moment(MS + 625_000));
}

#[test]
fn an_answer_in_another_order_is_understood() {
    let mut producer = producer(ProducePlan { spread: Spread::RoundRobin, ..plan() }, 3, Some(1_000.0), None);
    let batches = advance(&mut producer, 7);
    assert_eq!(batches.len(), 3);
    let mut answer = answer(0..3, 0);
    answer.responses[0].partition_responses[0].error_code = NOT_LEADER;
    answer.responses[0].partition_responses.rotate_left(1);
    producer.answered(batches, Some(&answer), Moment(8 * MS), &mut Tally::default()).unwrap();
    producer.cut_off(Timeline { end: Moment(8 * MS), ..TIMELINE });
    let again = advance(&mut producer, 100);
    assert_eq!(again.first().map(|batch| (batch.lane, batch.first_failure)), Some((0, Some(Moment(8 * MS)))));
    assert!(again.iter().skip(1).all(|batch| batch.first_failure.is_none()));
}

#[test]
fn what_failed_for_now_is_sent_again_first_and_after_a_pause() {
    let mut producer = producer(plan(), 1, Some(1_000.0), None);
    let mut tally = Tally::default();
    let batches = advance(&mut producer, 5);
    let look =
        producer.answered(batches, Some(&answer(0..1, NOT_LEADER)), Moment(6 * MS), &mut tally).unwrap();
    assert!(look, "somebody should look for the leader");
    assert_eq!(tally.retries[&NOT_LEADER], 1);
    assert!(advance(&mut producer, 55).is_empty());
    assert!(producer.wake(Moment(55 * MS)) <= Moment(56 * MS));
    let again = advance(&mut producer, 56);
    assert_eq!(again[0].dues.first(), Some(&(Moment(0), 1)));
    // It is tried for as long as a request may take, and no longer.
    assert!(producer.answered(again, Some(&answer(0..1, NOT_LEADER)), Moment(500 * MS), &mut tally).is_ok());
    let last = advance(&mut producer, 560);
    let error = producer.answered(last, Some(&answer(0..1, NOT_LEADER)), Moment(561 * MS), &mut tally);
    assert!(matches!(error, Err(BenchError::Exhausted { code: NOT_LEADER, .. })), "{error:?}");
}

#[test]
fn an_error_that_stays_and_an_answer_that_is_silent_end_the_run() {
    for (response, code) in [(answer(0..1, TOO_LARGE), TOO_LARGE), (answer(5..6, 0), -1)] {
        let mut producer = producer(plan(), 1, Some(1_000.0), None);
        let batches = advance(&mut producer, 5);
        let error = producer.answered(batches, Some(&response), Moment(6 * MS), &mut Tally::default());
        assert!(matches!(error, Err(BenchError::Refused { code: found, .. }) if found == code), "{error:?}");
    }
}

#[test]
fn what_an_error_leaves_without_acknowledgement_is_given_up_with_the_rest() {
    // An error that stays, and one that has gone on for too long.
    for (code, times) in [(TOO_LARGE, &[9][..]), (NOT_LEADER, &[9, 600])] {
        let spread = ProducePlan { spread: Spread::RoundRobin, ..plan() };
        let mut producer = producer(spread, 3, Some(1_000.0), Some(8));
        let (mut tally, mut result) = (Tally::default(), Ok(false));
        let mut response = answer(0..3, code);
        response.responses[0].partition_responses[2].error_code = 0;
        for ms in times {
            let batches = advance(&mut producer, *ms);
            result = producer.answered(batches, Some(&response), Moment(ms * MS), &mut tally);
        }
        assert!(result.is_err());
        producer.give_up(Vec::new(), Moment(700 * MS), &mut tally);
        assert_eq!((tally.produced.records, tally.unacknowledged), (2, 6), "error {code}");
    }
}

#[test]
fn a_partition_that_moves_is_sent_to_its_new_leader() {
    let mut producer = producer(plan(), 2, Some(1_000.0), None);
    producer.advance(Moment(5 * MS), TimestampMs(0)).unwrap();
    producer.follow_leaders(|_, _| Some(BrokerId(2)));
    assert!(producer.take_request(HERE, Moment(5 * MS)).unwrap().is_empty());
    assert_eq!(records(&producer.take_request(BrokerId(2), Moment(5 * MS)).unwrap()), [6]);
}

#[test]
fn what_is_given_up_counts_as_late_as_that() {
    let mut producer = producer(ProducePlan { window_bytes: 1_000, ..plan() }, 1, Some(100.0), None);
    let in_flight = advance(&mut producer, 500);
    let mut tally = Tally::default();
    producer.give_up(in_flight, Moment(2_000 * MS), &mut tally);
    // All that were due within the second: in flight, and never made for want of room.
    assert_eq!((tally.unacknowledged, tally.produce.count()), (100, 100));
    let (least, most) = (tally.produce.min_us().unwrap(), tally.produce.max_us().unwrap());
    assert!((1_005_000.0..1_015_000.0).contains(&least) && most > 1_990_000.0, "{least} {most}");
    assert!(producer.is_finished());
}

#[test]
fn of_what_is_given_up_the_warm_up_is_left_out_to_the_record() {
    let mut producer = producer(plan(), 1, Some(1e6), None);
    producer.cut_off(Timeline { measure_from: Moment(500 * MS), ..TIMELINE });
    let mut tally = Tally::default();
    producer.give_up(Vec::new(), Moment(2_000 * MS), &mut tally);
    assert_eq!((tally.unacknowledged, tally.produce.count()), (500_000, 500_000));
}
