//! Members of classic groups over several connections: joining waits for the others and for nobody else.

use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::messages::{
    DescribeGroupsRequest, JoinGroupRequest, LeaveGroupRequest, MetadataRequest, SyncGroupRequest,
};

use crate::client::Client;
use crate::groups::{
    JOIN, Member, NOT_COORDINATOR, SYNC, await_coordinator, await_loaded, committed, complete, rebalance,
};
use crate::support::{Broker, PATIENCE};
use crate::topics::create;

const UNKNOWN_MEMBER: i16 = 25;
const ILLEGAL_GENERATION: i16 = 22;
const INVALID_SESSION_TIMEOUT: i16 = 26;
const REBALANCE_IN_PROGRESS: i16 = 27;
const INVALID_GROUP_ID: i16 = 24;
const INCONSISTENT_PROTOCOL: i16 = 23;
const GROUP_NOT_FOUND: i16 = 69;
const FENCED_INSTANCE: i16 = 82;
const GROUP_FULL: i16 = 81;

/// A broker whose groups do not wait for members that may come.
fn start(settings: &[(&str, &str)]) -> Broker {
    let mut all = vec![("group.initial.rebalance.delay.ms", "0"), ("strome.shards", "2")];
    all.extend(settings);
    let broker = Broker::start(&all);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 4, &[]);
    await_coordinator(&mut client, "g");
    broker
}

/// A group with so many members, which have come one after the other.
fn group_of(broker: &Broker, name: &str, count: usize) -> Vec<Member> {
    let mut group = vec![Member::new(broker.address(), name)];
    rebalance(&mut group);
    while group.len() < count {
        let newcomer = Member::new(broker.address(), name);
        admit(&mut group, newcomer);
    }
    group
}

/// Lets one more member in.
fn admit(group: &mut Vec<Member>, mut newcomer: Member) {
    newcomer.begin_join();
    for member in group.iter_mut() {
        await_heartbeat(member, REBALANCE_IN_PROGRESS);
        member.begin_join();
    }
    group.push(newcomer);
    complete(group);
}

#[test]
fn members_share_a_group_and_go_on_when_one_leaves() {
    let mut broker = start(&[]);
    let mut group = group_of(&broker, "g", 1);
    assert_eq!(group[0].commit("t", 0, 10), 0);

    admit(&mut group, Member::new(broker.address(), "g"));
    assert_eq!(group[0].generation, 2);
    assert_eq!(group[1].commit("t", 1, 20), 0);

    let stale = group[1].generation;
    let mut gone = group.pop().expect("two");
    assert_eq!(gone.leave(), 0);
    assert_eq!((gone.heartbeat(), gone.commit("t", 1, 21)), (UNKNOWN_MEMBER, UNKNOWN_MEMBER));
    await_heartbeat(&mut group[0], REBALANCE_IN_PROGRESS);
    rebalance(&mut group);
    assert_eq!(group[0].heartbeat(), 0);
    group[0].generation = stale;
    assert_eq!((group[0].heartbeat(), group[0].commit("t", 0, 11)), (ILLEGAL_GENERATION, ILLEGAL_GENERATION));

    // What was committed is there after a crash, and the members are known.
    broker.kill();
    broker.restart();
    let mut client = Client::connect(broker.address());
    await_loaded(&mut client, "g");
    assert_eq!(committed(&mut client, "g"), [("t".to_owned(), 0, 10), ("t".to_owned(), 1, 20)]);
    let groups = vec!["g".into()];
    let described = client.call(5, &DescribeGroupsRequest { groups, ..Default::default() });
    assert_eq!((&*described.groups[0].group_state, described.groups[0].members.len()), ("Stable", 1));
    let member = &described.groups[0].members[0];
    assert_eq!((&*member.member_id, &*member.client_id), (&*group[0].id, "test"));
    assert_eq!(&*member.client_host, "/127.0.0.1");
    let mut survivor = Member::new(broker.address(), "g");
    survivor.id = group[0].id.clone();
    survivor.generation = 3;
    assert_eq!(survivor.heartbeat(), 0);
}

/// Sends heartbeats until one is answered so.
fn await_heartbeat(member: &mut Member, wanted: i16) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let error = member.heartbeat();
        if error == wanted {
            return;
        }
        assert!(error == 0 && Instant::now() < deadline, "a heartbeat is answered {error}, not {wanted}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_join_that_waits_holds_up_its_own_connection_only() {
    let broker = start(&[]);
    let mut group = group_of(&broker, "g", 1);
    let mut newcomer = Member::new(broker.address(), "g");
    newcomer.begin_join();
    // A request behind the join on the same connection is answered after it.
    let asked = newcomer.client.send(9, &MetadataRequest::default());
    group_of(&broker, "other", 3);
    await_heartbeat(&mut group[0], REBALANCE_IN_PROGRESS);
    group[0].begin_join();
    assert_eq!(newcomer.end_join().error_code, 0);
    let (answered, _) = newcomer.client.receive::<MetadataRequest>(9);
    assert_eq!(answered, asked);
    assert_eq!(group[0].end_join().error_code, 0);
}

