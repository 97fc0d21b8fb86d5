//! Several log directories, of which one fails: at the start, or while the broker serves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use protocol::messages::metadata::{MetadataRequestTopic, MetadataResponsePartition};
use protocol::messages::{DescribeLogDirsRequest, MetadataRequest};
use tempfile::TempDir;

use crate::client::{Client, newest};
use crate::loop_disk::{Failure, LoopDisk};
use crate::support::{Broker, PATIENCE};
use crate::topics::{append, batch, create, delete, fetch, produce, read_all};

const PARTITIONS: i32 = 8;

const STORAGE_ERROR: i16 = 56;
const LEADER_NOT_AVAILABLE: i16 = 5;

/// A broker over these directories.
fn start(directories: &[&Path]) -> Broker {
    let list: Vec<String> = directories.iter().map(|path| path.display().to_string()).collect();
    Broker::start(&[("strome.shards", "2"), ("log.dirs", &list.join(","))])
}

/// The partitions of `t` whose logs lie in the directory.
fn partitions_in(directory: &Path) -> BTreeSet<i32> {
    let entries = std::fs::read_dir(directory).expect("the directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_prefix("t-")?.parse().ok()).collect()
}

fn described(client: &mut Client) -> Vec<MetadataResponsePartition> {
    let topic = MetadataRequestTopic { name: Some("t".into()), ..Default::default() };
    let request = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
    let mut partitions = client.call(newest::<MetadataRequest>(), &request).topics[0].partitions.clone();
    partitions.sort_by_key(|partition| partition.partition_index);
    partitions
}

/// The partitions that the metadata show as offline; a partition is that in every respect or in none.
fn offline(client: &mut Client) -> BTreeSet<i32> {
    let mut offline = BTreeSet::new();
    for partition in described(client) {
        let is_offline = partition.leader_id == -1;
        let error = if is_offline { LEADER_NOT_AVAILABLE } else { 0 };
        let replicas = if is_offline { vec![1] } else { vec![] };
        assert_eq!((partition.error_code, &partition.offline_replicas), (error, &replicas));
        assert_eq!((partition.replica_nodes, partition.isr_nodes), (vec![1], vec![1]));
        if is_offline {
            offline.insert(partition.partition_index);
        }
    }
    offline
}

fn await_offline(client: &mut Client, expected: &BTreeSet<i32>) {
    let deadline = Instant::now() + PATIENCE;
    while offline(client) != *expected {
        assert!(Instant::now() < deadline, "{:?} are offline instead of {expected:?}", offline(client));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The error code of each directory.
fn directory_errors(client: &mut Client) -> Vec<(String, i16)> {
    let request = DescribeLogDirsRequest { topics: None };
    let response = client.call(newest::<DescribeLogDirsRequest>(), &request);
    response.results.iter().map(|result| (result.log_dir.to_string(), result.error_code)).collect()
}

/// All partitions answer as those of a broker whose second directory, with `lost`, has failed.
fn expect_half(client: &mut Client, lost: &BTreeSet<i32>, directories: &[&Path]) {
    await_offline(client, lost);
    for partition in 0..PARTITIONS {
        let error = if lost.contains(&partition) { STORAGE_ERROR } else { 0 };
        assert_eq!(produce(client, "t", partition, batch(&["later"])).error_code, error, "{partition}");
        assert_eq!(fetch(client, "t", partition, 0).error_code, error, "{partition}");
    }
    let name = |path: &Path| path.display().to_string();
    let expected = vec![(name(directories[0]), 0), (name(directories[1]), STORAGE_ERROR)];
    assert_eq!(directory_errors(client), expected);
    // New partitions are made where there is a disk.
    create(client, "u", 4, &[]);
    for partition in 0..4 {
        append(client, "u", partition, batch(&["new"]));
    }
    assert_eq!(delete(client, "u"), 0);
}

fn fails_while_it_serves(failure: Failure, test: &str) {
    let Some(disk) = LoopDisk::mount(test) else { return };
    let temp = tempfile::tempdir().expect("a temporary directory");
    let (good, bad) = (temp.path().join("good"), disk.path().join("data"));
    let mut broker = start(&[&good, &bad]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", PARTITIONS, &[]);
    for partition in 0..PARTITIONS {
        append(&mut client, "t", partition, batch(&["one"]));
    }
    let lost = partitions_in(&bad);
    assert_eq!(lost.len(), 4);
    disk.fail(failure);
    // One of them is written to; the others go with it.
    let first = *lost.first().expect("there are four");
    assert_eq!(produce(&mut client, "t", first, batch(&["lost"])).error_code, STORAGE_ERROR);
    expect_half(&mut client, &lost, &[&good, &bad]);
    assert!(broker.stop().success());
    assert!(good.join(".kafka_cleanshutdown").exists(), "nothing was wrong with this one");
    disk.mend();
    assert!(!bad.join(".kafka_cleanshutdown").exists());
    broker.restart();
    let mut client = Client::connect(broker.address());
    expect_all_back(&mut client, &lost);
    drop(broker);
}

/// All partitions have what was acknowledged, and go on.
fn expect_all_back(client: &mut Client, lost: &BTreeSet<i32>) {
    await_offline(client, &BTreeSet::new());
    for partition in 0..PARTITIONS {
        let values = read_all(client, "t", partition, 0);
        assert_eq!(values[0], "one");
        if !lost.contains(&partition) {
            assert_eq!(values[1..], ["later"]);
        }
        assert_eq!(append(client, "t", partition, batch(&["more"])), values.len() as i64);
    }
}

#[test]
fn a_directory_that_becomes_read_only_goes_offline_alone_and_comes_back() {
    fails_while_it_serves(
        Failure::ReadOnly,
        "a_directory_that_becomes_read_only_goes_offline_alone_and_comes_back",
    );
}

#[test]
fn a_directory_whose_disk_is_gone_goes_offline_alone_and_comes_back() {
    fails_while_it_serves(
        Failure::Errors,
        "a_directory_whose_disk_is_gone_goes_offline_alone_and_comes_back",
    );
}

/// Two directories with the topic `t`, one record in each partition; the broker has been stopped.
fn two_directories(cleanly: bool) -> (TempDir, PathBuf, PathBuf, Broker) {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let (good, bad) = (temp.path().join("good"), temp.path().join("bad"));
    let mut broker = start(&[&good, &bad]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", PARTITIONS, &[]);
    for partition in 0..PARTITIONS {
        append(&mut client, "t", partition, batch(&["one"]));
    }
    if cleanly {
        assert!(broker.stop().success());
    } else {
        broker.kill();
    }
    (temp, good, bad, broker)
}

/// What is at `path` is no directory any more, so that everything there fails.
fn replace_by_file(path: &Path) {
    std::fs::rename(path, path.with_extension("away")).expect("a new name");
    std::fs::write(path, "").expect("a file");
}

fn bring_back(path: &Path) {
    std::fs::remove_file(path).expect("the file");
    std::fs::rename(path.with_extension("away"), path).expect("the old name");
}

#[test]
fn a_broker_starts_without_a_directory_that_cannot_be_used_and_makes_nothing_anew() {
    for cleanly in [true, false] {
        let (_temp, good, bad, mut broker) = two_directories(cleanly);
        let lost = partitions_in(&bad);
        replace_by_file(&bad);
        broker.restart();
        let mut client = Client::connect(broker.address());
        expect_half(&mut client, &lost, &[&good, &bad]);
        assert_eq!(partitions_in(&good).intersection(&lost).count(), 0);
        if cleanly {
            assert!(broker.stop().success());
        } else {
            broker.kill();
        }
        bring_back(&bad);
        broker.restart();
        expect_all_back(&mut Client::connect(broker.address()), &lost);
    }
}

#[test]
fn a_broker_ends_when_the_directory_of_the_metadata_log_fails() {
    let (_temp, good, bad, mut broker) = two_directories(true);
    broker.restart();
    let mut client = Client::connect(broker.address());
    replace_by_file(&good);
    // It is full of nothing: the first new partition goes there, too, or to the other one.
    let names: Vec<String> = (0..4).map(|n| format!("new-{n}")).collect();
    for name in &names {
        let request = protocol::messages::CreateTopicsRequest {
            topics: vec![protocol::messages::topics::CreatableTopic {
                name: name.as_str().into(),
                num_partitions: 2,
                replication_factor: 1,
                ..Default::default()
            }],
            ..Default::default()
        };
        client.send(newest::<protocol::messages::CreateTopicsRequest>(), &request);
    }
    assert_eq!(broker.wait().code(), Some(1));
    bring_back(&good);
    assert!(bad.join(".kafka_cleanshutdown").exists(), "this one was closed as it should be");
    assert!(!good.join(".kafka_cleanshutdown").exists());
    broker.restart();
    expect_one_each(&mut Client::connect(broker.address()));
}

fn expect_one_each(client: &mut Client) {
    await_offline(client, &BTreeSet::new());
    for partition in 0..PARTITIONS {
        assert_eq!(read_all(client, "t", partition, 0), ["one"]);
    }
}

#[test]
fn a_broker_does_not_start_without_the_directory_of_the_metadata_log() {
    let (_temp, good, bad, _broker) = two_directories(true);
    replace_by_file(&good);
    let list = format!("log.dirs={},{}", good.display(), bad.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
    command.args(["serve", "--override", "listeners=PLAINTEXT://127.0.0.1:0", "--override", &list]);
    let output = command.output().expect("the broker");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("metadata log") && text.contains(&good.display().to_string()), "{text}");
}
