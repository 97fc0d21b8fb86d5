//! Committing, fetching and deleting offsets.

use protocol::messages::group_offsets::{
    OffsetCommitRequestPartition, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
    OffsetFetchRequestGroup,
};
use protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};
use strome_group::{OffsetFetch, Request, Response};
use types::ErrorCode;

use crate::world::{COMMIT, JOIN, World, commit, error, join};

fn delete(world: &mut World, group: &str, partitions: &[i32]) -> OffsetDeleteResponse {
    let partitions =
        partitions.iter().map(|index| OffsetDeleteRequestPartition { partition_index: *index }).collect();
    let topics = vec![OffsetDeleteRequestTopic { name: "t".into(), partitions }];
    let request = OffsetDeleteRequest { group_id: group.into(), topics };
    let ticket = world.send(Request::OffsetDelete(request), 0);
    match world.answer(ticket) {
        Some(Response::OffsetDelete(response)) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_member_commits_and_the_offset_survives_a_crash() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    assert_eq!(world.commit(commit("g", 1, &ids[0], 3, 17), COMMIT), ErrorCode::None);
    assert_eq!(world.offset("g", 3), 17);
    world.crash();
    assert_eq!(world.offset("g", 3), 17);
    assert_eq!(world.offset("g", 4), -1);
    assert_eq!(world.offset("other", 3), -1);
}

#[test]
fn a_consumer_that_assigns_partitions_to_itself_commits_without_a_group() {
    let mut world = World::new();
    assert_eq!(world.commit(commit("g", -1, "", 0, 5), COMMIT), ErrorCode::None);
    assert_eq!(world.offset("g", 0), 5);
    assert_eq!(world.state("g"), "Empty");
    world.crash();
    assert_eq!((world.offset("g", 0), world.state("g").as_str()), (5, "Empty"));
    assert_eq!(
        world.commit(commit("", -1, "", 0, 6), COMMIT),
        ErrorCode::None,
        "the empty group id is one too"
    );
    assert_eq!(world.offset("", 0), 6);
}

#[test]
fn nobody_else_commits_while_a_group_has_members() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    let unknown = ErrorCode::UnknownMemberId;
    assert_eq!(world.commit(commit("g", -1, "", 0, 5), COMMIT), unknown);
    assert_eq!(world.commit(commit("g", 1, "who", 0, 5), COMMIT), unknown);
    assert_eq!(world.commit(commit("g", 0, &ids[0], 0, 5), COMMIT), ErrorCode::IllegalGeneration);
    assert_eq!(world.commit(commit("g", -1, &ids[0], 0, 5), COMMIT), ErrorCode::IllegalGeneration);
    assert_eq!(world.offset("g", 0), -1);
}

#[test]
fn a_generation_of_a_group_that_is_not_known_is_refused() {
    let mut world = World::new();
    assert_eq!(world.commit(commit("g", 1, "m", 0, 5), 9), ErrorCode::GroupIdNotFound);
    assert_eq!(world.commit(commit("g", 1, "m", 0, 5), 8), ErrorCode::IllegalGeneration);
    assert_eq!(world.coordinator.group_count(), 0);
}

#[test]
fn members_commit_while_others_join_but_not_before_the_assignment() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let joining = world.send(join("g", &ids[0], &["range"]).request(), JOIN);
    assert_eq!(
        world.commit(commit("g", 1, &ids[1], 0, 5), COMMIT),
        ErrorCode::None,
        "what it consumed so far"
    );
    world.send(join("g", &ids[1], &["range"]).request(), JOIN);
    assert_eq!(world.joined(joining).generation_id, 2);
    assert_eq!(world.commit(commit("g", 2, &ids[1], 0, 6), COMMIT), ErrorCode::RebalanceInProgress);
    assert_eq!(world.commit(commit("g", 1, &ids[1], 0, 6), COMMIT), ErrorCode::IllegalGeneration);
    assert_eq!(world.offset("g", 0), 5);
}

