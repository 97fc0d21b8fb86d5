//! Parsing, ranges, and what a client is told about a value that cannot be had.

use super::*;

fn of_topic(name: &str, value: &str) -> Result<String, String> {
    topic(name).unwrap().normalise(value).map_err(|error| error.to_string())
}

fn of_broker(name: &str, value: &str) -> Result<String, String> {
    broker(name).unwrap().normalise(value).map_err(|error| error.to_string())
}

#[test]
fn values_are_shown_as_kafka_shows_them() {
    for (name, written, shown) in [
        ("cleanup.policy", "delete , compact", "delete,compact"),
        ("cleanup.policy", "", ""),
        ("preallocate", "TRUE", "true"),
        ("segment.bytes", " +2000000 ", "2000000"),
        ("min.cleanable.dirty.ratio", "1e-3", "0.001"),
        ("min.cleanable.dirty.ratio", ".5", "0.5"),
        ("min.cleanable.dirty.ratio", "1", "1.0"),
        ("min.cleanable.dirty.ratio", "0.00001", "1.0E-5"),
        ("retention.bytes", "-5", "-5"),
        ("leader.replication.throttled.replicas", "0:1, 1:2", "0:1,1:2"),
        ("leader.replication.throttled.replicas", "*", "*"),
    ] {
        assert_eq!(of_topic(name, written), Ok(shown.to_owned()), "{name}={written}");
    }
    assert_eq!(of_broker("group.consumer.migration.policy", "UPGRADE"), Ok("UPGRADE".to_owned()));
}

#[test]
fn values_that_cannot_be_had_are_refused_with_a_reason() {
    for (name, value, reason) in [
        ("segment.bytes", "abc", "Not a number of type INT"),
        ("segment.bytes", "99999999999", "Not a number of type INT"),
        ("segment.bytes", "", "Not a number of type INT"),
        ("segment.bytes", "1", "Value must be at least 1048576"),
        ("preallocate", "yes", "Expected value to be either true or false"),
        ("min.cleanable.dirty.ratio", "2", "Value must be no more than 1"),
        ("min.cleanable.dirty.ratio", "NaN", "Not a number of type DOUBLE"),
        (
            "compression.type",
            "Gzip",
            "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
        ),
        ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
        ("compression.zstd.level", "23", "Value must be no more than 22"),
        ("cleanup.policy", "x", "String must be one of: compact, delete"),
        ("cleanup.policy", "delete,delete", "List must not contain duplicates"),
        (
            "follower.replication.throttled.replicas",
            "1:2,*",
            "Must be '*' or a list of [partitionId]:[brokerId]",
        ),
    ] {
        let expected = format!("Invalid value '{value}' for configuration {name}: {reason}");
        assert_eq!(of_topic(name, value), Err(expected));
    }
    for (name, value) in [
        ("listeners", ""),
        ("log.dirs", "/a,/a"),
        ("log.dirs", "/a,,/b"),
        ("controller.quorum.voters", "1@host"),
        ("controller.quorum.bootstrap.servers", "host"),
        ("remote.log.storage.manager.impl.prefix", ""),
        ("remote.log.manager.task.retry.jitter", "0.6"),
        ("group.share.max.size", "1001"),
    ] {
        assert!(of_broker(name, value).is_err(), "{name}={value}");
    }
}

#[test]
fn a_share_groups_starting_point_may_be_a_duration() {
    let reset = |value| group("share.auto.offset.reset").unwrap().parse(value).is_ok();
    assert!(reset("latest") && reset("earliest") && reset("by_duration:PT1H30M"));
    assert!(!reset("by_duration:1h") && !reset("by_duration:") && !reset("none"));
}

#[test]
fn a_secret_is_not_repeated_when_it_is_refused() {
    let secret = Setting { accepts: Accepts::OneOf(&["x"]), ..password() };
    let error = secret.parse("hunter2").unwrap_err().to_string();
    assert!(error.contains("ssl.key.password") && !error.contains("hunter2"), "{error}");
}

fn password() -> Setting {
    Setting {
        name: "ssl.key.password",
        value_type: ValueType::Password,
        default: None,
        accepts: Accepts::Any,
        importance: Importance::High,
        update_mode: UpdateMode::PerBroker,
        effect: Effect::Ignored,
        meaning: "",
    }
}

#[test]
fn a_topic_is_judged_as_a_whole() {
    let judged = |values: &[(&str, &str)]| validate_topic(&map(values)).map_err(|error| error.to_string());
    assert_eq!(judged(&[("segment.bytes", "2000000"), ("cleanup.policy", "compact")]), Ok(()));
    assert_eq!(judged(&[("foo", "1")]), Err("Unknown topic config name: foo".to_owned()));
    assert!(judged(&[("segment.bytes", "1")]).is_err());
    assert!(judged(&[("remote.storage.enable", "true")]).unwrap_err().contains("tiered storage"));
    assert!(judged(&[("remote.storage.enable", "false")]).is_ok());
    let error = judged(&[("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")]).unwrap_err();
    assert_eq!(error, "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)");
}

