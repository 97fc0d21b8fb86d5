//! Groups that move from one protocol to the other while their members work.

use bytes::Bytes;
use protocol::consumer_protocol::{
    self, AssignedPartitions, ConsumerProtocolAssignment, ConsumerProtocolSubscription, OwnedPartitions,
};
use protocol::messages::group_members::{JoinGroupRequestProtocol, SyncGroupRequestAssignment};
use protocol::messages::{JoinGroupRequest, JoinGroupResponse, SyncGroupRequest, SyncGroupResponse};
use strome_group::{MigrationPolicy, Request, Response, Settings};
use types::ErrorCode;

use crate::consumer::{Consumer, Owned, SETTLE_MS, describe, described, set_topic, settle, topic_id};
use crate::world::{COMMIT, JOIN, REBALANCE_MS, SESSION_MS, SYNC, World, commit, error, member};

/// A consumer of the classic protocol that gives partitions back one by one, as Kafka's cooperative assignor has it do.
#[derive(Clone, Debug)]
pub struct ClassicConsumer {
    pub id: String,
    pub instance: Option<String>,
    pub generation: i32,
    pub topics: Vec<&'static str>,
    pub owned: Owned,
}

impl ClassicConsumer {
    pub fn new() -> Self {
        Self { id: String::new(), instance: None, generation: -1, topics: vec!["t"], owned: Owned::new() }
    }

    fn join(&mut self, world: &mut World) -> JoinGroupResponse {
        loop {
            let ticket = world.send(Request::JoinGroup(self.join_request()), JOIN);
            let response = world.joined(ticket);
            self.id = response.member_id.to_string();
            if error(response.error_code) != ErrorCode::MemberIdRequired {
                self.generation = response.generation_id;
                return response;
            }
        }
    }

    /// What it would send to join now.
    pub fn join_request(&self) -> JoinGroupRequest {
        let of =
            |name| self.owned.iter().filter(move |(id, _)| *id == topic_id(name)).map(|(_, index)| *index);
        let owned =
            |name: &&'static str| OwnedPartitions { topic: (*name).into(), partitions: of(name).collect() };
        let subscription = ConsumerProtocolSubscription {
            topics: self.topics.iter().map(|topic| (*topic).into()).collect(),
            owned_partitions: self.topics.iter().map(owned).collect(),
            ..Default::default()
        };
        let metadata = consumer_protocol::encode(3, &subscription).expect("it is small");
        JoinGroupRequest {
            group_id: "g".into(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: REBALANCE_MS,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata }],
            ..Default::default()
        }
    }

    fn sync_request(&self, given: Vec<SyncGroupRequestAssignment>) -> SyncGroupRequest {
        SyncGroupRequest {
            group_id: "g".into(),
            generation_id: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            protocol_type: Some("consumer".into()),
            protocol_name: Some("range".into()),
            assignments: given,
        }
    }

    fn sync(&mut self, given: Vec<SyncGroupRequestAssignment>, world: &mut World) -> SyncGroupResponse {
        let request = self.sync_request(given);
        let ticket = world.send(Request::SyncGroup(request), SYNC);
        let response = world.synced(ticket);
        self.obey(&response);
        response
    }

    /// Fetches what it is assigned, if it can be told at once.
    pub fn try_sync(&mut self, world: &mut World) {
        let ticket = world.send(Request::SyncGroup(self.sync_request(Vec::new())), SYNC);
        if let Some(Response::SyncGroup(response)) = world.answer(ticket) {
            self.obey(&response);
        }
    }

    fn obey(&mut self, response: &SyncGroupResponse) {
        if error(response.error_code) == ErrorCode::None {
            let (_, assignment): (_, ConsumerProtocolAssignment) =
                consumer_protocol::decode(&response.assignment).unwrap_or_default();
            let topics = assignment.assigned_partitions.iter();
            self.owned = topics
                .flat_map(|topic| topic.partitions.iter().map(|index| (topic_id(&topic.topic), *index)))
                .collect();
        }
    }

    /// Sends a heartbeat, and joins again if it is told to.
    fn beat(&mut self, world: &mut World) -> ErrorCode {
        let error = world.heartbeat("g", self.generation, &self.id);
        if matches!(error, ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration) {
            self.join(world);
            self.sync(Vec::new(), world);
        }
        error
    }
}

