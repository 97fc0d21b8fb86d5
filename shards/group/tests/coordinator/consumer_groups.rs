//! Groups whose partitions the coordinator assigns: who has what, and who is shut out.

use metadata::{ConfigResource, Record, ResourceKind};
use protocol::messages::ConsumerGroupHeartbeatRequest;
use strome_group::Settings;
use types::ErrorCode;

use crate::consumer::{
    Consumer, SETTLE_MS, apply, describe, described, heartbeat, remove_topic, set_topic, settle, topic_id,
};
use crate::world::{COMMIT, World, commit, error};

fn world() -> World {
    let mut world = World::new();
    set_topic("t", 6, &mut world);
    world
}

/// Two members that share six partitions.
fn pair(world: &mut World) -> (Consumer, Consumer) {
    let (mut one, mut two) = (Consumer::new("g", "one", &["t"]), Consumer::new("g", "two", &["t"]));
    one.beat(world);
    two.beat(world);
    settle(&mut [&mut one, &mut two], world);
    assert_eq!((one.partitions().len(), two.partitions().len()), (3, 3));
    (one, two)
}

#[test]
fn the_first_member_gets_all_partitions_at_once() {
    let mut world = world();
    let mut member = Consumer::new("g", "m", &["t"]);
    let response = member.beat(&mut world);
    assert_eq!((response.member_epoch, response.heartbeat_interval_ms), (1, 5_000));
    assert_eq!(member.partitions(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(describe("g", &mut world).group_state, "Stable");
}

#[test]
fn an_assignment_is_told_only_when_it_is_new_or_the_member_says_everything() {
    let mut world = world();
    let mut member = Consumer::new("g", "m", &["t"]);
    member.beat(&mut world);
    assert_eq!(member.beat(&mut world).assignment, None);
    let mut complete = member.request();
    member.describe(&mut complete);
    assert!(member.send(complete, &mut world).assignment.is_some());
}

#[test]
fn a_partition_goes_to_its_next_owner_only_after_the_first_has_given_it_back() {
    let mut world = world();
    let (mut one, mut two) = (Consumer::new("g", "one", &["t"]), Consumer::new("g", "two", &["t"]));
    one.beat(&mut world);
    world.pass(SETTLE_MS);
    let joined = two.beat(&mut world);
    assert_eq!((two.partitions().len(), joined.member_epoch), (0, 2));
    // It waits for others, so it is to come back soon.
    assert_eq!(joined.heartbeat_interval_ms, 500);

    let before = one.owned.clone();
    let revoke = heartbeat(one.request(), &mut world);
    assert_eq!(revoke.member_epoch, 1, "it stays in its epoch until it has given them back");
    two.beat(&mut world);
    assert_eq!(two.partitions().len(), 0, "nothing has been given back yet");

    one.obey(&revoke);
    assert_eq!(one.owned.len(), 3);
    assert!(one.owned.is_subset(&before));
    two.beat(&mut world);
    assert_eq!(two.partitions().len(), 0, "the coordinator has not heard of it yet");
    assert_eq!(one.beat(&mut world).member_epoch, 2);
    two.beat(&mut world);
    assert_eq!(two.partitions().len(), 3);
    assert!(one.owned.is_disjoint(&two.owned));
    assert_eq!(describe("g", &mut world).group_state, "Stable");
}

#[test]
fn a_member_that_keeps_partitions_too_long_is_shut_out() {
    let mut world = world();
    let mut one = Consumer::new("g", "one", &["t"]);
    let mut two = Consumer::new("g", "two", &["t"]);
    one.beat(&mut world);
    world.pass(SETTLE_MS);
    two.beat(&mut world);
    // It is alive, but never says that it has given anything back.
    for _ in 0..16 {
        heartbeat(one.request(), &mut world);
        two.beat(&mut world);
        world.pass(4_000);
    }
    assert_eq!(error(heartbeat(one.request(), &mut world).error_code), ErrorCode::UnknownMemberId);
    two.beat(&mut world);
    assert_eq!(two.partitions().len(), 6);
}

#[test]
fn a_silent_member_is_shut_out_and_its_partitions_go_to_the_others() {
    let mut world = world();
    let (mut one, mut two) = pair(&mut world);
    for _ in 0..12 {
        world.pass(4_000);
        one.beat(&mut world);
    }
    assert_eq!(one.partitions().len(), 6);
    assert_eq!(error(two.beat(&mut world).error_code), ErrorCode::UnknownMemberId);
}

#[test]
fn a_member_that_leaves_gives_everything_back() {
    let mut world = world();
    let (mut one, mut two) = pair(&mut world);
    assert_eq!(two.leave(-1, &mut world), ErrorCode::None);
    world.pass(SETTLE_MS);
    one.beat(&mut world);
    assert_eq!(one.partitions().len(), 6);
    one.leave(-1, &mut world);
    assert_eq!(describe("g", &mut world).group_state, "Empty");
}

#[test]
fn a_member_with_another_epoch_than_its_own_is_fenced() {
    let mut world = world();
    let (one, _) = pair(&mut world);
    for epoch in [one.epoch + 1, one.epoch - 1] {
        let request =
            ConsumerGroupHeartbeatRequest { member_epoch: epoch, topic_partitions: None, ..one.request() };
        assert_eq!(error(heartbeat(request, &mut world).error_code), ErrorCode::FencedMemberEpoch);
    }
}

#[test]
fn a_member_that_missed_an_answer_may_come_with_the_epoch_before() {
    let mut world = world();
    let (mut one, mut two) = pair(&mut world);
    two.leave(-1, &mut world);
    world.pass(SETTLE_MS);
    let lost = heartbeat(one.request(), &mut world);
    assert!(lost.member_epoch > one.epoch);
    let response = one.beat(&mut world);
    assert_eq!((error(response.error_code), one.epoch), (ErrorCode::None, lost.member_epoch));
    // One that is further behind, or holds what the epoch did not give it, is another.
    let late = Consumer { epoch: lost.member_epoch - 2, ..one.clone() };
    assert_eq!(error(heartbeat(late.request(), &mut world).error_code), ErrorCode::FencedMemberEpoch);
    let mut liar = one.clone();
    liar.epoch = lost.member_epoch - 1;
    liar.owned.insert((topic_id("t"), 99));
    assert_eq!(error(heartbeat(liar.request(), &mut world).error_code), ErrorCode::FencedMemberEpoch);
}

#[test]
fn a_fenced_member_gets_its_partitions_again_when_it_joins_again() {
    let mut world = world();
    let (mut one, _) = pair(&mut world);
    let before = one.owned.clone();
    one.epoch = 0;
    one.owned.clear();
    assert_eq!(error(one.beat(&mut world).error_code), ErrorCode::None);
    assert_eq!(one.owned, before);
}

#[test]
fn a_static_member_that_goes_for_a_while_finds_its_partitions_under_a_new_id() {
    let mut world = world();
    let mut one = Consumer::new("g", "one", &["t"]).named("i");
    let mut other = Consumer::new("g", "other", &["t"]);
    one.beat(&mut world);
    other.beat(&mut world);
    settle(&mut [&mut one, &mut other], &mut world);
    let (before, epoch) = (one.owned.clone(), describe("g", &mut world).group_epoch);
    assert_eq!(one.leave(-2, &mut world), ErrorCode::None);
    world.pass(SETTLE_MS);
    other.beat(&mut world);
    assert_eq!(other.partitions().len(), 3, "the partitions wait for their owner");
    let mut again = Consumer::new("g", "again", &["t"]).named("i");
    again.beat(&mut world);
    assert_eq!(again.owned, before);
    assert_eq!(describe("g", &mut world).group_epoch, epoch, "nobody had to notice");
    assert_eq!(error(one.beat(&mut world).error_code), ErrorCode::UnreleasedInstanceId);
}

#[test]
fn a_static_member_that_is_still_here_keeps_its_place() {
    let mut world = world();
    let mut one = Consumer::new("g", "one", &["t"]).named("i");
    one.beat(&mut world);
    let mut thief = Consumer::new("g", "thief", &["t"]).named("i");
    assert_eq!(error(thief.beat(&mut world).error_code), ErrorCode::UnreleasedInstanceId);
    thief.epoch = 1;
    assert_eq!(error(thief.beat(&mut world).error_code), ErrorCode::FencedInstanceId);
    assert_eq!(error(one.beat(&mut world).error_code), ErrorCode::None);
}

#[test]
fn what_is_unknown_is_refused() {
    let mut world = world();
    let mut stranger = Consumer::new("g", "stranger", &["t"]);
    stranger.epoch = 3;
    assert_eq!(error(heartbeat(stranger.request(), &mut world).error_code), ErrorCode::GroupIdNotFound);
    Consumer::new("g", "m", &["t"]).beat(&mut world);
    assert_eq!(error(heartbeat(stranger.request(), &mut world).error_code), ErrorCode::UnknownMemberId);
    assert_eq!(stranger.leave(-1, &mut world), ErrorCode::UnknownMemberId);
    let named = Consumer { epoch: 3, ..Consumer::new("g", "m", &[]).named("nobody") };
    assert_eq!(error(heartbeat(named.request(), &mut world).error_code), ErrorCode::UnknownMemberId);
}

#[test]
fn requests_that_make_no_sense_are_refused_and_leave_no_trace() {
    let mut world = world();
    let good = Consumer::new("g", "m", &["t"]).request();
    let bad: [fn(&mut ConsumerGroupHeartbeatRequest); 9] = [
        |request| request.group_id = "".into(),
        |request| request.member_id = "".into(),
        |request| request.instance_id = Some("".into()),
        |request| request.rack_id = Some("".into()),
        |request| request.rebalance_timeout_ms = -1,
        |request| request.topic_partitions = None,
        |request| request.subscribed_topic_names = None,
        |request| request.member_epoch = -3,
        |request| request.member_epoch = -2,
    ];
    for (place, spoil) in bad.into_iter().enumerate() {
        let mut request = good.clone();
        spoil(&mut request);
        assert_eq!(error(heartbeat(request, &mut world).error_code), ErrorCode::InvalidRequest, "{place}");
    }
    for (pattern, expected) in
        [("[", ErrorCode::InvalidRegularExpression), ("(?=a)", ErrorCode::InvalidRegularExpression)]
    {
        let mut member = Consumer::new("g", "m", &[]).with_pattern(pattern);
        assert_eq!(error(member.beat(&mut world).error_code), expected);
    }
    let mut member = Consumer::new("g", "m", &["t"]).with_assignor("mine");
    assert_eq!(error(member.beat(&mut world).error_code), ErrorCode::UnsupportedAssignor);
    assert!(world.log.is_empty());
    assert_eq!(world.coordinator.group_count(), 0);
}

#[test]
fn a_full_group_takes_no_more_members_but_keeps_those_it_has() {
    let mut settings = Settings::default();
    settings.consumer.members_max = 1;
    let mut world = World::with_settings(settings);
    set_topic("t", 6, &mut world);
    let mut one = Consumer::new("g", "one", &["t"]).named("i");
    one.beat(&mut world);
    let mut two = Consumer::new("g", "two", &["t"]);
    assert_eq!(error(two.beat(&mut world).error_code), ErrorCode::GroupMaxSizeReached);
    assert_eq!(error(one.beat(&mut world).error_code), ErrorCode::None);
    one.leave(-2, &mut world);
    let mut again = Consumer::new("g", "again", &["t"]).named("i");
    assert_eq!(error(again.beat(&mut world).error_code), ErrorCode::None, "it is not one more");
}

#[test]
fn a_group_follows_its_topics() {
    let mut world = world();
    let mut member = Consumer::new("g", "m", &["t", "later"]);
    member.beat(&mut world);
    assert_eq!(member.owned.len(), 6);
    set_topic("t", 8, &mut world);
    settle(&mut [&mut member], &mut world);
    assert_eq!(member.owned.len(), 8);
    set_topic("later", 2, &mut world);
    set_topic("other", 5, &mut world);
    settle(&mut [&mut member], &mut world);
    assert_eq!(member.owned.len(), 10);
    let epoch = member.epoch;
    set_topic("other", 7, &mut world);
    settle(&mut [&mut member], &mut world);
    assert_eq!(member.epoch, epoch, "a topic that nobody reads changes nothing");
    remove_topic("later", &mut world);
    settle(&mut [&mut member], &mut world);
    assert_eq!(member.owned.len(), 8);
}

#[test]
fn a_member_gives_back_what_it_no_longer_subscribes_to() {
    let mut world = world();
    set_topic("u", 4, &mut world);
    let mut one = Consumer::new("g", "one", &["t", "u"]);
    let mut two = Consumer::new("g", "two", &["t", "u"]);
    one.beat(&mut world);
    two.beat(&mut world);
    settle(&mut [&mut one, &mut two], &mut world);
    one.resubscribe(&["t"], &mut world);
    assert!(one.owned.iter().all(|(topic, _)| *topic == topic_id("t")), "it is told so at once");
    settle(&mut [&mut one, &mut two], &mut world);
    assert_eq!(two.owned.iter().filter(|(topic, _)| *topic == topic_id("u")).count(), 4);
    assert_eq!(one.owned.len() + two.owned.len(), 10);
}

#[test]
fn a_pattern_finds_topics_that_are_there_and_those_that_come() {
    let mut world = world();
    set_topic("orders-1", 2, &mut world);
    let mut member = Consumer::new("g", "m", &[]).with_pattern("orders-.*");
    member.beat(&mut world);
    assert_eq!(member.owned.len(), 2);
    set_topic("orders-2", 3, &mut world);
    set_topic("more-orders-3", 3, &mut world);
    settle(&mut [&mut member], &mut world);
    assert_eq!(member.owned.len(), 5);
    assert_eq!(described("g", "m", &mut world).subscribed_topic_regex.as_deref(), Some("orders-.*"));
    world.crash();
    settle(&mut [&mut member], &mut world);
    assert_eq!(member.owned.len(), 5);
}

#[test]
fn the_assignor_that_most_members_ask_for_is_used() {
    let mut world = world();
    set_topic("u", 6, &mut world);
    let mut members = ["a", "b", "c"].map(|id| Consumer::new("g", id, &["t", "u"]).with_assignor("range"));
    members[0].assignor = Some("uniform".into());
    for member in &mut members {
        member.beat(&mut world);
    }
    let [a, b, c] = &mut members;
    settle(&mut [a, b, c], &mut world);
    assert_eq!(describe("g", &mut world).assignor_name, "range");
    for member in &members {
        let of =
            |name| member.owned.iter().filter(move |(t, _)| *t == topic_id(name)).map(|(_, index)| *index);
        assert!(of("t").eq(of("u")), "range gives the same partitions of topics of equal size");
    }
}

#[test]
fn with_as_many_votes_for_each_the_first_assignor_wins() {
    let mut world = world();
    Consumer::new("g", "a", &["t"]).with_assignor("range").beat(&mut world);
    Consumer::new("g", "b", &["t"]).with_assignor("uniform").beat(&mut world);
    assert_eq!(describe("g", &mut world).assignor_name, "uniform");
}

#[test]
fn while_many_members_join_the_assignment_is_thought_over_once_in_an_interval() {
    let mut world = world();
    for id in 0..6 {
        Consumer::new("g", &format!("m{id}"), &["t"]).beat(&mut world);
    }
    let group = describe("g", &mut world);
    assert_eq!((group.group_epoch, group.assignment_epoch), (6, 1));
    assert_eq!(group.group_state, "Assigning");
    world.pass(70);
    let mut last = Consumer::new("g", "m7", &["t"]);
    // It is asked to come back when that is due.
    assert_eq!(last.beat(&mut world).heartbeat_interval_ms, 30);
    assert_eq!(describe("g", &mut world).assignment_epoch, 1);
    world.pass(30);
    last.beat(&mut world);
    assert_eq!(describe("g", &mut world).assignment_epoch, 7);
}

#[test]
fn settings_of_a_group_are_in_force_at_once_and_within_bounds() {
    let mut world = world();
    let mut member = Consumer::new("g", "m", &["t"]);
    member.beat(&mut world);
    for (value, expected) in [("7000", 7_000), ("1", 5_000), ("99999", 15_000), ("nonsense", 5_000)] {
        let resource = ConfigResource { kind: ResourceKind::Group, name: "g".into() };
        let (key, value) = ("consumer.heartbeat.interval.ms".into(), Some(value.into()));
        apply(vec![Record::Config { resource, key, value }], &mut world);
        assert_eq!(member.beat(&mut world).heartbeat_interval_ms, expected);
    }
}

#[test]
fn a_member_commits_with_its_epoch_and_with_older_ones_for_what_it_has_had_since() {
    let mut world = world();
    let (mut one, mut two) = pair(&mut world);
    let (kept, old_epoch) = (one.partitions()[0], one.epoch);
    assert_eq!(world.commit(commit("g", old_epoch, "one", kept, 5), COMMIT), ErrorCode::None);
    two.leave(-1, &mut world);
    settle(&mut [&mut one], &mut world);
    let gained = one.partitions().into_iter().find(|index| world.offset("g", *index) < 0).expect("one more");
    assert!(one.epoch > old_epoch);
    assert_eq!(world.commit(commit("g", old_epoch, "one", kept, 6), COMMIT), ErrorCode::None);
    let newer: Vec<i32> = one.partitions();
    let stale = newer.iter().filter(|index| {
        world.commit(commit("g", old_epoch, "one", **index, 7), COMMIT) == ErrorCode::StaleMemberEpoch
    });
    assert_eq!(stale.count(), 3, "those that it got later");
    let _ = gained;
    assert_eq!(world.commit(commit("g", one.epoch, "one", gained, 8), COMMIT), ErrorCode::None);
    assert_eq!(world.commit(commit("g", one.epoch + 1, "one", kept, 9), COMMIT), ErrorCode::StaleMemberEpoch);
    assert_eq!(world.commit(commit("g", 1, "nobody", kept, 9), COMMIT), ErrorCode::UnknownMemberId);
    assert_eq!(world.commit(commit("g", one.epoch, "one", kept, 9), 8), ErrorCode::UnsupportedVersion);
    assert_eq!(world.commit(commit("g", -1, "", kept, 9), COMMIT), ErrorCode::UnknownMemberId);
    one.leave(-1, &mut world);
    assert_eq!(
        world.commit(commit("g", -1, "", kept, 10), COMMIT),
        ErrorCode::None,
        "nobody is there any more"
    );
}

#[test]
fn a_group_is_the_same_after_a_crash() {
    let mut world = world();
    let (mut one, mut two) = pair(&mut world);
    let mut third = Consumer::new("g", "third", &["t"]).named("i").with_assignor("range");
    third.beat(&mut world);
    one.beat(&mut world);
    let before = describe("g", &mut world);
    world.crash();
    assert_eq!(describe("g", &mut world), before);
    settle(&mut [&mut one, &mut two, &mut third], &mut world);
    assert_eq!([&one, &two, &third].map(|member| member.partitions().len()), [2, 2, 2]);
}

#[test]
fn members_that_are_not_heard_of_after_a_crash_are_shut_out() {
    let mut world = world();
    pair(&mut world);
    world.crash();
    world.pass(44_000);
    assert_eq!(describe("g", &mut world).members.len(), 2);
    world.pass(2_000);
    assert_eq!(describe("g", &mut world).members.len(), 0);
}

#[test]
fn an_empty_group_can_be_deleted_and_one_with_members_cannot() {
    let mut world = world();
    let mut member = Consumer::new("g", "m", &["t"]).with_pattern("t.*");
    member.beat(&mut world);
    assert_eq!(world.delete("g"), ErrorCode::NonEmptyGroup);
    member.leave(-1, &mut world);
    assert_eq!(world.delete("g"), ErrorCode::None);
    assert_eq!(world.coordinator.group_count(), 0);
    world.crash();
    assert_eq!(world.coordinator.group_count(), 0);
    assert_eq!(error(describe("g", &mut world).error_code), ErrorCode::GroupIdNotFound);
}
