//! One core's loop: events and messages in, submissions and messages out.
//!
//! # Hot path
//! A turn takes what has completed, handles each to completion with `&mut Shard`, and submits what came out. Nothing
//! waits inside a turn; only when there is nothing to do does the shard park.
//!
//! # Not here
//! What a request means (`api`); what a partition does (`partition`); a shard's start and end (`shard/phase.rs`).

mod phase;
mod polls;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh::{Port, PortId};
use metadata::Image;
use net::{Connections, ListenerIndex, Moment, NO_API, Stage};
use protocol::RequestHeader;
use reactor::{Event, Reactor};
use types::ShardId;

use self::phase::Phase;
use crate::api;
use crate::broker::Broker;
use crate::clock::Now;
use crate::control::port_of;
use crate::coordinator::Coordinators;
use crate::message::Message;
use crate::metrics::{Apis, Class, LoopTimer, Passage, ShardSnapshot, Snapshot, SnapshotSender, Stages};
use crate::partition::Partitions;
use crate::polls::Polls;
use crate::producer_ids::ProducerIds;
use crate::requests::{Answer, Call, Gather, Gathered, OwnerSet, Requests};
use crate::session::Session;
use crate::work::{Asker, Done, RequestKey, RequestRef, Work};

/// Messages and requests that a turn handles before it submits, so that no one waits for a whole backlog.
const TURN_ITEMS_MAX: usize = 512;

/// Requests that may wait for owners or the control thread; above, no new ones are taken.
const REQUESTS_IN_FLIGHT_MAX: usize = 65_536;

/// How often requests of clients that have gone are looked for. A fetch may wait for days, and its place with it.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Everything one core owns. Created on its thread, lives until the broker stops.
pub struct Shard {
    pub id: ShardId,
    pub broker: Arc<Broker>,
    pub image: Arc<Image>,
    pub now: Now,
    pub producer_ids: ProducerIds,
    pub connections: Connections<Session>,
    pub polls: Polls,
    reactor: Reactor,
    partitions: Partitions,
    coordinators: Coordinators,
    requests: Requests,
    mesh: Port<Message>,
    next_sweep: Instant,
    phase: Phase,
    /// The time, read a few times each turn: where one piece of work ends and the next begins.
    clock: Moment,
    apis: Apis,
    stages: Stages,
    turns: u64,
    timer: Option<LoopTimer>,
}

impl Shard {
    /// A shard that waits for its first image.
    pub fn new(
        id: ShardId,
        broker: Arc<Broker>,
        image: Arc<Image>,
        reactor: Reactor,
        connections: Connections<Session>,
        mesh: Port<Message>,
        listeners: Vec<(ListenerIndex, TcpListener)>,
    ) -> Self {
        let now = Now::read();
        let partitions = Partitions::new(
            id,
            broker.placement.clone(),
            broker.store_settings,
            broker.directories.clone(),
            broker.retention_check_interval,
            broker.compaction.clone(),
            now.monotonic,
        );
        let coordinators = Coordinators::new(id, broker.placement.clone(), &image, now);
        Self {
            id,
            broker,
            image,
            now,
            producer_ids: ProducerIds::default(),
            connections,
            polls: Polls::default(),
            reactor,
            partitions,
            coordinators,
            requests: Requests::default(),
            mesh,
            next_sweep: now.monotonic + SWEEP_INTERVAL,
            phase: Phase::Starting(listeners),
            clock: now.moment,
            apis: Apis::default(),
            stages: Stages::default(),
            turns: 0,
            timer: LoopTimer::begin(),
        }
    }

    /// Runs until the broker stops.
    pub async fn run(mut self) {
        let mut events = Vec::with_capacity(TURN_ITEMS_MAX);
        loop {
            // After work, one look more instead of a turn that would enter the kernel only to hand over what was queued:
            // the call that sleeps does that, too.
            let busy = self.turn(&mut events) && self.settle();
            if matches!(self.phase, Phase::Ended) {
                break;
            }
            if !busy && !self.connections.has_requests() && self.mesh.prepare_to_sleep() {
                self.reactor.park(Some(self.next_deadline())).await;
                self.mesh.awake();
            }
            // Also after a sleep: with news at once there was none.
            reactor::yield_if_needed().await;
        }
        self.mesh.send(self.broker.control_port(), Message::Stopped { shard: self.id });
        while self.mesh.congested() {
            self.mesh.flush();
            reactor::yield_if_needed().await;
        }
    }

