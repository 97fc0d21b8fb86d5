//! The network between consumers and their coordinator, and time.

use std::collections::BTreeMap;

use protocol::messages::group_offsets::OffsetFetchRequestGroup;
use protocol::messages::groups::DescribedGroup;
use strome_group::{OffsetFetch, Reply, Request, Response, Settings, Ticket};
use types::{ErrorCode, TimestampMs};

use crate::checks::Checks;
use crate::client::{Client, GROUP, PARTITIONS, Phase, REBALANCE_MS, SESSION_MS, code};
use crate::host::Host;
use crate::random::Random;

const STORM_MS: i64 = 200_000;
/// Two rebalances and the sessions of those that have gone: by then the group has found itself.
const CALM_MS: i64 = 3 * (REBALANCE_MS as i64 + SESSION_MS as i64);
const STEP_MS: i64 = 50;
const VERSION: i16 = 9;

/// Something on its way.
enum Message {
    /// From a client, with the number of its request; 0 for one whose answer nobody waits for.
    Request { client: usize, number: u64, request: Request },
    /// To a client.
    Response { client: usize, number: u64, response: Response },
}

/// What the host has to know to send an answer, and to judge it.
struct Asked {
    client: usize,
    number: u64,
    /// Partition and offset of a commit that was taken.
    commit: Option<(i32, i64)>,
}

pub struct World {
    random: Random,
    now: i64,
    host: Host,
    clients: Vec<Client>,
    /// By the time of their arrival, then in the order in which they were sent.
    network: BTreeMap<(i64, u64), Message>,
    asked: BTreeMap<Ticket, Asked>,
    checks: Checks,
    sent: u64,
    offsets: i64,
    /// How bad the network is, in percent.
    badness: usize,
    is_calm: bool,
    tells: bool,
}

/// Tells what happens, if asked.
macro_rules! tell {
    ($world:expr, $($text:tt)*) => {
        if $world.tells {
            eprintln!("{:>7} {}", $world.now, format!($($text)*));
        }
    };
}

impl World {
    pub fn new(seed: u64, tells: bool) -> Self {
        let mut random = Random::new(seed);
        let mut settings = Settings::default();
        settings.classic.initial_rebalance_delay_ms = [0, 1_000, 3_000][random.below(3)];
        let statics = random.below(3);
        let client = |n: usize| Client::new((n < statics).then(|| format!("i{n}")));
        let clients = (0..1 + statics + random.below(5)).map(client).collect();
        let badness = [0, 2, 10, 30][random.below(4)];
        Self {
            host: Host::new(settings, TimestampMs(0)),
            random,
            now: 0,
            clients,
            network: BTreeMap::new(),
            asked: BTreeMap::new(),
            checks: Checks::default(),
            sent: 0,
            offsets: 0,
            badness,
            is_calm: false,
            tells,
        }
    }

    pub fn run(mut self) {
        while self.now < STORM_MS {
            self.disturb();
            self.step();
        }
        tell!(self, "the storm is over");
        self.is_calm = true;
        for client in &mut self.clients {
            client.hangs_until = 0;
        }
        while self.now < STORM_MS + CALM_MS {
            self.step();
        }
        self.check_progress();
    }

    /// Something goes wrong, or somebody comes or goes.
    fn disturb(&mut self) {
        let client = self.random.below(self.clients.len());
        match self.random.below(400) {
            0..=5 if !self.clients[client].is_up => {
                tell!(self, "client {client} starts");
                self.clients[client].start();
            }
            6 => {
                tell!(self, "client {client} is gone");
                self.clients[client].is_up = false;
            }
            7 if self.clients[client].is_up => {
                tell!(self, "client {client} leaves");
                self.clients[client].is_up = false;
                let request = self.clients[client].leave();
                self.send(client, 0, request);
            }
            8 if self.clients[client].is_up => {
                // The old process may still have requests on their way.
                tell!(self, "client {client} restarts");
                self.clients[client].start();
            }
            9 => {
                let ms = self.random.below(2 * SESSION_MS as usize) as i64;
                tell!(self, "client {client} hangs for {ms} ms");
                self.clients[client].hangs_until = self.now + ms;
            }
            10 => self.crash(),
            11 => self.fail(),
            _ => {}
        }
    }

    fn crash(&mut self) {
        let survivors = self.random.below(3);
        let left = self.host.crash(survivors, TimestampMs(self.now));
        tell!(self, "the coordinator crashes; {left} batches are left");
        self.asked.clear();
        self.checks.crashed(left);
        self.check_offsets();
    }

    fn fail(&mut self) {
        let (left, replies) = self.host.fail(VERSION, TimestampMs(self.now));
        tell!(self, "an append fails; {left} batches are left");
        self.checks.failed(left);
        self.deliver(replies);
        self.check_offsets();
    }

