//! Brokers register, and take producer ids.

use strome_controller::{
    AllocateProducerIds, CreateTopics, ProducerIdBlock, Refusal, RegisterBroker, RenewLeaderEpochs, Reply,
    ReportReplicas, Request,
};
use types::{BrokerId, ErrorCode, LeaderEpoch, PartitionIndex, ProducerId, Uuid};

use crate::cluster::{Cluster, registration, topic};

fn register(cluster: &mut Cluster, request: RegisterBroker) -> Result<i64, Refusal> {
    match cluster.send(&Request::RegisterBroker(request)) {
        Reply::RegisterBroker(result) => result,
        other => panic!("{other:?}"),
    }
}

fn allocate(cluster: &mut Cluster, broker: i32, broker_epoch: i64) -> Result<ProducerIdBlock, Refusal> {
    let request = AllocateProducerIds { broker: BrokerId(broker), broker_epoch };
    match cluster.send(&Request::AllocateProducerIds(request)) {
        Reply::AllocateProducerIds(result) => result,
        other => panic!("{other:?}"),
    }
}

fn code<T>(result: Result<T, Refusal>) -> Result<T, ErrorCode> {
    result.map_err(|refusal| refusal.code)
}

#[test]
fn the_first_broker_gives_the_cluster_its_id_and_others_must_know_it() {
    let mut cluster = Cluster::of_one();
    assert_eq!(cluster.image().cluster_id(), Some("the-cluster"));
    let mut stranger = registration(2);
    stranger.cluster_id = "another".to_owned();
    assert_eq!(code(register(&mut cluster, stranger)), Err(ErrorCode::InconsistentClusterId));
    assert_eq!(cluster.image().brokers().len(), 1);
}

#[test]
fn every_registration_of_a_new_run_has_a_higher_epoch() {
    let mut cluster = Cluster::of_one();
    let first = cluster.image().brokers()[&BrokerId(1)].epoch;
    assert_eq!(register(&mut cluster, registration(1)), Ok(first), "the same run asks again");
    let mut again = registration(1);
    again.broker.incarnation = Uuid([77; 16]);
    again.broker.rack = Some("b".to_owned());
    let second = register(&mut cluster, again).expect("this node's own earlier run has ended");
    assert!(second > first);
    let broker = &cluster.image().brokers()[&BrokerId(1)];
    assert_eq!((broker.epoch, broker.rack.as_deref()), (second, Some("b")));
}

#[test]
fn a_broker_that_is_alive_elsewhere_keeps_its_id() {
    let mut cluster = Cluster::new(&[], 2);
    let mut impostor = registration(2);
    impostor.broker.incarnation = Uuid([77; 16]);
    assert_eq!(code(register(&mut cluster, impostor)), Err(ErrorCode::DuplicateBrokerRegistration));
}

#[test]
fn a_registration_that_makes_no_sense_is_refused() {
    let mut cluster = Cluster::of_one();
    let mut nowhere = registration(2);
    nowhere.broker.listeners.clear();
    let mut negative = registration(2);
    negative.broker.id = BrokerId(-2);
    let mut twice = registration(2);
    twice.broker.listeners.extend(registration(2).broker.listeners);
    for request in [nowhere, negative, twice] {
        assert_eq!(code(register(&mut cluster, request)), Err(ErrorCode::InvalidRegistration));
    }
}

#[test]
fn producer_ids_are_never_given_out_twice() {
    let mut cluster = Cluster::new(&[], 2);
    let epoch = |cluster: &Cluster, id| cluster.image().brokers()[&BrokerId(id)].epoch;
    let mut next = 0;
    for id in [1, 2, 2, 1] {
        let broker_epoch = epoch(&cluster, id);
        let block = allocate(&mut cluster, id, broker_epoch).expect("there are many");
        assert_eq!((block.first, block.len), (ProducerId(next), 1000));
        next += 1000;
    }
    assert_eq!(cluster.replayed(&[]).next_producer_id(), ProducerId(next));
    let stale = epoch(&cluster, 1) - 1;
    assert_eq!(code(allocate(&mut cluster, 1, stale)), Err(ErrorCode::StaleBrokerEpoch));
    assert_eq!(code(allocate(&mut cluster, 9, 1)), Err(ErrorCode::StaleBrokerEpoch));
}

