//! Taking over nodes of Kafka that are made here, record by record.

use std::fs;
use std::path::{Path, PathBuf};

use metadata::Record;
use protocol::kraft::{
    ConfigRecord, FeatureLevelRecord, PartitionChangeRecord, PartitionRecord, ProducerIdsRecord, TopicRecord,
};
use protocol::wire::{At, Wire};
use protocol::{Versions, Writer};
use quorum::MetadataLog;
use reactor::Disk;
use record::{BatchBuilder, BatchOptions, EndTxnMarker, TxnOutcome};
use storage::DirLock;
use types::{BrokerId, LeaderEpoch, Offset, TimestampMs, Uuid};

use super::{AdoptError, Plan};
use crate::config::{Config, Sources};

const CLUSTER: &str = "4L6g3nShT-eMCtK--X86sw";
const ORDERS: Uuid = Uuid([7; 16]);

/// The value of a record of the metadata log, as Kafka writes it.
fn value(kind: u8, version: u8, fields: &impl Wire) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.put(&[1, kind, version]);
    fields.write(&mut writer, At::new(version.into(), Versions::since(0))).unwrap();
    writer.finish().unwrap().concat().split_off(4)
}

fn topic(name: &str, id: Uuid) -> Vec<u8> {
    value(2, 0, &TopicRecord { name: name.into(), topic_id: id })
}

fn partition(index: i32, replicas: &[i32], isr: &[i32]) -> Vec<u8> {
    let record = PartitionRecord {
        partition_id: index,
        topic_id: ORDERS,
        replicas: replicas.to_vec(),
        isr: isr.to_vec(),
        leader: isr[0],
        leader_epoch: 4,
        partition_epoch: 6,
        directories: vec![Uuid([9; 16]); replicas.len()],
        ..Default::default()
    };
    value(3, 1, &record)
}

fn config(kind: i8, resource: &str, name: &str, text: &str) -> Vec<u8> {
    let record = ConfigRecord {
        resource_type: kind,
        resource_name: resource.into(),
        name: name.into(),
        value: Some(text.into()),
    };
    value(4, 0, &record)
}

fn ids(next: i64) -> Vec<u8> {
    value(15, 0, &ProducerIdsRecord { next_producer_id: next, ..Default::default() })
}

fn batch(base: i64, values: &[Vec<u8>]) -> Vec<u8> {
    let options = BatchOptions { base_offset: Offset(base), ..Default::default() };
    let mut builder = BatchBuilder::new(options);
    for value in values {
        builder.push(TimestampMs(1), None, Some(value), &[]).unwrap();
    }
    builder.build().unwrap().to_vec()
}

/// Any control batch; only that it is one matters.
fn control(base: i64) -> Vec<u8> {
    let options = BatchOptions { base_offset: Offset(base), control: true, ..Default::default() };
    let mut builder = BatchBuilder::new(options);
    let marker = EndTxnMarker { outcome: TxnOutcome::Commit, coordinator_epoch: 1 };
    builder.push_marker(TimestampMs(1), &marker).unwrap();
    builder.build().unwrap().to_vec()
}

/// The data directory of node 1, stopped cleanly.
struct Node {
    temp: tempfile::TempDir,
}

