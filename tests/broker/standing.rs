//! Fetch sessions over two shards: the shard that has nothing is neither waited for nor asked again, and nothing of what it
//! still does for a session is lost, told twice, or outlives the session.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use protocol::messages::fetch::PartitionData;
use protocol::messages::{FetchRequest, FetchResponse};

use crate::client::Client;
use crate::prometheus::Metrics;
use crate::support::{Broker, PATIENCE};
use crate::topics::{FETCH, append, batch, create, delete, fetch_request, records};

const PARTITIONS: i32 = 8;

/// Longer than any test waits for an answer that should come at once.
const NEVER_MS: i32 = 100_000;

fn start() -> (Broker, Client) {
    let broker = Broker::start(&[("strome.shards", "2"), ("strome.admin.listener", "127.0.0.1:0")]);
    let client = Client::connect(broker.address());
    (broker, client)
}

/// A consumer of all partitions of topics, in a session, which goes on behind what it gets.
struct Consumer {
    client: Client,
    session_id: i32,
    session_epoch: i32,
    wait_ms: i32,
    bytes_max: i32,
    topic: &'static str,
    next: Vec<i64>,
    /// What the next request has to tell.
    changed: Vec<i32>,
}

impl Consumer {
    fn begin(broker: &Broker, topic: &'static str, wait_ms: i32) -> Self {
        let client = Client::connect(broker.address());
        let mut consumer = Self {
            client,
            session_id: 0,
            session_epoch: 0,
            wait_ms: 0,
            bytes_max: i32::MAX,
            topic,
            next: vec![0; PARTITIONS as usize],
            changed: (0..PARTITIONS).collect(),
        };
        assert_eq!(
            named(&consumer.poll()),
            (0..PARTITIONS).collect::<Vec<_>>(),
            "the first answer names all"
        );
        consumer.wait_ms = wait_ms;
        consumer
    }

    fn send(&mut self) {
        let changed: Vec<(i32, i64)> = self.changed.drain(..).map(|p| (p, self.next[p as usize])).collect();
        let mut request = FetchRequest {
            session_id: self.session_id,
            session_epoch: self.session_epoch,
            max_wait_ms: self.wait_ms,
            max_bytes: self.bytes_max,
            min_bytes: 1,
            ..fetch_request(self.topic, &changed)
        };
        if changed.is_empty() {
            request.topics.clear();
        }
        self.client.send(FETCH, &request);
    }

    fn receive(&mut self) -> FetchResponse {
        let (_, response) = self.client.receive::<FetchRequest>(FETCH);
        assert_eq!(response.error_code, 0);
        self.session_id = response.session_id;
        self.session_epoch += 1;
        for data in partitions(&response) {
            let next = &mut self.next[data.partition_index as usize];
            for record in records(data) {
                assert_eq!(record.offset, *next, "of partition {}", data.partition_index);
                *next += 1;
                self.changed.push(data.partition_index);
            }
        }
        self.changed.dedup();
        response
    }

    fn poll(&mut self) -> FetchResponse {
        self.send();
        self.receive()
    }
}

fn partitions(response: &FetchResponse) -> impl Iterator<Item = &PartitionData> {
    response.responses.iter().flat_map(|topic| &topic.partitions)
}

fn named(response: &FetchResponse) -> Vec<i32> {
    partitions(response).map(|data| data.partition_index).collect()
}

/// How many reads wait at each of the shards.
fn reads_waiting(broker: &Broker) -> [f64; 2] {
    let metrics = Metrics::scrape(broker.admin_address());
    ["0", "1"].map(|shard| metrics.sum("strome_fetches_waiting", &[("shard", shard)]))
}

#[track_caller]
fn await_reads(broker: &Broker, expected: f64) {
    let began = Instant::now();
    while reads_waiting(broker).iter().sum::<f64>() != expected {
        assert!(began.elapsed() < PATIENCE, "{:?} instead of {expected}", reads_waiting(broker));
        thread::sleep(Duration::from_millis(10));
    }
}

/// A partition of each shard.
fn one_of_each(broker: &Broker, topic: &str) -> [i32; 2] {
    let mut found = [None, None];
    for partition in 0..PARTITIONS {
        let mut client = Client::connect(broker.address());
        let request =
            FetchRequest { max_wait_ms: 200, min_bytes: 1, ..fetch_request(topic, &[(partition, 0)]) };
        client.send(FETCH, &request);
        await_reads(broker, 1.0);
        let owner = usize::from(reads_waiting(broker)[1] == 1.0);
        found[owner] = Some(partition);
        client.receive::<FetchRequest>(FETCH);
        if let [Some(one), Some(other)] = found {
            return [one, other];
        }
    }
    panic!("all partitions are on one shard: {found:?}");
}

