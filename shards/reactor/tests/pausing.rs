//! Receives of every kind that are paused and resumed at random while data pours in: nothing is lost, doubled or out of order.

mod stage;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use stage::on_shard_with;
use strome_reactor::{Allow, Event, Options, Reactor, ReceiveEnd, Received, Socket, Token};

const CONNECTIONS: usize = 40;
/// What each client sends: more than all buffers hold.
const BYTES: usize = 300_000;

/// What a buffer is filled up to, and what is in it before.
const FILL_BYTES: usize = 9_000;
const BEFORE: &[u8] = b"before";

/// A small generator of pseudo-random numbers (xorshift).
struct Chance(u64);

impl Chance {
    fn one_in(&mut self, odds: u64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(odds)
    }
}

fn byte(connection: u8, at: usize) -> u8 {
    connection.wrapping_add((at ^ (at >> 8) ^ (at >> 16)) as u8)
}

struct Connection {
    socket: Socket,
    /// The first byte that a client sends is its number.
    number: Option<u8>,
    came: usize,
    receiving: bool,
}

struct Server {
    chance: Chance,
    connections: HashMap<Token, Connection>,
    held: Vec<Received>,
    closed: usize,
    pauses: usize,
    fills: usize,
}

impl Server {
    fn handle(&mut self, reactor: &mut Reactor, event: Event) {
        match event {
            Event::Accepted { socket, .. } => {
                let token = Token(self.connections.len() as u64);
                reactor.receive(&socket, token);
                let connection = Connection { socket, number: None, came: 0, receiving: true };
                self.connections.insert(token, connection);
            }
            Event::Received { token, data } => {
                self.connections.get_mut(&token).unwrap().take(&data);
                // Some buffers stay away for a while, so that others starve.
                if self.chance.one_in(5) {
                    self.held.push(data);
                }
                if self.chance.one_in(3) {
                    reactor.pause(token);
                }
            }
            Event::ReceiveEnded { token, end } => self.ended(reactor, token, Some(end)),
            Event::Filled { token, buffer, end } => {
                assert_eq!(end.is_none(), buffer.len() == FILL_BYTES, "full, or ended early");
                let connection = self.connections.get_mut(&token).unwrap();
                connection.take(buffer.strip_prefix(BEFORE).expect("what was in the buffer"));
                self.fills += usize::from(end.is_none());
                self.ended(reactor, token, end);
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    fn ended(&mut self, reactor: &mut Reactor, token: Token, end: Option<ReceiveEnd>) {
        let connection = self.connections.get_mut(&token).unwrap();
        connection.receiving = false;
        match end {
            None => {}
            Some(ReceiveEnd::Paused) => self.pauses += 1,
            Some(ReceiveEnd::Closed) => {
                assert_eq!(connection.came, BYTES, "bytes are missing at the end");
                reactor.shutdown(&connection.socket);
                self.closed += 1;
                connection.receiving = true;
            }
            Some(ReceiveEnd::Failed(error)) => panic!("{error}"),
        }
    }

    /// Between two batches some that were paused go on.
    fn resume(&mut self, reactor: &mut Reactor) {
        if self.chance.one_in(3) {
            self.held.clear();
        }
        for (token, connection) in &mut self.connections {
            if !connection.receiving && self.chance.one_in(2) {
                connection.receiving = true;
                if self.chance.one_in(3) {
                    let mut buffer = Vec::with_capacity(FILL_BYTES);
                    buffer.extend_from_slice(BEFORE);
                    reactor.fill(&connection.socket, buffer, FILL_BYTES, *token);
                    if self.chance.one_in(3) {
                        reactor.pause(*token);
                    }
                } else if self.chance.one_in(2) {
                    reactor.receive_once(&connection.socket, 700, *token);
                } else {
                    reactor.receive(&connection.socket, *token);
                }
            }
        }
    }
}

impl Connection {
    fn take(&mut self, data: &[u8]) {
        let Some(first) = data.first() else { return };
        let number = *self.number.get_or_insert(*first);
        for (n, came) in data.iter().enumerate() {
            assert_eq!(*came, byte(number, self.came + n), "connection {number} at {}", self.came + n);
        }
        self.came += data.len();
    }
}

#[test]
fn a_stream_survives_pauses_at_any_moment() {
    let all = Allow::ALL;
    let kinds =
        [all, Allow { defer_taskrun: false, ..all }, Allow { multishot_receive: false, ..all }, Allow::NONE];
    for (seed, allow) in kinds.into_iter().enumerate() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // So small that submissions wait, completions overflow and buffers run out.
        let options = Options {
            submissions: 8,
            completions: 16,
            receive_buffers: 8,
            receive_buffer_bytes: 2048,
            allow,
            ..Options::default()
        };
        let shard = on_shard_with(options, move |mut stage| async move {
            stage.reactor.accept(listener, Token(u64::MAX));
            let mut server = Server {
                chance: Chance(0x9e37_79b9 + seed as u64),
                connections: HashMap::new(),
                held: Vec::new(),
                closed: 0,
                pauses: 0,
                fills: 0,
            };
            let deadline = Instant::now() + Duration::from_secs(60);
            let mut events = Vec::new();
            while server.closed < CONNECTIONS {
                assert!(Instant::now() < deadline, "stuck after {} of {CONNECTIONS}", server.closed);
                stage.reactor.poll(&mut events);
                if events.is_empty() {
                    // Short: what is held or paused is let go only here.
                    stage.reactor.park(Some(Instant::now() + Duration::from_millis(1))).await;
                }
                for event in events.drain(..) {
                    server.handle(&mut stage.reactor, event);
                }
                server.resume(&mut stage.reactor);
            }
            assert!(server.pauses > CONNECTIONS, "{} pauses are no test", server.pauses);
            assert!(server.fills > CONNECTIONS, "{} fills are no test", server.fills);
        });
        let clients: Vec<_> =
            (0..CONNECTIONS as u8).map(|number| thread::spawn(move || client(address, number))).collect();
        for client in clients {
            client.join().unwrap();
        }
        shard.join();
    }
}

fn client(address: std::net::SocketAddr, number: u8) {
    let mut stream = TcpStream::connect(address).unwrap();
    let bytes: Vec<u8> = (0..BYTES).map(|at| byte(number, at)).collect();
    for piece in bytes.chunks(1000 + usize::from(number) * 100) {
        stream.write_all(piece).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}