#[test]
fn metadata_is_kept_as_it_came_and_refused_where_it_is_too_large() {
    let mut world = World::new();
    let with_metadata = |partition, text: &str| OffsetCommitRequestPartition {
        partition_index: partition,
        committed_offset: 1,
        committed_leader_epoch: 7,
        committed_metadata: Some(text.into()),
    };
    let mut request = commit("g", -1, "", 0, 1);
    // Kafka counts UTF-16 code units: 4096 of two bytes each are just within its limit.
    request.topics[0].partitions =
        vec![with_metadata(0, &"ä".repeat(4096)), with_metadata(1, &"x".repeat(4097))];
    let ticket = world.send(Request::OffsetCommit(request), COMMIT);
    let Some(Response::OffsetCommit(response)) = world.answer(ticket) else { panic!("no answer") };
    let errors: Vec<ErrorCode> =
        response.topics[0].partitions.iter().map(|partition| error(partition.error_code)).collect();
    assert_eq!(errors, [ErrorCode::None, ErrorCode::OffsetMetadataTooLarge]);
    world.crash();
    let group = OffsetFetchRequestGroup { group_id: "g".into(), topics: None, ..Default::default() };
    let ticket = world.send(Request::OffsetFetch(OffsetFetch { group, require_stable: false }), 8);
    let Some(Response::OffsetFetch(response)) = world.answer(ticket) else { panic!("no answer") };
    let [partition] = &response.topics[0].partitions[..] else { panic!("{response:?}") };
    assert_eq!(partition.metadata.as_deref().map(str::len), Some(8192));
    assert_eq!(partition.committed_leader_epoch, 7);
}

#[test]
fn offsets_of_topics_that_members_consume_are_not_deleted() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    world.commit(commit("g", 1, &ids[0], 0, 5), COMMIT);
    let response = delete(&mut world, "g", &[0]);
    let refused = ErrorCode::GroupSubscribedToTopic.code();
    assert_eq!((response.error_code, response.topics[0].partitions[0].error_code), (0, refused));
    world.leave("g", vec![crate::world::member(&ids[0])], 5);
    let response = delete(&mut world, "g", &[0, 1]);
    assert!(response.topics[0].partitions.iter().all(|partition| partition.error_code == 0));
    assert_eq!(world.offset("g", 0), -1);
    world.crash();
    assert_eq!(world.offset("g", 0), -1);
}

#[test]
fn offsets_are_deleted_of_groups_that_are_known_and_of_consumers_only() {
    let mut world = World::new();
    assert_eq!(error(delete(&mut world, "g", &[0]).error_code), ErrorCode::GroupIdNotFound);
    assert_eq!(error(delete(&mut world, "", &[0]).error_code), ErrorCode::InvalidGroupId);
    let mut request = join("connect", "", &["eager"]);
    request.0.protocol_type = "connect".into();
    world.send(request.request(), 3);
    assert_eq!(error(delete(&mut world, "connect", &[0]).error_code), ErrorCode::NonEmptyGroup);
}

#[test]
fn the_offsets_of_a_deleted_topic_go_with_it() {
    let mut world = World::new();
    world.commit(commit("a", -1, "", 0, 5), COMMIT);
    world.commit(commit("b", -1, "", 1, 6), COMMIT);
    let mut out = strome_group::Effects::default();
    let topic = types::TopicName::new("t").expect("a name");
    let image = world.image.clone();
    world.coordinator.topics_changed(&[topic], world.now, &image, &mut out);
    assert_eq!(out.records.len(), 2);
    assert_eq!((world.offset("a", 0), world.offset("b", 1)), (-1, -1));
    assert_eq!(world.coordinator.group_count(), 0, "nothing else was known of the groups");
}

#[test]
fn a_topic_that_was_created_again_does_not_inherit_offsets() {
    let (mut world, topic) = (World::new(), types::TopicName::new("t").expect("a name"));
    for (partition, id) in [(0, 1), (1, 2), (2, 0)] {
        let mut request = commit("g", -1, "", partition, 5);
        request.topics[0].topic_id = types::Uuid([id; 16]);
        world.commit(request, 10);
    }
    world.crash();
    let created = metadata::Record::Topic { id: types::Uuid([2; 16]), name: topic.clone() };
    let (image, _) = world.image.apply(world.image.index().next(), &[created]).expect("it fits");
    let mut out = strome_group::Effects::default();
    world.coordinator.topics_changed(&[topic], world.now, &image, &mut out);
    assert_eq!(out.records.len(), 1);
    assert_eq!([0, 1, 2].map(|partition| world.offset("g", partition)), [-1, 5, 5]);
}
