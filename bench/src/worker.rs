//! One thread of the client: its ring, its connections, and the producers and consumers whose connections they are.
//!
//! # Hot path
//! One turn takes the events that are there, lets every member do what it can, hands over what is to be sent, and sleeps.
//!
//! # Invariants
//! - The time of a turn is read once, after the ring was asked: what happens in a turn happened then.
//!
//! # Not here
//! When records are due and how batches are made (`producer.rs`), sessions (`consumer.rs`); this is where they meet time
//! and sockets. What would block (`errands.rs`), handing over what was counted (`intervals.rs`).

mod errands;
mod intervals;
mod member;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use protocol::decode_response;
use protocol::messages::{FetchRequest, ProduceRequest};
use reactor::{Event, Options, Reactor, ReceiveEnd, Token, Waker};
use rustix::thread::set_current_timer_slack;
use types::{BrokerId, ErrorCode, TimestampMs};

use self::errands::{Errands, News};
use self::intervals::Intervals;
use self::member::Member;
use crate::cluster::{Access, Map};
use crate::consumer::ConsumerParts;
use crate::control::{Control, Finished, Note};
use crate::dial::{Address, Dialed};
use crate::error::BenchError;
use crate::link::{Line, Link, Unanswered};
use crate::moment::{Clock, Moment, Timeline};
use crate::plan::{Acks, Plan};
use crate::producer::{ProducerParts, TopicName};

/// A thread looks around at least so often, whether or not something happens.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// Between two attempts to reach a broker, or to find out who leads.
const BACKOFF: Duration = Duration::from_millis(100);

/// Connections that are made at a time when many have broken at once.
const DIALERS_MAX: usize = 8;

/// Kafka's code for a connection that is gone, which no broker sends.
const NETWORK_EXCEPTION: i16 = ErrorCode::NetworkException.code();

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

struct Worker {
    plan: Arc<Plan>,
    topics: Arc<[TopicName]>,
    map: Arc<Map>,
    clock: Clock,
    timeline: Timeline,
    control: Arc<Control>,
    reactor: Reactor,
    members: Vec<Member>,
    links: Vec<Link>,
    errands: Errands,
    intervals: Intervals,
}

/// How late the kernel may end a sleep, to end several at once. Its own choice is 50 us, which would be part of every latency.
const TIMER_SLACK_NANOS: NonZeroU64 = NonZeroU64::MIN;

/// Runs a thread's part to its end.
pub(crate) async fn run(task: Task, waker: Waker) {
    // Without it latencies are only a little longer.
    let _ = set_current_timer_slack(Some(TIMER_SLACK_NANOS));
    let (index, notes) = (task.index, task.notes.clone());
    let clock = task.clock;
    let finished = work(task, waker).await.unwrap_or_else(|error| {
        // It has not begun.
        Finished { at: clock.now(), caught_up: None, cpu_nanos: 0, error: Some(error) }
    });
    // Nobody listens only if the run was given up.
    let _ = notes.send((index, Note::Finished(finished)));
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
    Ok(Worker::begin(task, timeline, reactor)?.work().await)
}

impl Worker {
    fn begin(task: Task, timeline: Timeline, mut reactor: Reactor) -> Result<Self, BenchError> {
        let mut links = Vec::new();
        for line in task.lines {
            let mut link = Link::new(links.len() as u32, line.member, line.broker, line.address);
            link.begin(line.fd, line.spoken, &mut reactor)?;
            links.push(link);
        }
        Ok(Self {
            plan: task.plan,
            topics: task.topics,
            map: task.map,
            clock: task.clock,
            timeline,
            control: task.control,
            reactor,
            members: task.roles.into_iter().map(|role| Member::new(role, timeline)).collect(),
            links,
            errands: Errands::new(task.access),
            intervals: Intervals::new(&timeline, task.index, task.notes),
        })
    }

    /// Goes on until its end, or until it cannot.
    async fn work(mut self) -> Finished {
        let mut events = Vec::new();
        loop {
            self.reactor.poll(&mut events);
            let now = self.clock.now();
            match self.turn(&mut events, now) {
                Ok(false) => {}
                Ok(true) => return self.finish(now, None),
                Err(error) => return self.finish(now, Some(error)),
            }
            let wake = self.wake(now);
            if wake > self.clock.now() {
                self.reactor.park(self.clock.instant(wake)).await;
            }
        }
    }