impl Node {
    /// With a metadata log of these records, and logs of the topic `orders`.
    fn new(records: &[Vec<u8>], logs: &[i32]) -> Self {
        let node = Self { temp: tempfile::tempdir().unwrap() };
        let dir = node.dir();
        fs::create_dir(&dir).unwrap();
        node.write("meta.properties", meta(1, CLUSTER, 9).as_bytes());
        node.write(".kafka_cleanshutdown", br#"{"version":0,"brokerEpoch":5}"#);
        node.write(".lock", b"");
        for index in logs {
            let id = format!("version: 0\ntopic_id: {ORDERS}\n");
            node.write(&format!("orders-{index}/partition.metadata"), id.as_bytes());
        }
        node.metadata("00000000000000000000.log", &batch(0, records));
        node
    }

    fn dir(&self) -> PathBuf {
        self.temp.path().join("data")
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.dir().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn metadata(&self, name: &str, content: &[u8]) {
        self.write(&format!("__cluster_metadata-0/{name}"), content);
    }

    fn config(&self, more: &[&str]) -> Config {
        let mut overrides = vec![
            "listeners=PLAINTEXT://127.0.0.1:9092".to_owned(),
            format!("log.dirs={}", self.dir().display()),
        ];
        overrides.extend(more.iter().map(|setting| (*setting).to_owned()));
        Config::load(&Sources { overrides, ..Sources::default() }).unwrap()
    }

    fn try_plan(&self, more: &[&str]) -> Result<Plan, AdoptError> {
        Plan::make(&self.config(more), &[self.dir()])
    }

    fn plan(&self) -> Plan {
        self.try_plan(&[]).unwrap()
    }

    /// The only reason against it.
    fn refusal(&self, more: &[&str]) -> String {
        let mut refusals = self.try_plan(more).unwrap().refusals;
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        refusals.remove(0)
    }
}

fn meta(node: i32, cluster: &str, directory: u8) -> String {
    format!("cluster.id={cluster}\ndirectory.id={}\nnode.id={node}\nversion=1\n", Uuid([directory; 16]))
}

fn records_in(dir: &Path) -> Vec<Record> {
    let (entries, torn) = MetadataLog::read(dir).unwrap();
    assert_eq!(torn, None);
    entries.into_iter().flat_map(|entry| entry.records).collect()
}

#[test]
fn what_kafka_knew_is_in_stromes_metadata_log() {
    let elected =
        PartitionChangeRecord { topic_id: ORDERS, partition_id: 0, leader: -1, ..Default::default() };
    let node = Node::new(
        &[
            value(12, 0, &FeatureLevelRecord { name: "metadata.version".into(), feature_level: 25 }),
            topic("orders", ORDERS),
            partition(0, &[1], &[1]),
            partition(1, &[1], &[1]),
            value(5, 1, &elected),
            config(2, "orders", "retention.ms", "5000"),
            config(4, "", "message.max.bytes", "2000000"),
            config(4, "1", "message.max.bytes", "3000000"),
            ids(4000),
        ],
        &[0, 1],
    );
    let plan = node.plan();
    assert_eq!((&plan.refusals, &plan.incomplete), (&vec![], &vec![]));
    assert_eq!((plan.cluster_id.as_str(), plan.metadata_version, plan.settings), (CLUSTER, Some(25), 2));
    assert_eq!(plan.left_behind.len(), 1, "the features: {:?}", plan.left_behind);
    plan.execute().unwrap();
    drop(plan);
    let records = records_in(&node.dir().join("strome-metadata"));
    assert!(records.contains(&Record::ClusterId { id: CLUSTER.to_owned() }));
    assert!(records.contains(&Record::ProducerIds { next: types::ProducerId(4000) }));
    assert_eq!(records.iter().filter(|record| matches!(record, Record::Config { .. })).count(), 3);
    let states: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::Partition { index, state, .. } => Some((index.0, state)),
            _ => None,
        })
        .collect();
    assert_eq!(states.len(), 2);
    let (index, state) = states[0];
    assert_eq!((index, state.leader, state.leader_epoch), (0, BrokerId(1), LeaderEpoch(6)), "4, none, here");
    assert_eq!((&state.isr, &state.directories), (&vec![BrokerId(1)], &vec![Uuid([9; 16])]));
    assert_eq!(states[1].1.leader_epoch, LeaderEpoch(5));
    assert!(node.refusal(&[]).contains("it was adopted"));
}

#[test]
fn looking_leaves_no_trace_and_whoever_is_quicker_wins() {
    let node = Node::new(&[topic("orders", ORDERS), partition(0, &[1], &[1])], &[0]);
    let lock = node.dir().join(".lock");
    fs::remove_file(&lock).unwrap();
    let plan = node.plan();
    assert!(!lock.exists());
    // A broker starts between the look and the change.
    let broker = storage::LogDir::open(&node.dir()).unwrap();
    assert!(matches!(plan.execute(), Err(AdoptError::Storage(storage::StorageError::Locked(_)))));
    drop(broker);
    fs::remove_file(&lock).unwrap();
    assert!(plan.execute().unwrap_err().to_string().contains("has used the directory meanwhile"));
    assert!(!node.dir().join("strome-metadata").exists());
}

#[test]
fn an_interrupted_adoption_is_run_again() {
    let node = Node::new(&[topic("orders", ORDERS), partition(0, &[1], &[1])], &[0]);
    node.write("strome-metadata.adopting/00000000000000000001.entries", b"half of it");
    let plan = node.plan();
    plan.execute().unwrap();
    assert!(!node.dir().join("strome-metadata.adopting").exists());
    assert_eq!(records_in(&node.dir().join("strome-metadata")).len(), 3);
}

