//! The tables against Kafka's own, and against what the typed views read.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::ConfigValueSource;

/// Facts about Kafka 4.3.1's settings, one a line; the second line names the columns.
const KAFKA: &str = include_str!("kafka-4.3.1.tsv");

/// Where Strome's defaults differ from Kafka's, and why.
const OTHER_DEFAULTS: &[(&str, &str)] = &[
    ("consumer.assignment.interval.ms", "a rebalance does not wait for a second"),
    ("controller.listener.names", "no controller listener has to be named"),
    ("flush.messages", "what is acknowledged is durable"),
    ("group.consumer.assignment.interval.ms", "a rebalance does not wait for a second"),
    ("log.dir", "data does not belong in a folder for temporary files"),
    ("log.flush.interval.messages", "what is acknowledged is durable"),
    ("node.id", "nothing has to be set"),
    ("process.roles", "Strome is always both"),
];

/// A row of the facts.
struct Fact<'a> {
    kind: &'a str,
    name: &'a str,
    value_type: &'a str,
    default: &'a str,
    mode: &'a str,
    importance: &'a str,
    hidden: bool,
    synonyms: &'a str,
    valid: &'a str,
}

fn facts() -> Vec<Fact<'static>> {
    let rows = KAFKA.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let columns: Vec<_> = line.split('\t').collect();
        let [kind, name, value_type, default, mode, importance, hidden, synonyms, valid] = columns[..] else {
            panic!("a row with other columns: {line}");
        };
        Fact {
            kind,
            name,
            value_type,
            default,
            mode,
            importance,
            hidden: hidden == "hidden",
            synonyms,
            valid,
        }
    })
    .collect()
}

fn all() -> impl Iterator<Item = (&'static str, &'static Setting)> {
    let broker = broker_settings().chain(table::hidden_settings()).map(|setting| ("broker", setting));
    let others = topic_settings().map(|setting| ("topic", setting));
    broker.chain(others).chain(group_settings().map(|setting| ("group", setting)))
}