/// A topic, with a partition of each shard. One in 128 topics has all partitions on one shard.
fn spread(broker: &Broker, client: &mut Client, topic: &'static str) -> [i32; 2] {
    create(client, topic, PARTITIONS, &[]);
    one_of_each(broker, topic)
}

#[test]
fn the_read_at_a_shard_that_has_nothing_stands_until_it_has() {
    let (broker, mut producer) = start();
    let ours = spread(&broker, &mut producer, "t");
    let mut consumer = Consumer::begin(&broker, "t", NEVER_MS);
    for round in 0..10 {
        let partition = ours[round / 2 % 2];
        consumer.send();
        await_reads(&broker, 2.0);
        append(&mut producer, "t", partition, batch(&[round.to_string()]));
        assert_eq!(named(&consumer.receive()), [partition], "round {round}");
        await_reads(&broker, 1.0);
    }
    // While no request waits, it comes, too.
    consumer.changed.clear();
    for partition in ours {
        append(&mut producer, "t", partition, batch(&["meanwhile"]));
    }
    consumer.changed = ours.to_vec();
    let before = consumer.next.iter().sum::<i64>();
    while consumer.next.iter().sum::<i64>() < before + 2 {
        consumer.poll();
    }
}

#[test]
fn records_of_both_shards_come_once_and_in_order_whenever_they_arrive() {
    const EACH: i64 = 60;
    let (broker, mut admin) = start();
    spread(&broker, &mut admin, "t");
    let produce = |ours: Range<i32>| {
        let mut client = Client::connect(broker.address());
        thread::spawn(move || {
            for number in 0..EACH {
                ours.clone().for_each(|p| _ = append(&mut client, "t", p, batch(&[number.to_string()])));
            }
        })
    };
    let producers = [produce(0..3), produce(3..6), produce(6..PARTITIONS)];
    let consumers = [NEVER_MS, NEVER_MS, 5, 0].map(|wait_ms| {
        let mut consumer = Consumer::begin(&broker, "t", wait_ms);
        thread::spawn(move || {
            while consumer.next.iter().any(|next| *next < EACH) {
                consumer.poll();
            }
            assert_eq!(consumer.next, vec![EACH; PARTITIONS as usize]);
        })
    });
    producers.into_iter().chain(consumers).for_each(|thread| thread.join().expect("all records"));
}

#[test]
fn a_shard_with_records_is_waited_for_though_the_other_one_has_enough() {
    let (broker, mut producer) = start();
    let ours = spread(&broker, &mut producer, "t");
    let mut consumer = Consumer::begin(&broker, "t", NEVER_MS);
    consumer.bytes_max = 3_000;
    for number in 0..20 {
        ours.iter().for_each(|p| _ = append(&mut producer, "t", *p, batch(&[format!("{number:01000}")])));
    }
    while consumer.next[ours[0] as usize] < 20 || consumer.next[ours[1] as usize] < 20 {
        let response = consumer.poll();
        let with_records = partitions(&response).filter(|data| !records(data).is_empty());
        assert_eq!(with_records.count(), 2, "one shard got ahead: {:?}", consumer.next);
    }
}

