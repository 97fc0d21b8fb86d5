//! One thread of the client: its ring, its connections, and the producers and consumers whose connections they are.
//!
//! # Hot path
//! One turn takes the events that are there, lets every member do what it can, hands over what is to be sent, and sleeps.
//!
//! # Invariants
//! - The time of a turn is read once, after the ring was asked: what happens in a turn happened then.
//! - A tally is handed over before anything is counted that belongs to the next interval.
//!
//! # Not here
//! When records are due and how batches are made (`producer.rs`), sessions (`consumer.rs`); this is where they meet time
//! and sockets.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use protocol::decode_response;
use protocol::messages::{FetchRequest, ProduceRequest};
use reactor::{Event, Options, Reactor, ReceiveEnd, Waker};
use rustix::thread::set_current_timer_slack;
use rustix::time::{ClockId, clock_gettime};
use types::{BrokerId, TimestampMs};

use crate::cluster::{Access, Map};
use crate::consumer::{Consumer, ConsumerParts};
use crate::control::{Control, Finished, Note};
use crate::dial::{Address, Dialed};
use crate::error::BenchError;
use crate::link::{Line, Link, Unanswered};
use crate::moment::{Clock, Moment, Timeline};
use crate::plan::{Acks, Plan};
use crate::producer::{Producer, ProducerParts, TopicName};
use crate::tally::{Sample, Tally};

/// Tallies are handed over so often.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// A thread looks around at least so often, whether or not something happens.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// Between two attempts to reach a broker, or to find out who leads.
const BACKOFF: Duration = Duration::from_millis(100);

/// Connections that are made at a time when many have broken at once.
const DIALERS_MAX: usize = 8;

/// Kafka's code for a connection that is gone, which no broker sends.
const NETWORK_EXCEPTION: i16 = 13;

/// A producer or consumer before it has a thread.
pub(crate) enum Role {
    Produce(Box<ProducerParts>),
    Consume(Box<ConsumerParts>),
}

/// What a thread begins with.
pub(crate) struct Task {
    pub(crate) plan: Arc<Plan>,
    pub(crate) access: Access,
    pub(crate) topics: Arc<[TopicName]>,
    pub(crate) map: Arc<Map>,
    pub(crate) clock: Clock,
    pub(crate) control: Arc<Control>,
    pub(crate) notes: Sender<(usize, Note)>,
    /// Its number among the threads of the run.
    pub(crate) index: usize,
    pub(crate) roles: Vec<Role>,
    pub(crate) lines: Vec<Line>,
}

enum Member {
    Producer { producer: Box<Producer>, finished: bool },
    Consumer { consumer: Box<Consumer>, received: u64 },
}

impl Member {
    /// Whether a broker leads one of its partitions.
    fn needs(&self, broker: BrokerId) -> bool {
        match self {
            Self::Producer { producer, .. } => producer.leaders().any(|leader| leader == broker),
            Self::Consumer { consumer, .. } => consumer.leaders().any(|leader| leader == broker),
        }
    }
}

/// News from a thread that does what would block.
enum News {
    Connected(usize, Result<Dialed, BenchError>),
    Mapped(Result<Map, BenchError>),
}

struct Worker {
    plan: Arc<Plan>,
    access: Access,
    topics: Arc<[TopicName]>,
    map: Arc<Map>,
    clock: Clock,
    timeline: Timeline,
    control: Arc<Control>,
    notes: Sender<(usize, Note)>,
    index: usize,
    reactor: Reactor,
    members: Vec<Member>,
    links: Vec<Link>,
    news: (Sender<News>, Receiver<News>),
    tally: Tally,
    /// The current interval.
    from: Moment,
    to: Moment,
    /// When the map was asked for last, and whether the answer is still to come.
    mapped: Moment,
    mapping: bool,
    cpu_at_measure: Option<u64>,
    timestamp: TimestampMs,
}

/// How late the kernel may end a sleep, to end several at once. Its own choice is 50 us, which would be part of every latency.
const TIMER_SLACK_NANOS: NonZeroU64 = NonZeroU64::MIN;

