//! Shards that serve a toy protocol over real sockets and reactors, and clients for it.
//!
//! The first byte of a request says what is wanted: `e` its echo; `n` no answer; `l` its echo, but only when the next
//! `r` of any connection comes, or [`Broker::release`] is called; `b` and a length of four bytes: so many bytes; `m`: to be moved to the other shard, and
//! an echo.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::{Event, Handle, Options, Placement, Reactor, Waker, launch};
use strome_net::{
    Admission, AdmissionLimits, Connections, Limits, ListenerIndex, Moved, Request, SocketSettings,
    Statistics, listen,
};
use types::{ByteCount, ShardId};

/// No test waits longer for anything; none should come near.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a connection of the toy broker remembers: how many requests it has made.
#[derive(Default)]
pub struct Session {
    pub requests: u32,
}

/// What a shard shows of itself.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub statistics: Statistics,
    pub request_memory: u64,
    pub drained: bool,
}

/// A broker of a few shards.
pub struct Broker {
    pub address: SocketAddr,
    pub admission: Arc<Admission>,
    reports: Vec<Arc<Mutex<Report>>>,
    wakers: Vec<Waker>,
    stop: Arc<AtomicBool>,
    release: Arc<AtomicBool>,
    handles: Vec<Handle>,
}

/// One shard of it.
struct Shard {
    id: ShardId,
    reactor: Reactor,
    connections: Connections<Session>,
    report: Arc<Mutex<Report>>,
    stop: Arc<AtomicBool>,
    release: Arc<AtomicBool>,
    lanes: Vec<Sender<Moved<Session>>>,
    wakers: Vec<Waker>,
    arrivals: Receiver<Moved<Session>>,
    later: Vec<Request>,
}

impl Broker {
    pub fn start(shards: usize, limits: Limits, admission: AdmissionLimits) -> Self {
        Self::start_with(shards, limits, admission, Options::default())
    }

    pub fn start_with(shards: usize, limits: Limits, admission: AdmissionLimits, options: Options) -> Self {
        let sockets = SocketSettings { backlog: 4096, ..SocketSettings::default() };
        let bound = listen("TEST", "127.0.0.1", 0, shards, &sockets).unwrap();
        let admission = Admission::new(admission);
        let stop = Arc::new(AtomicBool::new(false));
        let release = Arc::new(AtomicBool::new(false));
        let wakers: Vec<_> = (0..shards).map(|_| Waker::new().unwrap()).collect();
        let (lanes, arrivals): (Vec<_>, Vec<_>) = (0..shards).map(|_| channel()).unzip();
        let mut broker = Self {
            address: bound.address,
            admission: Arc::clone(&admission),
            reports: Vec::new(),
            wakers: wakers.clone(),
            stop: Arc::clone(&stop),
            release: Arc::clone(&release),
            handles: Vec::new(),
        };
        for (id, (listener, arrivals)) in bound.sockets.into_iter().zip(arrivals).enumerate() {
            let report = Arc::new(Mutex::new(Report::default()));
            broker.reports.push(Arc::clone(&report));
            let (limits, admission, stop) = (limits.clone(), Arc::clone(&admission), Arc::clone(&stop));
            let (release, options) = (Arc::clone(&release), options.clone());
            let (lanes, wakers) = (lanes.clone(), wakers.clone());
            let placement = Placement { name: format!("shard-{id}"), cpu: None };
            let start = move || async move {
                let id = ShardId(id as u16);
                let reactor = Reactor::new(options, wakers[id.index()].clone()).unwrap();
                let connections = Connections::new(id, limits, admission, Instant::now());
                let shard = Shard {
                    id,
                    reactor,
                    connections,
                    report,
                    stop,
                    release,
                    lanes,
                    wakers,
                    arrivals,
                    later: Vec::new(),
                };
                shard.run(listener).await;
            };
            broker.handles.push(launch(placement, start).unwrap());
        }
        broker
    }

