//! What DescribeConfigs is answered; the expectations are what Kafka 4.3.1 answered to the same question.

use super::*;

/// One setting as `kafka-configs --describe --all` prints it: value, then `source:name=value` of each synonym.
fn line(described: &[Described], name: &str) -> String {
    let found = described.iter().find(|described| described.name == name).unwrap();
    let synonym = |synonym: &crate::ConfigValue| {
        format!("{:?}:{}={}", synonym.source, synonym.name, synonym.value.as_deref().unwrap_or("null"))
    };
    let synonyms: Vec<_> = found.synonyms.iter().map(synonym).collect();
    let value = found.value.as_deref().unwrap_or("null");
    format!("{value} {:?} [{}]", found.source, synonyms.join(", "))
}

#[test]
fn a_topic_shows_its_own_values_before_the_brokers() {
    let own = map(&[("segment.bytes", "2000000")]);
    let described = describe_topic(&own, &BrokerLayers::defaults());
    assert_eq!(described.len(), topic_settings().count());
    let expected =
        "2000000 DynamicTopic [DynamicTopic:segment.bytes=2000000, Default:log.segment.bytes=1073741824]";
    assert_eq!(line(&described, "segment.bytes"), expected);
    assert_eq!(
        line(&described, "index.interval.bytes"),
        "4096 Default [Default:log.index.interval.bytes=4096]"
    );
    // Only the hours have a default, and what other units say before the first mention of the setting is left out.
    assert_eq!(line(&described, "retention.ms"), "604800000 Default []");
    assert_eq!(line(&described, "flush.ms"), "9223372036854775807 Default []");
    assert_eq!(line(&described, "remote.storage.enable"), "false Default []");
    assert!(described.iter().all(|described| !described.read_only));
}

#[test]
fn a_topic_shows_where_the_brokers_value_comes_from() {
    let (fixed, altered) =
        (map(&[("log.retention.ms", "5"), ("log.retention.hours", "1")]), map(&[("log.retention.ms", "7")]));
    let layers = BrokerLayers { dynamic_default: &altered, ..BrokerLayers::fixed(&fixed) };
    let described = describe_topic(&BTreeMap::new(), &layers);
    let expected = "7 DynamicDefaultBroker [DynamicDefaultBroker:log.retention.ms=7, StaticBroker:log.retention.ms=5, \
        StaticBroker:log.retention.hours=1, Default:log.retention.hours=168]";
    assert_eq!(line(&described, "retention.ms"), expected);
}

#[test]
fn a_group_shows_its_own_values_before_the_brokers() {
    let (own, altered) = (
        map(&[("consumer.session.timeout.ms", "50000")]),
        map(&[("group.consumer.assignment.interval.ms", "2000")]),
    );
    let layers = BrokerLayers { dynamic_default: &altered, ..BrokerLayers::defaults() };
    let described = describe_group(&own, &layers);
    assert_eq!(described.len(), group_settings().count());
    let expected = "50000 Group [Group:consumer.session.timeout.ms=50000, Default:group.consumer.session.timeout.ms=45000]";
    assert_eq!(line(&described, "consumer.session.timeout.ms"), expected);
    let expected = "2000 DynamicDefaultBroker [DynamicDefaultBroker:group.consumer.assignment.interval.ms=2000, \
        Default:group.consumer.assignment.interval.ms=100]";
    assert_eq!(line(&described, "consumer.assignment.interval.ms"), expected);
    // No setting of the broker stands in for this one.
    let expected = "latest Default [Default:share.auto.offset.reset=latest]";
    assert_eq!(line(&described, "share.auto.offset.reset"), expected);
    assert!(described.iter().all(|described| !described.read_only));
}

#[test]
fn a_broker_shows_every_setting_and_its_sources() {
    let fixed = map(&[
        ("node.id", "1"),
        ("broker.id", "1"),
        ("log.retention.hours", "2"),
        ("of.a.plug.in", "secret?"),
    ]);
    let described = describe_broker(&BrokerLayers::fixed(&fixed));
    assert_eq!(described.len(), broker_settings().count() + strome_settings().count() + 1);
    assert_eq!(
        line(&described, "broker.id"),
        "1 StaticBroker [StaticBroker:broker.id=1, Default:broker.id=-1]"
    );
    assert_eq!(line(&described, "broker.rack"), "null Default []");
    let hours = "2 StaticBroker [StaticBroker:log.retention.hours=2, Default:log.retention.hours=168]";
    assert_eq!(line(&described, "log.retention.hours"), hours);
    assert_eq!(line(&described, "log.retention.ms"), "null Default []");
    let read_only = |name: &str| described.iter().find(|described| described.name == name).unwrap().read_only;
    assert!(read_only("node.id") && read_only("of.a.plug.in"));
    // The hours themselves cannot be altered, but the milliseconds that say the same can.
    assert!(!read_only("log.segment.bytes") && !read_only("log.retention.hours"));
}

#[test]
fn secrets_and_what_nobody_knows_are_not_shown() {
    let fixed = map(&[
        ("ssl.key.password", "hunter2"),
        ("of.a.plug.in", "hunter2"),
        ("listener.name.internal.ssl.key.password", "hunter2"),
    ]);
    let described = describe_broker(&BrokerLayers::fixed(&fixed));
    assert!(!format!("{described:?}").contains("hunter2"));
    assert_eq!(
        line(&described, "ssl.key.password"),
        "null StaticBroker [StaticBroker:ssl.key.password=null]"
    );
    assert!(described.iter().any(|described| described.name == "listener.name.internal.ssl.key.password"));
}

#[test]
fn all_brokers_show_only_what_was_altered_for_them() {
    let altered = map(&[("log.segment.bytes", "2000000")]);
    let described = describe_all_brokers(&altered);
    assert_eq!(described.len(), 1);
    let expected = "2000000 DynamicDefaultBroker [DynamicDefaultBroker:log.segment.bytes=2000000]";
    assert_eq!(line(&described, "log.segment.bytes"), expected);
}

#[test]
fn kafkas_numbers_stand_for_types_and_sources() {
    assert_eq!(ValueType::Password.code(), 9);
    assert_eq!(ValueType::Boolean.code(), 1);
    assert_eq!(ConfigValueSource::StaticBroker as i8, 4);
}
