//! What a group remembers of itself.

use strome_group::Event;

use crate::world::{JOIN, SESSION_MS, World, join, member};

fn told(world: &World) -> Vec<String> {
    let history = world.coordinator.history("g").expect("the group is there");
    let name = |event: &Event| format!("{event:?}").split([' ', '(']).next().unwrap_or_default().to_owned();
    history.events().map(|(_, event)| name(event)).collect()
}

#[test]
fn a_group_remembers_who_came_and_why_it_rebalanced() {
    let mut world = World::new();
    let ids = world.stable_group("g", 2);
    let ticket = world.send(join("g", &ids[0], &["range"]).metadata(b"x").request(), JOIN);
    world.leave("g", vec![member(&ids[1])], 5);
    assert!(!world.is_waiting(ticket));
    let told = told(&world);
    let last: Vec<&str> = told.iter().rev().take(3).rev().map(String::as_str).collect();
    assert_eq!(last, ["RebalanceStarted", "Left", "GenerationStarted"]);
    let reasons: Vec<String> = world
        .coordinator
        .history("g")
        .into_iter()
        .flat_map(|history| history.events())
        .filter_map(|(_, event)| match event {
            Event::RebalanceStarted { reason } => Some(reason.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(reasons[0], format!("{} joined", ids[0]));
    assert_eq!(reasons.last(), Some(&format!("{} leads the group and rejoins", ids[0])));
}

#[test]
fn a_silent_member_is_remembered_with_the_session_that_it_had() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    world.pass(i64::from(SESSION_MS));
    let history = world.coordinator.history("g").expect("the group is there");
    let timed_out = Event::TimedOut { member: ids[0].as_str().into(), session_timeout_ms: SESSION_MS };
    assert!(history.events().any(|(_, event)| *event == timed_out));
}

#[test]
fn the_history_reads_as_sentences() {
    let mut world = World::new();
    let ids = world.stable_group("g", 1);
    let mut leaving = member(&ids[0]);
    leaving.reason = Some("the consumer is being closed".into());
    world.pass(250);
    world.leave("g", vec![leaving], 5);
    let id = &ids[0];
    let history = world.coordinator.history("g").expect("the group is there");
    let sentences: Vec<String> = history.events().map(|(_, event)| event.to_string()).collect();
    let expected = [
        format!("{id} joined (client client at /127.0.0.1)"),
        format!("a rebalance began because {id} joined"),
        "generation 1 began with 1 members after 0 ms".to_owned(),
        "generation 1 got its assignment after 0 ms".to_owned(),
        format!("{id} left: the consumer is being closed"),
        format!("a rebalance began because {id} left"),
        "the last member has gone".to_owned(),
    ];
    assert_eq!(sentences, expected);
}

#[test]
fn a_zombie_does_not_push_out_what_others_did() {
    let mut world = World::new();
    world.stable_group("g", 1);
    let before = told(&world).len();
    for _ in 0..1_000 {
        world.heartbeat("g", 0, "zombie");
    }
    assert_eq!(told(&world).len(), before + 1);
}
