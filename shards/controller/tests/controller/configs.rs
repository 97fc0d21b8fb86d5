//! What Apache Kafka 4.3.1, one node with its defaults, answered on the wire to requests that alter settings.

use metadata::ConfigResource;
use strome_controller::{AlterConfigs, ConfigOp, ConfigResult, LegacyAlter, Reply, Request, ResourceAlter};
use types::BrokerId;

use crate::cluster::{BROKER, Cluster, GROUP, LOGGER, METRICS, TOPIC, alter, incremental, set, topic};

/// A cluster with the topic `t`.
fn cluster() -> Cluster {
    let mut cluster = Cluster::of_one();
    let topics = vec![topic("t", 1, 1)];
    cluster.send(&Request::CreateTopics(strome_controller::CreateTopics { topics, validate_only: false }));
    cluster
}

fn send(cluster: &mut Cluster, resources: Vec<ResourceAlter>) -> Vec<ConfigResult> {
    match cluster.send(&incremental(resources)) {
        Reply::IncrementalAlterConfigs(results) => results,
        other => panic!("{other:?}"),
    }
}

fn legacy(cluster: &mut Cluster, resources: Vec<LegacyAlter>) -> Vec<ConfigResult> {
    match cluster.send(&Request::AlterConfigs(AlterConfigs { resources, validate_only: false })) {
        Reply::AlterConfigs(results) => results,
        other => panic!("{other:?}"),
    }
}

fn all(kind: i8, name: &str, configs: &[(&str, Option<&str>)]) -> LegacyAlter {
    let owned = |value: &str| value.to_owned();
    let configs = configs.iter().map(|(name, value)| (owned(name), value.map(owned))).collect();
    LegacyAlter { kind, name: name.to_owned(), configs }
}

fn answer(result: &ConfigResult) -> (i16, &str) {
    result.result.as_ref().map_or_else(|refusal| (refusal.code.code(), refusal.message.as_str()), |_| (0, ""))
}

/// The value of a setting that was altered.
fn altered(cluster: &Cluster, resource: &ConfigResource, name: &str) -> Option<String> {
    cluster.image().configs(resource)?.get(name).cloned()
}

fn append(value: &str) -> ConfigOp {
    ConfigOp::Append(Some(value.to_owned()))
}

fn subtract(value: &str) -> ConfigOp {
    ConfigOp::Subtract(Some(value.to_owned()))
}