    /// One turn of the loop. Returns whether there was anything to do.
    fn turn(&mut self, events: &mut Vec<Event>) -> bool {
        self.now = Now::read();
        self.clock = self.now.moment;
        self.turns += 1;
        self.connections.tick(self.now.monotonic);
        self.reactor.poll(events);
        let mut busy = !events.is_empty();
        for event in events.drain(..) {
            self.deliver(event);
        }
        if busy {
            self.clock = Moment::now();
        }
        busy |= self.take_messages();
        busy |= self.take_requests();
        self.sweep();
        busy |= self.settle();
        busy
    }

    /// Does what has come out of what came in. Returns whether there was anything.
    fn settle(&mut self) -> bool {
        let mut busy = self.turn_coordinators();
        busy |= self.partitions.turn(&mut self.reactor, self.now);
        busy |= self.pass_on_answers();
        self.connections.flush(&mut self.reactor);
        while let Some(timeline) = self.connections.next_timeline() {
            self.stages.note(Class::of(timeline.api_key), &timeline);
        }
        self.hand_connections_over();
        self.tell_applied();
        self.advance_stop();
        self.mesh.flush();
        busy
    }

    fn deliver(&mut self, event: Event) {
        match self.connections.on_event(event) {
            None => {}
            Some(Event::Wrote { token, result }) => {
                self.partitions.on_wrote(&mut self.reactor, token, result)
            }
            Some(Event::Read { token, result }) => self.partitions.on_read(&mut self.reactor, token, result),
            Some(other) => debug_assert!(false, "an event of nobody: {other:?}"),
        }
    }

    fn take_messages(&mut self) -> bool {
        for taken in 0..TURN_ITEMS_MAX {
            let Some(message) = self.mesh.receive() else { return taken > 0 };
            self.deliver_message(message);
        }
        true
    }

    fn deliver_message(&mut self, message: Message) {
        match message {
            Message::Work { from, work } => self.accept(from, work),
            Message::Done { to, from, done, passage } => self.merge(to, from, done, &passage),
            Message::Hurry { from } => self.hurry_read(from),
            Message::Moved(moved) => {
                self.connections.adopt(*moved);
            }
            Message::Publish { image, delta } => {
                self.partitions.apply(&mut self.reactor, &image, &delta);
                self.coordinators.apply(&self.image, &image, &delta, self.now);
                self.image = image;
            }
            Message::Measure(to) => self.tell_figures(&to),
            Message::Open => self.open(),
            Message::Stop => self.begin_stop(),
            Message::Close => self.begin_close(),
            Message::Ask { .. }
            | Message::Applied { .. }
            | Message::News(_)
            | Message::Drained { .. }
            | Message::Stopped { .. } => {
                debug_assert!(false, "a message for the control thread");
            }
        }
    }

    /// The coordinators' turn, and what they want of the partitions.
    fn turn_coordinators(&mut self) -> bool {
        let busy = self.coordinators.turn(|at| self.partitions.extent(at), self.now, &self.image);
        for (task, work) in self.coordinators.take_work() {
            self.partitions.accept(&mut self.reactor, Asker::Coordinator(task), work, self.now);
        }
        busy
    }

    fn take_requests(&mut self) -> bool {
        for taken in 0..TURN_ITEMS_MAX {
            if self.mesh.congested() || self.requests_waiting() >= REQUESTS_IN_FLIGHT_MAX {
                return taken > 0;
            }
            let Some(request) = self.connections.next_request() else { return taken > 0 };
            self.dispatch(request);
        }
        true
    }

    fn dispatch(&mut self, request: net::Request) {
        let net::Request { connection, slot, frame, mut timeline } = request;
        timeline.mark(Stage::Queue, self.clock);
        let Ok(header) = RequestHeader::peek(&frame) else {
            self.apis.of(NO_API).refused += 1;
            self.connections.reply(connection, slot, None, timeline);
            return self.connections.close(connection);
        };
        timeline.api_key = header.api_key;
        let call = Call {
            connection,
            slot,
            api_key: header.api_key,
            client_id: header.client_id,
            version: header.api_version,
            correlation_id: header.correlation_id,
            timeline,
        };
        let figures = self.apis.of(header.api_key);
        figures.requests += 1;
        figures.request_bytes += frame.len() as u64;
        let answer = api::handle(self, &call, &frame);
        self.answer(&call, answer);
    }