fn assign(
    member: &ClassicConsumer,
    partitions: &[i32],
    user_data: Option<&'static [u8]>,
) -> SyncGroupRequestAssignment {
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: vec![AssignedPartitions { topic: "t".into(), partitions: partitions.to_vec() }],
        user_data: user_data.map(Bytes::from_static),
    };
    let assignment = consumer_protocol::encode(3, &assignment).expect("it is small");
    SyncGroupRequestAssignment { member_id: member.id.as_str().into(), assignment }
}

fn world_with(migration: MigrationPolicy) -> World {
    let mut settings = Settings::default();
    settings.classic.initial_rebalance_delay_ms = 0;
    settings.consumer.migration = migration;
    let mut world = World::with_settings(settings);
    set_topic("t", 6, &mut world);
    world
}

/// A stable classic group with one member that has all partitions.
fn classic_group(world: &mut World, user_data: Option<&'static [u8]>) -> ClassicConsumer {
    let mut member = ClassicConsumer::new();
    let ticket = world.send(Request::JoinGroup(member.join_request()), JOIN);
    member.id = world.joined(ticket).member_id.to_string();
    let ticket = world.send(Request::JoinGroup(member.join_request()), JOIN);
    world.pass(0);
    member.generation = world.joined(ticket).generation_id;
    let given = vec![assign(&member, &[0, 1, 2, 3, 4, 5], user_data)];
    member.sync(given, world);
    assert_eq!(member.owned.len(), 6);
    member
}

/// Both protocols in one group, which has settled.
fn mixed_group(world: &mut World) -> (ClassicConsumer, Consumer) {
    let mut classic = classic_group(world, None);
    let mut modern = Consumer::new("g", "modern", &["t"]);
    assert_eq!(error(modern.beat(world).error_code), ErrorCode::None);
    for _ in 0..4 {
        classic.beat(world);
        modern.beat(world);
        world.pass(SETTLE_MS);
    }
    assert_eq!((classic.owned.len(), modern.owned.len()), (3, 3));
    (classic, modern)
}

#[test]
fn a_classic_group_becomes_a_consumer_group_with_the_first_member_that_joins_so() {
    let mut world = world_with(MigrationPolicy::Bidirectional);
    let mut classic = classic_group(&mut world, None);
    let mut modern = Consumer::new("g", "modern", &["t"]);
    assert_eq!(error(modern.beat(&mut world).error_code), ErrorCode::None);
    assert!(modern.owned.is_empty(), "the classic member has everything and keeps it for now");
    let member = described("g", &classic.id, &mut world);
    assert_eq!((member.member_type, described("g", "modern", &mut world).member_type), (0, 1));
    assert_eq!(member.assignment.topic_partitions[0].partitions, [0, 1, 2, 3, 4, 5]);

    assert_eq!(world.heartbeat("g", classic.generation, &classic.id), ErrorCode::RebalanceInProgress);
    classic.join(&mut world);
    classic.sync(Vec::new(), &mut world);
    assert_eq!(classic.owned.len(), 3, "it learns by joining what it is to give back");
    modern.beat(&mut world);
    assert!(modern.owned.is_empty(), "it has not said yet that it has given it back");
    classic.beat(&mut world);
    modern.beat(&mut world);
    assert_eq!(modern.owned.len(), 3);
    assert!(modern.owned.is_disjoint(&classic.owned));
    assert_eq!(classic.beat(&mut world), ErrorCode::None);
    assert_eq!(describe("g", &mut world).group_state, "Stable");
}

#[test]
fn members_of_both_protocols_commit() {
    let mut world = world_with(MigrationPolicy::Bidirectional);
    let (classic, modern) = mixed_group(&mut world);
    assert_eq!(world.commit(commit("g", classic.generation, &classic.id, 0, 1), COMMIT), ErrorCode::None);
    assert_eq!(world.commit(commit("g", classic.generation, &classic.id, 0, 1), 8), ErrorCode::None);
    assert_eq!(world.commit(commit("g", modern.epoch, "modern", 0, 1), COMMIT), ErrorCode::None);
    let later = classic.generation + 1;
    assert_eq!(world.commit(commit("g", later, &classic.id, 0, 1), COMMIT), ErrorCode::IllegalGeneration);
}