#[test]
fn what_is_missing_on_this_broker_is_named() {
    let records = [
        topic("orders", ORDERS),
        partition(0, &[1, 2, 3], &[2, 3]),
        partition(1, &[2, 3], &[2]),
        partition(2, &[1, 2], &[1, 2]),
        partition(3, &[1], &[1]),
    ];
    let plan = Node::new(&records, &[0, 2]).plan();
    assert_eq!(plan.refusals, [""; 0]);
    let [not_in_sync, elsewhere, no_log] = &plan.incomplete[..] else { panic!("{:?}", plan.incomplete) };
    assert!(not_in_sync.contains("orders-0 was not in sync here"), "{not_in_sync}");
    assert!(elsewhere.contains("orders-1 has no replica here (brokers 2, 3 have it)"), "{elsewhere}");
    assert!(no_log.contains("orders-3 has no log"), "{no_log}");
    let told = &plan.topics[0];
    assert_eq!((told.partitions, told.here, told.replicas), (4, 2, 3));
    let states: Vec<_> = plan
        .entries
        .iter()
        .flatten()
        .filter_map(|record| match record {
            Record::Partition { state, .. } => Some((state.leader.0, state.replicas.len(), state.isr.len())),
            _ => None,
        })
        .collect();
    assert_eq!(states, [(1, 1, 1), (-1, 2, 0), (1, 1, 1), (1, 1, 1)]);
}

#[test]
fn a_log_of_another_incarnation_of_the_topic_is_none_of_it() {
    let node = Node::new(&[topic("orders", ORDERS), partition(0, &[1], &[1])], &[0]);
    node.write(
        "orders-0/partition.metadata",
        format!("version: 0\ntopic_id: {}\n", Uuid([8; 16])).as_bytes(),
    );
    let plan = node.plan();
    assert!(plan.incomplete[0].contains("orders-0 has no log"), "{:?}", plan.incomplete);
    assert!(plan.notes[0].contains("orders-0 belongs to no topic"), "{:?}", plan.notes);
}

#[test]
fn what_strome_does_not_have_is_named() {
    let user = value(2, 0, &TopicRecord { name: "bob".into(), topic_id: Uuid::ZERO });
    let scram = [&[1, 11, 0][..], &user[3..]].concat();
    let node = Node::new(
        &[
            topic("orders", ORDERS),
            partition(0, &[1], &[1]),
            config(2, "orders", "nobody.knows", "1"),
            config(4, "7", "message.max.bytes", "3000000"),
            vec![1, 18, 0, 0],
            vec![1, 14, 0, 0],
            vec![1, 10, 0, 0],
            vec![1, 77, 0, 0],
            scram,
        ],
        &[0],
    );
    let plan = node.plan();
    let all = plan.left_behind.join("\n");
    for expected in [
        "1 ACLs",
        "of bob",
        "quotas",
        "1 delegation",
        "kind 77",
        "of broker 7",
        "nobody.knows=1 of topic orders",
    ] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    assert!(plan.refusals.is_empty() && plan.topics[0].settings.is_empty());
}

#[test]
fn directories_that_cannot_be_taken_over_are_refused_with_the_reason() {
    let node = || Node::new(&[topic("orders", ORDERS), partition(0, &[1], &[1])], &[0]);
    let unclean = node();
    fs::remove_file(unclean.dir().join(".kafka_cleanshutdown")).unwrap();
    assert!(unclean.refusal(&[]).contains("not stopped cleanly"));
    let other = node();
    other.write("meta.properties", meta(2, CLUSTER, 9).as_bytes());
    assert!(other.refusal(&["metadata.log.dir=/nowhere"]).contains("belongs to node 2"));
    let old = node();
    old.write("meta.properties", b"version=0\nbroker.id=1\ncluster.id=x\n");
    assert!(old.refusal(&[]).contains("ZooKeeper mode"));
    let unused = node();
    fs::remove_dir_all(unused.dir().join("__cluster_metadata-0")).unwrap();
    assert!(unused.refusal(&[]).contains("there is no __cluster_metadata-0"));
    let running = node();
    let held = DirLock::take(&Disk::host(), &running.dir()).unwrap();
    assert!(running.refusal(&[]).contains("a broker is running"));
    drop(held);
    let whole = node();
    assert!(whole.refusal(&["process.roles=controller"]).contains("no broker"));
    assert!(whole.refusal(&["zookeeper.connect=localhost:2181"]).contains("zookeeper.connect"));
    assert!(whole.refusal(&["remote.log.storage.system.enable=true"]).contains("tiered storage"));
    let tiered = [
        topic("orders", ORDERS),
        partition(0, &[1], &[1]),
        config(2, "orders", "remote.storage.enable", "true"),
    ];
    assert!(Node::new(&tiered, &[0]).refusal(&[]).contains("tiered storage"));
}

