//! The group coordinators of one shard: one for each partition of `__consumer_offsets` that it owns and this broker leads.
//! Requests in, answers out; the machine that decides is `group::Coordinator`, and what it decides goes into its partition
//! like everything that clients append.
//!
//! # Invariants
//! - A reply goes out when all records that its partition's coordinator made before it are durable on all in-sync replicas.
//! - What a coordinator knows is what its partition holds: when records cannot be appended, it is loaded anew.
//! - Every request is answered exactly once: also when its coordinator goes away, or the shard stops.
//!
//! # Not here
//! What groups do (`shards/group`); which records are durable (`partition`); what clients may ask (`api`).

mod clock;
mod draft;
mod hosted;
mod load;
mod loading;
mod pending;
mod place;
mod questions;
mod settings;
#[cfg(test)]
mod tests;
mod writing;

pub use place::{OFFSETS_TOPIC, led_here, partition_of};

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use group::{Context, Effects, Reply, Response, Ticket};
use metadata::{Delta, Image};
use net::Moment;
use types::{BrokerId, ErrorCode, Offset, ShardId, TopicName, TopicPartition, Uuid};

use self::clock::SteadyClock;
use self::hosted::{Hosted, Phase};
use self::loading::Loads;
use self::questions::Questions;
use self::settings::CoordinatorSettings;
use self::writing::Write;
use crate::arena::{Arena, Key};
use crate::clock::Now;
use crate::metrics::Passage;
use crate::placement::Placement;
use crate::work::{Done, GroupQuestion, Part, RequestRef, Work};

/// What timers lead to, in one turn: a thousand sessions that end at once must not keep others waiting.
const EXPIRIES_MAX: usize = 256;

/// After a coordinator could not read its partition, it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The coordinators of one shard. Lives on that shard, as long as it.
pub struct Coordinators {
    shard: ShardId,
    placement: Placement,
    clock: SteadyClock,
    /// The time, as of the last work or turn.
    now: Moment,
    settings: CoordinatorSettings,
    hosted: Arena<Hosted>,
    by_partition: BTreeMap<TopicPartition, Key>,
    /// Those that have something to append in this turn.
    drafted: Vec<Key>,
    /// Those that read their partitions, one slice at a time and in turn.
    loading: VecDeque<Key>,
    /// A slice is being read.
    is_reading: bool,
    /// What was loaded and not told yet.
    loads: Loads,
    questions: Questions,
    /// What the partitions of this shard have been asked to do.
    tasks: Arena<Task>,
    /// What they are to be asked: see [`Self::take_work`].
    work: Vec<(Key, Work)>,
    /// The writes among them whose replies wait for a limited time, in the order of those times.
    patience: VecDeque<(Instant, Key)>,
    /// When a timer of a coordinator rings; before that none does.
    next_alarm: Option<Instant>,
    /// Reused from event to event.
    effects: Effects,
    /// No request is taken any more.
    ending: bool,
}

/// Work of a partition for its coordinator.
enum Task {
    /// To read the next slice of the log.
    Load(Key),
    /// To append a batch.
    Write(Write),
}

impl Coordinators {
    /// A shard's coordinators, none yet.
    pub fn new(shard: ShardId, placement: Placement, image: &Image, now: Now) -> Self {
        Self {
            shard,
            placement,
            clock: SteadyClock::starting(now),
            now: now.moment,
            settings: CoordinatorSettings::of(image),
            hosted: Arena::default(),
            by_partition: BTreeMap::new(),
            drafted: Vec::new(),
            loading: VecDeque::new(),
            is_reading: false,
            loads: Loads::default(),
            questions: Questions::default(),
            tasks: Arena::default(),
            work: Vec::new(),
            patience: VecDeque::new(),
            next_alarm: None,
            effects: Effects::default(),
            ending: false,
        }
    }

    /// Takes up questions; the answer comes out of [`Self::take_answers`], at once or later.
    pub fn accept(&mut self, from: RequestRef, parts: Vec<Part<GroupQuestion>>, now: Now, image: &Image) {
        self.now = now.moment;
        let request = self.questions.begin(from, parts.len(), self.now);
        for part in parts {
            let ticket = self.questions.open(request, &part, part.item.version);
            self.ask(ticket, part.at, part.item, now, image);
        }
    }

