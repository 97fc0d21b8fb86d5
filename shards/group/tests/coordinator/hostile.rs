//! Requests that no sane client sends.

use bytes::Bytes;
use protocol::Str;
use protocol::messages::group_members::JoinGroupRequestProtocol;
use protocol::messages::{OffsetCommitRequest, OffsetDeleteRequest};
use strome_group::{Request, Response};
use types::ErrorCode;

use crate::world::{COMMIT, JOIN, SYNC, World, commit, error, join, member, sync};

#[test]
fn a_protocol_that_is_named_twice_counts_once() {
    let mut world = World::new();
    let first = world.send(join("g", "", &["range", "range", "b"]).request(), 3);
    let second = world.send(join("g", "", &["range"]).request(), 3);
    world.pass(0);
    assert_eq!(world.joined(first).protocol_name.as_deref(), Some("range"));
    assert_eq!(world.joined(second).generation_id, 1);
}

#[test]
fn groups_may_have_any_name() {
    let mut world = World::new();
    let long = "x".repeat(32_767);
    for name in ["..", "a/b", "ä\u{0}\n", "🦀", long.as_str(), " "] {
        world.stable_group(name, 2);
        assert_eq!(world.state(name), "Stable");
        world.crash();
        assert_eq!(world.state(name), "Stable");
    }
}

#[test]
fn extreme_numbers_do_no_harm() {
    let mut world = World::new();
    for (rebalance_timeout_ms, generation) in [(i32::MIN, i32::MIN), (-1, -1), (0, 0), (i32::MAX, i32::MAX)] {
        let mut request = join("g", "", &["range"]);
        request.0.rebalance_timeout_ms = rebalance_timeout_ms;
        let ticket = world.send(request.request(), 3);
        world.pass(0);
        if let Some(Response::JoinGroup(response)) = world.answer(ticket) {
            world.send(sync("g", generation, &response.member_id, &[]), SYNC);
            world.heartbeat("g", generation, &response.member_id);
            world.commit(commit("g", generation, &response.member_id, i32::MIN, i64::MIN), COMMIT);
            world.leave("g", vec![member(&response.member_id)], 5);
        }
        world.pass(3_600_000);
        assert_eq!(world.state("g"), "Empty");
    }
    let mut request = commit("simple", -1, "", i32::MAX, i64::MAX);
    request.retention_time_ms = i64::MAX;
    assert_eq!(world.commit(request, 2), ErrorCode::None);
}

#[test]
fn requests_that_name_nothing_are_answered_with_nothing() {
    let mut world = World::new();
    let ticket = world.send(Request::OffsetCommit(OffsetCommitRequest::default()), COMMIT);
    assert!(
        matches!(world.answer(ticket), Some(Response::OffsetCommit(response)) if response.topics.is_empty())
    );
    let ticket = world.send(Request::OffsetDelete(OffsetDeleteRequest::default()), 0);
    assert!(matches!(world.answer(ticket), Some(Response::OffsetDelete(_))));
    assert!(world.leave("g", Vec::new(), 5).members.is_empty());
    for request in [Request::DescribeGroups(Vec::new()), Request::DeleteGroups(Vec::new())] {
        let ticket = world.send(request, 2);
        assert!(!world.is_waiting(ticket));
    }
    assert_eq!(world.coordinator.group_count(), 0);
}

#[test]
fn metadata_that_is_no_subscription_keeps_offsets_from_being_deleted() {
    let mut world = World::new();
    let mut request = join("g", "", &["range"]);
    request.0.protocols = vec![JoinGroupRequestProtocol {
        name: Str::from("range"),
        metadata: Bytes::from_static(b"\0\x01\x7f\xff\xff\xff"),
    }];
    let ticket = world.send(request.request(), 3);
    world.pass(0);
    let id = world.joined(ticket).member_id.to_string();
    world.sync_all("g", 1, std::slice::from_ref(&id));
    assert_eq!(world.commit(commit("g", 1, &id, 0, 5), COMMIT), ErrorCode::None);
    for _ in 0..30 * 24 * 60 {
        world.pass(9_000);
        world.heartbeat("g", 1, &id);
    }
    assert_eq!(world.offset("g", 0), 5);
}

#[test]
fn who_claims_to_be_static_with_an_id_that_was_only_given_away_is_unknown() {
    let mut world = World::new();
    let id = world.member_id("g");
    let ticket = world.send(join("g", &id, &["range"]).instance("i").request(), JOIN);
    assert_eq!(error(world.joined(ticket).error_code), ErrorCode::UnknownMemberId);
}

#[test]
fn who_only_takes_ids_is_turned_away_in_the_end() {
    let mut world = World::new();
    for _ in 0..10_000 {
        world.member_id("g");
    }
    let ticket = world.send(join("g", "", &["range"]).request(), JOIN);
    assert_eq!(error(world.joined(ticket).error_code), ErrorCode::CoordinatorNotAvailable);
    world.pass(10_000);
    world.member_id("g");
}

#[test]
fn a_coordinator_that_ends_answers_all_that_wait() {
    let mut world = World::new();
    let ids = world.stable_group("a", 2);
    world.send(join("a", &ids[0], &["range"]).request(), JOIN);
    let ids = world.stable_group("b", 2);
    world.send(join("b", &ids[0], &["range"]).request(), JOIN);
    world.send(join("b", &ids[1], &["range"]).request(), JOIN);
    world.send(sync("b", 2, &ids[1], &[]), SYNC);
    let mut out = strome_group::Effects::default();
    let coordinator =
        std::mem::replace(&mut world.coordinator, strome_group::Coordinator::new(Default::default()));
    coordinator.unload(ErrorCode::NotCoordinator, &mut out);
    assert!(out.records.is_empty());
    let told: Vec<ErrorCode> = out
        .replies
        .iter()
        .map(|reply| match &reply.response {
            Response::JoinGroup(response) => error(response.error_code),
            Response::SyncGroup(response) => error(response.error_code),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [ErrorCode::NotCoordinator; 2]);
}