/// The time of a read that stands is over before that of the request that waits for it.
#[test]
fn a_poll_waits_at_all_shards_until_its_own_time_is_over() {
    let (broker, mut producer) = start();
    let [first, second] = spread(&broker, &mut producer, "t");
    for (soon, late) in [(first, second), (second, first)] {
        let mut consumer = Consumer::begin(&broker, "t", 2_000);
        consumer.poll();
        consumer.send();
        thread::sleep(Duration::from_millis(1_000));
        append(&mut producer, "t", soon, batch(&["after one second"]));
        assert!(named(&consumer.receive()).contains(&soon));
        let began = Instant::now();
        consumer.send();
        thread::sleep(Duration::from_millis(1_300));
        append(&mut producer, "t", late, batch(&["when the first request would have been over"]));
        assert_eq!(named(&consumer.receive()), [late]);
        assert!(began.elapsed() < Duration::from_millis(1_900), "it was not woken: {:?}", began.elapsed());
        // With nothing at all it is answered in time, neither earlier nor later.
        let began = Instant::now();
        assert_eq!(named(&consumer.poll()), Vec::<i32>::new());
        assert!(began.elapsed() >= Duration::from_millis(2_000), "{:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_millis(3_500), "{:?}", began.elapsed());
        await_reads(&broker, 0.0);
    }
}

/// A consumer that had an answer from one shard, while its read at the other one stands for ever.
fn with_a_standing_read(broker: &Broker, producer: &mut Client, topic: &'static str, from: i32) -> Consumer {
    let mut consumer = Consumer::begin(broker, topic, NEVER_MS);
    while consumer.next[from as usize] == 0 {
        append(producer, topic, from, batch(&["x"]));
        consumer.poll();
    }
    consumer.wait_ms = i32::MAX;
    // From now on the time is that of this request, and all that there was is read.
    consumer.send();
    await_reads(broker, 2.0);
    append(producer, topic, from, batch(&["y"]));
    consumer.receive();
    await_reads(broker, 1.0);
    consumer
}

#[test]
fn what_stands_for_a_session_ends_with_its_connection() {
    let (broker, mut producer) = start();
    for from in spread(&broker, &mut producer, "t") {
        drop(with_a_standing_read(&broker, &mut producer, "t", from));
        await_reads(&broker, 0.0);
        // Also while a request waits.
        let mut consumer = with_a_standing_read(&broker, &mut producer, "t", from);
        consumer.send();
        await_reads(&broker, 2.0);
        drop(consumer);
        await_reads(&broker, 0.0);
    }
}

#[test]
fn what_stands_for_a_session_ends_with_it() {
    let (broker, mut producer) = start();
    for from in spread(&broker, &mut producer, "t") {
        // Closed by its client.
        let mut consumer = with_a_standing_read(&broker, &mut producer, "t", from);
        consumer.session_epoch = -1;
        consumer.wait_ms = 0;
        consumer.poll();
        await_reads(&broker, 0.0);
        // Evicted by younger ones.
        let mut consumer = with_a_standing_read(&broker, &mut producer, "t", from);
        for _ in 0..4 {
            let request = FetchRequest { session_epoch: 0, ..fetch_request("t", &[(0, 0)]) };
            assert!(consumer.client.call(FETCH, &request).session_id > 0);
        }
        await_reads(&broker, 0.0);
    }
}

#[test]
fn a_read_that_stands_is_not_that_of_a_request_that_asks_for_something_else() {
    let (broker, mut producer) = start();
    let [first, second] = spread(&broker, &mut producer, "t");
    for (from, other) in [(first, second), (second, first)] {
        append(&mut producer, "t", other, batch(&["read twice"]));
        let mut consumer = with_a_standing_read(&broker, &mut producer, "t", from);
        let read = std::mem::take(&mut consumer.next[other as usize]);
        assert!(read > 0);
        // Back to the beginning, at the shard that has nothing new.
        consumer.changed.push(other);
        assert_eq!(named(&consumer.poll()), [other]);
        assert_eq!(consumer.next[other as usize], read);
        drop(consumer);
        await_reads(&broker, 0.0);
    }
}

#[test]
fn a_topic_that_is_deleted_while_a_read_of_it_stands_is_told_at_once() {
    let (broker, mut producer) = start();
    for waits in [false, true] {
        for side in 0..2 {
            let ours = spread(&broker, &mut producer, "t");
            let mut consumer = with_a_standing_read(&broker, &mut producer, "t", ours[side]);
            if waits {
                consumer.send();
                await_reads(&broker, 2.0);
            }
            assert_eq!(delete(&mut producer, "t"), 0);
            await_reads(&broker, 0.0);
            if !waits {
                consumer.send();
            }
            // One shard may hear of it before the other.
            let first = consumer.receive();
            assert!(partitions(&first).count() > 0 && partitions(&first).all(|data| data.error_code == 3));
            let second = consumer.poll();
            assert_eq!(partitions(&second).count(), PARTITIONS as usize, "all are told");
            assert!(partitions(&second).all(|data| data.error_code == 3));
        }
    }
}

/// As in full fetches, what goes wrong in one partition is told with what there is to tell of all others.
#[test]
fn an_error_at_one_shard_has_the_other_one_answer_too() {
    let (broker, mut producer) = start();
    let [first, second] = spread(&broker, &mut producer, "t");
    for (good, bad) in [(first, second), (second, first)] {
        let mut consumer = with_a_standing_read(&broker, &mut producer, "t", good);
        let wrong = crate::topics::fetch_request("t", &[(bad, 1_000)]);
        let request = FetchRequest {
            session_id: consumer.session_id,
            session_epoch: consumer.session_epoch,
            max_wait_ms: NEVER_MS,
            min_bytes: 1,
            ..wrong
        };
        append(&mut producer, "t", good, batch(&["there is something to tell"]));
        let response = consumer.client.call(FETCH, &request);
        let mut told: Vec<(i32, i16)> =
            partitions(&response).map(|data| (data.partition_index, data.error_code)).collect();
        told.sort();
        let mut expected = vec![(good, 0), (bad, 1)];
        expected.sort();
        assert_eq!(told, expected);
    }
}
