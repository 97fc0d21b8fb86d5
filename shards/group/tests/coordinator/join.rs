//! Who may join, and when a generation begins.

use strome_group::{Request, Settings};
use types::ErrorCode;

use crate::world::{JOIN, REBALANCE_MS, SESSION_MS, World, error, join, sync};

#[test]
fn a_client_without_an_id_has_to_come_back_with_the_one_it_is_given() {
    let mut world = World::new();
    let id = world.member_id("g");
    assert!(id.starts_with("client-"), "{id}");
    assert_eq!(world.describe("g").members.len(), 0, "it is no member yet");
    let ticket = world.send(join("g", &id, &["range"]).request(), JOIN);
    world.pass(0);
    let response = world.joined(ticket);
    assert_eq!((response.error_code, response.generation_id), (0, 1));
    assert_eq!((&*response.leader, &*response.member_id), (id.as_str(), id.as_str()));
    assert_eq!(response.members.len(), 1);
}

#[test]
fn an_old_client_joins_without_an_id() {
    let mut world = World::new();
    let ticket = world.send(join("g", "", &["range"]).request(), 3);
    world.pass(0);
    assert_eq!(world.joined(ticket).generation_id, 1);
}

#[test]
fn the_first_rebalance_waits_for_more_members_for_as_long_as_they_come() {
    let mut settings = Settings::default();
    settings.classic.initial_rebalance_delay_ms = 3_000;
    let mut world = World::with_settings(settings);
    let (_, first) = world.join_new("g");
    world.pass(2_000);
    let (_, second) = world.join_new("g");
    world.pass(2_000);
    assert!(world.is_waiting(first), "a member came, so the group waits once more");
    world.pass(2_000);
    let (first, second) = (world.joined(first), world.joined(second));
    assert_eq!((first.generation_id, second.generation_id), (1, 1));
    assert_eq!(first.members.len(), 2, "the leader learns of all");
    assert_eq!(second.members.len(), 0, "the others of none");
}

#[test]
fn the_first_rebalance_is_not_extended_beyond_the_members_time_out() {
    let mut settings = Settings::default();
    settings.classic.initial_rebalance_delay_ms = 3_000;
    let mut world = World::with_settings(settings);
    let mut request = join("g", "", &["range"]);
    request.0.rebalance_timeout_ms = 7_000;
    let first = world.send(request.request(), 3);
    for _ in 0..6 {
        world.pass(1_000);
        world.send(join("g", "", &["range"]).request(), 3);
    }
    world.pass(999);
    assert!(world.is_waiting(first));
    world.pass(1);
    assert_eq!(world.joined(first).members.len(), 7);
}

#[test]
fn a_new_member_makes_the_others_join_again() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let generation = 1;
    let (_, newcomer) = world.join_new("g");
    assert_eq!(world.heartbeat("g", generation, &ids[0]), ErrorCode::RebalanceInProgress);
    let first = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    assert!(world.is_waiting(newcomer) && world.is_waiting(first), "one is missing");
    let second = world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    for ticket in [newcomer, first, second] {
        assert_eq!(world.joined(ticket).generation_id, generation + 1);
    }
}

#[test]
fn members_that_do_not_join_again_in_time_are_left_behind() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let (newcomer_id, newcomer) = world.join_new("g");
    let first = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    for _ in 0..REBALANCE_MS / 5_000 {
        assert!(world.is_waiting(first));
        assert_eq!(
            world.heartbeat("g", 1, &ids[1]),
            ErrorCode::RebalanceInProgress,
            "alive, but not joining"
        );
        world.pass(5_000);
    }
    assert_eq!(world.joined(first).members.len(), 2);
    assert_eq!(world.joined(newcomer).member_id, newcomer_id.as_str());
    assert_eq!(world.heartbeat("g", 2, &ids[1]), ErrorCode::UnknownMemberId);
}

#[test]
fn the_members_vote_for_the_protocol_that_all_understand() {
    let mut world = World::new();
    let tickets = [&["a", "b", "c"][..], &["b", "c"], &["c", "b", "d"]]
        .map(|protocols| world.send(join("g", "", protocols).request(), 3));
    world.pass(0);
    for ticket in tickets {
        assert_eq!(world.joined(ticket).protocol_name.as_deref(), Some("b"));
    }
}

#[test]
fn a_member_that_shares_no_protocol_with_the_others_is_turned_away() {
    let mut world = World::new();
    world.stable_group("g", 2);
    for (protocol_type, protocols) in
        [("consumer", &["other"][..]), ("connect", &["range"]), ("consumer", &[])]
    {
        let mut request = join("g", "", protocols);
        request.0.protocol_type = protocol_type.into();
        let ticket = world.send(request.request(), JOIN);
        assert_eq!(error(world.joined(ticket).error_code), ErrorCode::InconsistentGroupProtocol);
    }
    assert_eq!(world.state("g"), "Stable");
}

