//! More large requests at once than there is memory for.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;
use protocol::messages::ProduceRequest;

use crate::client::Client;
use crate::host::{MIB, resident_peak, scale, take_turn};
use crate::support::Broker;
use crate::topics::{ALL, PRODUCE, append, batch, create, produce_request, read_all};

/// `strome.memory.bytes`.
const MEMORY: u64 = 256 * MIB;

/// The longest request that these tests send.
const LONGEST: u64 = 50 * MIB;

/// The shards among which the memory is shared out.
const SHARDS: u64 = 2;

/// What the broker may have resident. The shares of the memory bound all of it, but each of them is for the longest
/// request too, which may be longer than the share:
/// - Half of the memory is for requests. One that is longer than half of a shard's part counts as that half, and has
///   no second one beside it.
/// - What has come of requests that still wait for memory is bounded by a quarter of that; the buffers that it gathers
///   in grow by doubling.
/// - A quarter of the memory is for records that are not written. A shard takes a batch of any length while its part of
///   that is three quarters empty. The records that are kept for readers give way to them, down to the last.
///
/// The constant is for what does not grow: the program itself, the receive buffers (8 MiB a shard), and what the
/// allocator has not given back of small blocks.
const RESIDENT_MAX: u64 = {
    let requests = MEMORY / 2 / 2 + SHARDS * LONGEST;
    let held = 2 * MEMORY / 2 / 4;
    let unwritten = MEMORY / 4 / 4 + SHARDS * LONGEST;
    requests + held + unwritten + 64 * MIB
};

#[test]
fn a_flood_of_large_requests_is_worked_off_within_the_memory_while_small_ones_go_on() {
    let _turn = take_turn();
    let clients = scale(16, 60);
    let broker = Broker::start(&[
        ("strome.shards", &SHARDS.to_string()),
        ("strome.memory.bytes", &MEMORY.to_string()),
        ("message.max.bytes", "67108864"),
        ("log.retention.bytes", "268435456"),
    ]);
    let address = broker.address();
    let mut control = Client::connect(address);
    create(&mut control, "large", 4, &[]);
    create(&mut control, "small", 4, &[]);
    // 20, 30, 40 and 50 MiB, each encoded once.
    let wires: Vec<Bytes> = (0..4).map(|at| large_frame(&mut control, at)).collect();
    let flooding = AtomicBool::new(true);
    let (small, answered) = thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|at: usize| {
                let wire = wires[at % 4].clone();
                scope.spawn(move || send_large(address, &wire))
            })
            .collect();
        let flooding = &flooding;
        let small: Vec<_> =
            (0..4).map(|partition| scope.spawn(move || send_small(address, partition, flooding))).collect();
        let answered: Vec<bool> = threads.into_iter().map(|it| it.join().expect("an answer")).collect();
        flooding.store(false, Ordering::SeqCst);
        (small.into_iter().map(|it| it.join().expect("answers")).collect::<Vec<_>>(), answered)
    });
    let peak = resident_peak(broker.pid());
    eprintln!(
        "{clients} requests of 20 to 50 MiB: at most {} MiB resident; small ones: {small:?}",
        peak / MIB
    );
    assert!(answered.into_iter().all(|it| it), "every large request was written");
    assert!(peak < RESIDENT_MAX, "{} MiB resident, {} are allowed", peak / MIB, RESIDENT_MAX / MIB);
    for (partition, count) in small.into_iter().enumerate() {
        assert_eq!(read_all(&mut control, "small", partition as i32, 0).len(), count);
    }
}

fn large_frame(client: &mut Client, partition: usize) -> Bytes {
    let value = vec![b'l'; (20 + 10 * partition) * (1 << 20) - 1024];
    Bytes::from(client.frame(PRODUCE, &produce_request("large", partition as i32, ALL, batch(&[value]))))
}

/// Whether the request was written.
fn send_large(address: SocketAddr, wire: &[u8]) -> bool {
    let mut client = Client::connect(address);
    client.stream().write_all(wire).expect("the broker reads");
    let (_, response) = client.receive::<ProduceRequest>(PRODUCE);
    let answer = &response.responses[0].partition_responses[0];
    assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
    true
}

/// Writes small records for as long as the flood lasts, on old and new connections. Returns how many.
fn send_small(address: SocketAddr, partition: i32, flooding: &AtomicBool) -> usize {
    let mut client = Client::connect(address);
    let mut count = 0;
    while flooding.load(Ordering::SeqCst) || count == 0 {
        append(&mut client, "small", partition, batch(&["small"]));
        count += 1;
        if count % 100 == 0 {
            client = Client::connect(address);
        }
    }
    count
}
