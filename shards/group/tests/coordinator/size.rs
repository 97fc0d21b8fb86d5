//! A storm of members. What it costs is measured by the example `storm`; here it has to come out right.

use types::ErrorCode;

use crate::world::{JOIN, SYNC, World, join, member, sync};

const MEMBERS: usize = 500;

#[test]
fn five_hundred_members_come_and_go_and_the_log_hardly_grows() {
    let mut world = World::new();
    let ids = world.stable_group("g", MEMBERS);
    assert_eq!(world.log.len(), 1, "a record for each generation, not for each member");
    let rejoining: Vec<_> =
        ids.iter().map(|id| world.send(join("g", id, &["range"]).metadata(b"x").request(), JOIN)).collect();
    let responses: Vec<_> = rejoining.into_iter().map(|ticket| world.joined(ticket)).collect();
    assert!(responses.iter().all(|response| response.generation_id == 2));
    let leader = responses[0].leader.to_string();
    let told_of_all = responses.iter().filter(|response| response.members.len() == MEMBERS).count();
    assert_eq!(told_of_all, 1, "only the leader learns of all");
    for id in ids.iter().filter(|id| **id != leader) {
        world.send(sync("g", 2, id, &[]), SYNC);
    }
    world.send(sync("g", 2, &leader, &ids), SYNC);
    assert_eq!(world.log.len(), 2);
    for _ in 0..5 {
        world.pass(3_000);
        assert!(ids.iter().all(|id| world.heartbeat("g", 2, id) == ErrorCode::None));
    }
    for id in &ids {
        assert_eq!(world.leave("g", vec![member(id)], 5).members[0].error_code, 0);
    }
    assert_eq!((world.state("g").as_str(), world.log.len()), ("Empty", 3));
}