fn map(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_tables_say_what_kafka_says() {
    let ours: BTreeMap<_, _> = all().map(|(kind, setting)| ((kind, setting.name), setting)).collect();
    let mut seen = BTreeSet::new();
    for fact in facts() {
        if fact.name == "internal.segment.bytes" {
            continue; // A way around the smallest segment size, for Kafka's own tests; refused like any unknown name.
        }
        let Some(setting) = ours.get(&(fact.kind, fact.name)) else {
            panic!("Kafka has the {} setting {}", fact.kind, fact.name);
        };
        seen.insert((fact.kind, fact.name));
        let name = fact.name;
        assert_eq!(format!("{:?}", setting.value_type).to_uppercase(), fact.value_type, "{name}");
        assert_eq!(format!("{:?}", setting.importance).to_uppercase(), fact.importance, "{name}");
        assert_eq!(valid_values(setting.accepts), fact.valid, "{name}");
        let default = setting.default.unwrap_or("<null>");
        let differs = OTHER_DEFAULTS.iter().any(|(other, _)| *other == name);
        assert_eq!(default != fact.default, differs, "{name}: {default}, and in Kafka {}", fact.default);
        if fact.kind == "broker" {
            let mode = match setting.update_mode {
                UpdateMode::ReadOnly => "read-only",
                UpdateMode::PerBroker => "per-broker",
                UpdateMode::ClusterWide => "cluster-wide",
            };
            assert_eq!(mode, fact.mode, "{name}");
            assert_eq!(table::hidden_settings().any(|hidden| hidden.name == name), fact.hidden, "{name}");
        }
    }
    let invented: Vec<_> = ours.keys().filter(|key| !seen.contains(*key)).collect();
    assert!(invented.is_empty(), "Kafka does not have {invented:?}");
}

/// The values as Kafka's own documentation puts them.
fn valid_values(accepts: Accepts) -> String {
    let texts = |texts: &[&str]| format!("[{}]", texts.join(", "));
    match accepts {
        Accepts::Any | Accepts::Distinct | Accepts::DistinctNonEmpty => "-".to_owned(),
        Accepts::AtLeast(min) => format!("[{min},...]"),
        Accepts::Between(min, max) => format!("[{min},...,{max}]"),
        Accepts::BetweenOr(min, max, other) => format!("[{min},...,{max}] or {other}"),
        Accepts::Fraction(min, max) => format!("[{min},...,{max}]"),
        Accepts::OneOf(known) | Accepts::SomeOf(known) | Accepts::SomeOfNonEmpty(known) => texts(known),
        Accepts::OneOfAnyCase(known) => format!("(case insensitive) {}", texts(known)),
        Accepts::AutoOffsetReset => "[latest, earliest, by_duration:PnDTnHnMn.nS]".to_owned(),
        Accepts::NonEmpty => "non-empty string".to_owned(),
        Accepts::HostPorts | Accepts::Voters => "non-empty list".to_owned(),
        Accepts::ThrottledReplicas => "[partitionId]:[brokerId],[partitionId]:[brokerId],...".to_owned(),
    }
}

#[test]
fn the_synonyms_are_kafkas() {
    for fact in facts().iter().filter(|fact| fact.kind == "topic") {
        let synonyms = synonyms_of_topic(fact.name);
        let ours: Vec<_> =
            synonyms.iter().map(|synonym| format!("{}/{}", synonym.name, synonym.unit)).collect();
        let ours = if ours.is_empty() { "-".to_owned() } else { ours.join(" ") };
        assert_eq!(ours, fact.synonyms, "{}", fact.name);
    }
}

#[test]
fn every_default_is_valid_and_written_as_kafka_writes_it() {
    for setting in all().map(|(_, setting)| setting).chain(strome_settings()) {
        if let Some(default) = setting.default {
            assert_eq!(setting.normalise(default).as_deref(), Ok(default), "{}", setting.name);
        }
    }
}

#[test]
fn every_setting_says_what_it_is_about_and_whether_it_acts() {
    for setting in all().map(|(_, setting)| setting).chain(strome_settings()) {
        let text = setting.documentation();
        assert!(text.ends_with('.') && text.len() > 20, "{}: {text}", setting.name);
        assert_eq!(
            text.contains("does not act on it"),
            setting.effect == Effect::Ignored,
            "{}",
            setting.name
        );
    }
}

/// Values of which at least one differs from the setting's default, whatever that is.
fn other_values(setting: &Setting) -> Vec<String> {
    let words = [
        "true",
        "false",
        "compact",
        "LogAppendTime",
        "gzip",
        "PLAINTEXT:SSL",
        "A://:1",
        "h:2",
        "0-1",
        "upgrade",
    ];
    let numbers = ["0", "1", "2", "7", "300", "1048577", "2000000"];
    let candidates = words.iter().chain(&numbers).map(|&text| text.to_owned());
    candidates.filter(|text| setting.parse(text).is_ok() && Some(text.as_str()) != setting.default).collect()
}

#[test]
fn a_topic_setting_acts_exactly_if_the_typed_view_reads_it() {
    // Levels are read only for the codec they belong to.
    for codec in ["producer", "gzip", "lz4", "zstd"] {
        let base = map(&[("compression.type", codec)]);
        let before = TopicSettings::resolve(&base, &BrokerLayers::defaults()).unwrap();
        for setting in topic_settings().filter(|setting| setting.name != "compression.type") {
            let changes = |value: String| {
                let mut own = base.clone();
                own.insert(setting.name.to_owned(), value);
                TopicSettings::resolve(&own, &BrokerLayers::defaults()).unwrap() != before
            };
            let changed = other_values(setting).into_iter().any(changes);
            let level_of =
                setting.name.strip_prefix("compression.").and_then(|rest| rest.strip_suffix(".level"));
            let expected = level_of.map_or(setting.effect == Effect::Acts, |level_of| level_of == codec);
            assert_eq!(changed, expected, "{} with {codec}", setting.name);
        }
    }
}

#[test]
fn a_broker_setting_acts_exactly_if_a_typed_view_reads_it() {
    let view = |fixed: &BTreeMap<String, String>| {
        let layers = BrokerLayers::fixed(fixed);
        let topics = TopicSettings::resolve(&BTreeMap::new(), &layers);
        (BrokerSettings::resolve(&layers), topics)
    };
    for setting in broker_settings().chain(strome_settings()) {
        let level_of = setting.name.strip_prefix("compression.").and_then(|rest| rest.strip_suffix(".level"));
        let base = level_of.map_or_else(BTreeMap::new, |codec| map(&[("compression.type", codec)]));
        let before = view(&base);
        let changes = |value: String| {
            let mut fixed = base.clone();
            fixed.insert(setting.name.to_owned(), value);
            view(&fixed) != before
        };
        assert_eq!(
            other_values(setting).into_iter().any(changes),
            setting.effect != Effect::Ignored,
            "{}",
            setting.name
        );
    }
}

#[test]
fn hours_minutes_and_milliseconds_of_a_broker_become_a_topics() {
    let retention = |values: &[(&str, &str)]| {
        let fixed = map(values);
        TopicSettings::resolve(&BTreeMap::new(), &BrokerLayers::fixed(&fixed)).unwrap().retention_ms
    };
    let (hours, minutes, ms) =
        (("log.retention.hours", "2"), ("log.retention.minutes", "3"), ("log.retention.ms", "4"));
    assert_eq!(retention(&[]), Some(7 * 24 * 3_600_000));
    assert_eq!(retention(&[hours]), Some(7_200_000));
    assert_eq!(retention(&[hours, minutes]), Some(180_000));
    assert_eq!(retention(&[hours, minutes, ms]), Some(4));
    assert_eq!(retention(&[("log.retention.hours", "-1")]), None);
}

#[test]
fn a_topics_own_setting_beats_the_broker_and_the_more_specific_layer_wins() {
    let layer = |value| map(&[("log.segment.bytes", value)]);
    let (broker, default, fixed) = (layer("3000000"), layer("4000000"), layer("5000000"));
    let bytes = |own: &BTreeMap<String, String>, layers: &BrokerLayers<'_>| {
        TopicSettings::resolve(own, layers).unwrap().segment_bytes.0
    };
    let none = BTreeMap::new();
    let all = BrokerLayers { dynamic_broker: &broker, dynamic_default: &default, fixed: &fixed };
    assert_eq!(bytes(&map(&[("segment.bytes", "2000000")]), &all), 2_000_000);
    assert_eq!(bytes(&none, &all), 3_000_000);
    assert_eq!(bytes(&none, &BrokerLayers { dynamic_broker: &none, ..all }), 4_000_000);
    assert_eq!(bytes(&none, &BrokerLayers::fixed(&fixed)), 5_000_000);
    assert_eq!(bytes(&none, &BrokerLayers::defaults()), 1 << 30);
}

