//! What Apache Kafka 4.3.1, one node with its defaults, answered on the wire to requests about topics: codes, and the
//! words that matter. The same table holds for the controller.

use crate::cluster::{Cluster, topic, with_configs};
use strome_controller::{
    CreatePartitions, CreateTopics, CreatedTopic, DeleteTopics, NewPartitions, NewTopic, Refusal, Reply,
    Request, TopicResult, TopicSelector,
};
use types::{BrokerId, ErrorCode, PartitionIndex, Uuid};

fn create(
    cluster: &mut Cluster,
    topics: Vec<NewTopic>,
    validate_only: bool,
) -> Vec<TopicResult<CreatedTopic>> {
    match cluster.send(&Request::CreateTopics(CreateTopics { topics, validate_only })) {
        Reply::CreateTopics(results) => results,
        other => panic!("{other:?}"),
    }
}

fn created(cluster: &mut Cluster, topic: NewTopic) -> CreatedTopic {
    create(cluster, vec![topic], false).remove(0).result.expect("created")
}

fn assigned(name: &str, assignments: &[(i32, &[i32])]) -> NewTopic {
    let brokers = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
    let mut topic = NewTopic::with_defaults(name);
    topic.assignments = assignments.iter().map(|(n, ids)| (PartitionIndex(*n), brokers(ids))).collect();
    topic
}

fn assert_refused<T: std::fmt::Debug>(result: &Result<T, Refusal>, code: i16, words: &str, label: &str) {
    let refusal = result.as_ref().expect_err(label);
    assert_eq!((refusal.code.code(), refusal.message.contains(words)), (code, true), "{label}: {refusal:?}");
}

/// Requests to create a topic, with Kafka's answer.
fn refused_topics() -> Vec<(&'static str, NewTopic, i16, &'static str)> {
    let long = "x".repeat(250);
    vec![
        (
            "no partitions",
            topic("a", 0, 1),
            37,
            "Number of partitions was set to an invalid non-positive value.",
        ),
        ("-2 partitions", topic("a", -2, 1), 37, "non-positive"),
        ("no replicas", topic("a", 1, 0), 38, "Replication factor must be larger than 0, or -1"),
        ("-2 replicas", topic("a", 1, -2), 38, "must be larger than 0"),
        ("2 replicas", topic("a", 1, 2), 38, "Unable to replicate the partition 2 time(s)"),
        ("neither", topic("a", 0, 0), 38, "Replication factor"),
        ("empty name", topic("", 1, 1), 17, "Topic name is invalid: the empty string is not allowed"),
        ("a dot", topic(".", 1, 1), 17, "'.' is not allowed"),
        ("two dots", topic("..", 1, 1), 17, "'..' is not allowed"),
        ("long", topic(&long, 1, 1), 17, "is longer than the max allowed length 249"),
        ("blank", topic("a b", 0, 0), 17, "contains one or more characters other than ASCII alphanumerics"),
        ("slash", topic("a/b", 1, 1), 17, "ASCII alphanumerics"),
        ("umlaut", topic("ä", 1, 1), 17, "ASCII alphanumerics"),
        (
            "metadata",
            topic("__cluster_metadata", 1, 1),
            42,
            "internal topic __cluster_metadata is prohibited",
        ),
        ("exists", topic("there", 1, 1), 36, "Topic 'there' already exists."),
        ("exists and is wrong", topic("there", 0, 0), 36, "already exists"),
        ("collides", topic("fo_o", 1, 1), 17, "Topic 'fo_o' collides with existing topic: fo.o"),
        (
            "unknown broker",
            assigned("a", &[(0, &[9])]),
            39,
            "includes broker 9, but no such broker is registered",
        ),
        ("negative broker", assigned("a", &[(0, &[-1])]), 39, "includes broker -1"),
        ("same broker twice", assigned("a", &[(0, &[1, 1])]), 39, "includes the broker 1 more than once"),
        ("a gap", assigned("a", &[(0, &[1]), (2, &[1])]), 39, "consecutive 0-based integer sequence"),
        ("from 1 on", assigned("a", &[(1, &[1])]), 39, "consecutive 0-based"),
        ("from -1 on", assigned("a", &[(-1, &[1])]), 39, "consecutive 0-based"),
        (
            "0 twice",
            assigned("a", &[(0, &[1]), (0, &[1])]),
            39,
            "multiple manual partition assignments for partition 0",
        ),
        ("no brokers", assigned("a", &[(0, &[])]), 39, "includes an empty replica list"),
        ("then no brokers", assigned("a", &[(0, &[1]), (1, &[])]), 39, "includes an empty replica list"),
        (
            "assigned and counted",
            NewTopic { partitions: 2, ..assigned("a", &[(0, &[1]), (1, &[1])]) },
            42,
            "numPartitions was not set to -1",
        ),
        (
            "assigned and replicated",
            NewTopic { replication_factor: 1, ..assigned("a", &[(0, &[1])]) },
            42,
            "replication factor was not set to -1",
        ),
        (
            "unknown setting",
            with_configs(topic("a", 0, 1), &[("nope", Some("1"))]),
            40,
            "Unknown topic config name: nope",
        ),
        (
            "no number",
            with_configs(topic("a", 1, 1), &[("retention.ms", Some("x"))]),
            40,
            "Not a number of type LONG",
        ),
        ("empty value", with_configs(topic("a", 1, 1), &[("retention.ms", Some(""))]), 40, "retention.ms"),
        (
            "null value",
            with_configs(topic("a", 1, 1), &[("retention.ms", None)]),
            40,
            "Null value not supported for topic configs: retention.ms",
        ),
        (
            "tiered",
            with_configs(topic("a", 1, 1), &[("remote.storage.enable", Some("true"))]),
            40,
            "remote log storage",
        ),
        (
            "throttled",
            with_configs(topic("a", 1, 1), &[("leader.replication.throttled.replicas", Some("x"))]),
            40,
            "[partitionId]:[brokerId]",
        ),
        (
            "too many partitions",
            topic("a", 20_000, 1),
            44,
            "Excessively large number of partitions per request.",
        ),
    ]
}