/// Runs a thread's part to its end.
pub(crate) async fn run(task: Task, waker: Waker) {
    // Without it latencies are only a little longer.
    let _ = set_current_timer_slack(Some(TIMER_SLACK_NANOS));
    let (index, notes) = (task.index, task.notes.clone());
    // Nobody listens only if the run was given up.
    let _ = match work(task, waker).await {
        Ok(finished) => notes.send((index, Note::Finished(finished))),
        Err(error) => notes.send((index, Note::Failed(error))),
    };
}

async fn work(task: Task, waker: Waker) -> Result<Finished, BenchError> {
    let mut reactor = Reactor::new(Options { offload_threads: DIALERS_MAX, ..Options::default() }, waker)?;
    let _ = task.notes.send((task.index, Note::Ready));
    let timeline = loop {
        if let Some(timeline) = task.control.timeline.get() {
            break *timeline;
        }
        if task.control.is_stopped() {
            return Err(BenchError::Stopped);
        }
        reactor.park(task.clock.instant(task.clock.now() + LOOK_AROUND)).await;
        reactor.poll(&mut Vec::new());
    };
    let mut worker = Worker::begin(task, timeline, reactor)?;
    worker.work().await
}

impl Worker {
    fn begin(task: Task, timeline: Timeline, mut reactor: Reactor) -> Result<Self, BenchError> {
        let member = |role| match role {
            Role::Produce(parts) => {
                let producer = Box::new(Producer::new(*parts, timeline));
                Member::Producer { producer, finished: false }
            }
            Role::Consume(parts) => {
                let consumer = Box::new(Consumer::new(*parts, timeline));
                Member::Consumer { consumer, received: 0 }
            }
        };
        let mut links = Vec::new();
        for line in task.lines {
            let mut link = Link::new(links.len() as u32, line.member, line.broker, line.address);
            link.begin(line.fd, line.spoken, &mut reactor)?;
            links.push(link);
        }
        let to = first_boundary(&timeline);
        Ok(Self {
            plan: task.plan,
            access: task.access,
            topics: task.topics,
            map: task.map,
            clock: task.clock,
            timeline,
            control: task.control,
            notes: task.notes,
            index: task.index,
            reactor,
            members: task.roles.into_iter().map(member).collect(),
            links,
            news: channel(),
            tally: Tally::default(),
            from: timeline.start,
            to,
            mapped: Moment::ORIGIN,
            mapping: false,
            cpu_at_measure: None,
            timestamp: TimestampMs(0),
        })
    }

    async fn work(&mut self) -> Result<Finished, BenchError> {
        let mut events = Vec::new();
        loop {
            self.reactor.poll(&mut events);
            let now = self.clock.now();
            if let Some(timeline) = self.control.cut_off.get()
                && *timeline != self.timeline
            {
                self.cut_off(*timeline);
            }
            self.turn_interval(now);
            for event in events.drain(..) {
                self.handle(event, now)?;
            }
            self.take_news(now)?;
            if now >= self.timeline.start {
                self.advance(now)?;
            }
            if self.is_finished(now) {
                return Ok(self.finish(now));
            }
            if self.control.is_stopped() {
                return Err(BenchError::Stopped);
            }
            let wake = self.wake(now);
            if wake > self.clock.now() {
                self.reactor.park(self.clock.instant(wake)).await;
            }
        }
    }

    /// The end is to come earlier.
    fn cut_off(&mut self, timeline: Timeline) {
        self.timeline = timeline;
        for member in &mut self.members {
            match member {
                Member::Producer { producer, .. } => producer.cut_off(timeline),
                Member::Consumer { consumer, .. } => consumer.cut_off(timeline),
            }
        }
        // The end of what is measured is a boundary, unless this thread comes too late for that.
        if self.from < timeline.end {
            self.to = self.to.min(timeline.end);
        }
    }

