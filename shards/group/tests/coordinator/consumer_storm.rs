//! Members of both protocols in a storm: answers get lost, requests come twice, members dawdle, vanish and come back,
//! topics grow, and the coordinator crashes, with or without what it was about to write.
//!
//! Whatever happens, no two members hold the same partition at a time; a member counts as long as the coordinator counts
//! it. And when the storm is over, every partition is held again.

use std::collections::BTreeMap;

use strome_group::{MigrationPolicy, Request, Response, Settings};
use types::{ErrorCode, TopicId};

use crate::consumer::{Consumer, Owned, describe, heartbeat, set_topic, topic_id};
use crate::migration::ClassicConsumer;
use crate::random::Random;
use crate::world::{JOIN, World, error};

const STEPS: usize = 120;
const SEEDS: u64 = 60;

/// A client that may be slow: what it was told and what it holds are two things.
enum Client {
    Modern {
        consumer: Consumer,
        told: Option<Owned>,
        /// It has missed an answer, and so says everything about itself, to be told everything.
        unsure: bool,
    },
    Classic(ClassicConsumer),
}

impl Client {
    fn id(&self) -> &str {
        match self {
            Self::Modern { consumer, .. } => &consumer.id,
            Self::Classic(consumer) => &consumer.id,
        }
    }

    fn owned(&self) -> &Owned {
        match self {
            Self::Modern { consumer, .. } => &consumer.owned,
            Self::Classic(consumer) => &consumer.owned,
        }
    }

    /// Sends a heartbeat, whose answer may get lost.
    fn beat(&mut self, lost: bool, world: &mut World) {
        match self {
            Self::Modern { consumer, told, unsure } => {
                let mut request = consumer.request();
                if *unsure {
                    consumer.describe(&mut request);
                }
                let response = heartbeat(request, world);
                *unsure = lost;
                if lost {
                    return;
                }
                let mut obeying = consumer.clone();
                obeying.obey(&response);
                consumer.epoch = obeying.epoch;
                if obeying.epoch == 0 {
                    consumer.owned.clear();
                    *told = None;
                } else if response.assignment.is_some() {
                    // It takes what is new at once, and keeps for a while what it is to give back.
                    consumer.owned.extend(&obeying.owned);
                    *told = Some(obeying.owned);
                }
            }
            Self::Classic(consumer) => beat_classic(consumer, lost, world),
        }
    }

    /// Gives back what it was told to.
    fn catch_up(&mut self) {
        if let Self::Modern { consumer, told, .. } = self
            && let Some(told) = told.take()
        {
            consumer.owned = told;
        }
    }
}

fn beat_classic(consumer: &mut ClassicConsumer, lost: bool, world: &mut World) {
    let outcome = match consumer.generation {
        -1 => ErrorCode::RebalanceInProgress,
        generation => world.heartbeat("g", generation, &consumer.id),
    };
    if lost {
        return;
    }
    match outcome {
        ErrorCode::None => return,
        ErrorCode::RebalanceInProgress => {}
        // It cannot know what happened meanwhile.
        _ => consumer.owned.clear(),
    }
    if outcome == ErrorCode::UnknownMemberId {
        consumer.id.clear();
    }
    // It may be told first which id it is to have, or none at all for now.
    for _ in 0..2 {
        let ticket = world.send(Request::JoinGroup(consumer.join_request()), JOIN);
        let Some(Response::JoinGroup(joined)) = world.answer(ticket) else { return };
        match error(joined.error_code) {
            ErrorCode::None => {
                consumer.generation = joined.generation_id;
                consumer.id = joined.member_id.to_string();
                consumer.try_sync(world);
                return;
            }
            ErrorCode::MemberIdRequired => consumer.id = joined.member_id.to_string(),
            _ => {
                consumer.id.clear();
                consumer.owned.clear();
            }
        }
    }
}

