//! How many round trips one shard answers, and how many system calls it makes for them.
//!
//!     round_trips [connections] [bytes] [seconds] [spin us] [in flight per connection]
//!
//! Clients are one thread of blocking sockets per 16 connections, on the other cores. Run it under `strace -f -c` for the
//! calls that glommio makes besides.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use strome_reactor::{Event, Options, Placement, Reactor, Socket, Token, Waker, launch};

/// Connections that one client thread serves in turn.
const CONNECTIONS_PER_THREAD: usize = 16;

#[derive(Clone, Copy)]
struct Load {
    connections: usize,
    bytes: usize,
    seconds: u64,
    spin_us: u64,
    in_flight: usize,
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let mut next = |default| arguments.next().unwrap_or(default);
    let load = Load {
        connections: next(16) as usize,
        bytes: next(1024) as usize,
        seconds: next(3),
        spin_us: next(0),
        in_flight: next(1) as usize,
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let waker = Waker::new().expect("an eventfd");
    let stop = Arc::new(AtomicBool::new(false));
    let (woken_by, stopped_by) = (waker.clone(), Arc::clone(&stop));
    let placement = Placement { name: "shard-0".into(), cpu: Some(0) };
    let shard = launch(placement, move || serve(listener, woken_by, stopped_by, load)).expect("a shard");

    let answered = drive(address, load);
    stop.store(true, Ordering::SeqCst);
    waker.wake();
    shard.join().expect("the shard ends well");
    println!("{answered} round trips, {} per second", answered / load.seconds);
}

async fn serve(listener: TcpListener, waker: Waker, stop: Arc<AtomicBool>, load: Load) {
    let options = Options { spin: Duration::from_micros(load.spin_us), ..Options::default() };
    let mut reactor = Reactor::new(options, waker).expect("a reactor");
    println!("{}", reactor.features());
    reactor.accept(listener, Token(0));
    let mut sockets: HashMap<Token, Socket> = HashMap::new();
    let mut events = Vec::new();
    let (mut served, mut batches) = (0u64, 0u64);
    while !stop.load(Ordering::Relaxed) {
        reactor.poll(&mut events);
        if events.is_empty() {
            reactor.park(None).await;
            continue;
        }
        batches += 1;
        for event in events.drain(..) {
            match event {
                Event::Accepted { socket, .. } => {
                    let token = Token(sockets.len() as u64);
                    reactor.receive(&socket, token);
                    sockets.insert(token, socket);
                }
                Event::Received { token, data } => {
                    served += 1;
                    if let Some(socket) = sockets.get(&token) {
                        reactor.send(socket, vec![Bytes::copy_from_slice(&data)], token);
                    }
                }
                _ => {}
            }
        }
        strome_reactor::yield_if_needed().await;
    }
    let counts = reactor.counts();
    println!(
        "{served} received in {batches} batches, {} enters ({:.3} per message), {} sleeps",
        counts.enters,
        counts.enters as f64 / served as f64,
        counts.sleeps
    );
}

fn drive(address: SocketAddr, load: Load) -> u64 {
    let answered = Arc::new(AtomicU64::new(0));
    let deadline = Instant::now() + Duration::from_secs(load.seconds);
    let threads: Vec<_> = (0..load.connections.div_ceil(CONNECTIONS_PER_THREAD))
        .map(|thread| {
            let first = thread * CONNECTIONS_PER_THREAD;
            let connections = (load.connections - first).min(CONNECTIONS_PER_THREAD);
            let answered = Arc::clone(&answered);
            thread::spawn(move || client(address, connections, load, deadline, &answered))
        })
        .collect();
    for thread in threads {
        thread.join().expect("a client ends well");
    }
    answered.load(Ordering::Relaxed)
}

fn client(address: SocketAddr, connections: usize, load: Load, deadline: Instant, answered: &AtomicU64) {
    let connect = |_| TcpStream::connect(address).expect("a connection");
    let mut streams: Vec<TcpStream> = (0..connections).map(connect).collect();
    let text = vec![7u8; load.bytes * load.in_flight];
    let mut back = vec![0; text.len()];
    while Instant::now() < deadline {
        for stream in &mut streams {
            stream.write_all(&text).expect("a request goes out");
        }
        for stream in &mut streams {
            stream.read_exact(&mut back).expect("an answer comes");
            answered.fetch_add(load.in_flight as u64, Ordering::Relaxed);
        }
    }
}
