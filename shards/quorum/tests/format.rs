//! Every version of the files on disk is read for ever: a folder of each is kept in `fixtures`.
//!
//! `cargo test -p strome-quorum --test format -- --ignored` writes the folder of the present version anew, which is
//! right only before that version's first release.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use metadata::{
    Broker, ConfigResource, Image, Listener, NodeSettings, Partition, PartitionChange, Record, ResourceKind,
};
use strome_quorum::{Entry, MetadataLog};
use types::{BrokerId, LeaderEpoch, PartitionIndex, ProducerId, TopicId, TopicName, Uuid};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1")
}

fn topic(n: u8) -> (TopicId, TopicName) {
    (Uuid([n; 16]), TopicName::new(&format!("topic-{n}")).expect("a name"))
}

fn partition(n: u8, index: i32) -> Record {
    let state = Partition {
        replicas: vec![BrokerId(1)],
        directories: vec![Uuid([9; 16])],
        isr: vec![BrokerId(1)],
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: 0,
    };
    Record::Partition { topic: topic(n).0, index: PartitionIndex(index), state }
}

fn config(kind: ResourceKind, name: &str, key: &str, value: Option<&str>) -> Record {
    let value = value.map(str::to_owned);
    Record::Config { resource: ConfigResource::new(kind, name), key: key.to_owned(), value }
}

fn broker() -> Broker {
    let listener = Listener {
        name: "PLAINTEXT".to_owned(),
        host: "kafka.example".to_owned(),
        port: 9092,
        security_protocol: 0,
    };
    Broker {
        id: BrokerId(1),
        incarnation: Uuid([7; 16]),
        epoch: 1,
        rack: Some("rack-a".to_owned()),
        listeners: vec![listener],
        directories: vec![Uuid([9; 16])],
        fenced: false,
    }
}

/// Entries with every kind of record; a snapshot follows the third.
fn entries() -> Vec<Vec<Record>> {
    let create = |n: u8| Record::Topic { id: topic(n).0, name: topic(n).1 };
    let change = PartitionChange {
        leader: Some(BrokerId::NONE),
        leader_epoch: Some(LeaderEpoch(3)),
        partition_epoch: 5,
        isr: Some(Vec::new()),
        ..PartitionChange::default()
    };
    vec![
        vec![Record::ClusterId { id: "cluster".to_owned() }, Record::RegisterBroker(broker())],
        vec![
            create(1),
            partition(1, 0),
            partition(1, 1),
            config(ResourceKind::Topic, "topic-1", "retention.ms", Some("1000")),
        ],
        vec![Record::ProducerIds { next: ProducerId(1000) }, create(2), partition(2, 0)],
        vec![
            Record::RemoveTopic { id: topic(2).0 },
            Record::PartitionChange { topic: topic(1).0, index: PartitionIndex(1), change },
            config(ResourceKind::Topic, "topic-1", "retention.ms", None),
            config(ResourceKind::Broker, "", "log.retention.ms", Some("2000")),
            config(ResourceKind::Group, "g", "consumer.session.timeout.ms", Some("50000")),
        ],
        vec![
            Record::FeatureLevel { name: "group.version".to_owned(), level: 1 },
            Record::RegisterBroker(Broker { id: BrokerId(2), rack: None, epoch: 5, ..broker() }),
            Record::FenceBroker { id: BrokerId(2), fenced: true },
            Record::UnregisterBroker { id: BrokerId(2) },
        ],
    ]
}

fn image(entries: &[Entry]) -> Image {
    let empty = Image::new(NodeSettings { id: BrokerId(1), file: BTreeMap::new() }).expect("defaults");
    entries.iter().fold(empty, |image, entry| image.apply(entry.index, &entry.records).expect("it fits").0)
}

fn write(dir: &Path) -> Image {
    let (mut log, _) = MetadataLog::open(dir).expect("the log opens");
    let mut committed = Vec::new();
    for records in entries() {
        let index = log.propose(&records).expect("committed");
        committed.push(Entry { index, records });
        if index.0 == 3 {
            log.snapshot(&image(&committed)).expect("a snapshot");
        }
    }
    image(&committed)
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).expect("a folder").map(|found| found.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().expect("a name")).collect();
    names.retain(|name| name != "lock");
    names.sort();
    names
}

#[test]
fn format_1_is_read_and_still_written_byte_for_byte() {
    let (copy, fresh) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    for name in names(&fixture()) {
        fs::copy(fixture().join(&name), copy.path().join(&name)).expect("copied");
    }
    let (_, found) = MetadataLog::open(copy.path()).expect("format 1 is read");
    let expected = write(fresh.path());
    assert_eq!(image(&found), expected);
    assert_eq!(found.iter().map(|entry| entry.index.0).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(found[1].records, entries()[3]);
    assert_eq!(found[2].records, entries()[4]);
    assert_eq!(names(fresh.path()), names(&fixture()));
    for name in names(&fixture()) {
        let [kept, now] =
            [fixture(), fresh.path().to_owned()].map(|dir| fs::read(dir.join(&name)).expect("read"));
        assert_eq!(kept, now, "{name}");
    }
}

#[test]
#[ignore = "writes the fixture"]
fn write_the_fixture() {
    fs::create_dir_all(fixture()).expect("a folder");
    write(&fixture());
    fs::remove_file(fixture().join("lock")).expect("removed");
}