    /// Sends what was just made out.
    fn answer(&mut self, call: &Call, answer: Answer) {
        self.clock = Moment::now();
        let mut timeline = call.timeline;
        timeline.mark(Stage::Work, self.clock);
        match answer {
            Answer::Reply { frame, errors } => {
                self.apis.of(call.api_key).errors += errors;
                self.connections.reply(call.connection, call.slot, Some(frame), timeline);
            }
            Answer::Silence => self.connections.reply(call.connection, call.slot, None, timeline),
            Answer::Later => {}
            Answer::Close => {
                self.apis.of(call.api_key).refused += 1;
                self.connections.reply(call.connection, call.slot, None, timeline);
                self.connections.close(call.connection);
            }
        }
    }

    /// Sends each owner its work; `gather` makes the answer out of what they do.
    pub fn ask_owners(
        &mut self,
        call: &Call,
        gather: Box<dyn Gather>,
        works: Vec<(ShardId, Work)>,
    ) -> Answer {
        if works.is_empty() {
            return gather.finish(call, self);
        }
        let mut owners = OwnerSet::default();
        works.iter().for_each(|(owner, _)| owners.insert(*owner));
        let call = self.worked_on(call);
        let key = self.requests.insert(call, gather, works.len(), owners);
        let from = RequestRef { shard: self.id, request: RequestKey::Once(key) };
        for (owner, work) in works {
            if owner == self.id {
                self.accept(from, work);
            } else {
                self.mesh.send(port_of(owner), Message::Work { from, work });
            }
        }
        Answer::Later
    }

    /// The call, with the time until now as the shard's work, and without what would keep its frame in memory.
    fn worked_on(&mut self, call: &Call) -> Call {
        self.clock = Moment::now();
        let mut call = Call { client_id: None, ..call.clone() };
        call.timeline.mark(Stage::Work, self.clock);
        call
    }

    /// Takes up a piece of work as the owner.
    fn accept(&mut self, from: RequestRef, work: Work) {
        let now = Now { moment: self.clock, ..self.now };
        match work {
            Work::Group(parts) => self.coordinators.accept(from, parts, now, &self.image),
            work => self.partitions.accept(&mut self.reactor, Asker::Request(from), work, now),
        }
    }

    fn hurry_read(&mut self, from: RequestRef) {
        self.partitions.hurry_read(&mut self.reactor, Asker::Request(from), self.now.monotonic);
    }

    /// Sends the controller a request; `gather` makes the answer out of its reply.
    pub fn ask_controller(
        &mut self,
        call: &Call,
        gather: Box<dyn Gather>,
        request: controller::Request,
    ) -> Answer {
        let call = self.worked_on(call);
        let key = self.requests.insert(call, gather, 1, OwnerSet::default());
        let from = RequestRef { shard: self.id, request: RequestKey::Once(key) };
        self.mesh.send(self.broker.control_port(), Message::Ask { from, request: Box::new(request) });
        Answer::Later
    }

    fn pass_on_answers(&mut self) -> bool {
        let mut any = false;
        // A request that is complete may ask for more, whose answers may be there at once.
        loop {
            let (answers, decided) = (self.partitions.take_answers(), self.coordinators.take_answers());
            if answers.is_empty() && decided.is_empty() && !self.bring_to_polls() {
                return any;
            }
            any = true;
            self.clock = Moment::now();
            for (asker, done, passage) in answers {
                match asker {
                    Asker::Request(to) => self.pass_on(to, done, passage),
                    Asker::Coordinator(task) => self.coordinators.take_in(task, done, self.now),
                }
            }
            for (to, done, passage) in decided {
                self.pass_on(to, done, passage);
            }
        }
    }

    /// Brings an owner's answer to the home of its request.
    fn pass_on(&mut self, to: RequestRef, done: Done, passage: Passage) {
        let from = port_of(self.id);
        if to.shard == self.id {
            self.merge(to, from, done, &passage);
        } else {
            let is_news = !matches!(done, Done::NothingYet);
            let message = Message::Done { to, from, done, passage };
            if is_news {
                self.mesh.send(port_of(to.shard), message);
            } else {
                self.mesh.send_unhurried(port_of(to.shard), message);
            }
        }
    }