    /// Hands the tally over when its interval is over.
    fn turn_interval(&mut self, now: Moment) {
        if self.cpu_at_measure.is_none() && now >= self.timeline.measure_from {
            self.cpu_at_measure = Some(thread_cpu_nanos());
        }
        while now >= self.to {
            self.hand_over(self.to);
            let next = self.to + INTERVAL;
            // The end of what is measured is always a boundary.
            self.to = if self.from < self.timeline.end { next.min(self.timeline.end) } else { next };
        }
    }

    fn hand_over(&mut self, to: Moment) {
        let tally = std::mem::take(&mut self.tally);
        let sample = Sample { from: std::mem::replace(&mut self.from, to), to, tally };
        let _ = self.notes.send((self.index, Note::Interval(Box::new(sample))));
    }

    fn handle(&mut self, event: Event, now: Moment) -> Result<(), BenchError> {
        match event {
            Event::Received { token, data } => {
                let (index, generation) = Link::of_token(token);
                if !self.links.get(index).is_some_and(|link| link.is_of(generation)) {
                    return Ok(());
                }
                let mut input = &data[..];
                while !input.is_empty() {
                    match self.links[index].answer(&mut input)? {
                        Some((unanswered, frame)) => self.answered(index, unanswered, frame, now)?,
                        None => break,
                    }
                }
                Ok(())
            }
            Event::Sent { token, result } => {
                let (index, generation) = Link::of_token(token);
                if !self.links.get(index).is_some_and(|link| link.is_of(generation)) {
                    return Ok(());
                }
                match result {
                    Ok(_) => self.sent(index, now),
                    Err(_) => self.disconnected(index, now),
                }
            }
            Event::ReceiveEnded { token, end } => {
                let (index, generation) = Link::of_token(token);
                let is_open = self.links.get(index).is_some_and(|link| link.is_of(generation));
                match end {
                    ReceiveEnd::Closed | ReceiveEnd::Failed(_) if is_open => self.disconnected(index, now),
                    _ => Ok(()),
                }
            }
            Event::Accepted { .. }
            | Event::AcceptFailed { .. }
            | Event::Wrote { .. }
            | Event::Read { .. }
            | Event::Filled { .. } => Ok(()),
        }
    }

    fn answered(
        &mut self,
        index: usize,
        asked: Unanswered,
        frame: Bytes,
        now: Moment,
    ) -> Result<(), BenchError> {
        let link = &mut self.links[index];
        let look = match &mut self.members[link.member] {
            Member::Producer { producer, .. } => {
                let decoded = decode_response::<ProduceRequest>(&frame, asked.version);
                let (_, response) = decoded.map_err(|error| link.decode(protocol::ApiKey::Produce, error))?;
                producer.answered(asked.batches, Some(&response), now, &mut self.tally)?
            }
            Member::Consumer { consumer, received } => {
                let decoded = decode_response::<FetchRequest>(&frame, asked.version);
                let (_, response) = decoded.map_err(|error| link.decode(protocol::ApiKey::Fetch, error))?;
                let look = consumer.answered(link.broker, response, (asked.asked, now), &mut self.tally)?;
                let news = consumer.received() - *received;
                *received += news;
                self.control.received(news);
                look
            }
        };
        link.give_back(frame);
        if look {
            self.look_for_leaders(now);
        }
        Ok(())
    }

    fn sent(&mut self, index: usize, now: Moment) -> Result<(), BenchError> {
        let link = &mut self.links[index];
        let over = link.sent();
        let member = link.member;
        link.flush(&mut self.reactor);
        for request in over {
            if let Member::Producer { producer, .. } = &mut self.members[member] {
                producer.answered(request.batches, None, now, &mut self.tally)?;
            }
        }
        Ok(())
    }

    /// A connection is gone: what it carried is to be sent again, over a new one.
    fn disconnected(&mut self, index: usize, now: Moment) -> Result<(), BenchError> {
        let link = &mut self.links[index];
        let (member, broker) = (link.member, link.broker);
        // The oldest goes back last, to the front.
        for request in link.close(now, &mut self.reactor).into_iter().rev() {
            if let Member::Producer { producer, .. } = &mut self.members[member] {
                for batch in request.batches.into_iter().rev() {
                    producer.failed(batch, NETWORK_EXCEPTION, now, &mut self.tally)?;
                }
            }
        }
        if let Member::Consumer { consumer, .. } = &mut self.members[member] {
            consumer.disconnected(broker);
        }
        self.tally.reconnects += 1;
        self.dial(index, Duration::ZERO);
        self.look_for_leaders(now);
        Ok(())
    }