#[test]
fn a_topic_that_kafka_refuses_is_refused_with_its_code() {
    for (label, topic_asked, code, words) in refused_topics() {
        for validate_only in [true, false] {
            let mut cluster = Cluster::of_one();
            created(&mut cluster, topic("there", 1, 1));
            created(&mut cluster, topic("fo.o", 1, 1));
            let entries = cluster.entries.len();
            let results = create(&mut cluster, vec![topic_asked.clone()], validate_only);
            assert_eq!(results.len(), 1);
            assert_eq!(results[0].name, topic_asked.name);
            assert_refused(&results[0].result, code, words, label);
            assert_eq!(cluster.entries.len(), entries, "{label}");
        }
    }
}

#[test]
fn a_topic_that_kafka_creates_is_created() {
    let longest = "x".repeat(249);
    let table = [
        (topic("three", 3, 1), 3),
        (topic("defaults", -1, -1), 1),
        (topic(&longest, 1, 1), 1),
        (assigned("assigned", &[(0, &[1]), (1, &[1])]), 2),
        (with_configs(topic("set", 1, 1), &[("retention.ms", Some("5"))]), 1),
        (
            with_configs(
                topic("blanks", 1, 1),
                &[("retention.ms", Some(" 7 ")), ("cleanup.policy", Some("compact, delete"))],
            ),
            1,
        ),
        (with_configs(topic("twice", 1, 1), &[("retention.ms", Some("5")), ("retention.ms", Some("6"))]), 1),
        (with_configs(topic("min.isr", 1, 1), &[("min.insync.replicas", Some("5"))]), 1),
        (topic("__consumer_offsets", 1, 1), 1),
        (topic("f_o.o", 1, 1), 1),
    ];
    let mut cluster = Cluster::of_one();
    created(&mut cluster, topic("fo.o", 1, 1));
    for (asked, partitions) in table {
        let name = asked.name.clone();
        let before = cluster.entries.len();
        let checked = create(&mut cluster, vec![asked.clone()], true).remove(0).result.expect("valid");
        assert_eq!((checked.partitions, cluster.entries.len()), (partitions, before), "{name}");
        let reply = created(&mut cluster, asked);
        assert_eq!((reply.partitions, reply.replication_factor), (partitions, 1), "{name}");
        let topic = cluster.image().topic(&name).expect("it is there").clone();
        assert_eq!((topic.id, topic.partitions.len()), (reply.id, partitions as usize), "{name}");
        assert_eq!(cluster.image().topic_by_id(reply.id).expect("it is there").name.as_str(), name);
        for (index, partition) in topic.partitions() {
            assert_eq!(
                (partition.leader, &*partition.isr),
                (BrokerId(1), [BrokerId(1)].as_slice()),
                "{index}"
            );
            assert_eq!(partition.directories, [Uuid([101; 16])]);
        }
    }
    let value = |name| cluster.image().topic(name).expect("it is there").settings.retention_ms;
    assert_eq!((value("set"), value("blanks"), value("twice")), (Some(5), Some(7), Some(6)));
}

