//! Who hosts the coordinator: appends its records batch by batch, holds answers until they are durable, and loses what is not
//! in a crash.

use std::collections::{BTreeMap, VecDeque};

use metadata::{Image, NodeSettings};
use strome_group::records::EncodedRecord;
use strome_group::{Context, Coordinator, Effects, Record, Reply, Request, Settings, Ticket};
use types::{BrokerId, ErrorCode, TimestampMs, Uuid};

/// A coordinator with its part of the log.
pub struct Host {
    pub coordinator: Coordinator,
    pub image: Image,
    settings: Settings,
    /// All that was appended, a batch each.
    log: Vec<Vec<EncodedRecord>>,
    /// How many batches are durable.
    durable: usize,
    /// Answers that wait until so many batches are durable.
    held: VecDeque<(usize, Reply)>,
    uniques: u128,
}

impl Host {
    pub fn new(settings: Settings, now: TimestampMs) -> Self {
        let node = NodeSettings { id: BrokerId(1), file: BTreeMap::new() };
        let mut host = Self {
            coordinator: Coordinator::new(settings.clone()),
            image: Image::new(node).expect("defaults are in order"),
            settings,
            log: Vec::new(),
            durable: 0,
            held: VecDeque::new(),
            uniques: 0,
        };
        host.load(now);
        host
    }

    /// How many batches were appended.
    pub fn appended(&self) -> usize {
        self.log.len()
    }

    /// Has the coordinator handle a request.
    pub fn handle(&mut self, request: Request, ticket: Ticket, version: i16, now: TimestampMs) {
        self.uniques += 1;
        let context = Context {
            ticket,
            version,
            now,
            client_id: "c",
            client_host: "/::1",
            unique: Uuid(self.uniques.to_be_bytes()),
            image: &self.image,
        };
        let mut out = Effects::default();
        self.coordinator.handle(request, &context, &mut out);
        self.append(out);
    }

    /// Has the coordinator do what is due.
    pub fn expire(&mut self, now: TimestampMs) {
        while self.coordinator.next_deadline().is_some_and(|at| at <= now) {
            let mut out = Effects::default();
            self.coordinator.expire(now, &self.image, &mut out);
            self.append(out);
        }
    }

    fn append(&mut self, out: Effects) {
        if !out.records.is_empty() {
            self.log
                .push(out.records.iter().map(|record| record.encode().expect("it can be written")).collect());
        }
        let after = self.log.len();
        self.held.extend(out.replies.into_iter().map(|reply| (after, reply)));
    }

    /// Makes `batches` more durable; gives the answers that may go out.
    pub fn make_durable(&mut self, batches: usize) -> Vec<Reply> {
        self.durable = (self.durable + batches).min(self.log.len());
        let ready = self.held.iter().take_while(|(after, _)| *after <= self.durable).count();
        self.held.drain(..ready).map(|(_, reply)| reply).collect()
    }

    /// Everything that was not durable may be lost, and so are the answers. Gives how many batches are left.
    pub fn crash(&mut self, survivors: usize, now: TimestampMs) -> usize {
        self.log.truncate(self.durable + survivors);
        self.durable = self.log.len();
        self.held.clear();
        self.load(now);
        self.log.len()
    }

    /// An append has failed: whoever waits is told so, and the coordinator begins anew.
    pub fn fail(&mut self, version: i16, now: TimestampMs) -> (usize, Vec<Reply>) {
        let failed = std::mem::replace(&mut self.coordinator, Coordinator::new(self.settings.clone()));
        let mut out = Effects::default();
        failed.unload(ErrorCode::NotCoordinator, &mut out);
        assert!(out.records.is_empty(), "a coordinator that ends cannot write");
        let held = self.held.drain(..).map(|(_, reply)| Reply {
            ticket: reply.ticket,
            response: reply.response.refused(version, ErrorCode::NotCoordinator),
        });
        let replies = held.chain(out.replies).collect();
        self.log.truncate(self.durable);
        self.load(now);
        (self.log.len(), replies)
    }

    fn load(&mut self, now: TimestampMs) {
        self.coordinator = Coordinator::new(self.settings.clone());
        for record in self.log.iter().flatten() {
            let record = Record::decode(&record.key, record.value.as_ref()).expect("we wrote it");
            self.coordinator.replay(&record);
        }
        let mut out = Effects::default();
        self.coordinator.loaded(now, &mut out);
        self.append(out);
    }
}