struct Storm {
    random: Random,
    world: World,
    clients: Vec<Client>,
    joined: usize,
    partitions: BTreeMap<&'static str, i32>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut settings = Settings::default();
        settings.classic.initial_rebalance_delay_ms = 0;
        settings.consumer.migration = MigrationPolicy::Bidirectional;
        settings.consumer.assignment_interval_ms = if seed.is_multiple_of(2) { 0 } else { 1_000 };
        let mut world = World::with_settings(settings);
        let partitions = BTreeMap::from([("t", 5), ("u", 3)]);
        for (name, count) in &partitions {
            set_topic(name, *count, &mut world);
        }
        Self { random: Random::new(seed), world, clients: Vec::new(), joined: 0, partitions }
    }

    fn step(&mut self) {
        let count = self.clients.len();
        match self.random.below(20) {
            0..=1 if count < 7 => self.join(),
            2 if count > 1 => self.vanish(),
            3 => self.crash(),
            4 => self.grow(),
            5..=7 => {
                let ms = self.random.below(4_000) as i64;
                self.world.pass(ms);
            }
            8..=10 if count > 0 => {
                let place = self.random.below(count);
                self.clients[place].catch_up();
            }
            _ if count > 0 => {
                let (place, lost) = (self.random.below(count), self.random.one_in(5));
                self.clients[place].beat(lost, &mut self.world);
            }
            _ => self.join(),
        }
    }

    fn join(&mut self) {
        self.joined += 1;
        // One member of the consumer protocol at least, so that there is one in the end.
        if self.joined.is_multiple_of(3) {
            let topics = if self.random.one_in(2) { vec!["t", "u"] } else { vec!["t"] };
            self.clients.push(Client::Classic(ClassicConsumer { topics, ..ClassicConsumer::new() }));
        } else {
            let topics: &[&str] = if self.random.one_in(3) { &["u"] } else { &["t", "u"] };
            let mut consumer = Consumer::new("g", &format!("m{}", self.joined), topics);
            if self.random.one_in(4) {
                consumer = Consumer::new("g", &consumer.id, &[]).with_pattern("t|u");
            }
            self.clients.push(Client::Modern { consumer, told: None, unsure: false });
        }
    }

    /// A client goes, with or without a word. The first one stays.
    fn vanish(&mut self) {
        let place = 1 + self.random.below(self.clients.len() - 1);
        let client = self.clients.remove(place);
        if let Client::Modern { mut consumer, .. } = client
            && self.random.one_in(2)
        {
            consumer.leave(-1, &mut self.world);
        }
    }

    /// The coordinator crashes, perhaps while it handles a request: then nobody has the answer, and the log may lack what
    /// the request has led to.
    fn crash(&mut self) {
        let written = self.world.log.len();
        if !self.clients.is_empty() && self.random.one_in(2) {
            let place = self.random.below(self.clients.len());
            self.clients[place].beat(true, &mut self.world);
            if self.random.one_in(2) {
                self.world.log.truncate(written);
            }
        }
        self.world.crash();
    }

    fn grow(&mut self) {
        let name = if self.random.one_in(2) { "t" } else { "u" };
        let count = self.partitions.get_mut(name).expect("it was created");
        if *count < 12 {
            *count += 1;
            set_topic(name, *count, &mut self.world);
        }
    }

    fn check_owners(&mut self) {
        let members: Vec<String> = describe("g", &mut self.world)
            .members
            .iter()
            .map(|member| member.member_id.to_string())
            .collect();
        let mut owners: BTreeMap<(TopicId, i32), &str> = BTreeMap::new();
        for client in self.clients.iter().filter(|client| members.iter().any(|id| id == client.id())) {
            for partition in client.owned() {
                if let Some(other) = owners.insert(*partition, client.id()) {
                    panic!("{partition:?} is held by {other} and by {}", client.id());
                }
            }
        }
    }

    /// Nothing gets lost any more, and everybody does as told.
    fn calm_down(&mut self) {
        for _ in 0..60 {
            self.world.pass(1_500);
            for client in &mut self.clients {
                client.beat(false, &mut self.world);
                client.catch_up();
            }
            self.check_owners();
        }
    }

    fn check_settled(&mut self) {
        let group = describe("g", &mut self.world);
        assert_eq!((group.group_state.as_str(), group.members.len()), ("Stable", self.clients.len()));
        let wanted = |name: &str| {
            self.clients.iter().any(|client| match client {
                Client::Modern { consumer, .. } => {
                    consumer.pattern.is_some() || consumer.topics.iter().any(|topic| topic == name)
                }
                Client::Classic(consumer) => consumer.topics.contains(&name),
            })
        };
        for (name, count) in &self.partitions {
            let held = |client: &Client| client.owned().iter().filter(|(t, _)| *t == topic_id(name)).count();
            let held: usize = self.clients.iter().map(held).sum();
            assert_eq!(held, if wanted(name) { *count as usize } else { 0 }, "partitions of {name}");
        }
    }
}

fn weather(seed: u64) {
    let mut storm = Storm::new(seed);
    storm.join();
    for _ in 0..STEPS {
        storm.step();
        storm.check_owners();
    }
    storm.calm_down();
    storm.check_settled();
}

#[test]
fn no_two_members_hold_a_partition_and_none_is_lost_after_the_storm() {
    for seed in 0..SEEDS {
        let outcome = std::panic::catch_unwind(|| weather(seed));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