#[test]
fn a_topic_asked_for_twice_is_refused_once_and_others_are_made() {
    let mut cluster = Cluster::of_one();
    let asked = vec![topic("dup", 1, 1), topic("other", 1, 1), topic("dup", 1, 1)];
    let results = create(&mut cluster, asked, false);
    assert_eq!(results.iter().map(|result| result.name.as_str()).collect::<Vec<_>>(), ["dup", "other"]);
    assert_refused(&results[0].result, 42, "Duplicate topic name.", "twice");
    assert!(results[1].result.is_ok());
    assert_eq!(cluster.image().topic_count(), 1);
}

#[test]
fn of_two_topics_that_collide_in_one_request_the_second_is_refused() {
    // Kafka makes both, and from then on refuses whatever collides with either.
    let mut cluster = Cluster::of_one();
    let results = create(&mut cluster, vec![topic("a.b", 1, 1), topic("a_b", 1, 1)], false);
    assert!(results[0].result.is_ok());
    assert_refused(&results[1].result, 17, "collides with existing topic: a.b", "collision");
}

#[test]
fn a_name_is_free_again_once_its_topic_is_gone() {
    let mut cluster = Cluster::of_one();
    let first = created(&mut cluster, topic("a.b", 1, 1));
    delete(&mut cluster, &[by_name("a.b")]).remove(0).result.expect("removed");
    created(&mut cluster, topic("a_b", 1, 1));
    delete(&mut cluster, &[by_name("a_b")]).remove(0).result.expect("removed");
    assert_ne!(created(&mut cluster, topic("a.b", 1, 1)).id, first.id);
}

#[test]
fn too_many_partitions_in_all_refuse_the_whole_request() {
    let mut cluster = Cluster::of_one();
    let results =
        create(&mut cluster, vec![topic("a", 6000, 1), topic("b", 6000, 1), topic("c", 0, 1)], true);
    for result in &results {
        assert_refused(&result.result, 44, "Excessively large", &result.name);
    }
    assert!(create(&mut cluster, vec![topic("a", 9990, 1)], true)[0].result.is_ok());
}

#[test]
fn the_reply_has_every_setting_with_its_source() {
    let mut cluster = Cluster::new(&[("log.segment.bytes", "1048576"), ("num.partitions", "4")], 1);
    let asked = with_configs(topic("a", -1, -1), &[("retention.ms", Some("5"))]);
    let reply = created(&mut cluster, asked);
    assert_eq!(reply.partitions, 4);
    let of = |name: &str| {
        let found = reply.configs.iter().find(|config| config.name == name).expect("it is listed");
        (found.value.as_deref(), found.source as i8)
    };
    // Kafka lists 33 settings: 1 is the topic's own, 4 the broker's file, 5 the default.
    assert_eq!(reply.configs.len(), 33);
    assert_eq!(of("retention.ms"), (Some("5"), 1));
    assert_eq!(of("segment.bytes"), (Some("1048576"), 4));
    assert_eq!(of("cleanup.policy"), (Some("delete"), 5));
}

#[test]
fn replicas_are_spread_over_the_brokers() {
    let mut cluster = Cluster::new(&[("default.replication.factor", "3")], 4);
    let reply = created(&mut cluster, topic("a", 12, -1));
    assert_eq!(reply.replication_factor, 3);
    let topic = cluster.image().topic("a").expect("it is there");
    for id in 1..=4 {
        let leads = topic.partitions().filter(|(_, partition)| partition.leader == BrokerId(id)).count();
        let has = topic.partitions().filter(|(_, p)| p.replicas.contains(&BrokerId(id))).count();
        assert_eq!((leads, has), (3, 9), "broker {id}");
    }
    let uneven = create(&mut cluster, vec![assigned("b", &[(0, &[1, 2]), (1, &[3])])], false);
    assert_refused(&uneven[0].result, 39, "not consistent", "uneven");
}

