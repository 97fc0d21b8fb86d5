//! What a log makes of a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strome_metadata::{
    Broker, ConfigResource, Delta, Image, Listener, LogIndex, NodeSettings, Partition, PartitionChange,
    Record, ResourceKind, TopicDelta,
};
use types::{BrokerId, LeaderEpoch, PartitionIndex, ProducerId, TopicId, TopicName, Uuid};

fn empty(file: &[(&str, &str)]) -> Image {
    let file: BTreeMap<String, String> =
        file.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Image::new(NodeSettings { id: BrokerId(1), file }).expect("settings are valid")
}

fn id(n: u16) -> TopicId {
    let mut bytes = [1; 16];
    bytes[..2].copy_from_slice(&n.to_le_bytes());
    Uuid(bytes)
}

fn create(n: u16) -> Record {
    Record::Topic { id: id(n), name: TopicName::new(&format!("topic-{n}")).expect("a name") }
}

fn state() -> Partition {
    Partition {
        replicas: vec![BrokerId(1), BrokerId(2)],
        directories: vec![Uuid::ZERO; 2],
        isr: vec![BrokerId(1), BrokerId(2)],
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: 0,
    }
}

fn partition(n: u16, index: i32) -> Record {
    Record::Partition { topic: id(n), index: PartitionIndex(index), state: state() }
}

fn change(n: u16, index: i32, change: PartitionChange) -> Record {
    Record::PartitionChange { topic: id(n), index: PartitionIndex(index), change }
}

fn config(resource: ConfigResource, key: &str, value: Option<&str>) -> Record {
    Record::Config { resource, key: key.to_owned(), value: value.map(str::to_owned) }
}

fn topic_config(n: u16, key: &str, value: Option<&str>) -> Record {
    config(ConfigResource::topic(&format!("topic-{n}")), key, value)
}

fn broker(id: i32) -> Record {
    let listener = Listener { name: "A".to_owned(), host: "h".to_owned(), port: 1, security_protocol: 0 };
    Record::RegisterBroker(Broker {
        id: BrokerId(id),
        incarnation: Uuid([1; 16]),
        epoch: 1,
        rack: None,
        listeners: vec![listener],
        directories: Vec::new(),
        fenced: false,
    })
}

fn applied(image: &Image, records: &[Record]) -> (Image, Delta) {
    image.apply(image.index().next(), records).expect("the records fit")
}

fn with_topics(count: u16) -> Image {
    let records: Vec<Record> =
        (0..count).flat_map(|n| [create(n), partition(n, 0), partition(n, 1)]).collect();
    applied(&empty(&[]), &records).0
}

fn changed(delta: &Delta, n: u16) -> TopicDelta {
    delta.topics.get(&id(n)).cloned().unwrap_or_default()
}

fn indexes(of: &[i32]) -> BTreeSet<PartitionIndex> {
    of.iter().copied().map(PartitionIndex).collect()
}

#[test]
fn a_topic_is_found_by_name_and_id_from_its_creation_to_its_removal() {
    let before = empty(&[]);
    let (image, delta) = applied(&before, &[create(1), partition(1, 0), partition(1, 1)]);
    assert_eq!(image.topic("topic-1").map(|topic| topic.id), Some(id(1)));
    assert_eq!(image.topic_by_id(id(1)).map(|topic| topic.partitions.len()), Some(2));
    assert_eq!(image.partition(id(1), PartitionIndex(1)), Some(&state()));
    for missing in [2, -1, i32::MAX, i32::MIN] {
        assert_eq!(image.partition(id(1), PartitionIndex(missing)), None);
    }
    let created = TopicDelta { created: true, partitions: indexes(&[0, 1]), ..TopicDelta::default() };
    assert_eq!(changed(&delta, 1), created);
    assert_eq!(before.topic("topic-1"), None, "an image never changes");
    let (gone, delta) = applied(&image, &[Record::RemoveTopic { id: id(1) }]);
    assert_eq!((gone.topic("topic-1"), gone.topic_by_id(id(1)), gone.topic_count()), (None, None, 0));
    assert_eq!(changed(&delta, 1), TopicDelta { removed: true, ..TopicDelta::default() });
}