    fn ask(&mut self, ticket: Ticket, at: TopicPartition, question: GroupQuestion, now: Now, image: &Image) {
        let GroupQuestion { version, client_id, client_address, request } = question;
        let key = self.by_partition.get(&at).copied();
        let found = key.and_then(|key| Some((key, self.hosted.get_mut(key)?)));
        let Some((key, hosted)) = found.filter(|_| !self.ending) else {
            return self.answer(ticket, request.refused(version, ErrorCode::NotCoordinator));
        };
        if let Some(error) = hosted.refusal() {
            return self.answer(ticket, request.refused(version, error));
        }
        let is_about_member =
            matches!(request, group::Request::JoinGroup(_) | group::Request::ConsumerGroupHeartbeat(_));
        let (unique, client_host) = match is_about_member.then(random_id) {
            None => (Uuid::ZERO, String::new()),
            Some(Ok(unique)) => (unique, java_address(client_address)),
            Some(Err(error)) => {
                tracing::error!("no random bytes from the system: {error}");
                let refused = request.refused(version, ErrorCode::UnknownServerError);
                return self.answer(ticket, refused);
            }
        };
        let context = Context {
            ticket,
            version,
            now: self.clock.at(now.monotonic),
            client_id: client_id.as_deref().unwrap_or_default(),
            client_host: &client_host,
            unique,
            image,
        };
        hosted.machine.handle(request, &context, &mut self.effects);
        self.take_effects(key, now);
    }

    /// Answers or holds what an event of a coordinator has led to.
    fn take_effects(&mut self, key: Key, now: Now) {
        let time = self.clock.at(now.monotonic);
        let Some(hosted) = self.hosted.get_mut(key) else { return };
        self.next_alarm = earlier(self.next_alarm, hosted.next_alarm(&self.clock));
        self.effects.replies.iter().for_each(|reply| self.questions.decided(reply.ticket, now.moment));
        let outcome = hosted.take_in(&mut self.effects, self.settings.codec, time);
        if hosted.has_draft() && !hosted.is_listed {
            hosted.is_listed = true;
            self.drafted.push(key);
        }
        let last_write = hosted.last_write;
        match outcome {
            Err(failure) => {
                let code = ErrorCode::UnknownServerError;
                self.load_anew(key, failure.replies, code, &failure.reason, now.monotonic);
            }
            Ok(replies) if replies.is_empty() => {}
            Ok(replies) => match last_write.and_then(|write| self.tasks.get_mut(write)) {
                Some(Task::Write(write)) => write.replies.extend(replies),
                _ => self.send(replies),
            },
        }
    }

    fn answer(&mut self, ticket: Ticket, response: Response) {
        self.questions.answer(ticket, response, self.now);
    }

    fn send(&mut self, replies: Vec<Reply>) {
        for Reply { ticket, response } in replies {
            self.answer(ticket, response);
        }
    }

    /// Tells clients that what was decided for them is not to be had.
    fn refuse(&mut self, replies: Vec<Reply>, error: ErrorCode) {
        for Reply { ticket, response } in replies {
            let version = self.questions.version(ticket);
            self.answer(ticket, response.refused(version, error));
        }
    }

    /// The requests that have all their answers.
    pub fn take_answers(&mut self) -> Vec<(RequestRef, Done, Passage)> {
        self.questions.take_answers()
    }

    /// Work for the shard's partitions, in this order. What becomes of each is told to [`Self::take_in`], under its key.
    pub fn take_work(&mut self) -> Vec<(Key, Work)> {
        std::mem::take(&mut self.work)
    }

    /// Once a turn of the loop, before the partitions': lets timers ring, appends what was decided, reads on where a
    /// coordinator is loaded. `extent` tells where the log of a partition that is open starts and ends. Returns whether
    /// there is more to do; what the partitions have to do comes out of [`Self::take_work`].
    pub fn turn(
        &mut self,
        extent: impl Fn(TopicPartition) -> Option<(Offset, Offset)>,
        now: Now,
        image: &Image,
    ) -> bool {
        self.now = now.moment;
        let busy = self.ring_alarms(now, image);
        self.load(extent, now, image);
        self.append_drafts(now);
        self.lose_patience(now.monotonic);
        busy
    }

    /// When [`Self::turn`] has something to do without any event.
    pub fn next_deadline(&self) -> Option<Instant> {
        let patience = self.patience.front().map(|(until, _)| *until);
        earlier(self.next_alarm, patience)
    }

    /// Handles what is due. Returns whether there is more.
    fn ring_alarms(&mut self, now: Now, image: &Image) -> bool {
        if self.next_alarm.is_none_or(|at| at > now.monotonic) {
            return false;
        }
        let time = self.clock.at(now.monotonic);
        let mut left = EXPIRIES_MAX;
        self.next_alarm = None;
        for key in self.by_partition.values().copied().collect::<Vec<_>>() {
            self.retry_load(key, now.monotonic);
            while left > 0
                && let Some(hosted) = self.hosted.get_mut(key)
                && hosted.refusal().is_none()
                && hosted.machine.next_deadline().is_some_and(|at| at <= time)
            {
                left -= 1;
                hosted.machine.expire(time, image, &mut self.effects);
                self.take_effects(key, now);
            }
            if let Some(hosted) = self.hosted.get(key) {
                self.next_alarm = earlier(self.next_alarm, hosted.next_alarm(&self.clock));
            }
        }
        left == 0
    }

