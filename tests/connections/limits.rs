//! Limits on the number of connections, and on how long one may be idle.

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use protocol::messages::ApiVersionsRequest;
use protocol::messages::FetchRequest;
use socket2::{Domain, Socket, Type};

use crate::client::Client;
use crate::host::take_turn;
use crate::support::{Broker, PATIENCE};
use crate::topics::{FETCH, append, batch, create, fetch_request, only_partition, records};

#[test]
fn the_broker_has_no_more_connections_than_it_may() {
    let _turn = take_turn();
    let broker = Broker::start(&[("max.connections", "20"), ("strome.shards", "2")]);
    let mut clients: Vec<Client> = (0..20).map(|_| connect_from(1, broker.address())).collect();
    clients.iter_mut().for_each(say_hello);
    for _ in 0..5 {
        expect_refused(1, broker.address());
    }
    clients.pop();
    say_hello(&mut connect_when_there_is_room(1, broker.address()));
    clients.iter_mut().for_each(say_hello);
}

#[test]
fn an_address_has_no_more_connections_than_it_may_except_where_another_number_is_set() {
    let _turn = take_turn();
    let broker = Broker::start(&[
        ("max.connections.per.ip", "3"),
        ("max.connections.per.ip.overrides", "127.0.0.2:7,127.0.0.3:0"),
        ("strome.shards", "2"),
    ]);
    let mut clients = Vec::new();
    for (host, count) in [(1, 3), (2, 7), (3, 0), (4, 3)] {
        for _ in 0..count {
            clients.push(connect_from(host, broker.address()));
        }
        clients.iter_mut().for_each(say_hello);
        expect_refused(host, broker.address());
    }
    // One that goes makes room for one of its own address only.
    clients.remove(0);
    clients.push(connect_when_there_is_room(1, broker.address()));
    expect_refused(2, broker.address());
    clients.iter_mut().for_each(say_hello);
}

#[test]
fn an_idle_connection_is_closed_but_not_one_that_waits_for_the_broker_or_is_in_use() {
    let _turn = take_turn();
    let broker = Broker::start(&[("connections.max.idle.ms", "2000"), ("strome.shards", "2")]);
    let mut active = Client::connect(broker.address());
    create(&mut active, "idle", 1, &[]);
    let mut waiting = Client::connect(broker.address());
    let request = FetchRequest { max_wait_ms: 60_000, min_bytes: 1, ..fetch_request("idle", &[(0, 0)]) };
    waiting.send(FETCH, &request);
    let mut idle = Client::connect(broker.address());
    say_hello(&mut idle);
    let mut silent = Client::connect(broker.address());
    let mut slow = Client::connect(broker.address());
    let half = slow.frame(0, &ApiVersionsRequest::default());
    slow.write(&half[..7]);

    let start = Instant::now();
    for client in [&mut idle, &mut silent, &mut slow] {
        while !is_closed(client, Duration::from_millis(100)) {
            assert!(start.elapsed() < PATIENCE, "idle connections are closed");
            say_hello(&mut active);
        }
    }
    assert!(start.elapsed() > Duration::from_millis(1500), "not before the time");
    append(&mut active, "idle", 0, batch(&["at last"]));
    let (_, response) = waiting.receive::<FetchRequest>(FETCH);
    assert_eq!(records(&only_partition(response))[0].value, "at last");
}

fn say_hello(client: &mut Client) {
    assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0);
}

/// A connection from 127.0.0.`host`.
fn connect_from(host: u8, to: SocketAddr) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0));
    socket.bind(&from.into()).expect("an address of the loopback");
    socket.connect(&to.into()).expect("a connection");
    Client::over(TcpStream::from(socket))
}

/// The kernel connects; then the broker closes without a word.
fn expect_refused(host: u8, to: SocketAddr) {
    assert!(is_closed(&mut connect_from(host, to), PATIENCE), "one connection too many");
}

/// The broker learns a little later than the client that a connection has ended.
fn connect_when_there_is_room(host: u8, to: SocketAddr) -> Client {
    let start = Instant::now();
    loop {
        let mut client = connect_from(host, to);
        if !is_closed(&mut client, Duration::from_millis(200)) {
            return client;
        }
        assert!(start.elapsed() < PATIENCE, "there is room for one");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the broker closes the connection within `time`. There must be nothing to read.
fn is_closed(client: &mut Client, time: Duration) -> bool {
    let mut stream = client.stream();
    stream.set_read_timeout(Some(time)).expect("a socket");
    let outcome = stream.read(&mut [0]);
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    match outcome {
        Ok(0) => true,
        Ok(_) => panic!("bytes that nobody asked for"),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => false,
        Err(_) => true,
    }
}