#[test]
fn a_topic_that_came_and_went_in_one_entry_is_no_news() {
    let records = [create(1), partition(1, 0), topic_config(1, "retention.ms", Some("5"))];
    let (_, delta) = applied(&empty(&[]), &[&records[..], &[Record::RemoveTopic { id: id(1) }]].concat());
    assert!(delta.topics.is_empty(), "{delta:?}");
    let image = with_topics(2);
    let again = Record::Topic { id: id(9), name: TopicName::new("topic-1").expect("a name") };
    let (image, delta) = applied(&image, &[Record::RemoveTopic { id: id(1) }, again]);
    assert!(changed(&delta, 1).removed && changed(&delta, 9).created);
    assert_eq!(image.topic("topic-1").map(|topic| topic.id), Some(id(9)));
}

#[test]
fn what_does_not_change_is_shared() {
    let image = with_topics(200);
    let isr =
        PartitionChange { isr: Some(vec![BrokerId(1)]), partition_epoch: 1, ..PartitionChange::default() };
    let (next, delta) = applied(&image, &[change(7, 1, isr)]);
    assert_eq!(delta.topics.len(), 1);
    assert_eq!(changed(&delta, 7).partitions, indexes(&[1]));
    for n in (0..200).filter(|n| *n != 7) {
        let name = format!("topic-{n}");
        let [old, new] = [&image, &next].map(|image| image.topic(&name).expect("it is there"));
        assert!(Arc::ptr_eq(old, new), "{n}");
        assert!(Arc::ptr_eq(new, next.topic_by_id(id(n)).expect("it is there")), "{n}");
    }
    let [old, new] = [&image, &next].map(|image| image.topic("topic-7").expect("it is there"));
    assert!(Arc::ptr_eq(&old.partitions[0], &new.partitions[0]));
    assert_eq!(new.partitions[1].isr, [BrokerId(1)]);
    assert_eq!(old.partitions[1].isr, [BrokerId(1), BrokerId(2)]);
    assert!(Arc::ptr_eq(&old.settings, &image.topic("topic-8").expect("it is there").settings));
}

#[test]
fn a_change_leaves_what_it_does_not_name() {
    let lost = PartitionChange {
        leader: Some(BrokerId(2)),
        leader_epoch: Some(LeaderEpoch(4)),
        isr: Some(vec![BrokerId(2)]),
        partition_epoch: 9,
        ..PartitionChange::default()
    };
    let (image, _) = applied(&with_topics(1), &[change(0, 0, lost)]);
    let expected = Partition {
        leader: BrokerId(2),
        leader_epoch: LeaderEpoch(4),
        isr: vec![BrokerId(2)],
        partition_epoch: 9,
        ..state()
    };
    assert_eq!(image.partition(id(0), PartitionIndex(0)), Some(&expected));
}

#[test]
fn an_entry_applied_twice_does_no_harm() {
    let image = with_topics(3);
    let records = [
        change(
            0,
            1,
            PartitionChange { isr: Some(vec![BrokerId(1)]), partition_epoch: 1, ..Default::default() },
        ),
        topic_config(1, "retention.ms", Some("5")),
        Record::ProducerIds { next: ProducerId(1000) },
        broker(2),
        Record::FeatureLevel { name: "f".to_owned(), level: 2 },
    ];
    let once = applied(&image, &records).0;
    assert_eq!(once.apply(once.index(), &records).expect("it fits").0, once);
}