#[test]
fn a_groups_numbers_stay_within_the_brokers_bounds() {
    let fixed = map(&[("group.consumer.min.heartbeat.interval.ms", "100")]);
    let judged = |name: &str, value: &str, layers: &BrokerLayers<'_>| {
        validate_group(&map(&[(name, value)]), layers).map_err(|error| error.to_string())
    };
    let defaults = BrokerLayers::defaults();
    for (name, value) in [
        ("consumer.session.timeout.ms", "45000"),
        ("consumer.session.timeout.ms", "60000"),
        ("consumer.assignment.interval.ms", "0"),
        ("share.delivery.count.limit", "10"),
        ("share.isolation.level", "read_committed"),
        ("streams.initial.rebalance.delay.ms", "7"),
    ] {
        assert_eq!(judged(name, value, &defaults), Ok(()), "{name}={value}");
    }
    for (name, value, bound) in [
        (
            "consumer.session.timeout.ms",
            "44999",
            "greater than or equal to group.consumer.min.session.timeout.ms",
        ),
        (
            "consumer.session.timeout.ms",
            "60001",
            "less than or equal to group.consumer.max.session.timeout.ms",
        ),
        ("share.delivery.count.limit", "11", "less than or equal to group.share.max.delivery.count.limit"),
        ("streams.num.standby.replicas", "3", "less than or equal to group.streams.max.standby.replicas"),
        (
            "consumer.heartbeat.interval.ms",
            "100",
            "greater than or equal to group.consumer.min.heartbeat.interval.ms",
        ),
    ] {
        assert_eq!(judged(name, value, &defaults), Err(format!("{name} must be {bound}")));
    }
    let layers = BrokerLayers::fixed(&fixed);
    assert_eq!(judged("consumer.heartbeat.interval.ms", "100", &layers), Ok(()));
    assert!(judged("consumer.nonsense", "1", &layers).is_err());
}

#[test]
fn a_broker_setting_is_altered_where_its_mode_allows() {
    let judged = |name: &str, value: &str, scope| {
        validate_broker_update(&map(&[(name, value)]), scope).map_err(|error| error.to_string())
    };
    for scope in [BrokerScope::One, BrokerScope::All] {
        assert_eq!(judged("log.segment.bytes", "2000000", scope), Ok(()));
        assert_eq!(judged("of.some.plug.in", "x", scope), Ok(()));
        assert!(judged("log.segment.bytes", "x", scope).is_err());
        assert_eq!(
            judged("node.id", "2", scope),
            Err("Cannot update these configs dynamically: [node.id]".to_owned())
        );
    }
    let error = judged("max.connections", "5", BrokerScope::One).unwrap_err();
    assert_eq!(error, "Cannot update these configs dynamically: [max.connections]");
    for name in ["sasl.kerberos.service.name", "listener.name.internal.ssl.keystore.location"] {
        assert_eq!(judged(name, "a:b", BrokerScope::One), Ok(()));
        let error = judged(name, "a:b", BrokerScope::All).unwrap_err();
        let expected = "Cannot update these configs at default cluster level, broker id must be specified: ";
        assert_eq!(error, format!("{expected}[{name}]"));
    }
}

#[test]
fn a_listeners_own_setting_is_found_behind_its_prefix() {
    let name = |written: &str| broker(written).map(|setting| setting.name);
    assert_eq!(name("listener.name.internal.ssl.keystore.location"), Some("ssl.keystore.location"));
    assert_eq!(name("listener.name.internal.scram-sha-256.sasl.jaas.config"), Some("sasl.jaas.config"));
    assert_eq!(name("listener.name.internal.no.such.thing"), None);
    assert_eq!(name("listener.name."), None);
}

#[test]
fn a_brokers_connections_and_cores_are_understood() {
    let settings = |values: &[(&str, &str)]| BrokerSettings::resolve(&BrokerLayers::fixed(&map(values)));
    let overrides = |text| settings(&[("max.connections.per.ip.overrides", text)]);
    let found = overrides("10.0.0.1:5, ::1:7").unwrap().network.connections.per_address_overrides;
    assert_eq!(found, [("10.0.0.1".to_owned(), 5), ("::1".to_owned(), 7)]);
    assert!(overrides("10.0.0.1").is_err() && overrides(":5").is_err());
    assert_eq!(settings(&[("strome.cpus", "4,0-2, 1")]).unwrap().strome.cpus, [0, 1, 2, 4]);
    assert!(settings(&[("strome.cpus", "3-1")]).is_err() && settings(&[("strome.cpus", "all")]).is_err());
    assert!(settings(&[("default.replication.factor", "0")]).is_err());
    assert_eq!(settings(&[("connections.max.idle.ms", "-1")]).unwrap().network.connections.idle_ms_max, None);
    assert_eq!(settings(&[("log.dirs", "/a, /b"), ("log.dir", "/c")]).unwrap().log_dirs, ["/a", "/b"]);
    assert_eq!(settings(&[("log.dir", "/c")]).unwrap().log_dirs, ["/c"]);
}
