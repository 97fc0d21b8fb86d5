//! The leader's assignment, and who gets what of it.

use protocol::messages::SyncGroupRequest;
use strome_group::Request;
use types::ErrorCode;

use crate::world::{JOIN, REBALANCE_MS, SYNC, World, error, join, sync};

/// A group of two that waits for its leader's assignment: the ids, the leader first.
fn completing(world: &mut World) -> Vec<String> {
    let ids = world.stable_group("g", 2);
    let leader = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    let follower = world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    assert_eq!((world.joined(leader).generation_id, world.joined(follower).generation_id), (2, 2));
    ids
}

#[test]
fn followers_wait_for_the_leader_and_get_their_part() {
    let mut world = World::new();
    let ids = completing(&mut world);
    let follower = world.send(sync("g", 2, &ids[1], &[]), SYNC);
    assert!(world.is_waiting(follower));
    let leader = world.send(sync("g", 2, &ids[0], &ids), SYNC);
    let response = world.synced(follower);
    assert_eq!(response.assignment, ids[1].as_bytes());
    assert_eq!(response.protocol_name.as_deref(), Some("range"));
    assert_eq!(world.synced(leader).assignment, ids[0].as_bytes());
    assert_eq!(world.state("g"), "Stable");
}

#[test]
fn a_member_that_the_leader_left_out_gets_nothing() {
    let mut world = World::new();
    let ids = completing(&mut world);
    let follower = world.send(sync("g", 2, &ids[1], &[]), SYNC);
    world.send(sync("g", 2, &ids[0], &ids[..1]), SYNC);
    let response = world.synced(follower);
    assert_eq!((response.error_code, response.assignment.len()), (0, 0));
}

#[test]
fn a_follower_that_comes_late_gets_its_part_at_once() {
    let mut world = World::new();
    let ids = completing(&mut world);
    world.send(sync("g", 2, &ids[0], &ids), SYNC);
    let follower = world.send(sync("g", 2, &ids[1], &[]), SYNC);
    assert_eq!(world.synced(follower).assignment, ids[1].as_bytes());
}

#[test]
fn only_members_of_this_generation_sync() {
    let mut world = World::new();
    let ids = completing(&mut world);
    let refused = |world: &mut World, request| {
        let ticket = world.send(request, SYNC);
        error(world.synced(ticket).error_code)
    };
    assert_eq!(refused(&mut world, sync("g", 1, &ids[1], &[])), ErrorCode::IllegalGeneration);
    assert_eq!(refused(&mut world, sync("g", 2, "who", &[])), ErrorCode::UnknownMemberId);
    assert_eq!(refused(&mut world, sync("none", 3, &ids[1], &[])), ErrorCode::UnknownMemberId);
    assert_eq!(refused(&mut world, sync("", 3, &ids[1], &[])), ErrorCode::InvalidGroupId);
    let Request::SyncGroup(request) = sync("g", 2, &ids[1], &[]) else { unreachable!() };
    let other = SyncGroupRequest { protocol_name: Some("other".into()), ..request };
    assert_eq!(refused(&mut world, Request::SyncGroup(other)), ErrorCode::InconsistentGroupProtocol);
}

#[test]
fn a_rebalance_sends_waiting_followers_back_to_joining() {
    let mut world = World::new();
    let ids = completing(&mut world);
    let follower = world.send(sync("g", 2, &ids[1], &[]), SYNC);
    world.join_new("g");
    assert_eq!(error(world.synced(follower).error_code), ErrorCode::RebalanceInProgress);
    let late = world.send(sync("g", 2, &ids[0], &ids), SYNC);
    assert_eq!(error(world.synced(late).error_code), ErrorCode::RebalanceInProgress);
}

#[test]
fn members_that_never_sync_are_dropped_after_the_rebalance_time_out() {
    let mut world = World::new();
    let ids = completing(&mut world);
    let leader = world.send(sync("g", 2, &ids[0], &ids), SYNC);
    assert_eq!(world.synced(leader).error_code, 0);
    for _ in 0..REBALANCE_MS / 5_000 {
        assert_eq!(world.heartbeat("g", 2, &ids[1]), ErrorCode::None);
        assert_eq!(world.heartbeat("g", 2, &ids[0]), ErrorCode::None);
        world.pass(5_000);
    }
    assert_eq!(world.heartbeat("g", 2, &ids[1]), ErrorCode::UnknownMemberId);
    assert_eq!(world.heartbeat("g", 2, &ids[0]), ErrorCode::RebalanceInProgress);
}

#[test]
fn an_assignment_is_in_the_log_before_anybody_is_told_of_it() {
    let mut world = World::new();
    let ids = completing(&mut world);
    let records = world.log.len();
    let follower = world.send(sync("g", 2, &ids[1], &[]), SYNC);
    assert_eq!(world.log.len(), records);
    world.send(sync("g", 2, &ids[0], &ids), SYNC);
    assert_eq!(world.log.len(), records + 1, "one record for the whole generation");
    assert!(!world.is_waiting(follower));
    world.crash();
    assert_eq!(world.describe("g").members.iter().filter(|m| !m.member_assignment.is_empty()).count(), 2);
}