#[test]
fn a_record_that_does_not_fit_is_named_and_changes_nothing() {
    let image = applied(&with_topics(2), &[Record::ClusterId { id: "c".to_owned() }]).0;
    let with = |change: fn(&mut Partition)| {
        let mut state = state();
        change(&mut state);
        Record::Partition { topic: id(0), index: PartitionIndex(2), state }
    };
    let taken = Record::Topic { id: id(1), name: TopicName::new("new").expect("a name") };
    let named = Record::Topic { id: id(9), name: TopicName::new("topic-1").expect("a name") };
    let bad = [
        (Record::ClusterId { id: "d".to_owned() }, "cluster id d"),
        (taken, "taken"),
        (named, "already is a topic topic-1"),
        (Record::Topic { id: Uuid::ZERO, name: TopicName::new("z").expect("a name") }, "taken"),
        (Record::RemoveTopic { id: id(9) }, "which there is not"),
        (Record::UnregisterBroker { id: BrokerId(4) }, "broker 4"),
        (Record::FenceBroker { id: BrokerId(4), fenced: true }, "broker 4"),
        (partition(9, 0), "which there is not"),
        (partition(0, 3), "does not follow"),
        (partition(0, -1), "does not follow"),
        (change(0, 2, PartitionChange::default()), "which there is not"),
        (topic_config(9, "a", None), "which there is not"),
        (with(|state| state.replicas.clear()), "replicas"),
        (with(|state| state.replicas[1] = BrokerId(1)), "twice"),
        (with(|state| state.directories.push(Uuid::ZERO)), "one directory per replica"),
        (with(|state| state.isr.push(BrokerId(3))), "not its replicas"),
        (with(|state| state.leader = BrokerId(3)), "not in sync"),
    ];
    for (record, words) in bad {
        let error = image.apply(LogIndex(7), &[create(50), record.clone()]).expect_err("it does not fit");
        assert!(error.index == LogIndex(7) && error.what.contains(words), "{record:?}: {error}");
    }
    assert_eq!(image.topic("topic-50"), None);
}

#[test]
fn a_partition_without_a_leader_can_be() {
    let orphan = PartitionChange {
        leader: Some(BrokerId::NONE),
        leader_epoch: Some(LeaderEpoch(1)),
        ..Default::default()
    };
    let (image, _) = applied(&with_topics(1), &[change(0, 0, orphan)]);
    assert_eq!(image.partition(id(0), PartitionIndex(0)).map(|state| state.leader), Some(BrokerId::NONE));
}

#[test]
fn settings_in_force_follow_every_layer() {
    let ms = |image: &Image| image.topic("topic-0").expect("it is there").settings.retention_ms;
    let start = empty(&[("log.retention.hours", "1")]);
    let mut image = applied(&start, &[create(0), create(1), partition(0, 0)]).0;
    assert_eq!(ms(&image), Some(3_600_000));
    let all = ConfigResource::all_brokers();
    let here = ConfigResource::broker(BrokerId(1));
    let steps = [
        (config(all.clone(), "log.retention.ms", Some("2")), 2, true),
        (config(here.clone(), "log.retention.ms", Some("3")), 3, true),
        (topic_config(0, "retention.ms", Some("4")), 4, false),
        (config(all.clone(), "log.retention.ms", None), 4, false),
        (config(here, "log.retention.ms", None), 4, true),
        (topic_config(0, "retention.ms", None), 3_600_000, false),
    ];
    for (record, expected, other_changes) in steps {
        let before = ms(&image);
        let (next, delta) = applied(&image, std::slice::from_ref(&record));
        assert_eq!(ms(&next), Some(expected), "{record:?}");
        assert_eq!(changed(&delta, 0).settings, before != ms(&next), "{record:?}");
        assert_eq!(changed(&delta, 1).settings, other_changes, "{record:?}");
        assert_eq!(delta.configs.len(), 1);
        assert!(delta.complaints.is_empty());
        image = next;
    }
    let elsewhere = config(ConfigResource::broker(BrokerId(2)), "log.retention.ms", Some("9"));
    let (next, delta) = applied(&image, &[elsewhere]);
    assert_eq!(
        (ms(&next), delta.topics.len()),
        (Some(3_600_000), 0),
        "another broker's settings are its own"
    );
    let (next, delta) = applied(&image, &[config(all, "num.partitions", Some("7"))]);
    assert_eq!((next.broker_settings().topics.partitions, delta.broker_settings), (7, true));
    assert!(next.layers().explicit("num.partitions") == Some("7") && delta.topics.is_empty());
}