    /// Acts on new metadata; `before` is what was in force until now.
    pub fn apply(&mut self, before: &Image, image: &Image, delta: &Delta, now: Now) {
        if delta.broker_settings {
            self.settings = CoordinatorSettings::of(image);
            for hosted in self.hosted.values_mut() {
                hosted.machine.set_settings(self.settings.machine.clone());
            }
        }
        let offsets = image.topic(OFFSETS_TOPIC).map(|topic| topic.id);
        let gone: Vec<TopicPartition> =
            self.by_partition.keys().filter(|at| !self.is_led_here(image, **at)).copied().collect();
        gone.into_iter().for_each(|at| self.leave(at));
        for (topic, change) in delta.topics.iter().filter(|(topic, _)| Some(**topic) == offsets) {
            for partition in &change.partitions {
                let at = TopicPartition { topic: *topic, partition: *partition };
                self.take_over(image, at, now.monotonic);
            }
        }
        self.tell_of_topics(before, image, delta, now);
    }

    fn is_led_here(&self, image: &Image, at: TopicPartition) -> bool {
        let leader = image.partition(at.topic, at.partition).map_or(BrokerId::NONE, |state| state.leader);
        leader == image.node() && self.placement.owner(at) == self.shard
    }

    /// Begins to load the coordinator of a partition that this broker leads now.
    fn take_over(&mut self, image: &Image, at: TopicPartition, now: Instant) {
        if self.ending || self.by_partition.contains_key(&at) || !self.is_led_here(image, at) {
            return;
        }
        let key = self.hosted.insert(Hosted::new(at, &self.settings.machine, now));
        self.by_partition.insert(at, key);
        self.loading.push_back(key);
    }

    /// The coordinator of this partition is elsewhere from now on.
    fn leave(&mut self, at: TopicPartition) {
        let key = self.by_partition.remove(&at);
        let Some(mut hosted) = key.and_then(|key| self.hosted.remove(key)) else { return };
        self.refuse(hosted.drop_draft(), ErrorCode::NotCoordinator);
        let mut effects = Effects::default();
        hosted.machine.unload(ErrorCode::NotCoordinator, &mut effects);
        self.send(effects.replies);
    }

    fn tell_of_topics(&mut self, before: &Image, image: &Image, delta: &Delta, now: Now) {
        let name = |(id, change): (&types::TopicId, &metadata::TopicDelta)| {
            let image = if change.removed { before } else { image };
            Some(image.topic_by_id(*id)?.name.clone())
        };
        let topics: Vec<TopicName> = delta.topics.iter().filter_map(name).collect();
        if topics.is_empty() {
            return;
        }
        let time = self.clock.at(now.monotonic);
        for key in self.by_partition.values().copied().collect::<Vec<_>>() {
            let Some(hosted) = self.hosted.get_mut(key) else { continue };
            match &mut hosted.phase {
                Phase::Ready => {
                    hosted.machine.topics_changed(&topics, time, image, &mut self.effects);
                    self.take_effects(key, now);
                }
                Phase::Loading(load) => load.missed.extend(topics.iter().cloned()),
                Phase::Failed(_) => {}
            }
        }
    }

    /// Lets no request wait from now on: the broker stops. What was decided is still made durable and answered.
    pub fn end(&mut self) {
        self.ending = true;
        for key in self.by_partition.values().copied().collect::<Vec<_>>() {
            let Some(hosted) = self.hosted.get_mut(key) else { continue };
            let machine = hosted.retire(&self.settings.machine);
            let mut effects = Effects::default();
            machine.unload(ErrorCode::NotCoordinator, &mut effects);
            self.send(effects.replies);
        }
    }

    /// What a partition was asked for is done.
    pub fn take_in(&mut self, key: Key, done: Done, now: Now) {
        self.now = now.moment;
        match (self.tasks.remove(key), done) {
            (Some(Task::Load(of)), Done::Read(parts)) => {
                for part in parts {
                    self.on_read(of, part.item, now);
                }
            }
            (Some(Task::Write(write)), Done::Append(parts)) => {
                if let Some(part) = parts.into_iter().next() {
                    self.on_written(key, write, part.item, now.monotonic);
                }
            }
            (_, done) => debug_assert!(false, "not what was asked for: {done:?}"),
        }
    }
}

/// The earlier of two moments that may be never.
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

fn random_id() -> Result<Uuid, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(Uuid::from_random(bytes))
}

/// An address as Java writes one that has no name: IPv6 without abbreviations.
fn java_address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("/{address}"),
        IpAddr::V6(address) => {
            let groups = address.segments().map(|group| format!("{group:x}"));
            format!("/{}", groups.join(":"))
        }
    }
}
