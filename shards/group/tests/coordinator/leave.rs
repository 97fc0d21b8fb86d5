//! Members that go by themselves, or are taken out.

use protocol::messages::group_members::MemberIdentity;
use types::ErrorCode;

use crate::world::{JOIN, World, error, join, member};

#[test]
fn the_others_rebalance_when_a_member_leaves() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let response = world.leave("g", vec![member(&ids[1])], 5);
    assert_eq!((response.error_code, response.members[0].error_code), (0, 0));
    assert_eq!(world.heartbeat("g", 1, &ids[0]), ErrorCode::RebalanceInProgress);
    assert_eq!(world.heartbeat("g", 1, &ids[1]), ErrorCode::UnknownMemberId);
}

#[test]
fn a_group_whose_last_member_leaves_is_empty_and_stays() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let response = world.leave("g", ids.iter().map(|id| member(id)).collect(), 5);
    assert!(response.members.iter().all(|member| member.error_code == 0));
    assert_eq!(world.state("g"), "Empty");
    world.crash();
    assert_eq!(world.state("g"), "Empty");
    let (_, ticket) = world.join_new("g");
    world.pass(0);
    assert_eq!(world.joined(ticket).generation_id, 3, "the generations go on");
}

#[test]
fn each_member_of_a_request_is_answered_for_itself() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    let response = world.leave("g", vec![member("who"), member(&ids[0]), member(&ids[0])], 4);
    let errors: Vec<ErrorCode> = response.members.iter().map(|member| error(member.error_code)).collect();
    assert_eq!(errors, [ErrorCode::UnknownMemberId, ErrorCode::None, ErrorCode::UnknownMemberId]);
}

#[test]
fn an_old_client_is_told_in_the_error_of_the_whole_request() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    assert_eq!(world.leave("g", vec![member("who")], 2).error_code, ErrorCode::UnknownMemberId.code());
    let response = world.leave("g", vec![member(&ids[0])], 2);
    assert_eq!((response.error_code, response.members.len()), (0, 0));
    assert_eq!(world.leave("none", vec![member("who")], 1).error_code, ErrorCode::UnknownMemberId.code());
    assert_eq!(world.leave("", vec![member("who")], 5).error_code, ErrorCode::InvalidGroupId.code());
}

#[test]
fn an_operator_takes_a_static_member_out_by_its_name() {
    let mut world = World::new();
    let ticket = world.send(join("g", "", &["range"]).instance("i").request(), JOIN);
    world.pass(0);
    let id = world.joined(ticket).member_id;
    let named = |id: &str, instance: &str| MemberIdentity {
        member_id: id.into(),
        group_instance_id: Some(instance.into()),
        reason: None,
    };
    let response =
        world.leave("g", vec![named("", "other"), named("old", "i"), named("", "i"), named(&id, "i")], 5);
    let errors: Vec<ErrorCode> = response.members.iter().map(|member| error(member.error_code)).collect();
    let unknown = ErrorCode::UnknownMemberId;
    assert_eq!(errors, [unknown, ErrorCode::FencedInstanceId, ErrorCode::None, unknown]);
}

#[test]
fn a_client_that_was_given_an_id_can_give_it_back() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    let pending = world.member_id("g");
    let waiting = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    assert!(world.is_waiting(waiting));
    assert_eq!(world.leave("g", vec![member(&pending)], 5).members[0].error_code, 0);
    assert_eq!(world.joined(waiting).generation_id, 2, "nobody is missing any more");
}

#[test]
fn a_member_that_leaves_while_it_joins_is_told_so() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let waiting = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    world.leave("g", vec![member(&ids[0])], 5);
    assert_eq!(error(world.joined(waiting).error_code), ErrorCode::UnknownMemberId);
}

#[test]
fn another_member_leads_when_the_leader_has_left() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    world.leave("g", vec![member(&ids[0])], 5);
    let ticket = world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    let response = world.joined(ticket);
    assert_eq!((&*response.leader, response.members.len()), (ids[1].as_str(), 1));
}