    fn merge(&mut self, to: RequestRef, from: PortId, done: Done, passage: &Passage) {
        let key = match to.request {
            RequestKey::Once(key) => key,
            RequestKey::Poll(read) => return self.merge_poll(read, from, done, passage),
        };
        let disk = if matches!(done, Done::Append(_) | Done::Group(_)) { Stage::Commit } else { Stage::Read };
        match self.requests.merge(key, from, done) {
            Gathered::Waiting => {}
            Gathered::Hurry(owners) => owners.iter().for_each(|owner| self.hurry(to, owner)),
            Gathered::Complete(call, gather) => self.complete(call, gather, from, passage, disk),
        }
    }

    /// Answers a request, of which the last thing that it waited for came `from` there.
    fn complete(
        &mut self,
        mut call: Call,
        gather: Box<dyn Gather>,
        from: PortId,
        passage: &Passage,
        disk: Stage,
    ) {
        // Of several owners the last one to answer counts: the others' time lies within its own.
        let (there, back) = self.ways_of(from);
        passage.add_to(&mut call.timeline, there, disk);
        call.timeline.mark(back, self.clock);
        let answer = gather.finish(&call, self);
        self.answer(&call, answer);
    }

    /// What it is called when a request is on its way to whoever answers it, and back.
    fn ways_of(&self, from: PortId) -> (Stage, Stage) {
        if from == port_of(self.id) {
            (Stage::Queue, Stage::Queue)
        } else if from == self.broker.control_port() {
            (Stage::Wait, Stage::Hop)
        } else {
            (Stage::Hop, Stage::Hop)
        }
    }

    /// Has an owner answer a read at once.
    fn hurry(&mut self, from: RequestRef, owner: ShardId) {
        if owner == self.id {
            self.hurry_read(from);
        } else {
            self.mesh.send(port_of(owner), Message::Hurry { from });
        }
    }

    /// Lets no request wait whose client has gone.
    fn sweep(&mut self) {
        if self.now.monotonic < self.next_sweep {
            return;
        }
        self.next_sweep = self.now.monotonic + SWEEP_INTERVAL;
        let waiting = self.requests.waiting();
        let gone = waiting.filter(|(_, connection, _)| self.connections.is_leaving(*connection));
        let gone: Vec<_> = gone.map(|(key, _, owners)| (RequestKey::Once(key), owners)).collect();
        for (request, owners) in gone {
            owners.iter().for_each(|owner| self.hurry(RequestRef { shard: self.id, request }, owner));
        }
        self.sweep_polls();
    }

    fn requests_waiting(&self) -> usize {
        self.requests.len() + self.polls.waiting()
    }

    /// Sends a copy of all figures. Whoever asked waits for no more than one, so there is room for it.
    fn tell_figures(&mut self, to: &SnapshotSender) {
        let snapshot = ShardSnapshot {
            shard: self.id,
            apis: self.apis.clone(),
            stages: self.stages.clone(),
            turns: self.turns,
            time: self.timer.as_mut().map(LoopTimer::read),
            ring: self.reactor.counts(),
            mesh: self.mesh.traffic(),
            connections: self.connections.statistics().clone(),
            request_memory: self.connections.request_memory(),
            requests_waiting: self.requests_waiting(),
            partitions: self.partitions.figures(),
        };
        if to.try_send(Snapshot::Shard(Box::new(snapshot))).is_err() {
            tracing::debug!("nobody waits for the figures of shard {} any longer", self.id);
        }
    }

    fn hand_connections_over(&mut self) {
        while let Some((target, moved)) = self.connections.next_moved() {
            self.mesh.send(port_of(target), Message::Moved(Box::new(moved)));
        }
    }

    fn tell_applied(&mut self) {
        if let Some(news) = self.partitions.take_news() {
            self.mesh.send(self.broker.control_port(), Message::News(news));
        }
        if let Some(index) = self.partitions.take_applied() {
            self.mesh.send(self.broker.control_port(), Message::Applied { shard: self.id, index });
        }
    }

    fn next_deadline(&self) -> Instant {
        let others = [self.connections.next_deadline(), self.coordinators.next_deadline()];
        others.into_iter().flatten().fold(self.partitions.next_deadline(), Instant::min)
    }
}