#[test]
fn a_classic_member_may_join_a_consumer_group() {
    let mut world = world_with(MigrationPolicy::Bidirectional);
    let mut modern = Consumer::new("g", "modern", &["t"]);
    modern.beat(&mut world);
    world.pass(SETTLE_MS);
    let mut classic = ClassicConsumer::new();
    assert_eq!(error(classic.join(&mut world).error_code), ErrorCode::None);
    classic.sync(Vec::new(), &mut world);
    assert!(classic.owned.is_empty());
    for _ in 0..4 {
        modern.beat(&mut world);
        classic.beat(&mut world);
        world.pass(SETTLE_MS);
    }
    assert_eq!((classic.owned.len(), modern.owned.len()), (3, 3));
    world.crash();
    assert_eq!(classic.beat(&mut world), ErrorCode::None);
    assert_eq!(error(modern.beat(&mut world).error_code), ErrorCode::None);
}

#[test]
fn a_classic_member_is_not_told_to_join_again_before_there_is_something_new() {
    let mut world = world_with(MigrationPolicy::Bidirectional);
    let (mut classic, mut modern) = mixed_group(&mut world);
    // The second of two members that join in an interval has to wait for the assignment.
    let mut early = Consumer::new("g", "early", &["t"]);
    early.beat(&mut world);
    classic.beat(&mut world);
    Consumer::new("g", "late", &["t"]).beat(&mut world);
    let group = describe("g", &mut world);
    assert!(group.group_epoch > group.assignment_epoch);
    classic.beat(&mut world);
    assert_eq!(world.heartbeat("g", classic.generation, &classic.id), ErrorCode::None);
    world.pass(1_000);
    assert_eq!(world.heartbeat("g", classic.generation, &classic.id), ErrorCode::RebalanceInProgress);
    modern.beat(&mut world);
}

#[test]
fn a_group_is_classic_again_when_the_last_member_of_the_other_protocol_goes() {
    let mut world = world_with(MigrationPolicy::Bidirectional);
    let (mut classic, mut modern) = mixed_group(&mut world);
    let held = classic.owned.clone();
    assert_eq!(modern.leave(-1, &mut world), ErrorCode::None);
    assert_eq!(world.state("g"), "PreparingRebalance");
    assert_eq!(error(describe("g", &mut world).error_code), ErrorCode::GroupIdNotFound);
    classic.generation = generation_of(&classic, &mut world);
    assert_eq!(world.heartbeat("g", classic.generation, &classic.id), ErrorCode::RebalanceInProgress);
    classic.join(&mut world);
    let given = vec![assign(&classic, &[0, 1, 2, 3, 4, 5], None)];
    assert_eq!(error(classic.sync(given, &mut world).error_code), ErrorCode::None);
    assert!(classic.owned.is_superset(&held));
    assert_eq!(world.state("g"), "Stable");
    world.crash();
    assert_eq!(world.heartbeat("g", classic.generation, &classic.id), ErrorCode::None);
}

/// The generation that the classic group goes on with, which nobody is told: the epoch that the group had.
fn generation_of(member: &ClassicConsumer, world: &mut World) -> i32 {
    let mut is = |generation| world.heartbeat("g", generation, &member.id) != ErrorCode::IllegalGeneration;
    (0..64).find(|generation| is(*generation)).expect("it has one")
}

#[test]
fn a_group_is_classic_again_when_its_last_member_of_the_other_protocol_falls_silent() {
    let mut world = world_with(MigrationPolicy::Bidirectional);
    let (mut classic, _) = mixed_group(&mut world);
    for _ in 0..12 {
        world.pass(4_000);
        if world.heartbeat("g", classic.generation, &classic.id) == ErrorCode::RebalanceInProgress {
            break;
        }
    }
    assert_eq!(world.state("g"), "PreparingRebalance");
    assert_eq!(error(classic.join(&mut world).error_code), ErrorCode::None);
}

#[test]
fn a_classic_member_that_is_silent_or_does_not_rejoin_is_shut_out() {
    let mut world = world_with(MigrationPolicy::Upgrade);
    let (classic, mut modern) = mixed_group(&mut world);
    for _ in 0..4 {
        world.pass(4_000);
        modern.beat(&mut world);
    }
    assert_eq!(world.heartbeat("g", classic.generation, &classic.id), ErrorCode::UnknownMemberId);
    settle(&mut [&mut modern], &mut world);
    assert_eq!(modern.owned.len(), 6);
}