    /// Connects on a thread that may block.
    fn dial(&mut self, index: usize, pause: Duration) {
        self.links[index].dialing = true;
        let (sender, address) = (self.news.0.clone(), self.links[index].address.clone());
        let access = self.access.clone();
        self.reactor.offload(move || {
            std::thread::sleep(pause);
            let _ = sender.send(News::Connected(index, Dialed::open(&address, &access)));
        });
    }

    fn look_for_leaders(&mut self, now: Moment) {
        if self.mapping || now.since(self.mapped) < BACKOFF {
            return;
        }
        (self.mapping, self.mapped) = (true, now);
        let (sender, mut access) = (self.news.0.clone(), self.access.clone());
        access.bootstrap.extend(self.map.brokers.values().cloned());
        let names: Vec<_> = self.topics.iter().map(|topic| topic.name.clone()).collect();
        self.reactor.offload(move || {
            let _ = sender.send(News::Mapped(access.map(&names)));
        });
    }

    fn take_news(&mut self, now: Moment) -> Result<(), BenchError> {
        while let Ok(news) = self.news.1.try_recv() {
            match news {
                News::Connected(index, Ok(dialed)) => {
                    let Dialed { stream, spoken, .. } = dialed;
                    self.links[index].begin(stream.into(), spoken, &mut self.reactor)?;
                }
                News::Connected(index, Err(error)) => {
                    let link = &mut self.links[index];
                    link.dialing = false;
                    let since = *link.broken.get_or_insert(now);
                    if !self.members[link.member].needs(link.broker) {
                        // Its partitions have moved elsewhere.
                        link.broken = None;
                    } else if now.since(since) > self.access.timeout {
                        return Err(BenchError::Gone { after: self.access.timeout, source: Box::new(error) });
                    } else {
                        self.dial(index, BACKOFF);
                    }
                }
                News::Mapped(map) => {
                    self.mapping = false;
                    // If it failed, whoever has an error will ask again.
                    if let Ok(map) = map {
                        self.follow(map);
                    }
                }
            }
        }
        Ok(())
    }

    fn follow(&mut self, map: Map) {
        let leader_of = |topic: usize, partition: i32| -> Option<BrokerId> {
            map.topics.get(topic)?.leaders.get(usize::try_from(partition).ok()?).copied()
        };
        for member in &mut self.members {
            match member {
                Member::Producer { producer, .. } => producer.follow_leaders(leader_of),
                Member::Consumer { consumer, .. } => consumer.follow_leaders(leader_of),
            }
        }
        for (broker, address) in &map.brokers {
            for member in 0..self.members.len() {
                self.connect_if_needed(member, *broker, address);
            }
        }
        self.map = Arc::new(map);
    }

    /// Sees that a member reaches a broker that leads one of its partitions.
    fn connect_if_needed(&mut self, member: usize, broker: BrokerId, address: &Address) {
        let is_it = |link: &Link| (link.member, link.broker) == (member, broker);
        let index = self.links.iter().position(is_it).unwrap_or(self.links.len());
        let is_needed = self.members[member].needs(broker);
        match self.links.get_mut(index) {
            Some(link) => link.address = address.clone(),
            None if is_needed => self.links.push(Link::new(index as u32, member, broker, address.clone())),
            None => return,
        }
        if is_needed && !self.links[index].is_open() && !self.links[index].dialing {
            self.dial(index, Duration::ZERO);
        }
    }

