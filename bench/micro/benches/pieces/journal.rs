//! A commit of many logs at once: batches are appended to their tails and packed into one write of the journal. And a read
//! from a tail.
//!
//! The disk is a simulated one, and what it does is not measured.

use std::cell::RefCell;
use std::rc::Rc;

use reactor::simulation::Simulation;
use reactor::{Event, Reactor};
use record::{BatchHeader, Compression, ValidBatch};
use storage::{LogDir, LogId, LogName, LogSettings, Read, Store, StoreSettings};
use types::{LeaderEpoch, Offset, PartitionIndex, TimestampMs, TopicName, Uuid};

use crate::Case;
use crate::validation::batch;

/// Whatever is under way ends within so many turns.
const TURNS_MAX: usize = 10_000;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (logs, records) in [(1, 1), (16, 50), (1000, 1)] {
        let shard = Rc::new(RefCell::new(Shard::new(logs, records)));
        let before = Rc::clone(&shard);
        let routine = move || shard.borrow_mut().append_and_commit();
        cases.push(Case {
            before: Some(Box::new(move || before.borrow_mut().rest())),
            ..Case::new(format!("journal/commit of {logs} logs, {records} x 100 B each"), routine)
        });
    }
    let mut shard = Shard::new(1, 10);
    for _ in 0..1000 {
        shard.append_and_commit();
        shard.rest();
    }
    cases.push(Case::new("tail/read from memory, 1000 batches", move || shard.read(Offset(5_000))));
    cases
}

/// The storage of one shard.
struct Shard {
    store: Store,
    reactor: Reactor,
    logs: Vec<LogId>,
    batch: ValidBatch,
    events: Vec<Event>,
    now: TimestampMs,
}

impl Shard {
    fn new(logs: i32, records: usize) -> Self {
        let machine = Simulation::new(1);
        let dir = LogDir::open_on(machine.disk(), "/data".as_ref()).expect("a directory");
        let mut store = Store::new(StoreSettings { token_class: 7, ..StoreSettings::default() });
        let open = |partition| {
            let name = LogName {
                topic: TopicName::new("orders").expect("a name"),
                partition: PartitionIndex(partition),
            };
            dir.open_log(&name, Uuid([7; 16]), &LogSettings::default()).expect("a log")
        };
        let logs = (0..logs).map(|partition| store.adopt(open(partition))).collect();
        let bytes = batch(Compression::None, records, 100);
        let batch = ValidBatch { header: BatchHeader::parse(&bytes).expect("a header"), bytes };
        let reactor = machine.reactor().expect("a reactor");
        let mut shard =
            Self { store, reactor, logs, batch, events: Vec::new(), now: TimestampMs(1_700_000_000_000) };
        // Files are opened by the first commit of each log.
        shard.append_and_commit();
        shard.rest();
        shard
    }

    fn append_and_commit(&mut self) {
        for log in &self.logs {
            let batch = std::slice::from_ref(&self.batch);
            self.store.append(*log, batch, LeaderEpoch(0)).expect("room");
            self.store.want_durable(*log);
        }
        self.store.commit(&mut self.reactor);
    }

    /// Until everything is durable.
    fn rest(&mut self) {
        for _ in 0..TURNS_MAX {
            self.turn();
            let mut statuses = self.logs.iter().filter_map(|log| self.store.status(*log));
            if statuses.all(|status| status.durable_end == status.log_end) {
                return;
            }
        }
        panic!("a commit never ends");
    }

    fn turn(&mut self) {
        self.now.0 += 1;
        self.reactor.poll(&mut self.events);
        for event in self.events.drain(..) {
            match event {
                Event::Wrote { token, result } => self.store.on_wrote(token, result, &mut self.reactor),
                Event::Read { token, result } => self.store.on_read(token, result, &mut self.reactor),
                _ => {}
            }
        }
        self.store.tick(self.now, &mut self.reactor);
        self.store.commit(&mut self.reactor);
        while self.store.next_outcome().is_some() {}
    }

    fn read(&mut self, from: Offset) -> Read {
        let (up_to, bytes_max) = (Offset(i64::MAX), 10_000);
        let read = self.store.read(self.logs[0], from, up_to, bytes_max, &mut self.reactor).expect("records");
        assert!(matches!(&read, Read::Now(found) if !found.is_empty()), "it has to be in memory");
        read
    }
}