    /// One turn; returns whether it was the last.
    fn turn(&mut self, events: &mut Vec<Event>, now: Moment) -> Result<bool, BenchError> {
        if let Some(timeline) = self.control.cut_off.get()
            && *timeline != self.timeline
        {
            self.cut_off(*timeline);
        }
        self.intervals.turn(now, &self.timeline);
        for event in events.drain(..) {
            self.handle(event, now)?;
        }
        self.take_news(now)?;
        if now >= self.timeline.start {
            self.advance(now)?;
        }
        if self.control.is_stopped() {
            return Err(BenchError::Stopped);
        }
        Ok(self.is_finished(now))
    }

    /// The end is to come earlier.
    fn cut_off(&mut self, timeline: Timeline) {
        self.timeline = timeline;
        self.members.iter_mut().for_each(|member| member.cut_off(timeline));
        self.intervals.cut_off(&timeline);
    }

    fn handle(&mut self, event: Event, now: Moment) -> Result<(), BenchError> {
        match event {
            Event::Received { token, data } => {
                let Some(index) = self.open_link(token) else { return Ok(()) };
                let mut input = &data[..];
                while !input.is_empty() {
                    match self.links[index].answer(&mut input)? {
                        Some((unanswered, frame)) => self.answered(index, unanswered, frame, now)?,
                        None => break,
                    }
                }
                Ok(())
            }
            Event::Sent { token, result } => match (self.open_link(token), result) {
                (Some(index), Ok(_)) => self.sent(index, now),
                (Some(index), Err(_)) => self.disconnected(index, now),
                (None, _) => Ok(()),
            },
            Event::ReceiveEnded { token, end } => match (self.open_link(token), end) {
                (Some(index), ReceiveEnd::Closed | ReceiveEnd::Failed(_)) => self.disconnected(index, now),
                _ => Ok(()),
            },
            Event::Accepted { .. }
            | Event::AcceptFailed { .. }
            | Event::Wrote { .. }
            | Event::Read { .. }
            | Event::Filled { .. } => Ok(()),
        }
    }