    fn step(&mut self) {
        self.now += STEP_MS;
        while let Some(entry) = self.network.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let message = entry.remove();
            self.arrive(message);
        }
        self.host.expire(TimestampMs(self.now));
        for client in 0..self.clients.len() {
            self.act(client);
        }
        let batches = if self.is_calm { usize::MAX / 2 } else { self.random.below(4) };
        let replies = self.host.make_durable(batches);
        self.deliver(replies);
    }

    fn act(&mut self, client: usize) {
        let state = &mut self.clients[client];
        if self.is_calm && !state.is_up {
            // Also one that was fenced by a late request of its former self.
            state.start();
        }
        if !state.is_up || state.hangs_until > self.now {
            return;
        }
        if let Some(request) = state.next_request(self.now) {
            let number = state.request;
            self.send(client, number, request);
        }
        if self.clients[client].phase == Phase::Consuming && self.random.percent(5) {
            let owned = &self.clients[client].owned;
            if let Some(partition) = owned.get(self.random.below(owned.len())).copied() {
                self.offsets += 1;
                let request = self.clients[client].commit(partition, self.offsets);
                self.send(client, 0, request);
            }
        }
    }

    /// Puts a request on its way: it may get lost, be doubled, and take long.
    fn send(&mut self, client: usize, number: u64, request: Request) {
        let copies = if self.goes_wrong() { 2 * self.random.below(2) } else { 1 };
        for _ in 0..copies {
            let request = request.clone();
            self.post(Message::Request { client, number, request });
        }
    }

    fn post(&mut self, message: Message) {
        let late = if self.goes_wrong() { self.random.below(20_000) } else { self.random.below(20) };
        self.sent += 1;
        self.network.insert((self.now + late as i64, self.sent), message);
    }

    fn goes_wrong(&mut self) -> bool {
        !self.is_calm && self.random.percent(self.badness)
    }

    fn arrive(&mut self, message: Message) {
        match message {
            Message::Request { client, number, request } => self.handle(client, number, request),
            Message::Response { client, number, response } => {
                let state = &mut self.clients[client];
                if state.is_up && state.hangs_until <= self.now && state.request == number {
                    state.hear(&response);
                    tell!(self, "client {client} hears {response:?}");
                    self.check_ownership(client);
                }
            }
        }
    }

    fn handle(&mut self, client: usize, number: u64, request: Request) {
        tell!(self, "client {client} asks {request:?}");
        let ticket = self.ticket();
        let commit = match &request {
            Request::OffsetCommit(commit) => {
                let partition = &commit.topics[0].partitions[0];
                let offset = (partition.partition_index, partition.committed_offset);
                Some((commit.generation_id_or_member_epoch, commit.member_id.clone(), offset))
            }
            _ => None,
        };
        let members = commit.is_some().then(|| self.describe().members);
        let before = self.host.appended();
        self.asked.insert(ticket, Asked { client, number, commit: None });
        self.host.handle(request, ticket, VERSION, TimestampMs(self.now));
        if let (Some((generation, id, (partition, offset))), Some(members)) = (commit, members)
            && self.host.appended() > before
        {
            let is_member = members.iter().any(|member| member.member_id == id);
            self.checks.takes(generation, is_member, partition, offset, before);
            if let Some(asked) = self.asked.get_mut(&ticket) {
                asked.commit = Some((partition, offset));
            }
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.sent += 1;
        let ticket = Ticket(self.sent);
        self.checks.asked(ticket);
        ticket
    }

    /// Sends answers back.
    fn deliver(&mut self, replies: Vec<Reply>) {
        for reply in replies {
            self.checks.answered(reply.ticket);
            let Some(asked) = self.asked.remove(&reply.ticket) else { continue };
            if let Response::OffsetCommit(response) = &reply.response {
                let error = code(response.topics[0].partitions[0].error_code);
                if let (ErrorCode::None, Some((partition, offset))) = (error, asked.commit) {
                    self.checks.acknowledges(partition, offset);
                }
                continue;
            }
            if asked.number > 0 && !self.goes_wrong() {
                let Asked { client, number, .. } = asked;
                self.post(Message::Response { client, number, response: reply.response });
            }
        }
    }

    /// Asks the coordinator something that changes nothing.
    fn ask(&mut self, request: Request) -> Response {
        let ticket = self.ticket();
        let mut out = strome_group::Effects::default();
        let context = strome_group::Context {
            ticket,
            version: VERSION,
            now: TimestampMs(self.now),
            client_id: "",
            client_host: "",
            unique: types::Uuid::ZERO,
            image: &self.host.image,
        };
        self.host.coordinator.handle(request, &context, &mut out);
        assert!(out.records.is_empty());
        self.checks.answered(ticket);
        out.replies.pop().expect("it is answered at once").response
    }

    fn describe(&mut self) -> DescribedGroup {
        match self.ask(Request::DescribeGroups(vec![GROUP.into()])) {
            Response::DescribeGroups(mut groups) => groups.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn check_ownership(&mut self, client: usize) {
        let client = &self.clients[client];
        if client.phase == Phase::Consuming && client.is_up {
            let owner = client.instance.as_ref().unwrap_or(&client.id);
            self.checks.owns(client.generation, owner, &client.owned);
        }
    }

    fn check_offsets(&mut self) {
        let group = OffsetFetchRequestGroup { group_id: GROUP.into(), topics: None, ..Default::default() };
        let response = match self.ask(Request::OffsetFetch(OffsetFetch { group, require_stable: true })) {
            Response::OffsetFetch(response) => response,
            other => panic!("{other:?}"),
        };
        let partitions: BTreeMap<i32, i64> = response
            .topics
            .iter()
            .flat_map(|topic| &topic.partitions)
            .map(|partition| (partition.partition_index, partition.committed_offset))
            .collect();
        for partition in 0..PARTITIONS {
            self.checks.fetched(partition, partitions.get(&partition).copied().unwrap_or(-1));
        }
    }

    /// The storm is over for long: everybody consumes, in one generation, and every partition has its owner.
    fn check_progress(&mut self) {
        self.check_offsets();
        assert_eq!(self.describe().group_state, "Stable");
        assert_eq!(self.describe().members.len(), self.clients.len());
        let generation = self.clients[0].generation;
        let mut owned: Vec<i32> = Vec::new();
        for (name, client) in self.clients.iter().enumerate() {
            assert_eq!((client.phase, client.generation), (Phase::Consuming, generation), "client {name}");
            owned.extend(&client.owned);
        }
        owned.sort_unstable();
        assert_eq!(owned, (0..PARTITIONS).collect::<Vec<i32>>());
        assert_eq!(self.checks.open_requests(), 0, "requests that were never answered");
    }
}
