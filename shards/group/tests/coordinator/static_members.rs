//! Members that keep their place while they restart (KIP-345).

use protocol::messages::HeartbeatRequest;
use strome_group::{Request, Response};
use types::ErrorCode;

use crate::world::{JOIN, REBALANCE_MS, SESSION_MS, SYNC, World, error, join, sync};

/// A stable group of two static members, `i0` that leads and `i1`; gives their ids.
fn stable(world: &mut World) -> Vec<String> {
    let tickets = ["i0", "i1"].map(|name| {
        let ticket = world.send(join("g", "", &["range"]).instance(name).request(), JOIN);
        // Both join in the same first rebalance, which ends when time passes.
        ticket
    });
    world.pass(0);
    let ids: Vec<String> = tickets.iter().map(|ticket| world.joined(*ticket).member_id.to_string()).collect();
    assert!(ids[0].starts_with("i0-") && ids[1].starts_with("i1-"), "{ids:?}");
    world.sync_all("g", 1, &ids);
    ids
}

fn comes_back(world: &mut World, name: &str, protocols: &[&str], version: i16) -> strome_group::Ticket {
    world.send(join("g", "", protocols).instance(name).request(), version)
}

fn heartbeat(world: &mut World, name: &str, id: &str) -> ErrorCode {
    let request = HeartbeatRequest {
        group_id: "g".into(),
        generation_id: 1,
        member_id: id.into(),
        group_instance_id: Some(name.into()),
    };
    let ticket = world.send(Request::Heartbeat(request), 4);
    match world.answer(ticket) {
        Some(Response::Heartbeat(response)) => error(response.error_code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_static_member_that_comes_back_goes_on_without_a_rebalance() {
    let mut world = World::new();
    let ids = stable(&mut world);
    let ticket = comes_back(&mut world, "i1", &["range"], JOIN);
    let response = world.joined(ticket);
    assert_eq!((response.error_code, response.generation_id), (0, 1));
    assert_ne!(response.member_id, ids[1].as_str());
    assert_eq!(world.state("g"), "Stable");
    let ticket = world.send(sync("g", 1, &response.member_id, &[]), SYNC);
    assert_eq!(world.synced(ticket).assignment, ids[1].as_bytes(), "it gets what it had");
    world.crash();
    assert_eq!(heartbeat(&mut world, "i1", &response.member_id), ErrorCode::None, "the log knows its new id");
}

#[test]
fn its_former_self_is_fenced() {
    let mut world = World::new();
    let ids = stable(&mut world);
    comes_back(&mut world, "i1", &["range"], JOIN);
    assert_eq!(heartbeat(&mut world, "i1", &ids[1]), ErrorCode::FencedInstanceId);
    assert_eq!(heartbeat(&mut world, "other", &ids[1]), ErrorCode::UnknownMemberId);
    let mut commit = crate::world::commit("g", 1, &ids[1], 0, 5);
    commit.group_instance_id = Some("i1".into());
    assert_eq!(world.commit(commit, 9), ErrorCode::FencedInstanceId);
    let ticket = world.send(join("g", &ids[1], &["range"]).instance("i1").request(), JOIN);
    assert_eq!(error(world.joined(ticket).error_code), ErrorCode::FencedInstanceId);
}

#[test]
fn a_leader_that_comes_back_need_not_assign_anew() {
    let mut world = World::new();
    stable(&mut world);
    let ticket = comes_back(&mut world, "i0", &["range"], 9);
    let response = world.joined(ticket);
    assert!(response.skip_assignment);
    assert_eq!(response.leader, response.member_id);
    assert_eq!(response.members.len(), 2, "it goes on watching over all their topics");
}

#[test]
fn a_leader_of_an_older_version_is_not_told_that_it_leads() {
    let mut world = World::new();
    let ids = stable(&mut world);
    let ticket = comes_back(&mut world, "i0", &["range"], 8);
    let response = world.joined(ticket);
    assert_eq!((&*response.leader, response.members.len()), (ids[0].as_str(), 0));
}

#[test]
fn coming_back_with_another_protocol_starts_a_rebalance() {
    let mut world = World::new();
    let tickets = ["i0", "i1"].map(|name| comes_back(&mut world, name, &["range", "sticky"], JOIN));
    world.pass(0);
    let ids: Vec<String> = tickets.iter().map(|ticket| world.joined(*ticket).member_id.to_string()).collect();
    world.sync_all("g", 1, &ids);
    let ticket = comes_back(&mut world, "i1", &["sticky"], JOIN);
    assert!(world.is_waiting(ticket));
    assert_eq!(world.state("g"), "PreparingRebalance");
    let other = world.send(join("g", &ids[0], &["range", "sticky"]).instance("i0").request(), JOIN);
    assert_eq!(world.joined(ticket).protocol_name.as_deref(), Some("sticky"));
    assert_eq!(world.joined(other).generation_id, 2);
}

#[test]
fn a_static_member_that_is_away_holds_its_place_until_its_session_ends() {
    let mut world = World::new();
    let ids = stable(&mut world);
    world.pass(i64::from(SESSION_MS) - 1);
    assert_eq!(heartbeat(&mut world, "i0", &ids[0]), ErrorCode::None);
    assert_eq!(world.describe("g").members.len(), 2);
    world.pass(1);
    assert_eq!(heartbeat(&mut world, "i0", &ids[0]), ErrorCode::RebalanceInProgress);
    assert_eq!(world.describe("g").members.len(), 1);
}

#[test]
fn two_with_the_same_name_that_join_at_once_fence_each_other() {
    let mut world = World::new();
    let first = comes_back(&mut world, "i", &["range"], JOIN);
    let second = comes_back(&mut world, "i", &["range"], JOIN);
    assert_eq!(error(world.joined(first).error_code), ErrorCode::FencedInstanceId);
    world.pass(0);
    assert_eq!(world.joined(second).members.len(), 1);
}

#[test]
fn a_static_member_that_is_replaced_while_it_waits_for_its_assignment_starts_a_rebalance() {
    let mut world = World::new();
    let ids = stable(&mut world);
    let leader = world.send(join("g", &ids[0], &["range"]).instance("i0").request(), JOIN);
    world.send(join("g", &ids[1], &["range"]).instance("i1").request(), JOIN);
    assert_eq!(world.joined(leader).generation_id, 2);
    let waiting = world.send(sync("g", 2, &ids[1], &[]), SYNC);
    let back = comes_back(&mut world, "i1", &["range"], JOIN);
    assert_eq!(error(world.synced(waiting).error_code), ErrorCode::FencedInstanceId);
    assert!(world.is_waiting(back));
    assert_eq!(world.state("g"), "PreparingRebalance");
}

#[test]
fn a_rebalance_waits_for_a_static_member_only_until_its_time_out() {
    let mut world = World::new();
    let ids = stable(&mut world);
    let (newcomer, waiting) = world.join_new("g");
    world.send(join("g", &ids[0], &["range"]).instance("i0").request(), JOIN);
    for _ in 0..REBALANCE_MS / 5_000 {
        assert!(world.is_waiting(waiting));
        heartbeat(&mut world, "i1", &ids[1]);
        world.pass(5_000);
    }
    let response = world.joined(waiting);
    assert_eq!((response.generation_id, &*response.member_id), (2, newcomer.as_str()));
    assert_eq!(world.describe("g").members.len(), 3, "the one that is away keeps its place");
}
