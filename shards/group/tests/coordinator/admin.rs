//! Describing, listing and deleting groups.

use protocol::messages::ListGroupsRequest;
use strome_group::{Request, Response};
use types::ErrorCode;

use crate::world::{COMMIT, World, commit, error, member};

fn list(world: &mut World, states: &[&str], types: &[&str]) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).into()).collect();
    let request = ListGroupsRequest { states_filter: texts(states), types_filter: texts(types) };
    let ticket = world.send(Request::ListGroups(request), 5);
    match world.answer(ticket) {
        Some(Response::ListGroups(response)) => {
            response.groups.iter().map(|group| group.group_id.to_string()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn groups_are_listed_by_state_and_type() {
    let mut world = World::new();
    world.stable_group("stable", 1);
    world.commit(commit("simple", -1, "", 0, 1), COMMIT);
    assert_eq!(list(&mut world, &[], &[]), ["simple", "stable"]);
    assert_eq!(list(&mut world, &["sTable"], &[]), ["stable"]);
    assert_eq!(list(&mut world, &["Empty", "Stable"], &["Classic"]), ["simple", "stable"]);
    assert!(list(&mut world, &[], &["consumer"]).is_empty());
    assert!(list(&mut world, &["what"], &[]).is_empty());
}

#[test]
fn a_stable_group_tells_what_its_members_said_and_got() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let group = world.describe("g");
    assert_eq!(
        (&*group.group_state, &*group.protocol_type, &*group.protocol_data),
        ("Stable", "consumer", "range")
    );
    assert_eq!((&*group.members[0].client_id, &*group.members[0].client_host), ("client", "/127.0.0.1"));
    assert!(group.members.iter().all(|member| member.member_assignment == member.member_id.as_bytes()));
    world.leave("g", vec![member(&ids[1])], 5);
    let group = world.describe("g");
    assert_eq!((&*group.group_state, &*group.protocol_data), ("PreparingRebalance", ""));
    assert!(group.members.iter().all(|member| member.member_metadata.is_empty()));
}

#[test]
fn a_group_that_is_not_there_is_dead() {
    let mut world = World::new();
    let group = world.describe("g");
    assert_eq!((error(group.error_code), &*group.group_state), (ErrorCode::GroupIdNotFound, "Dead"));
    assert_eq!(group.error_message.as_deref(), Some("Group g not found."));
    let ticket = world.send(Request::DescribeGroups(vec!["g".into()]), 5);
    let Some(Response::DescribeGroups(groups)) = world.answer(ticket) else { panic!("no answer") };
    assert_eq!((groups[0].error_code, &*groups[0].group_state), (0, "Dead"), "older clients know no error");
}

#[test]
fn a_group_without_members_is_deleted_with_its_offsets() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    world.commit(commit("g", 1, &ids[0], 0, 5), COMMIT);
    assert_eq!(world.delete("g"), ErrorCode::NonEmptyGroup);
    world.leave("g", vec![member(&ids[0])], 5);
    assert_eq!(world.delete("g"), ErrorCode::None);
    assert_eq!(world.delete("g"), ErrorCode::GroupIdNotFound);
    world.crash();
    assert_eq!((world.coordinator.group_count(), world.offset("g", 0)), (0, -1));
}

#[test]
fn a_group_that_is_named_twice_is_deleted_once() {
    let mut world = World::new();
    world.commit(commit("g", -1, "", 0, 5), COMMIT);
    let ticket = world.send(Request::DeleteGroups(vec!["g".into(), "g".into()]), 2);
    let Some(Response::DeleteGroups(results)) = world.answer(ticket) else { panic!("no answer") };
    let errors: Vec<ErrorCode> = results.iter().map(|result| error(result.error_code)).collect();
    assert_eq!(errors, [ErrorCode::None, ErrorCode::GroupIdNotFound]);
}