#[test]
fn a_group_needs_a_protocol_to_begin_with() {
    let mut world = World::new();
    for (protocol_type, protocols) in [("", &["range"][..]), ("consumer", &[])] {
        let mut request = join("g", "", protocols);
        request.0.protocol_type = protocol_type.into();
        let ticket = world.send(request.request(), JOIN);
        assert_eq!(error(world.joined(ticket).error_code), ErrorCode::InconsistentGroupProtocol);
    }
    assert_eq!(world.coordinator.group_count(), 0, "nothing is kept of it");
}

#[test]
fn a_follower_that_missed_its_answer_gets_it_again_without_a_rebalance() {
    let mut world = World::new();
    let ids = world.stable_group("g", 3);
    let ticket = world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    let response = world.joined(ticket);
    assert_eq!((response.error_code, response.generation_id), (0, 1));
    assert_eq!(world.state("g"), "Stable");
}

#[test]
fn a_leader_that_joins_again_and_changed_metadata_start_a_rebalance() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let leader = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    assert_eq!(world.state("g"), "PreparingRebalance");
    let follower = world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    assert_eq!((world.joined(leader).generation_id, world.joined(follower).generation_id), (2, 2));
    world.sync_all("g", 2, &ids);
    world.send(join("g", &ids[1], &["range"]).metadata(b"other").request(), JOIN);
    assert_eq!(world.state("g"), "PreparingRebalance");
}

#[test]
fn the_second_of_two_requests_of_a_member_takes_the_place_of_the_first() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let first = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    let again = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    assert_eq!(error(world.joined(first).error_code), ErrorCode::RebalanceInProgress);
    world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    assert_eq!(world.joined(again).generation_id, 2);
}

#[test]
fn ids_and_time_outs_that_are_not_allowed_are_refused() {
    let mut world = World::new();
    let refused = |world: &mut World, request: Request| {
        let ticket = world.send(request, JOIN);
        error(world.joined(ticket).error_code)
    };
    assert_eq!(refused(&mut world, join("", "", &["range"]).request()), ErrorCode::InvalidGroupId);
    assert_eq!(refused(&mut world, join("g", "who", &["range"]).request()), ErrorCode::UnknownMemberId);
    for session_timeout_ms in [i32::MIN, -1, 0, 5_999, 1_800_001, i32::MAX] {
        let mut request = join("g", "", &["range"]);
        request.0.session_timeout_ms = session_timeout_ms;
        assert_eq!(refused(&mut world, request.request()), ErrorCode::InvalidSessionTimeout);
    }
    assert_eq!(world.coordinator.group_count(), 0);
}

#[test]
fn a_full_group_takes_no_more_members() {
    let mut settings = Settings::default();
    settings.classic.initial_rebalance_delay_ms = 0;
    settings.classic.members_max = 2;
    let mut world = World::with_settings(settings);
    let ids = world.stable_group("g", 2);
    let ticket = world.send(join("g", "", &["range"]).request(), JOIN);
    assert_eq!(error(world.joined(ticket).error_code), ErrorCode::GroupMaxSizeReached);
    let rejoining = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    assert_eq!(world.joined(rejoining).error_code, 0, "its members stay welcome");
}

#[test]
fn a_loaded_group_over_the_limit_keeps_those_that_join_first() {
    let mut world = World::new();
    let ids = world.stable_group("g", 3);
    let mut settings = Settings::default();
    settings.classic.members_max = 2;
    let log = world.log.clone();
    let mut world = World::with_settings(settings);
    world.log = log;
    world.crash();
    assert_eq!(world.state("g"), "PreparingRebalance");
    let tickets = [&ids[2], &ids[0], &ids[1]].map(|id| world.send(join("g", id, &["range"]).request(), JOIN));
    assert_eq!(error(world.joined(tickets[2]).error_code), ErrorCode::GroupMaxSizeReached);
    assert_eq!(world.joined(tickets[0]).generation_id, 2);
    assert_eq!(world.joined(tickets[1]).generation_id, 2);
}

#[test]
fn a_group_goes_on_after_a_crash_as_if_nothing_had_happened() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let before = world.describe("g");
    world.crash();
    assert_eq!(world.describe("g"), before);
    assert_eq!(world.heartbeat("g", 1, &ids[1]), ErrorCode::None);
    let ticket = world.send(sync("g", 1, &ids[1], &[]), 5);
    assert_eq!(world.synced(ticket).assignment, ids[1].as_bytes());
    world.pass(i64::from(SESSION_MS));
    assert_eq!(world.state("g"), "Empty", "sessions run from the moment of loading");
}