#[test]
fn only_what_kafka_alters_while_running_can_be_refused_so() {
    for setting in all().map(|(_, setting)| setting).filter(|setting| setting.effect == Effect::AtStart) {
        assert_ne!(setting.update_mode, UpdateMode::ReadOnly, "{}", setting.name);
    }
}

#[test]
fn words_become_what_they_mean() {
    let settings = |name: &str, value: &str| {
        TopicSettings::resolve(&map(&[(name, value)]), &BrokerLayers::defaults()).unwrap()
    };
    let cleanup = |value| {
        let CleanupPolicy { compact, delete } = settings("cleanup.policy", value).cleanup;
        (compact, delete)
    };
    assert_eq!(cleanup("delete"), (false, true));
    assert_eq!(cleanup("compact"), (true, false));
    assert_eq!(cleanup("compact,delete"), (true, true));
    assert_eq!(cleanup(""), (false, false));
    let compression = |value| settings("compression.type", value).compression;
    assert_eq!(compression("producer"), CompressionPolicy::Producer);
    assert_eq!(compression("uncompressed"), CompressionPolicy::Uncompressed);
    assert_eq!(compression("gzip"), CompressionPolicy::Gzip { level: -1 });
    assert_eq!(compression("snappy"), CompressionPolicy::Snappy);
    assert_eq!(compression("lz4"), CompressionPolicy::Lz4 { level: 9 });
    assert_eq!(compression("zstd"), CompressionPolicy::Zstd { level: 3 });
    let timestamps = |value| settings("message.timestamp.type", value).timestamps;
    assert_eq!(timestamps("CreateTime"), TimestampSource::CreateTime);
    assert_eq!(timestamps("LogAppendTime"), TimestampSource::LogAppendTime);
}

#[test]
fn what_is_acknowledged_is_durable_unless_somebody_says_otherwise() {
    let settings = TopicSettings::resolve(&BTreeMap::new(), &BrokerLayers::defaults()).unwrap();
    assert_eq!(settings.flush_messages, 1);
    assert_eq!(settings, TopicSettings::default());
}

mod answers;
mod values;