#[test]
fn a_value_that_this_release_does_not_understand_is_complained_of_and_passed_over() {
    let image = with_topics(2);
    let records = [topic_config(0, "retention.ms", Some("soon")), topic_config(0, "segment.ms", Some("7"))];
    let (next, delta) = applied(&image, &records);
    let settings = &next.topic("topic-0").expect("it is there").settings;
    assert_eq!((settings.retention_ms, settings.segment_ms), (Some(7 * 24 * 3_600_000), 7));
    assert!(
        delta.complaints.len() == 1 && delta.complaints[0].contains("retention.ms"),
        "{:?}",
        delta.complaints
    );
    assert_eq!(next.topic_configs("topic-0").len(), 2, "it is kept for a release that does");
    let (next, delta) =
        applied(&image, &[config(ConfigResource::all_brokers(), "log.retention.ms", Some("soon"))]);
    assert_eq!(next.topic("topic-0").expect("it is there").settings.retention_ms, Some(7 * 24 * 3_600_000));
    assert!(!delta.complaints.is_empty());
}

#[test]
fn the_settings_of_a_topic_go_with_it() {
    let (image, _) = applied(&with_topics(2), &[topic_config(0, "retention.ms", Some("4"))]);
    let (image, delta) = applied(&image, &[Record::RemoveTopic { id: id(0) }]);
    assert_eq!((image.configured().count(), delta.configs.len()), (0, 1));
    let again = Record::Topic { id: id(9), name: TopicName::new("topic-0").expect("a name") };
    let (image, _) = applied(&image, &[again]);
    assert_ne!(image.topic("topic-0").expect("it is there").settings.retention_ms, Some(4));
}

#[test]
fn the_image_is_made_anew_from_its_records() {
    let group = ConfigResource::new(ResourceKind::Group, "g");
    let records = [
        Record::ClusterId { id: "c".to_owned() },
        broker(1),
        broker(2),
        Record::FenceBroker { id: BrokerId(2), fenced: true },
        create(0),
        partition(0, 0),
        topic_config(0, "retention.ms", Some("4")),
        config(ConfigResource::all_brokers(), "log.segment.bytes", Some("1048576")),
        config(group, "consumer.session.timeout.ms", Some("50000")),
        Record::ProducerIds { next: ProducerId(3000) },
        Record::FeatureLevel { name: "group.version".to_owned(), level: 1 },
        Record::FeatureLevel { name: "gone".to_owned(), level: 1 },
        Record::FeatureLevel { name: "gone".to_owned(), level: 0 },
    ];
    let image = applied(&empty(&[]), &records).0;
    assert_eq!(image.features().len(), 1);
    let anew = empty(&[]).apply(image.index(), &image.records()).expect("it fits").0;
    assert_eq!(anew, image);
    assert!(anew.brokers()[&BrokerId(2)].fenced && anew.cluster_id() == Some("c"));
}

#[test]
fn producer_ids_never_go_back() {
    let (image, _) = applied(&empty(&[]), &[Record::ProducerIds { next: ProducerId(5000) }]);
    let (image, _) = applied(&image, &[Record::ProducerIds { next: ProducerId(4000) }]);
    assert_eq!(image.next_producer_id(), ProducerId(5000));
}

#[test]
fn everything_is_new_to_who_has_seen_nothing() {
    let image = applied(&with_topics(3), &[topic_config(0, "retention.ms", Some("4")), broker(1)]).0;
    let delta = Delta::of_everything(&image);
    for n in 0..3 {
        let expected = TopicDelta {
            created: true,
            settings: true,
            partitions: indexes(&[0, 1]),
            ..TopicDelta::default()
        };
        assert_eq!(changed(&delta, n), expected);
    }
    assert_eq!((delta.topics.len(), delta.configs.len(), delta.brokers), (3, 1, true));
}