    /// The link that a token belongs to, if it is the token of its present connection.
    fn open_link(&self, token: Token) -> Option<usize> {
        let (index, generation) = Link::of_token(token);
        self.links.get(index).is_some_and(|link| link.is_of(generation)).then_some(index)
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
                producer.answered(asked.batches, Some(&response), now, &mut self.intervals.tally)?
            }
            Member::Consumer { consumer, received } => {
                let decoded = decode_response::<FetchRequest>(&frame, asked.version);
                let (_, response) = decoded.map_err(|error| link.decode(protocol::ApiKey::Fetch, error))?;
                let look = consumer.answered(
                    link.broker,
                    response,
                    (asked.asked, now),
                    &mut self.intervals.tally,
                )?;
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
                producer.answered(request.batches, None, now, &mut self.intervals.tally)?;
            }
        }
        Ok(())
    }

    /// A connection is gone: what it carried is to be sent again, over a new one.
    fn disconnected(&mut self, index: usize, now: Moment) -> Result<(), BenchError> {
        let link = &mut self.links[index];
        let (member, broker) = (link.member, link.broker);
        // The oldest goes back last, to the front. None is lost where one has failed for too long.
        let mut retried = Ok(());
        for request in link.close(now, &mut self.reactor).into_iter().rev() {
            if let Member::Producer { producer, .. } = &mut self.members[member] {
                for batch in request.batches.into_iter().rev() {
                    let tally = &mut self.intervals.tally;
                    retried = retried.and(producer.failed(batch, NETWORK_EXCEPTION, now, tally));
                }
            }
        }
        retried?;
        if let Member::Consumer { consumer, .. } = &mut self.members[member] {
            consumer.disconnected(broker);
        }
        self.intervals.tally.reconnects += 1;
        self.dial(index, Duration::ZERO);
        self.look_for_leaders(now);
        Ok(())
    }

    fn dial(&mut self, index: usize, pause: Duration) {
        let link = &mut self.links[index];
        link.dialing = true;
        self.errands.dial(&mut self.reactor, index, link.address.clone(), pause);
    }

    fn look_for_leaders(&mut self, now: Moment) {
        self.errands.look_for_leaders(&mut self.reactor, &self.map, &self.topics, now);
    }

    fn take_news(&mut self, now: Moment) -> Result<(), BenchError> {
        while let Some(news) = self.errands.next() {
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
                    } else if now.since(since) > self.errands.timeout() {
                        let (after, source) = (self.errands.timeout(), Box::new(error));
                        return Err(BenchError::Gone { after, source });
                    } else {
                        self.dial(index, BACKOFF);
                    }
                }
                News::Mapped(Ok(map)) => self.follow(map),
                // Whoever has an error will ask again.
                News::Mapped(Err(_)) => {}
            }
        }
        Ok(())
    }

    fn follow(&mut self, map: Map) {
        let leader_of = |topic: usize, partition: i32| -> Option<BrokerId> {
            map.topics.get(topic)?.leaders.get(usize::try_from(partition).ok()?).copied()
        };
        self.members.iter_mut().for_each(|member| member.follow_leaders(leader_of));
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
        let timestamp = TimestampMs(i64::try_from(since_1970.as_millis()).unwrap_or_default());
        for member in &mut self.members {
            if let Member::Producer { producer, finished } = member {
                producer.advance(now, timestamp)?;
                if !*finished && producer.is_finished() {
                    *finished = true;
                    self.control.producer_finished(producer.promised());
                }
            }
        }
        for link in &mut self.links {
            if let Some(asked) = link.oldest()
                && now.since(asked) > self.errands.timeout()
            {
                let api = self.members[link.member].api();
                let (address, after) = (link.address.clone(), self.errands.timeout());
                return Err(BenchError::Timeout { address, api, after });
            }
            if !link.is_open() {
                continue;
            }
            let requests_max = self.members[link.member].requests_max(&self.plan.produce);
            match &mut self.members[link.member] {
                Member::Producer { producer, .. } => {
                    let ends_when_sent = self.plan.produce.acks == Acks::None;
                    while link.unanswered.len() < requests_max {
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
                        && link.unanswered.len() < requests_max
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
        let members = self.members.iter().enumerate().filter(|(index, _)| self.can_ask(*index));
        let members = members.map(|(_, member)| member.wake(now));
        members.min().unwrap_or(Moment::NEVER).min(self.intervals.to()).min(now + LOOK_AROUND)
    }

    /// Whether a member could send something now. If not it waits for an answer, and for nothing before: records that are
    /// due meanwhile are made when it has come, all at once, for a turn for each of them is more work than they are.
    fn can_ask(&self, member: usize) -> bool {
        let requests_max = self.members[member].requests_max(&self.plan.produce);
        let mut links = self.links.iter().filter(|link| link.member == member && link.is_open());
        links.any(|link| link.unanswered.len() < requests_max)
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

    /// Gives up what is not acknowledged, and hands over what it has seen.
    fn finish(&mut self, now: Moment, error: Option<BenchError>) -> Finished {
        for (index, member) in self.members.iter_mut().enumerate() {
            if let Member::Producer { producer, finished: false } = member {
                let links = self.links.iter_mut().filter(|link| link.member == index);
                let in_flight =
                    links.flat_map(|link| link.unanswered.drain(..)).flat_map(|asked| asked.batches);
                producer.give_up(in_flight.collect(), now, &mut self.intervals.tally);
                self.control.producer_finished(producer.promised());
            }
        }
        self.intervals.hand_over(now);
        let caught_up = self.members.iter().filter_map(|member| match member {
            Member::Consumer { consumer, .. } => Some(consumer.caught_up()),
            Member::Producer { .. } => None,
        });
        // Known only if all of them have.
        let caught_up = caught_up.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
        Finished { at: now, caught_up, cpu_nanos: self.intervals.cpu_nanos(), error }
    }
}