#[test]
fn a_graceful_stop_does_not_wait_for_those_who_join() {
    let mut broker = start(&[]);
    let mut group = group_of(&broker, "g", 1);
    let mut newcomer = Member::new(broker.address(), "g");
    newcomer.begin_join();
    await_heartbeat(&mut group[0], REBALANCE_IN_PROGRESS);
    let began = Instant::now();
    broker.begin_stop();
    assert_eq!(newcomer.end_join().error_code, NOT_COORDINATOR);
    assert!(broker.wait().success());
    assert!(began.elapsed() < Duration::from_secs(30), "the stop waited for a rebalance");
}

#[test]
fn a_member_that_falls_silent_is_dropped() {
    let broker = start(&[("group.min.session.timeout.ms", "5000")]);
    let mut group = group_of(&broker, "g", 1);
    // The silent one has the shortest session that is allowed.
    admit(&mut group, Member { session_timeout_ms: 5000, ..Member::new(broker.address(), "g") });
    let _silent = group.pop();
    await_heartbeat(&mut group[0], REBALANCE_IN_PROGRESS);
    rebalance(&mut group);
    assert_eq!(group[0].heartbeat(), 0);
}

#[test]
fn a_static_member_keeps_its_place() {
    let broker = start(&[]);
    let mut first = Member::new(broker.address(), "g");
    first.instance = Some("one".to_owned());
    let mut group = vec![first];
    rebalance(&mut group);
    let generation = group[0].generation;
    let mut again = Member::new(broker.address(), "g");
    again.instance = Some("one".to_owned());
    again.begin_join();
    let response = again.end_join();
    assert_eq!((response.error_code, response.generation_id), (0, generation));
    again.begin_sync(&[]);
    assert_eq!(again.end_sync(), Ok(Bytes::from(group[0].id.clone())), "it gets what it had");
    assert_eq!(group[0].heartbeat(), FENCED_INSTANCE);
    assert_eq!(again.heartbeat(), 0);
}

#[test]
fn a_group_takes_no_more_members_than_it_may_have() {
    let broker = start(&[("group.max.size", "2")]);
    let mut group = group_of(&broker, "g", 2);
    let mut third = Member::new(broker.address(), "g");
    let request = third.join_request();
    let response = third.client.call(JOIN, &request);
    assert_eq!(response.error_code, GROUP_FULL);
    assert_eq!(group[0].heartbeat(), 0);
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let broker = start(&[]);
    let mut member = Member::new(broker.address(), "");
    let request = member.join_request();
    assert_eq!(member.client.call(JOIN, &request).error_code, INVALID_GROUP_ID);
    assert_eq!((member.heartbeat(), member.leave()), (INVALID_GROUP_ID, INVALID_GROUP_ID));
    member.group = "g".to_owned();
    member.id = "nobody".to_owned();
    member.generation = 1;
    assert_eq!((member.heartbeat(), member.commit("t", 0, 1)), (UNKNOWN_MEMBER, GROUP_NOT_FOUND));
    let request = member.join_request();
    assert_eq!(member.client.call(JOIN, &request).error_code, UNKNOWN_MEMBER);
    for timeout in [0, -1, 1, i32::MAX] {
        let request = JoinGroupRequest { session_timeout_ms: timeout, ..member.join_request() };
        assert_eq!(member.client.call(JOIN, &request).error_code, INVALID_SESSION_TIMEOUT, "{timeout}");
    }
    member.id.clear();
    let request = JoinGroupRequest { protocols: Vec::new(), ..member.join_request() };
    assert_eq!(member.client.call(JOIN, &request).error_code, INCONSISTENT_PROTOCOL);
    let sync = SyncGroupRequest { group_id: "g".into(), member_id: "m".into(), ..Default::default() };
    assert_eq!(member.client.call(SYNC, &sync).error_code, INCONSISTENT_PROTOCOL, "it names no protocol");
    assert_eq!(member.client.call(4, &sync).error_code, UNKNOWN_MEMBER);
    let leave = LeaveGroupRequest { group_id: "nosuch".into(), member_id: "m".into(), ..Default::default() };
    assert_eq!(member.client.call(2, &leave).error_code, UNKNOWN_MEMBER);
}