#[test]
fn all_directories_of_one_node_have_to_be_given() {
    let node = Node::new(&[topic("orders", ORDERS), partition(0, &[1], &[1])], &[]);
    let second = node.temp.path().join("second");
    fs::create_dir_all(second.join("orders-0")).unwrap();
    fs::write(second.join("orders-0/partition.metadata"), format!("version: 0\ntopic_id: {ORDERS}\n"))
        .unwrap();
    fs::write(second.join("meta.properties"), meta(1, CLUSTER, 3)).unwrap();
    fs::write(second.join(".kafka_cleanshutdown"), "").unwrap();
    let dirs = format!("log.dirs={},{}", node.dir().display(), second.display());
    let both = Plan::make(&node.config(&[&dirs]), &[node.dir(), second.clone()]).unwrap();
    assert_eq!((&both.refusals, &both.incomplete), (&vec![], &vec![]));
    let states: Vec<_> = both
        .entries
        .iter()
        .flatten()
        .filter_map(|record| match record {
            Record::Partition { state, .. } => Some(state.directories.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(states, [[Uuid([3; 16])]]);
    drop(both);
    assert!(node.refusal(&[&dirs]).contains("second is in log.dirs, but was not given"));
    let refusals = Plan::make(&node.config(&[]), &[node.dir(), second.clone()]).unwrap().refusals;
    assert!(refusals[0].contains("is not in log.dirs"), "{refusals:?}");
    fs::write(second.join("meta.properties"), meta(1, "AAAAAAAAAAAAAAAAAAAAAA", 3)).unwrap();
    let refusals = Plan::make(&node.config(&[&dirs]), &[node.dir(), second]).unwrap().refusals;
    assert!(refusals[0].contains("is of cluster AAAAAAAAAAAAAAAAAAAAAA"), "{refusals:?}");
}

#[test]
fn a_snapshot_stands_for_what_came_before_it() {
    let node = Node::new(&[ids(1)], &[0]);
    let log = |name: &str| node.dir().join("__cluster_metadata-0").join(name);
    fs::remove_file(log("00000000000000000000.log")).unwrap();
    let snapshot =
        [control(0), batch(1, &[topic("orders", ORDERS), partition(0, &[1], &[1]), ids(1000)]), control(4)];
    node.metadata("00000000000000000020-0000000003.checkpoint", &snapshot.concat());
    node.metadata("00000000000000000010-0000000002.checkpoint", b"an older one is not read");
    // Offset 19 is in the snapshot already: applied again it would fail.
    let change =
        PartitionChangeRecord { topic_id: Uuid([1; 16]), partition_id: 0, leader: 1, ..Default::default() };
    let tail = [batch(19, &[value(5, 0, &change), ids(2000)]), control(21), batch(22, &[ids(3000)])];
    node.metadata("00000000000000000019.log", &tail.concat());
    let plan = node.plan();
    assert_eq!((plan.next_producer_id, plan.kafka_metadata.as_ref().unwrap().1), (3000, 23));
    assert_eq!(plan.topics.len(), 1);
    drop(plan);

    let failed = || node.try_plan(&[]).unwrap_err().to_string();
    node.metadata("00000000000000000020-0000000003.checkpoint", &snapshot[..2].concat());
    assert!(failed().contains("its end is missing"));
    node.metadata("00000000000000000020-0000000003.checkpoint", &snapshot.concat());
    fs::rename(log("00000000000000000019.log"), log("00000000000000000021.log")).unwrap();
    node.metadata("00000000000000000021.log", &batch(21, &[ids(1)]));
    assert!(failed().contains("begins at offset 21, but what comes before ends at 20"));
}

#[test]
fn damaged_metadata_is_refused_with_file_and_position() {
    let node = Node::new(&[topic("orders", ORDERS), partition(0, &[1], &[1])], &[0]);
    let first = batch(0, &[topic("orders", ORDERS), partition(0, &[1], &[1])]);
    let mut second = batch(2, &[ids(1000)]);
    let last = second.len() - 1;
    second[last] ^= 1;
    node.metadata("00000000000000000000.log", &[first.clone(), second].concat());
    let failed = node.try_plan(&[]).unwrap_err();
    assert!(
        matches!(&failed, AdoptError::Damaged { position, .. } if *position == first.len() as u64),
        "{failed}"
    );
    node.metadata("00000000000000000000.log", &[first.clone(), batch(3, &[ids(1)])].concat());
    assert!(node.try_plan(&[]).unwrap_err().to_string().contains("offsets 2 to 2 are missing"));
    node.metadata("00000000000000000000.log", &[first, batch(2, &[vec![1, 3, 9, 0]])].concat());
    assert!(node.try_plan(&[]).unwrap_err().to_string().contains("version 9 of the metadata record 3"));
}
