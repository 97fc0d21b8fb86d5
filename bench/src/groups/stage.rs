//! Where members meet time and sockets: one thread with a ring, a connection for each member, and who commits.
//!
//! # Invariants
//! - The time of a turn is read once, after the ring was asked: what happens in a turn happened then.
//! - Members do at once what they can do; nobody waits for another turn of the loop than the next.
//!
//! # Not here
//! What members do (`classic.rs`, `consumer.rs`), and what is done with them (`script.rs`).

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use protocol::messages::group_offsets::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use protocol::messages::{
    ConsumerGroupHeartbeatRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest,
    OffsetCommitRequest, SyncGroupRequest,
};
use protocol::{ApiKey, Request, decode_response};
use reactor::{Event, Reactor, ReceiveEnd};

use super::member::{Ask, Asked, Member, Terms, passes};
use crate::error::BenchError;
use crate::latency::Latencies;
use crate::link::{Line, Link, Unanswered};
use crate::moment::{Clock, Moment};

/// It is looked so often whether to stop.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// See the module.
pub(super) struct Stage {
    clock: Clock,
    reactor: Reactor,
    stop: Arc<AtomicBool>,
    terms: Rc<Terms>,
    seats: Vec<Seat>,
    /// When who asks next.
    due: BTreeSet<(Moment, usize)>,
    /// Of members, commits included.
    requests: u64,
    commits: Option<Commits>,
    events: Vec<Event>,
}

/// A connection, and the member whose it is at the time.
struct Seat {
    link: Link,
    member: Option<Member>,
    asked: VecDeque<Asked>,
    /// As in [`Stage::due`].
    due: Moment,
    /// When its member asked last.
    asked_at: Moment,
    committed: i64,
}

/// Commits under way.
struct Commits {
    partitions: i32,
    measure_from: Moment,
    until: Moment,
    latencies: Latencies,
    refused: u64,
    under_way: usize,
}

/// What was found of commits.
#[derive(Clone, Debug, Default)]
pub(super) struct Committed {
    pub(super) latencies: Latencies,
    pub(super) refused: u64,
}

