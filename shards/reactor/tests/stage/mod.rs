//! A shard for tests: a reactor on its own thread, and an echo server on it.
#![allow(dead_code, reason = "each test binary uses its part of this")]

use std::collections::HashMap;
use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use strome_reactor::{Event, Handle, Options, Placement, Reactor, Socket, Token, Waker, launch};

/// A shard that runs until its task ends.
pub struct Shard {
    handle: Handle,
    pub waker: Waker,
    pub stop: Arc<AtomicBool>,
}

impl Shard {
    /// Tells an endless task to stop, and waits for it.
    pub fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.waker.wake();
        self.handle.join().unwrap();
    }

    /// Waits for a task that ends by itself.
    pub fn join(self) {
        self.handle.join().unwrap();
    }
}

/// The reactor of a test, and whether it is to stop.
pub struct Stage {
    pub reactor: Reactor,
    pub stop: Arc<AtomicBool>,
}

pub fn on_shard<F, Task>(task: F) -> Shard
where
    F: FnOnce(Stage) -> Task + Send + 'static,
    Task: Future<Output = ()> + 'static,
{
    on_shard_with(Options::default(), task)
}

pub fn on_shard_with<F, Task>(options: Options, task: F) -> Shard
where
    F: FnOnce(Stage) -> Task + Send + 'static,
    Task: Future<Output = ()> + 'static,
{
    let waker = Waker::new().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (woken_by, stopped_by) = (waker.clone(), Arc::clone(&stop));
    let placement = Placement { name: "shard-0".into(), cpu: None };
    let handle = launch(placement, move || {
        let reactor = Reactor::new(options, woken_by).unwrap();
        task(Stage { reactor, stop: stopped_by })
    })
    .unwrap();
    Shard { handle, waker, stop }
}

impl Stage {
    /// Polls until at least one event is there. Panics after half a minute.
    pub async fn next(&mut self) -> Vec<Event> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut events = Vec::new();
        loop {
            self.reactor.poll(&mut events);
            if !events.is_empty() {
                return events;
            }
            assert!(Instant::now() < deadline, "no event came");
            self.reactor.park(Some(deadline)).await;
        }
    }
}

/// An echo server: sends back whatever comes, one send at a time per connection.
#[derive(Default)]
pub struct Echo {
    connections: HashMap<Token, Connection>,
    accepted: u64,
    pub most_at_once: usize,
}

struct Connection {
    socket: Socket,
    queued: Vec<Bytes>,
    sending: bool,
    ended: bool,
}

impl Echo {
    pub fn handle(&mut self, reactor: &mut Reactor, event: Event) {
        match event {
            Event::Accepted { socket, .. } => {
                self.accepted += 1;
                let token = Token(self.accepted);
                reactor.receive(&socket, token);
                let connection = Connection { socket, queued: Vec::new(), sending: false, ended: false };
                self.connections.insert(token, connection);
                self.most_at_once = self.most_at_once.max(self.connections.len());
            }
            Event::Received { token, data } => {
                let connection = self.connections.get_mut(&token).unwrap();
                connection.queued.push(Bytes::copy_from_slice(&data));
                connection.pump(reactor, token);
            }
            Event::Sent { token, result } => {
                let connection = self.connections.get_mut(&token).unwrap();
                connection.sending = false;
                if result.is_err() {
                    connection.queued.clear();
                }
                connection.pump(reactor, token);
                self.forget_if_done(token);
            }
            Event::ReceiveEnded { token, .. } => {
                self.connections.get_mut(&token).unwrap().ended = true;
                self.forget_if_done(token);
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    fn forget_if_done(&mut self, token: Token) {
        let connection = &self.connections[&token];
        if connection.ended && !connection.sending && connection.queued.is_empty() {
            self.connections.remove(&token);
        }
    }
}

impl Connection {
    fn pump(&mut self, reactor: &mut Reactor, token: Token) {
        if !self.sending && !self.queued.is_empty() {
            self.sending = true;
            reactor.send(&self.socket, std::mem::take(&mut self.queued), token);
        }
    }
}

/// Serves until the stage is told to stop.
pub async fn run_echo(stage: &mut Stage, listener: TcpListener) {
    stage.reactor.accept(listener, Token(0));
    let mut echo = Echo::default();
    let mut events = Vec::new();
    while !stage.stop.load(Ordering::SeqCst) {
        stage.reactor.poll(&mut events);
        if events.is_empty() {
            stage.reactor.park(None).await;
        }
        for event in events.drain(..) {
            echo.handle(&mut stage.reactor, event);
        }
    }
}
