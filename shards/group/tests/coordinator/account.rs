//! What a group tells beside its description.

use protocol::messages::group_account::GroupAccount;
use strome_group::{Event, Request, Response};

use crate::consumer::{Consumer, set_topic, settle};
use crate::world::{JOIN, REBALANCE_MS, SESSION_MS, World, join, member};

fn account(group: &str, world: &mut World) -> Option<GroupAccount> {
    let ticket = world.send(Request::DescribeGroupsInDetail(vec![group.into()]), 6);
    match world.answer(ticket) {
        Some(Response::DescribeGroups(mut groups)) => groups.remove(0).account,
        other => panic!("an answer to DescribeGroups was expected, not {other:?}"),
    }
}

/// The members that the group waits for.
fn awaited(account: &GroupAccount) -> Vec<&str> {
    account.members.iter().filter(|member| member.is_awaited).map(|member| &*member.member_id).collect()
}

#[test]
fn a_plain_description_has_no_account_and_a_group_that_is_not_there_has_none_either() {
    let mut world = World::new();
    world.stable_group("g", 1);
    assert_eq!(world.describe("g").account, None);
    assert!(account("g", &mut world).is_some());
    assert_eq!(account("nowhere", &mut world), None);
}

#[test]
fn a_rebalance_tells_whom_it_waits_for_and_how_long_at_most() {
    let mut world = World::new();
    let ids = world.stable_group("g", 3);
    let stable = account("g", &mut world).unwrap();
    assert_eq!((awaited(&stable), stable.waiting_until), (vec![], -1));
    let began = world.now.0;
    world.send(join("g", &ids[0], &["range"]).metadata(b"x").request(), JOIN);
    world.send(join("g", &ids[2], &["range"]).request(), JOIN);
    world.pass(2_000);
    let told = account("g", &mut world).unwrap();
    assert_eq!(awaited(&told), [ids[1].as_str()]);
    assert_eq!((told.now, told.waiting_since), (began + 2_000, began));
    assert_eq!(told.waiting_until, began + i64::from(REBALANCE_MS));
    let heard: Vec<i64> = ids.iter().map(|id| heard_at(&told, id)).collect();
    assert_eq!(heard, [told.now, began, told.now], "who waits for an answer is there");
}

fn heard_at(account: &GroupAccount, id: &str) -> i64 {
    account.members.iter().find(|member| *member.member_id == *id).map_or(-1, |member| member.heard_at)
}

#[test]
fn a_generation_without_an_assignment_waits_for_its_leader() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    for id in &ids {
        world.send(join("g", id, &["range"]).metadata(b"x").request(), JOIN);
    }
    world.pass(1_000);
    let told = account("g", &mut world).unwrap();
    assert_eq!(world.state("g"), "CompletingRebalance");
    assert_eq!((awaited(&told), told.waiting_since), (vec![ids[0].as_str()], told.now - 1_000));
}

#[test]
fn clients_that_have_an_id_and_do_not_join_are_counted() {
    let mut world = World::new();
    world.member_id("g");
    world.member_id("g");
    assert_eq!(account("g", &mut world).map(|told| (told.pending, told.members.len())), Some((2, 0)));
}

#[test]
fn a_consumer_group_waits_for_those_that_have_to_give_partitions_up() {
    let mut world = World::new();
    set_topic("t", 4, &mut world);
    let mut first = Consumer::new("g", "one", &["t"]);
    settle(&mut [&mut first], &mut world);
    let mut second = Consumer::new("g", "two", &["t"]);
    second.beat(&mut world);
    world.pass(6_000);
    second.beat(&mut world);
    // The first is told of it, and has not said that it has done it.
    first.beat(&mut world);
    world.pass(1_000);
    let told = account("g", &mut world).unwrap();
    assert_eq!(awaited(&told), ["one"]);
    assert!(told.waiting_until > told.now, "{told:?}");
    assert_eq!(heard_at(&told, "one"), told.now - 1_000);
}

#[test]
fn the_events_of_an_account_are_those_of_the_history() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    world.leave("g", vec![member(&ids[1])], 5);
    world.pass(i64::from(SESSION_MS));
    let told = account("g", &mut world).unwrap();
    let read: Vec<Event> = told.events.iter().filter_map(Event::from_wire).collect();
    let history = world.coordinator.history("g").unwrap();
    assert_eq!(read, history.events().map(|(_, event)| event.clone()).collect::<Vec<_>>());
    assert!(read.contains(&Event::Left { member: ids[1].as_str().into(), reason: None }));
}