#[test]
fn a_member_may_change_its_protocol_and_keep_its_place_by_its_instance_id() {
    let mut world = world_with(MigrationPolicy::Bidirectional);
    let mut modern = Consumer::new("g", "modern", &["t"]).named("i");
    modern.beat(&mut world);
    let mut classic = ClassicConsumer { instance: Some("i".into()), ..ClassicConsumer::new() };
    assert_eq!(error(classic.join(&mut world).error_code), ErrorCode::None);
    // It was the only member, so the group is classic with it, and nothing had to move.
    assert_eq!(world.state("g"), "Stable");
    classic.sync(Vec::new(), &mut world);
    assert_eq!(classic.owned, modern.owned);

    let mut again = Consumer::new("g", "again", &["t"]).named("i");
    assert_eq!(error(again.beat(&mut world).error_code), ErrorCode::None);
    assert_eq!(again.owned, modern.owned);
    assert_eq!(describe("g", &mut world).members.len(), 1);
    world.crash();
    assert_eq!(error(again.beat(&mut world).error_code), ErrorCode::None);
}

#[test]
fn a_policy_that_forbids_it_keeps_a_group_in_its_protocol() {
    let mut world = world_with(MigrationPolicy::Downgrade);
    let classic = classic_group(&mut world, None);
    let mut modern = Consumer::new("g", "modern", &["t"]);
    assert_eq!(error(modern.beat(&mut world).error_code), ErrorCode::GroupIdNotFound);
    assert_eq!(world.heartbeat("g", classic.generation, &classic.id), ErrorCode::None);

    let mut world = world_with(MigrationPolicy::Disabled);
    Consumer::new("g", "modern", &["t"]).beat(&mut world);
    assert_eq!(
        error(ClassicConsumer::new().join(&mut world).error_code),
        ErrorCode::InconsistentGroupProtocol
    );

    let mut world = world_with(MigrationPolicy::Upgrade);
    let (_, mut modern) = mixed_group(&mut world);
    modern.leave(-1, &mut world);
    assert_eq!(describe("g", &mut world).members.len(), 1, "it stays a consumer group");
}

#[test]
fn a_group_whose_assignor_keeps_data_of_its_own_stays_classic() {
    let mut world = world_with(MigrationPolicy::Bidirectional);
    let classic = classic_group(&mut world, Some(b"mine"));
    let mut modern = Consumer::new("g", "modern", &["t"]);
    assert_eq!(error(modern.beat(&mut world).error_code), ErrorCode::GroupIdNotFound);
    assert_eq!(world.heartbeat("g", classic.generation, &classic.id), ErrorCode::None);
}

#[test]
fn a_request_that_is_turned_away_moves_no_group() {
    let mut world = world_with(MigrationPolicy::Bidirectional);
    let classic = classic_group(&mut world, None);
    let written = world.log.len();
    let mut modern = Consumer::new("g", "modern", &[]).with_pattern("[");
    assert_eq!(error(modern.beat(&mut world).error_code), ErrorCode::InvalidRegularExpression);
    assert_eq!((world.log.len(), world.state("g").as_str()), (written, "Stable"));
    assert_eq!(world.heartbeat("g", classic.generation, &classic.id), ErrorCode::None);
}

#[test]
fn an_empty_group_takes_the_protocol_of_whoever_comes_next_and_keeps_its_offsets() {
    let mut world = world_with(MigrationPolicy::Disabled);
    let classic = classic_group(&mut world, None);
    assert_eq!(world.commit(commit("g", classic.generation, &classic.id, 0, 42), COMMIT), ErrorCode::None);
    world.leave("g", vec![member(&classic.id)], 5);
    let mut modern = Consumer::new("g", "modern", &["t"]);
    assert_eq!(error(modern.beat(&mut world).error_code), ErrorCode::None);
    assert_eq!(modern.owned.len(), 6);
    assert_eq!(world.offset("g", 0), 42);
    modern.leave(-1, &mut world);
    classic_group(&mut world, None);
    assert_eq!(world.offset("g", 0), 42);
    world.crash();
    assert_eq!((world.offset("g", 0), world.state("g").as_str()), (42, "Stable"));
}

#[test]
fn classic_members_and_operators_take_members_out_of_a_consumer_group() {
    let mut world = world_with(MigrationPolicy::Upgrade);
    let (classic, mut modern) = mixed_group(&mut world);
    let response = world.leave("g", vec![member(&classic.id), member("nobody")], 5);
    let errors: Vec<ErrorCode> = response.members.iter().map(|member| error(member.error_code)).collect();
    assert_eq!(errors, [ErrorCode::None, ErrorCode::UnknownMemberId]);
    settle(&mut [&mut modern], &mut world);
    assert_eq!(modern.owned.len(), 6);
}