    /// Lets every member make what is due, and asks whatever can be asked.
    fn advance(&mut self, now: Moment) -> Result<(), BenchError> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.timestamp = TimestampMs(i64::try_from(since_1970.as_millis()).unwrap_or_default());
        for member in &mut self.members {
            if let Member::Producer { producer, finished } = member {
                producer.advance(now, self.timestamp)?;
                if !*finished && producer.is_finished() {
                    *finished = true;
                    self.control.producer_finished(producer.promised());
                }
            }
        }
        for link in &mut self.links {
            if let Some(asked) = link.oldest()
                && now.since(asked) > self.access.timeout
            {
                let api = match &self.members[link.member] {
                    Member::Producer { .. } => protocol::ApiKey::Produce,
                    Member::Consumer { .. } => protocol::ApiKey::Fetch,
                };
                let (address, after) = (link.address.clone(), self.access.timeout);
                return Err(BenchError::Timeout { address, api, after });
            }
            if !link.is_open() {
                continue;
            }
            match &mut self.members[link.member] {
                Member::Producer { producer, .. } => {
                    let ends_when_sent = self.plan.produce.acks == Acks::None;
                    while link.unanswered.len() < self.plan.produce.requests_in_flight_max {
                        let batches = producer.take_request(link.broker, now)?;
                        if batches.is_empty() {
                            break;
                        }
                        let request = producer.request(&batches);
                        link.ask(&request, batches, ends_when_sent, now)?;
                    }
                }
                Member::Consumer { consumer, .. } => {
                    if now >= self.timeline.read_from
                        && link.unanswered.is_empty()
                        && let Some(request) = consumer.request(link.broker, now)
                    {
                        link.ask(&request, Vec::new(), false, now)?;
                    }
                }
            }
            link.flush(&mut self.reactor);
        }
        Ok(())
    }

    /// When to look again without an event.
    fn wake(&self, now: Moment) -> Moment {
        if now < self.timeline.start {
            return self.timeline.start;
        }
        let members = self.members.iter().map(|member| match member {
            Member::Producer { producer, .. } => producer.wake(now),
            Member::Consumer { consumer, .. } => consumer.wake(now),
        });
        members.min().unwrap_or(Moment::NEVER).min(self.to).min(now + LOOK_AROUND)
    }

    fn is_finished(&mut self, now: Moment) -> bool {
        if now >= self.timeline.give_up {
            return true;
        }
        // A schedule without another record before the end is not the end.
        if !self.plan.ends_by_itself() && now < self.timeline.end {
            return false;
        }
        let follows = self.plan.mode.produces();
        self.members.iter().all(|member| match member {
            Member::Producer { finished, .. } => *finished,
            Member::Consumer { .. } if follows => self.control.is_all_received(),
            Member::Consumer { consumer, .. } => consumer.is_finished() || now >= self.timeline.end,
        })
    }

    fn finish(&mut self, now: Moment) -> Finished {
        for (index, member) in self.members.iter_mut().enumerate() {
            if let Member::Producer { producer, finished: false } = member {
                let links = self.links.iter_mut().filter(|link| link.member == index);
                let in_flight =
                    links.flat_map(|link| link.unanswered.drain(..)).flat_map(|asked| asked.batches);
                producer.give_up(in_flight.collect(), now, &mut self.tally);
                self.control.producer_finished(producer.promised());
            }
        }
        self.hand_over(now);
        let caught_up = self.members.iter().filter_map(|member| match member {
            Member::Consumer { consumer, .. } => Some(consumer.caught_up()),
            Member::Producer { .. } => None,
        });
        // Known only if all of them have.
        let caught_up = caught_up.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
        let cpu_nanos = thread_cpu_nanos() - self.cpu_at_measure.unwrap_or_default();
        Finished { at: now, caught_up, cpu_nanos }
    }
}

/// Intervals are counted from the end of the warm-up in both directions.
fn first_boundary(timeline: &Timeline) -> Moment {
    let warm_up = timeline.measure_from.since(timeline.start).as_nanos();
    let rest = warm_up % INTERVAL.as_nanos();
    let first = if rest == 0 { INTERVAL } else { Duration::from_nanos(rest as u64) };
    let first = timeline.start + first;
    if timeline.start < timeline.end { first.min(timeline.end) } else { first }
}

/// CPU time of the calling thread.
fn thread_cpu_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
