//! A graceful stop in the middle of everything.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use protocol::messages::{FetchRequest, ProduceRequest};
use protocol::{ApiKey, decode_response};

use crate::client::Client;
use crate::host::{allows_files, scale, take_turn};
use crate::support::Broker;
use crate::topics::{ALL, FETCH, PRODUCE, batch, create, fetch_request, produce_request, read_all};

const PARTITIONS: i32 = 8;
const THREADS: usize = 4;
/// Requests that each writer has under way.
const WINDOW: usize = 4;

#[test]
fn whatever_was_acknowledged_before_a_stop_under_load_is_there_after_it() {
    let _turn = take_turn();
    let (idle, writers) = scale((800, 40), (4000, 400));
    if !allows_files(idle + writers as u64) {
        return;
    }
    assert_eq!(ApiKey::Produce.key(), 0);
    let mut broker = Broker::start(&[("strome.shards", "2")]);
    let address = broker.address();
    create(&mut Client::connect(address), "stop", PARTITIONS, &[]);
    let sleepers: Vec<Client> = (0..idle).map(|_| Client::connect(address)).collect();
    let mut waiting: Vec<Client> = (0..20).map(|_| wait_for_records(address)).collect();

    let acknowledged = AtomicUsize::new(0);
    let acknowledged = &acknowledged;
    // All are connected before the first writes, so that the stop finds them all.
    let writers = (0..THREADS).map(|thread| connect_writers(address, thread, writers / THREADS));
    let writers: Vec<Vec<Writer>> = writers.collect();
    let (status, kept) = thread::scope(|scope| {
        let writing: Vec<_> = writers
            .into_iter()
            .map(|writers| scope.spawn(move || write_to_the_end(writers, acknowledged)))
            .collect();
        while acknowledged.load(Ordering::Relaxed) < 2000 {
            thread::sleep(Duration::from_millis(5));
        }
        broker.begin_stop();
        let status = broker.wait();
        let kept: Vec<String> = writing.into_iter().flat_map(|it| it.join().expect("a writer")).collect();
        (status, kept)
    });
    assert!(status.success(), "{status}");
    for client in &mut waiting {
        let (_, response) = client.receive::<FetchRequest>(FETCH);
        assert_eq!(response.error_code, 0, "who waited gets an answer before the end");
    }
    drop(sleepers);

    broker.restart();
    let mut reader = Client::connect(broker.address());
    let found: Vec<String> =
        (0..PARTITIONS).flat_map(|partition| read_all(&mut reader, "stop", partition, 0)).collect();
    let unique: HashSet<&String> = found.iter().collect();
    eprintln!("{} records acknowledged, {} found, {idle} connections idle", kept.len(), found.len());
    assert_eq!(unique.len(), found.len(), "no record twice");
    assert!(kept.len() >= 2000);
    for value in &kept {
        assert!(unique.contains(value), "{value} was acknowledged and is lost");
    }
}

/// A fetch that waits for records that do not come.
fn wait_for_records(address: SocketAddr) -> Client {
    let mut client = Client::connect(address);
    let far = FetchRequest { max_wait_ms: 600_000, min_bytes: i32::MAX, ..fetch_request("stop", &[(0, 0)]) };
    client.send(FETCH, &far);
    client
}

fn connect_writers(address: SocketAddr, thread: usize, connections: usize) -> Vec<Writer> {
    (0..connections).map(|at| Writer::new(address, format!("{thread} {at}"), at as i32)).collect()
}

/// Writes on several connections, a window of requests on each, until the broker closes them. Returns the values
/// that were acknowledged.
fn write_to_the_end(mut writers: Vec<Writer>, acknowledged: &AtomicUsize) -> Vec<String> {
    let mut kept = Vec::new();
    while !writers.is_empty() {
        writers.retain_mut(|writer| match writer.turn() {
            Some(value) => {
                acknowledged.fetch_add(1, Ordering::Relaxed);
                kept.push(value);
                true
            }
            None => {
                kept.append(&mut writer.drain());
                false
            }
        });
    }
    kept
}

struct Writer {
    client: Client,
    name: String,
    partition: i32,
    sent: usize,
    /// Those answered.
    done: usize,
}

impl Writer {
    fn new(address: SocketAddr, name: String, at: i32) -> Self {
        let client = Client::connect(address);
        Self { client, name, partition: at % PARTITIONS, sent: 0, done: 0 }
    }

    fn value(&self, number: usize) -> String {
        format!("{} {number}", self.name)
    }

    /// Fills the window and waits for one acknowledgement; `None` when the connection has ended.
    fn turn(&mut self) -> Option<String> {
        use std::io::Write;
        while self.sent < self.done + WINDOW {
            let records = batch(&[self.value(self.sent)]);
            let frame = self.client.frame(PRODUCE, &produce_request("stop", self.partition, ALL, records));
            self.client.stream().write_all(&frame).ok()?;
            self.sent += 1;
        }
        self.acknowledgement()
    }

    fn acknowledgement(&mut self) -> Option<String> {
        let frame = self.client.receive_frame()?;
        let (_, response) = decode_response::<ProduceRequest>(&frame, PRODUCE).expect("an answer");
        let value = self.value(self.done);
        self.done += 1;
        let answer = &response.responses[0].partition_responses[0];
        assert_eq!(answer.error_code, 0, "{value}: {:?}", answer.error_message);
        Some(value)
    }

    /// What was acknowledged and not read before the connection's end.
    fn drain(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.acknowledgement()).collect()
    }
}
