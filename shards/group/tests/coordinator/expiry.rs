//! Offsets and groups that nobody uses any more.

use strome_group::Settings;
use types::ErrorCode;

use crate::world::{COMMIT, World, commit, member};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const CHECK_MS: i64 = 10 * 60 * 1000;

#[test]
fn offsets_of_simple_consumers_expire_a_week_after_the_commit() {
    let mut world = World::new();
    world.commit(commit("g", -1, "", 0, 5), COMMIT);
    world.pass(3 * DAY_MS);
    world.commit(commit("g", -1, "", 1, 6), COMMIT);
    world.pass(4 * DAY_MS + CHECK_MS);
    assert_eq!((world.offset("g", 0), world.offset("g", 1)), (-1, 6));
    world.crash();
    assert_eq!((world.offset("g", 0), world.offset("g", 1)), (-1, 6));
}

#[test]
fn offsets_of_a_group_expire_a_week_after_its_last_member_left_and_the_group_with_them() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    world.commit(commit("g", 1, &ids[0], 0, 5), COMMIT);
    for _ in 0..8 * 24 * 60 * 10 {
        world.pass(6_000);
        assert_eq!(world.heartbeat("g", 1, &ids[0]), ErrorCode::None);
    }
    assert_eq!(world.offset("g", 0), 5, "the member consumes the topic");
    world.leave("g", vec![member(&ids[0])], 5);
    world.pass(7 * DAY_MS - CHECK_MS);
    assert_eq!(world.offset("g", 0), 5);
    world.pass(2 * CHECK_MS);
    assert_eq!((world.offset("g", 0), world.state("g").as_str()), (-1, "Dead"));
    world.crash();
    assert_eq!(world.coordinator.group_count(), 0, "the log says so too");
}

#[test]
fn a_retention_that_an_old_client_asked_for_counts() {
    let mut world = World::new();
    for (partition, retention_time_ms) in [(0, 30 * DAY_MS), (1, 60_000)] {
        let mut request = commit("g", -1, "", partition, 5);
        request.retention_time_ms = retention_time_ms;
        assert_eq!(world.commit(request, 4), ErrorCode::None);
    }
    world.crash();
    world.pass(2 * CHECK_MS);
    assert_eq!((world.offset("g", 0), world.offset("g", 1)), (5, -1));
    world.pass(29 * DAY_MS);
    assert_eq!(world.offset("g", 0), 5);
    world.pass(2 * DAY_MS);
    assert_eq!(world.offset("g", 0), -1);
}

#[test]
fn a_round_is_made_in_pieces_when_there_is_much_to_delete() {
    let mut settings = Settings::default();
    settings.offsets.retention_ms = 1_000;
    let mut world = World::with_settings(settings);
    for group in 0..30 {
        for partition in 0..100 {
            world.commit(commit(&format!("g{group}"), -1, "", partition, 1), COMMIT);
        }
    }
    let deadline = world.coordinator.next_deadline().expect("a round is due");
    world.now = deadline;
    let mut calls = 0;
    while world.coordinator.next_deadline().is_some_and(|at| at <= world.now) {
        let mut out = strome_group::Effects::default();
        world.coordinator.expire(world.now, &world.image, &mut out);
        assert!(out.records.len() <= 2_000, "{} records at once", out.records.len());
        calls += 1;
    }
    assert!(calls >= 3, "{calls}");
    assert_eq!(world.coordinator.group_count(), 0);
}