impl Stage {
    /// A stage whose seats are empty.
    pub(super) fn new(
        lines: Vec<Line>,
        terms: Rc<Terms>,
        clock: Clock,
        mut reactor: Reactor,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, BenchError> {
        let mut seats = Vec::with_capacity(lines.len());
        for (index, line) in (0..).zip(lines) {
            let mut link = Link::new(index, line.member, line.broker, line.address);
            link.begin(line.fd, line.spoken, &mut reactor)?;
            seats.push(Seat {
                link,
                member: None,
                asked: VecDeque::new(),
                due: Moment::NEVER,
                asked_at: Moment::ORIGIN,
                committed: 0,
            });
        }
        Ok(Self {
            clock,
            reactor,
            stop,
            terms,
            seats,
            due: BTreeSet::new(),
            requests: 0,
            commits: None,
            events: Vec::new(),
        })
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(super) fn terms(&self) -> &Rc<Terms> {
        &self.terms
    }

    /// How many requests members have made.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// The members that there are.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.seats.iter().filter_map(|seat| seat.member.as_ref())
    }

    /// Puts a member on a seat, in place of who sits there.
    pub(super) fn admit(&mut self, seat: usize, member: Member) {
        if let Some(place) = self.seats.get_mut(seat) {
            place.member = Some(member);
            self.schedule(seat);
        }
    }

    /// Has the member of a seat leave its group.
    pub(super) fn leave(&mut self, seat: usize, now: Moment) {
        if let Some(member) = self.seats.get_mut(seat).and_then(|seat| seat.member.as_mut()) {
            member.leave(now);
            self.schedule(seat);
        }
    }

    /// Takes those away who have left.
    pub(super) fn clear_left(&mut self) {
        for seat in 0..self.seats.len() {
            let place = &mut self.seats[seat];
            place.member.take_if(|member| member.has_left());
            self.schedule(seat);
        }
    }

    /// Lets the member of a seat die: nothing is heard of it any more. Returns when it was heard last.
    pub(super) fn kill(&mut self, seat: usize, now: Moment) -> Option<Moment> {
        let place = self.seats.get_mut(seat)?;
        place.link.close(now, &mut self.reactor);
        place.asked.clear();
        place.member = None;
        let heard = place.asked_at;
        self.schedule(seat);
        Some(heard)
    }

    /// Goes on until `is_done`, which is asked after every turn in which an answer came; gives the time of that turn.
    /// `None` if that does not come before `deadline`.
    pub(super) async fn until(
        &mut self,
        deadline: Moment,
        mut is_done: impl FnMut(&Self) -> bool,
    ) -> Result<Option<Moment>, BenchError> {
        loop {
            let (now, is_news) = self.turn()?;
            if is_news && is_done(self) {
                return Ok(Some(now));
            }
            if now >= deadline {
                return Ok(None);
            }
            self.sleep(now, deadline).await;
        }
    }

    /// Goes on for some time.
    pub(super) async fn pause(&mut self, time: Duration) -> Result<(), BenchError> {
        let until = self.now() + time;
        self.until(until, |_| false).await.map(drop)
    }

    /// Has the members of the first seats commit for some time, each again when it is answered.
    pub(super) async fn commit(
        &mut self,
        committers: usize,
        partitions: i32,
        (warm_up, time): (Duration, Duration),
    ) -> Result<Committed, BenchError> {
        let now = self.now();
        let measure_from = now + warm_up;
        self.commits = Some(Commits {
            partitions,
            measure_from,
            until: measure_from + time,
            latencies: Latencies::default(),
            refused: 0,
            under_way: 0,
        });
        for seat in 0..committers.min(self.seats.len()) {
            self.ask_commit(seat, now)?;
        }
        let is_over = |stage: &Self| stage.commits.as_ref().is_none_or(|commits| commits.under_way == 0);
        self.until(Moment::NEVER, is_over).await?;
        let commits = self.commits.take();
        Ok(commits.map_or_else(Committed::default, |commits| Committed {
            latencies: commits.latencies,
            refused: commits.refused,
        }))
    }

    /// One turn: what has come, and what is due. Returns the time, and whether answers came.
    fn turn(&mut self) -> Result<(Moment, bool), BenchError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(BenchError::Stopped);
        }
        let mut events = std::mem::take(&mut self.events);
        self.reactor.poll(&mut events);
        let now = self.now();
        let mut is_news = false;
        for event in events.drain(..) {
            is_news |= self.handle(event, now)?;
        }
        self.events = events;
        while let Some((due, seat)) = self.due.first().copied()
            && due <= now
        {
            self.ask(seat, now)?;
        }
        Ok((now, is_news))
    }

    async fn sleep(&mut self, now: Moment, deadline: Moment) {
        let due = self.due.first().map_or(Moment::NEVER, |(due, _)| *due);
        let wake = due.min(deadline).min(now + LOOK_AROUND);
        if wake > self.now() {
            self.reactor.park(self.clock.instant(wake)).await;
        }
    }

    fn handle(&mut self, event: Event, now: Moment) -> Result<bool, BenchError> {
        match event {
            Event::Received { token, data } => {
                let (index, generation) = Link::of_token(token);
                let mut input = &data[..];
                let mut is_news = false;
                while !input.is_empty()
                    && let Some(seat) = self.seats.get_mut(index)
                    && seat.link.is_of(generation)
                    && let Some((unanswered, frame)) = seat.link.answer(&mut input)?
                {
                    self.answered(index, &unanswered, &frame, now)?;
                    is_news = true;
                }
                Ok(is_news)
            }
            Event::Sent { token, result } => {
                let (index, generation) = Link::of_token(token);
                if let Some(seat) = self.seats.get_mut(index)
                    && seat.link.is_of(generation)
                {
                    result.map_err(|error| seat.link.io("the connection broke", error))?;
                    seat.link.sent();
                    seat.link.flush(&mut self.reactor);
                }
                Ok(false)
            }
            Event::ReceiveEnded { token, end } => {
                let (index, generation) = Link::of_token(token);
                let seat = self.seats.get(index).filter(|seat| seat.link.is_of(generation));
                match (seat, end) {
                    (Some(seat), ReceiveEnd::Closed | ReceiveEnd::Failed(_)) => {
                        let ended = std::io::ErrorKind::ConnectionAborted.into();
                        Err(seat.link.io("the broker ended the connection", ended))
                    }
                    _ => Ok(false),
                }
            }
            _ => Ok(false),
        }
    }

    /// Has the member of a seat ask for what it wants.
    fn ask(&mut self, index: usize, now: Moment) -> Result<(), BenchError> {
        let Some(seat) = self.seats.get_mut(index) else { return Ok(()) };
        if let Some(ask) = seat.member.as_mut().and_then(Member::ask) {
            seat.asked_at = now;
            match ask {
                Ask::Join(request) => seat.send(Asked::Join, &request, now)?,
                Ask::Sync(request) => seat.send(Asked::Sync, &request, now)?,
                Ask::Heartbeat(request) => seat.send(Asked::Heartbeat, &request, now)?,
                Ask::Leave(request) => seat.send(Asked::Leave, &request, now)?,
                Ask::Report(request) => seat.send(Asked::Report, &request, now)?,
            }
            seat.link.flush(&mut self.reactor);
            self.requests += 1;
        }
        self.schedule(index);
        Ok(())
    }

    fn ask_commit(&mut self, index: usize, now: Moment) -> Result<(), BenchError> {
        let (Some(seat), Some(commits)) = (self.seats.get_mut(index), self.commits.as_mut()) else {
            return Ok(());
        };
        let Some(member) = &seat.member else { return Ok(()) };
        seat.committed += 1;
        let (member_id, generation_id_or_member_epoch) = member.identity();
        let committed_offset = seat.committed;
        // Each member has partitions of its own, as far as they reach.
        let first = i32::try_from(index).unwrap_or(0).wrapping_mul(commits.partitions);
        let partitions = (0..commits.partitions).map(|offset| OffsetCommitRequestPartition {
            partition_index: first.wrapping_add(offset).rem_euclid(self.terms.partitions.max(1)),
            committed_offset,
            committed_metadata: Some(Default::default()),
            ..Default::default()
        });
        let request = OffsetCommitRequest {
            group_id: self.terms.group.clone(),
            member_id,
            generation_id_or_member_epoch,
            topics: vec![OffsetCommitRequestTopic {
                name: self.terms.topic.clone(),
                topic_id: self.terms.topic_id,
                partitions: partitions.collect(),
            }],
            ..Default::default()
        };
        seat.send(Asked::Commit, &request, now)?;
        seat.link.flush(&mut self.reactor);
        commits.under_way += 1;
        self.requests += 1;
        Ok(())
    }

    fn answered(
        &mut self,
        index: usize,
        asked: &Unanswered,
        frame: &Bytes,
        now: Moment,
    ) -> Result<(), BenchError> {
        let Some(seat) = self.seats.get_mut(index) else { return Ok(()) };
        let kind = seat.asked.pop_front();
        let (version, link) = (asked.version, &seat.link);
        let result = match (kind, &mut seat.member) {
            (Some(Asked::Commit), _) => return self.commit_answered(index, asked, frame, now),
            (Some(Asked::Join), Some(Member::Classic(member))) => {
                member.joined(decode::<JoinGroupRequest>(link, frame, version)?, now)
            }
            (Some(Asked::Sync), Some(Member::Classic(member))) => {
                member.synced(decode::<SyncGroupRequest>(link, frame, version)?.error_code, now)
            }
            (Some(Asked::Heartbeat), Some(Member::Classic(member))) => {
                member.beaten(decode::<HeartbeatRequest>(link, frame, version)?.error_code, now)
            }
            (Some(Asked::Leave), Some(Member::Classic(member))) => {
                decode::<LeaveGroupRequest>(link, frame, version)?;
                member.left();
                Ok(())
            }
            (Some(Asked::Report), Some(Member::Consumer(member))) => {
                member.reported(&decode::<ConsumerGroupHeartbeatRequest>(link, frame, version)?, now)
            }
            // The answer to somebody who is gone.
            _ => Ok(()),
        };
        self.schedule(index);
        result.map_err(|code| refused(kind, code))
    }

    fn commit_answered(
        &mut self,
        index: usize,
        asked: &Unanswered,
        frame: &Bytes,
        now: Moment,
    ) -> Result<(), BenchError> {
        let (Some(seat), Some(commits)) = (self.seats.get_mut(index), self.commits.as_mut()) else {
            return Ok(());
        };
        commits.under_way = commits.under_way.saturating_sub(1);
        let response = decode::<OffsetCommitRequest>(&seat.link, frame, asked.version)?;
        let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        let error = partitions.map(|partition| partition.error_code).find(|code| *code != 0);
        match error {
            Some(code) if passes(code) => commits.refused += 1,
            Some(code) => return Err(refused(Some(Asked::Commit), code)),
            None if now >= commits.measure_from && now < commits.until => {
                commits.latencies.record(now.since(asked.asked), 1);
            }
            None => {}
        }
        if now < commits.until { self.ask_commit(index, now) } else { Ok(()) }
    }

    fn schedule(&mut self, index: usize) {
        let Some(seat) = self.seats.get_mut(index) else { return };
        let due = seat.member.as_ref().map_or(Moment::NEVER, Member::due);
        if due != seat.due {
            self.due.remove(&(seat.due, index));
            seat.due = due;
            if due != Moment::NEVER {
                self.due.insert((due, index));
            }
        }
    }
}

impl Seat {
    fn send<R: Request>(&mut self, kind: Asked, request: &R, now: Moment) -> Result<(), BenchError> {
        self.asked.push_back(kind);
        self.link.ask(request, Vec::new(), false, now)
    }
}

fn decode<R: Request>(link: &Link, frame: &Bytes, version: i16) -> Result<R::Response, BenchError> {
    let decoded = decode_response::<R>(frame, version);
    decoded.map(|(_, response)| response).map_err(|source| link.decode(R::API, source))
}

fn refused(kind: Option<Asked>, code: i16) -> BenchError {
    let api = match kind {
        Some(Asked::Join) => ApiKey::JoinGroup,
        Some(Asked::Sync) => ApiKey::SyncGroup,
        Some(Asked::Leave) => ApiKey::LeaveGroup,
        Some(Asked::Report) => ApiKey::ConsumerGroupHeartbeat,
        Some(Asked::Commit) => ApiKey::OffsetCommit,
        Some(Asked::Heartbeat) | None => ApiKey::Heartbeat,
    };
    BenchError::Refused { what: format!("a member's {api}"), code, message: String::new() }
}