#[test]
fn internal_topics_are_made_as_their_coordinators_want_them() {
    let mut cluster = Cluster::of_one();
    for (name, partitions, configs) in [
        ("__consumer_offsets", 50, [("cleanup.policy", "compact"), ("flush.messages", "1")]),
        ("__transaction_state", 50, [("cleanup.policy", "compact"), ("min.insync.replicas", "1")]),
        ("__share_group_state", 50, [("cleanup.policy", "delete"), ("min.insync.replicas", "1")]),
        ("plain", 1, [("cleanup.policy", "delete"), ("min.insync.replicas", "1")]),
    ] {
        let asked = NewTopic::automatic(name, cluster.image());
        let reply = created(&mut cluster, asked);
        assert_eq!((reply.partitions, reply.replication_factor), (partitions, 1), "{name}");
        for (setting, value) in configs {
            let found = reply.configs.iter().find(|config| config.name == setting).expect("it is listed");
            assert_eq!(found.value.as_deref(), Some(value), "{name} {setting}");
        }
    }
}

fn delete(cluster: &mut Cluster, topics: &[TopicSelector]) -> Vec<strome_controller::DeletedTopic> {
    match cluster.send(&Request::DeleteTopics(DeleteTopics { topics: topics.to_vec() })) {
        Reply::DeleteTopics(results) => results,
        other => panic!("{other:?}"),
    }
}

fn by_name(name: &str) -> TopicSelector {
    TopicSelector { name: Some(name.to_owned()), id: Uuid::ZERO }
}

fn by_id(id: Uuid) -> TopicSelector {
    TopicSelector { name: None, id }
}

#[test]
fn topics_are_removed_by_name_or_id_and_refused_as_kafka_does() {
    let mut cluster = Cluster::of_one();
    let [one, two, three] = ["one", "two", "three"].map(|name| created(&mut cluster, topic(name, 2, 1)).id);
    let both = TopicSelector { name: Some("one".to_owned()), id: one };
    let table: [(&[TopicSelector], i16, &str); 9] = [
        (&[by_name("nosuch")], 3, "This server does not host this topic-partition."),
        (&[by_name("")], 3, "topic-partition"),
        (&[by_name("a b")], 3, "topic-partition"),
        (&[by_id(Uuid([1; 16]))], 100, "This server does not host this topic ID."),
        (&[by_id(Uuid::ZERO)], 42, "Neither topic name nor id were specified."),
        (&[both], 42, "You may not specify both topic name and topic id."),
        (&[by_name("two"), by_name("two")], 42, "Duplicate topic name."),
        (&[by_id(two), by_id(two)], 42, "Duplicate topic id."),
        (
            &[by_name("two"), by_id(two)],
            42,
            "The provided topic name maps to an ID that was already supplied.",
        ),
    ];
    for (asked, code, words) in table {
        let results = delete(&mut cluster, asked);
        assert_eq!(results.len(), 1, "{asked:?}");
        assert_refused(&results[0].result, code, words, words);
        assert_eq!(cluster.image().topic_count(), 3);
    }
    let results = delete(&mut cluster, &[by_name("one"), by_name("nosuch"), by_id(three)]);
    let found: Vec<_> =
        results.iter().map(|deleted| (deleted.topic.clone(), deleted.result.is_ok())).collect();
    let full = |name: &str, id| TopicSelector { name: Some(name.to_owned()), id };
    assert_eq!(found, [(full("one", one), true), (by_name("nosuch"), false), (full("three", three), true)]);
    assert_eq!(cluster.image().topics().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["two"]);
    assert!(cluster.image().topic_by_id(one).is_none());
}

#[test]
fn nothing_is_removed_where_that_is_switched_off() {
    let mut cluster = Cluster::new(&[("delete.topic.enable", "false")], 1);
    created(&mut cluster, topic("a", 1, 1));
    let results = delete(&mut cluster, &[by_name("a")]);
    assert_eq!(
        results[0].result.as_ref().map_err(|refusal| refusal.code),
        Err(ErrorCode::TopicDeletionDisabled)
    );
}

fn more(cluster: &mut Cluster, topics: Vec<NewPartitions>, validate_only: bool) -> Vec<TopicResult<()>> {
    match cluster.send(&Request::CreatePartitions(CreatePartitions { topics, validate_only })) {
        Reply::CreatePartitions(results) => results,
        other => panic!("{other:?}"),
    }
}