    pub fn one_shard(limits: Limits) -> Self {
        Self::start(1, limits, AdmissionLimits::default())
    }

    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream }
    }

    pub fn report(&self, shard: usize) -> Report {
        self.reports[shard].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until all shards together show what is expected.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&[Report]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.wakers.iter().for_each(Waker::wake);
            let reports: Vec<_> = (0..self.reports.len()).map(|shard| self.report(shard)).collect();
            if is_so(&reports) {
                return;
            }
            assert!(Instant::now() < deadline, "waited in vain until {what}: {reports:#?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// From now on requests that wait for an `r` are answered at once.
    pub fn release(&self) {
        self.release.store(true, Ordering::SeqCst);
        self.wakers.iter().for_each(Waker::wake);
    }

    /// Begins to stop: no more requests, until all is answered.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.wakers.iter().for_each(Waker::wake);
    }

    /// Stops and waits for the shards' end.
    pub fn end(mut self) {
        self.stop();
        for handle in std::mem::take(&mut self.handles) {
            handle.join().unwrap();
        }
        assert_eq!(self.admission.connections(), 0);
        for shard in 0..self.reports.len() {
            let report = self.report(shard);
            assert_eq!((report.request_memory, report.statistics.active), (0, 0), "nothing is left behind");
        }
    }
}

impl Shard {
    async fn run(mut self, listener: TcpListener) {
        self.connections.accept(&mut self.reactor, listener, ListenerIndex(0));
        let mut events = Vec::new();
        let mut stopping = false;
        while !self.connections.is_drained() {
            self.connections.tick(Instant::now());
            self.reactor.poll(&mut events);
            self.deliver(&mut events);
            while let Ok(moved) = self.arrivals.try_recv() {
                self.connections.adopt(moved).unwrap();
            }
            while let Some(request) = self.connections.next_request() {
                self.handle(request);
            }
            if self.release.load(Ordering::SeqCst) {
                self.answer_waiting();
            }
            if !stopping && self.stop.load(Ordering::SeqCst) {
                stopping = true;
                self.connections.stop(&mut self.reactor);
            }
            self.connections.flush(&mut self.reactor);
            while let Some((target, moved)) = self.connections.next_moved() {
                self.lanes[target.index()].send(moved).unwrap();
                self.wakers[target.index()].wake();
            }
            self.publish();
            if !self.connections.has_requests() && !self.connections.is_drained() {
                self.reactor.park(self.connections.next_deadline()).await;
            }
        }
        self.publish();
    }

    fn deliver(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            if let Some(foreign) = self.connections.on_event(event) {
                panic!("{foreign:?} is nobody's");
            }
        }
    }

    fn publish(&self) {
        let report = Report {
            statistics: self.connections.statistics().clone(),
            request_memory: self.connections.request_memory().0,
            drained: self.connections.is_drained(),
        };
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }

    fn handle(&mut self, request: Request) {
        self.connections.session_mut(request.connection).unwrap().requests += 1;
        match request.frame[0] {
            b'n' => {
                self.connections.reply(request.connection, request.slot, None, request.timeline);
            }
            b'l' => self.later.push(request),
            b'b' => {
                let length = u32::from_be_bytes(request.frame[1..5].try_into().unwrap());
                self.answer(&request, Bytes::from(vec![request.frame[5]; length as usize]));
            }
            kind => {
                if kind == b'm' {
                    let target = ShardId((self.id.0 + 1) % self.lanes.len() as u16);
                    self.connections.begin_hand_over(request.connection, target);
                }
                if kind == b'r' {
                    self.answer_waiting();
                }
                self.answer(&request, request.frame.clone());
            }
        }
    }

    fn answer_waiting(&mut self) {
        let later = std::mem::take(&mut self.later);
        later.into_iter().for_each(|request| self.answer(&request, request.frame.clone()));
    }

    fn answer(&mut self, request: &Request, body: Bytes) {
        let length = Bytes::copy_from_slice(&(body.len() as u32).to_be_bytes());
        let answer = Some(vec![length, body]);
        self.connections.reply(request.connection, request.slot, answer, request.timeline);
    }
}

/// A client of the toy broker.
pub struct Client {
    pub stream: TcpStream,
}

pub fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes(), body].concat()
}

impl Client {
    pub fn request(&mut self, body: &[u8]) {
        self.stream.write_all(&frame(body)).unwrap();
    }

    pub fn answer(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut body).unwrap();
        body
    }

    pub fn ask(&mut self, body: &[u8]) -> Vec<u8> {
        self.request(body);
        self.answer()
    }

    /// Reads until the broker closes; says how many bytes came.
    pub fn read_to_the_end(&mut self) -> usize {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(len) => len,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => rest.len(),
            Err(error) => panic!("the broker did not close: {error}"),
        }
    }

    /// Breaks the connection off with a reset.
    pub fn reset(self) {
        let socket = socket2::Socket::from(self.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
}

pub fn memory(bytes: u64) -> Limits {
    Limits { request_memory: ByteCount(bytes), ..Limits::default() }
}
