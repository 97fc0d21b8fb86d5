//! Members that fall silent.

use types::ErrorCode;

use crate::world::{JOIN, REBALANCE_MS, SESSION_MS, SYNC, World, error, join, sync};

#[test]
fn a_silent_member_is_dropped_and_the_others_rebalance() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    world.pass(i64::from(SESSION_MS) - 1);
    assert_eq!(world.heartbeat("g", 1, &ids[0]), ErrorCode::None);
    world.pass(1);
    assert_eq!(world.heartbeat("g", 1, &ids[0]), ErrorCode::RebalanceInProgress);
    assert_eq!(world.heartbeat("g", 1, &ids[1]), ErrorCode::UnknownMemberId);
    let ticket = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    assert_eq!(world.joined(ticket).members.len(), 1);
}

#[test]
fn heartbeats_and_commits_keep_a_member_alive() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    for round in 0..20 {
        world.pass(i64::from(SESSION_MS) - 1);
        assert_eq!(world.heartbeat("g", 1, &ids[0]), ErrorCode::None);
        let commit = crate::world::commit("g", 1, &ids[1], 0, round);
        assert_eq!(world.commit(commit, 9), ErrorCode::None);
    }
}

#[test]
fn a_member_that_waits_for_the_group_is_not_silent() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let waiting = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    for _ in 0..(REBALANCE_MS - 1) / 5_000 {
        world.pass(5_000);
        world.heartbeat("g", 1, &ids[1]);
    }
    assert!(world.is_waiting(waiting), "far beyond its session");
    let other = world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    assert_eq!((world.joined(waiting).error_code, world.joined(other).error_code), (0, 0));
    assert_eq!(world.heartbeat("g", 2, &ids[0]), ErrorCode::None, "its session begins anew");
}

#[test]
fn the_session_of_a_follower_that_waited_for_the_leader_begins_anew() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    let follower = world.send(sync("g", 2, &ids[1], &[]), SYNC);
    for _ in 0..3 {
        world.pass(9_000);
        assert_eq!(world.heartbeat("g", 2, &ids[0]), ErrorCode::None);
    }
    world.send(sync("g", 2, &ids[0], &ids), SYNC);
    assert_eq!(world.synced(follower).error_code, 0);
    world.pass(9_000);
    assert_eq!(world.heartbeat("g", 2, &ids[1]), ErrorCode::None);
}

#[test]
fn a_new_member_whose_client_gave_up_is_dropped_after_five_minutes() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    let mut request = join("g", "", &["range"]);
    request.0.rebalance_timeout_ms = 3_600_000;
    let newcomer = world.send(request.request(), 3);
    for _ in 0..59 {
        assert_eq!(world.heartbeat("g", 1, &ids[0]), ErrorCode::RebalanceInProgress);
        world.pass(5_000);
    }
    assert!(world.is_waiting(newcomer));
    world.heartbeat("g", 1, &ids[0]);
    world.pass(5_000);
    assert_eq!(error(world.joined(newcomer).error_code), ErrorCode::UnknownMemberId);
}

#[test]
fn an_id_that_nobody_joins_with_holds_up_a_rebalance_for_one_session_only() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    world.member_id("g");
    let ticket = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    world.pass(i64::from(SESSION_MS) - 1);
    assert!(world.is_waiting(ticket), "the one with the id may still come");
    world.pass(1);
    assert_eq!(world.joined(ticket).generation_id, 2);
}

#[test]
fn a_group_that_only_gave_ids_away_is_forgotten() {
    let mut world = World::new();
    world.member_id("g");
    assert_eq!(world.coordinator.group_count(), 1);
    world.pass(i64::from(SESSION_MS));
    assert_eq!(world.coordinator.group_count(), 0);
    assert!(world.log.is_empty());
}

#[test]
fn the_next_deadline_is_never_missed_though_heartbeats_move_it() {
    let mut world = World::new();
    let ids = world.stable_group("g", 3);
    for step in 0..60 {
        world.pass(700);
        let beating = &ids[step % 2];
        assert_eq!(
            world.heartbeat("g", 1, beating),
            if step < 14 { ErrorCode::None } else { ErrorCode::RebalanceInProgress }
        );
    }
    assert_eq!(world.heartbeat("g", 1, &ids[2]), ErrorCode::UnknownMemberId);
}