/// One resource with one setting and one operation, with Kafka's answer.
type Row = (i8, &'static str, &'static str, ConfigOp, i16, &'static str);

fn topic_rows() -> Vec<Row> {
    vec![
        (TOPIC, "t", "retention.ms", set("100"), 0, ""),
        (TOPIC, "t", "retention.ms", set("x"), 40, "Not a number of type LONG"),
        (TOPIC, "t", "nope", set("x"), 40, "Unknown topic config name: nope"),
        (TOPIC, "t", "", set("x"), 40, "Unknown topic config name: "),
        (TOPIC, "t", "retention.ms", ConfigOp::Set(None), 42, "Null value not supported"),
        (TOPIC, "t", "retention.ms", ConfigOp::Delete, 0, ""),
        (TOPIC, "t", "nope", ConfigOp::Delete, 0, ""),
        (
            TOPIC,
            "t",
            "retention.ms",
            append("1"),
            40,
            "Can't APPEND to key retention.ms because its type is not LIST.",
        ),
        (TOPIC, "t", "retention.ms", subtract("1"), 40, "Can't SUBTRACT to key retention.ms"),
        (TOPIC, "t", "nope", append("1"), 40, "Can't APPEND to key nope because its type is not LIST."),
        (TOPIC, "t", "cleanup.policy", append("compact"), 0, ""),
        (TOPIC, "t", "cleanup.policy", append("zzz"), 40, "String must be one of: compact, delete"),
        (TOPIC, "t", "cleanup.policy", append("delete"), 0, ""),
        (TOPIC, "t", "cleanup.policy", subtract("delete,compact"), 0, ""),
        (TOPIC, "t", "cleanup.policy", ConfigOp::Append(None), 42, "Null value not supported"),
        (TOPIC, "nosuch", "retention.ms", set("1"), 3, "The topic 'nosuch' does not exist."),
        (TOPIC, "nosuch", "retention.ms", set("x"), 40, "Not a number"),
        (TOPIC, "nosuch", "retention.ms", ConfigOp::Set(None), 42, "Null value"),
        (TOPIC, "nosuch", "retention.ms", append("x"), 40, "not LIST"),
        (TOPIC, "nosuch", "retention.ms", ConfigOp::Delete, 3, "does not exist"),
        (TOPIC, "", "retention.ms", set("1"), 42, "Default topic resources are not allowed."),
        (TOPIC, "a b", "retention.ms", set("x"), 17, "Topic name is invalid: 'a b'"),
        (1, "t", "a", set("1"), 42, "Unknown resource type 1"),
        (64, "t", "a", set("1"), 42, "Unknown resource type 64"),
    ]
}

fn other_rows() -> Vec<Row> {
    vec![
        (BROKER, "1", "log.retention.ms", set("1000"), 0, ""),
        (BROKER, "", "log.retention.ms", set("2000"), 0, ""),
        (BROKER, "1", "node.id", set("7"), 42, "Cannot update these configs dynamically: [node.id]"),
        (BROKER, "", "log.dirs", set("7"), 42, "Cannot update these configs dynamically: [log.dirs]"),
        (BROKER, "1", "nope.x", set("7"), 0, ""),
        (BROKER, "", "nope.x", set("7"), 0, ""),
        (BROKER, "7", "log.retention.ms", set("1000"), 42, "Unexpected broker id"),
        (BROKER, "-1", "log.retention.ms", set("1000"), 42, "Unexpected broker id"),
        (BROKER, "01", "log.retention.ms", set("1000"), 42, "Unexpected broker id"),
        (BROKER, "abc", "log.retention.ms", set("1000"), 42, "Node id must be an integer, but it is: abc"),
        (BROKER, "1", "log.retention.ms", set("x"), 42, "Not a number of type LONG"),
        (BROKER, "1", "log.retention.ms", ConfigOp::Set(None), 42, "Null value not supported"),
        (BROKER, "1", "log.retention.ms", append("1"), 40, ""),
        (BROKER, "", "listeners", set("PLAINTEXT://:1"), 42, "Cannot update these configs"),
        (BROKER, "1", "log.cleanup.policy", append("compact"), 0, ""),
        (BROKER, "1", "node.id", ConfigOp::Delete, 0, ""),
        (BROKER, "", "min.insync.replicas", set("1"), 0, ""),
        (BROKER, "1", "retention.ms", set("1"), 0, ""),
        (LOGGER, "1", "kafka.server", set("DEBUG"), 42, "the broker itself"),
        (METRICS, "m1", "interval.ms", set("1000"), 0, ""),
        (METRICS, "m1", "interval.ms", set("1"), 42, "interval must be between 100 and 3600000 (1 hour)"),
        (METRICS, "m1", "interval.ms", set("x"), 40, "Not a number of type INT"),
        (METRICS, "m1", "match", set("x"), 40, "Illegal client matching pattern: x"),
        (METRICS, "m1", "match", set("nokey=.*"), 40, "Illegal client matching pattern: nokey=.*"),
        (METRICS, "m1", "match", set("client_id=a.*,client_software_name=.*"), 0, ""),
        (METRICS, "m1", "metrics", append("org.apache"), 40, "Can't APPEND to key metrics"),
        (METRICS, "m1", "nope", set("1000"), 42, "Unknown client metrics configuration: nope"),
        (METRICS, "", "interval.ms", set("1000"), 42, "Subscription name can't be empty"),
        (GROUP, "g1", "consumer.session.timeout.ms", set("50000"), 0, ""),
        (
            GROUP,
            "g1",
            "consumer.session.timeout.ms",
            set("5"),
            40,
            "must be greater than or equal to group.consumer.min.session.timeout.ms",
        ),
        (
            GROUP,
            "g1",
            "streams.num.standby.replicas",
            set("3"),
            40,
            "must be less than or equal to group.streams.max.standby.replicas",
        ),
        (GROUP, "g1", "nope", set("50000"), 40, "Unknown group config name: nope"),
        (GROUP, "g1", "consumer.session.timeout.ms", set("x"), 40, "Not a number of type INT"),
        (GROUP, "g1", "consumer.session.timeout.ms", ConfigOp::Set(None), 42, "Null value"),
        (GROUP, "g1", "consumer.session.timeout.ms", append("1"), 40, "not LIST"),
        (
            GROUP,
            "",
            "consumer.session.timeout.ms",
            set("50000"),
            42,
            "Default group resources are not allowed.",
        ),
    ]
}

#[test]
fn each_alteration_is_answered_as_kafka_answers_it() {
    for (kind, name, key, op, code, words) in topic_rows().into_iter().chain(other_rows()) {
        let label = format!("{kind} {name:?} {key} {op:?}");
        let mut cluster = cluster();
        let before = cluster.entries.len();
        let mut checked = incremental(vec![alter(kind, name, &[(key, op.clone())])]);
        if let Request::IncrementalAlterConfigs(request) = &mut checked {
            request.validate_only = true;
        }
        let Reply::IncrementalAlterConfigs(checked) = cluster.send(&checked) else { panic!("{label}") };
        assert_eq!(cluster.entries.len(), before, "{label}");
        let results = send(&mut cluster, vec![alter(kind, name, &[(key, op)])]);
        assert_eq!(checked, results, "{label}");
        let (found, text) = answer(&results[0]);
        assert!(
            found == code && text.contains(words),
            "{label}: {found} {text:?}, expected {code} {words:?}"
        );
        assert_eq!((results[0].kind, results[0].name.as_str()), (kind, name));
        if code != 0 {
            assert_eq!(cluster.entries.len(), before, "{label}");
        }
    }
}

#[test]
fn lists_grow_from_their_default_and_shrink() {
    let mut cluster = cluster();
    let resource = ConfigResource::topic("t");
    for (op, value) in [
        (append("compact"), "delete,compact"),
        (append("compact"), "delete,compact"),
        (subtract("delete"), "compact"),
        (subtract("delete"), "compact"),
        (set("delete"), "delete"),
        (append(" compact , delete"), "delete,compact"),
        (subtract("delete, compact"), ""),
    ] {
        let results = send(&mut cluster, vec![alter(TOPIC, "t", &[("cleanup.policy", op.clone())])]);
        assert_eq!(answer(&results[0]).0, 0, "{op:?}");
        assert_eq!(altered(&cluster, &resource, "cleanup.policy").as_deref(), Some(value), "{op:?}");
    }
    let on_broker = alter(BROKER, "1", &[("log.cleanup.policy", append("compact"))]);
    send(&mut cluster, vec![on_broker]);
    let here = ConfigResource::broker(BrokerId(1));
    assert_eq!(altered(&cluster, &here, "log.cleanup.policy").as_deref(), Some("delete,compact"));
}

#[test]
fn a_resource_keeps_everything_if_one_setting_is_refused_and_others_are_altered() {
    let mut cluster = cluster();
    let results = send(
        &mut cluster,
        vec![
            alter(TOPIC, "t", &[("retention.ms", set("77")), ("segment.ms", set("x"))]),
            alter(GROUP, "g", &[("consumer.session.timeout.ms", set("50000"))]),
        ],
    );
    assert_eq!((answer(&results[0]).0, answer(&results[1]).0), (40, 0));
    assert_eq!(altered(&cluster, &ConfigResource::topic("t"), "retention.ms"), None);
    assert!(cluster.image().configured().count() == 1);
}

#[test]
fn what_is_named_twice_is_refused() {
    let mut cluster = cluster();
    let twice = || alter(TOPIC, "t", &[("retention.ms", set("1"))]);
    let results = send(&mut cluster, vec![twice(), twice()]);
    assert_eq!(results.len(), 2);
    for result in &results {
        assert_eq!(answer(result), (42, "Each resource must appear at most once."));
    }
    let results = send(
        &mut cluster,
        vec![alter(TOPIC, "t", &[("retention.ms", set("1")), ("retention.ms", set("2"))])],
    );
    assert_eq!(answer(&results[0]), (42, "Error due to duplicate config keys"));
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let mut cluster = cluster();
    let both = [("min.compaction.lag.ms", set("10")), ("max.compaction.lag.ms", set("5"))];
    let results = send(&mut cluster, vec![alter(TOPIC, "t", &both)]);
    let (code, text) = answer(&results[0]);
    assert!(code == 40 && text.contains("min.compaction.lag.ms (10) > max.compaction.lag.ms (5)"), "{text}");
    // One after the other, too.
    assert_eq!(answer(&send(&mut cluster, vec![alter(TOPIC, "t", &both[..1])])[0]).0, 0);
    assert_eq!(answer(&send(&mut cluster, vec![alter(TOPIC, "t", &both[1..])])[0]).0, 40);
}

#[test]
fn the_legacy_way_replaces_everything() {
    let mut cluster = cluster();
    send(
        &mut cluster,
        vec![alter(TOPIC, "t", &[("retention.ms", set("1")), ("cleanup.policy", set("compact"))])],
    );
    let results = legacy(&mut cluster, vec![all(TOPIC, "t", &[("retention.ms", Some("300"))])]);
    assert_eq!(answer(&results[0]).0, 0);
    let configs = cluster.image().topic_configs("t");
    assert_eq!(
        configs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(),
        [("retention.ms", "300")]
    );
    legacy(&mut cluster, vec![all(TOPIC, "t", &[])]);
    assert!(cluster.image().topic_configs("t").is_empty());
}

#[test]
fn each_legacy_alteration_is_answered_as_kafka_answers_it() {
    let rows: [(LegacyAlter, i16, &str); 13] = [
        (all(TOPIC, "t", &[("retention.ms", None)]), 42, "Null value not supported"),
        (all(TOPIC, "t", &[("retention.ms", Some("x"))]), 40, "Not a number of type LONG"),
        (all(TOPIC, "t", &[("nope", Some("x"))]), 40, "Unknown topic config name: nope"),
        (all(TOPIC, "nosuch", &[("retention.ms", Some("x"))]), 40, "Not a number"),
        (all(TOPIC, "nosuch", &[("retention.ms", Some("1"))]), 3, "The topic 'nosuch' does not exist."),
        (all(TOPIC, "", &[("retention.ms", Some("1"))]), 42, "Default topic resources are not allowed."),
        (
            all(TOPIC, "t", &[("retention.ms", Some("1")), ("retention.ms", Some("2"))]),
            42,
            "duplicate config keys",
        ),
        (all(BROKER, "1", &[("log.retention.ms", Some("1000"))]), 0, ""),
        (
            all(BROKER, "1", &[("node.id", Some("1"))]),
            42,
            "Cannot update these configs dynamically: [node.id]",
        ),
        (all(BROKER, "7", &[("log.retention.ms", Some("1000"))]), 42, "Unexpected broker id"),
        (all(1, "t", &[]), 42, "Unknown resource type 1"),
        (all(GROUP, "g1", &[("consumer.session.timeout.ms", Some("51000"))]), 0, ""),
        (all(METRICS, "m1", &[("interval.ms", Some("2000"))]), 0, ""),
    ];
    for (asked, code, words) in rows {
        let results = legacy(&mut cluster(), vec![asked.clone()]);
        let (found, text) = answer(&results[0]);
        assert!(found == code && text.contains(words), "{asked:?}: {found} {text:?}");
    }
}

#[test]
fn settings_act_at_once_on_topics_that_inherit_them() {
    let mut cluster = cluster();
    let retention =
        |cluster: &Cluster| cluster.image().topic("t").expect("it is there").settings.retention_ms;
    assert_eq!(retention(&cluster), Some(7 * 24 * 3600 * 1000));
    for (resource, op, value) in [
        ((BROKER, "", "log.retention.ms"), set("2000"), 2000),
        ((BROKER, "1", "log.retention.ms"), set("3000"), 3000),
        ((TOPIC, "t", "retention.ms"), set("4000"), 4000),
        ((BROKER, "1", "log.retention.ms"), ConfigOp::Delete, 4000),
        ((TOPIC, "t", "retention.ms"), ConfigOp::Delete, 2000),
        ((BROKER, "", "log.retention.ms"), ConfigOp::Delete, 7 * 24 * 3600 * 1000),
    ] {
        let (kind, name, key) = resource;
        let results = send(&mut cluster, vec![alter(kind, name, &[(key, op)])]);
        assert_eq!(answer(&results[0]).0, 0);
        assert_eq!(retention(&cluster), Some(value), "{resource:?}");
    }
}

#[test]
fn setting_what_is_set_already_writes_nothing() {
    let mut cluster = cluster();
    let same = || vec![alter(TOPIC, "t", &[("retention.ms", set("5"))])];
    send(&mut cluster, same());
    let before = cluster.entries.len();
    assert_eq!(answer(&send(&mut cluster, same())[0]).0, 0);
    assert_eq!(cluster.entries.len(), before);
}

#[test]
fn a_resource_cannot_grow_without_end() {
    let mut cluster = cluster();
    let many: Vec<(String, ConfigOp)> = (0..1001).map(|n| (format!("plugin.{n}"), set("x"))).collect();
    let resource = ResourceAlter { kind: BROKER, name: String::new(), ops: many };
    let results = send(&mut cluster, vec![resource]);
    assert_eq!(answer(&results[0]).0, 42);
}