#[test]
fn a_leader_that_lost_records_leads_on_under_a_new_epoch() {
    let mut cluster = Cluster::new(&[], 2);
    cluster
        .send(&Request::CreateTopics(CreateTopics { topics: vec![topic("t", 4, 1)], validate_only: false }));
    let topic = cluster.image().topic("t").expect("it is there").clone();
    let of = |id| {
        topic.partitions().filter(move |(_, state)| state.leader == BrokerId(id)).map(|(index, _)| index)
    };
    let (mine, other) = (of(1).next().expect("two lead two each"), of(2).next().expect("two lead two each"));
    let unknown = (Uuid([9; 16]), PartitionIndex(0));
    let broker_epoch = cluster.image().brokers()[&BrokerId(1)].epoch;
    let partitions = vec![(topic.id, mine), (topic.id, other), unknown, (topic.id, mine)];
    let mut request = RenewLeaderEpochs { broker: BrokerId(1), broker_epoch, partitions };
    let reply = cluster.send(&Request::RenewLeaderEpochs(request.clone()));
    let mut not_led = vec![(topic.id, other), unknown];
    not_led.sort();
    assert_eq!(reply, Reply::RenewLeaderEpochs(Ok(not_led)));
    for (index, before) in topic.partitions() {
        let after = cluster.image().partition(topic.id, index).expect("it is there");
        let epochs = (after.leader_epoch, after.partition_epoch);
        assert_eq!(epochs, if index == mine { (LeaderEpoch(1), 1) } else { (LeaderEpoch(0), 0) });
        assert_eq!((after.leader, &after.isr), (before.leader, &before.isr));
    }
    request.broker_epoch -= 1;
    let Reply::RenewLeaderEpochs(result) = cluster.send(&Request::RenewLeaderEpochs(request)) else {
        panic!()
    };
    assert_eq!(code(result), Err(ErrorCode::StaleBrokerEpoch));
}

fn epoch(cluster: &Cluster, id: i32) -> i64 {
    cluster.image().brokers()[&BrokerId(id)].epoch
}

#[test]
fn a_partition_whose_only_replica_goes_offline_has_no_leader_until_it_is_back() {
    let mut cluster = Cluster::of_one();
    cluster
        .send(&Request::CreateTopics(CreateTopics { topics: vec![topic("t", 3, 1)], validate_only: false }));
    let id = cluster.image().topic("t").expect("it is there").id;
    let at = |index| (id, PartitionIndex(index));
    let broker_epoch = epoch(&cluster, 1);
    let report = |offline, online| ReportReplicas { broker: BrokerId(1), broker_epoch, offline, online };
    let state = |cluster: &Cluster, index| {
        let state = cluster.image().partition(id, PartitionIndex(index)).expect("it is there").clone();
        (state.leader.0, state.leader_epoch.0, state.partition_epoch, state.isr)
    };
    let lost = report(vec![at(0), at(1), (Uuid([9; 16]), PartitionIndex(0)), at(7)], vec![]);
    assert_eq!(cluster.send(&Request::ReportReplicas(lost.clone())), Reply::ReportReplicas(Ok(())));
    let isr = vec![BrokerId(1)];
    assert_eq!(state(&cluster, 0), (-1, 1, 1, isr.clone()));
    assert_eq!(state(&cluster, 1), (-1, 1, 1, isr.clone()));
    assert_eq!(state(&cluster, 2), (1, 0, 0, isr.clone()));
    // The same once more, and one that was never away, change nothing.
    let entries = cluster.entries.len();
    cluster.send(&Request::ReportReplicas(ReportReplicas { online: vec![at(2)], ..lost }));
    assert_eq!(cluster.entries.len(), entries);
    cluster.send(&Request::ReportReplicas(report(vec![], vec![at(1)])));
    assert_eq!(state(&cluster, 0), (-1, 1, 1, isr.clone()));
    assert_eq!(state(&cluster, 1), (1, 2, 2, isr));
    let stale = ReportReplicas { broker_epoch: broker_epoch - 1, ..report(vec![at(2)], vec![]) };
    let Reply::ReportReplicas(result) = cluster.send(&Request::ReportReplicas(stale)) else { panic!() };
    assert_eq!(code(result), Err(ErrorCode::StaleBrokerEpoch));
    assert_eq!(cluster.replayed(&[]).partition(id, PartitionIndex(0)).map(|state| state.leader.0), Some(-1));
}

#[test]
fn another_replica_in_sync_leads_when_the_leaders_goes_offline() {
    let mut cluster = Cluster::new(&[], 2);
    cluster
        .send(&Request::CreateTopics(CreateTopics { topics: vec![topic("t", 1, 2)], validate_only: false }));
    let id = cluster.image().topic("t").expect("it is there").id;
    let leader = |cluster: &Cluster| {
        let state = cluster.image().partition(id, PartitionIndex(0)).expect("it is there");
        (state.leader, state.isr.clone())
    };
    let report = |broker: BrokerId, broker_epoch, is_offline| {
        let partition = vec![(id, PartitionIndex(0))];
        let (offline, online) = if is_offline { (partition, vec![]) } else { (vec![], partition) };
        Request::ReportReplicas(ReportReplicas { broker, broker_epoch, offline, online })
    };
    let (first, _) = leader(&cluster);
    let second = BrokerId(3 - first.0);
    let epochs = |cluster: &Cluster, id: BrokerId| epoch(cluster, id.0);
    let request = report(first, epochs(&cluster, first), true);
    cluster.send(&request);
    assert_eq!(leader(&cluster), (second, vec![second]));
    let request = report(second, epochs(&cluster, second), true);
    cluster.send(&request);
    assert_eq!(leader(&cluster), (BrokerId::NONE, vec![second]));
    // Who is not in sync lacks records and does not lead.
    let request = report(first, epochs(&cluster, first), false);
    cluster.send(&request);
    assert_eq!(leader(&cluster), (BrokerId::NONE, vec![second]));
    let request = report(second, epochs(&cluster, second), false);
    cluster.send(&request);
    assert_eq!(leader(&cluster), (second, vec![second]));
}