fn up_to(name: &str, count: i32, assignments: Option<&[&[i32]]>) -> NewPartitions {
    let brokers = |ids: &&[i32]| ids.iter().copied().map(BrokerId).collect();
    let assignments = assignments.map(|all| all.iter().map(brokers).collect());
    NewPartitions { name: name.to_owned(), count, assignments }
}

#[test]
fn more_partitions_are_refused_as_kafka_does() {
    let table = [
        (up_to("pp", 2, None), 37, "Topic already has 2 partition(s)."),
        (up_to("pp", 1, None), 37, "The topic pp currently has 2 partition(s); 1 would not be an increase."),
        (up_to("pp", 0, None), 37, "0 would not be an increase"),
        (up_to("pp", -1, None), 37, "-1 would not be an increase"),
        (up_to("pp", 1, Some(&[&[1]])), 37, "would not be an increase"),
        (up_to("nosuch", 3, None), 3, ""),
        (up_to("", 3, None), 3, ""),
        (up_to("__cluster_metadata", 3, None), 3, ""),
        (
            up_to("pp", 3, Some(&[&[1], &[1]])),
            39,
            "Attempted to add 1 additional partition(s), but only 2 assignment(s)",
        ),
        (up_to("pp", 5, Some(&[&[1], &[1]])), 39, "Attempted to add 3 additional partition(s)"),
        (up_to("pp", 3, Some(&[])), 39, "but only 0 assignment(s) were specified"),
        (up_to("pp", 3, Some(&[&[]])), 39, "includes an empty replica list"),
        (up_to("pp", 3, Some(&[&[7]])), 39, "includes broker 7, but no such broker is registered"),
        (up_to("pp", 3, Some(&[&[1, 1]])), 39, "includes the broker 1 more than once"),
        // Kafka answers this with an unknown error, having added 10,000 of them.
        (up_to("pp", 30_000, None), 44, "Excessively large"),
        (up_to("pp", i32::MAX, None), 37, "at most"),
    ];
    for (asked, code, words) in table {
        for validate_only in [true, false] {
            let mut cluster = Cluster::of_one();
            created(&mut cluster, topic("pp", 2, 1));
            let results = more(&mut cluster, vec![asked.clone()], validate_only);
            assert_refused(&results[0].result, code, words, &format!("{asked:?}"));
            assert_eq!(cluster.image().topic("pp").expect("it is there").partitions.len(), 2);
        }
    }
    let mut cluster = Cluster::of_one();
    created(&mut cluster, topic("pp", 2, 1));
    let results = more(&mut cluster, vec![up_to("pp", 3, None), up_to("pp", 4, None)], false);
    assert_eq!(results.len(), 1);
    assert_refused(&results[0].result, 42, "Duplicate topic name.", "twice");
}

#[test]
fn one_request_cannot_add_too_many_partitions_to_several_topics() {
    let mut cluster = Cluster::of_one();
    for name in ["a", "b", "c"] {
        created(&mut cluster, topic(name, 1, 1));
    }
    let asked = vec![up_to("a", 6001, None), up_to("b", 6001, None), up_to("c", 2, None)];
    let results = more(&mut cluster, asked, true);
    assert!(results[0].result.is_ok() && results[2].result.is_ok());
    assert_refused(&results[1].result, 44, "Excessively large", "the second");
}

#[test]
fn partitions_are_added_behind_those_that_there_are() {
    let mut cluster = Cluster::of_one();
    let id = created(&mut cluster, topic("pp", 2, 1)).id;
    assert!(more(&mut cluster, vec![up_to("pp", 3, None)], true)[0].result.is_ok());
    assert_eq!(cluster.image().topic("pp").expect("it is there").partitions.len(), 2);
    assert!(more(&mut cluster, vec![up_to("pp", 3, None)], false)[0].result.is_ok());
    assert!(more(&mut cluster, vec![up_to("pp", 4, Some(&[&[1]]))], false)[0].result.is_ok());
    let topic = cluster.image().topic_by_id(id).expect("it is there");
    assert_eq!(topic.partitions.len(), 4);
    assert_eq!(cluster.image().topic("pp").expect("it is there").partitions, topic.partitions);
}
