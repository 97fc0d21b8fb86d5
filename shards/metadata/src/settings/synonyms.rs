//! Which settings stand in for which: a topic's setting falls back to the broker's, and some settings of the broker
//! come in several units, and a group's setting falls back to the broker's too. As Kafka's `ServerTopicConfigSynonyms`,
//! `DynamicBrokerConfig.brokerConfigSynonyms` and `GroupConfig.ALL_GROUP_CONFIG_SYNONYMS`.

use super::{Setting, broker};

/// A broker setting that stands in for a setting of a topic.
#[derive(Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The broker setting.
    pub name: &'static str,
    /// What one unit of the broker setting is in the topic setting: 3,600,000 for hours in milliseconds.
    pub unit: i64,
}

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The broker settings that stand in for the topic setting `name`, in the order in which they are asked; none for a
/// setting that only topics have.
#[must_use]
pub fn synonyms_of_topic(name: &str) -> &'static [Synonym] {
    TOPIC.iter().find(|(topic, _)| *topic == name).map_or(&[], |(_, synonyms)| synonyms)
}

/// The broker settings that say the same as the broker setting `name`, itself included, in the order in which they
/// are asked; empty for the many settings that stand for themselves only.
#[must_use]
pub fn synonyms_of_broker(name: &str) -> &'static [&'static str] {
    if name == FLUSH[0] {
        return FLUSH;
    }
    BROKER.iter().copied().find(|names| names.contains(&name)).unwrap_or(&[])
}

/// The broker setting that stands in for the setting `name` of a group, whatever kind of group it is about.
#[must_use]
pub fn synonym_of_group(name: &str) -> Option<&'static Setting> {
    broker(&format!("group.{name}"))
}

/// Only `log.flush.interval.ms` falls back to the other, not the reverse.
const FLUSH: &[&str] = &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"];

const BROKER: &[&[&str]] = &[
    &["log.roll.ms", "log.roll.hours"],
    &["log.roll.jitter.ms", "log.roll.jitter.hours"],
    &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
];

const fn same(name: &'static str) -> Synonym {
    Synonym { name, unit: 1 }
}

const fn minutes(name: &'static str) -> Synonym {
    Synonym { name, unit: MINUTE_MS }
}

const fn hours(name: &'static str) -> Synonym {
    Synonym { name, unit: HOUR_MS }
}

const TOPIC: &[(&str, &[Synonym])] = &[
    ("cleanup.policy", &[same("log.cleanup.policy")]),
    ("compression.gzip.level", &[same("compression.gzip.level")]),
    ("compression.lz4.level", &[same("compression.lz4.level")]),
    ("compression.type", &[same("compression.type")]),
    ("compression.zstd.level", &[same("compression.zstd.level")]),
    ("delete.retention.ms", &[same("log.cleaner.delete.retention.ms")]),
    ("file.delete.delay.ms", &[same("log.segment.delete.delay.ms")]),
    ("flush.messages", &[same("log.flush.interval.messages")]),
    ("flush.ms", &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")]),
    ("index.interval.bytes", &[same("log.index.interval.bytes")]),
    ("local.retention.bytes", &[same("log.local.retention.bytes")]),
    ("local.retention.ms", &[same("log.local.retention.ms")]),
    ("max.compaction.lag.ms", &[same("log.cleaner.max.compaction.lag.ms")]),
    ("max.message.bytes", &[same("message.max.bytes")]),
    ("message.timestamp.after.max.ms", &[same("log.message.timestamp.after.max.ms")]),
    ("message.timestamp.before.max.ms", &[same("log.message.timestamp.before.max.ms")]),
    ("message.timestamp.type", &[same("log.message.timestamp.type")]),
    ("min.cleanable.dirty.ratio", &[same("log.cleaner.min.cleanable.ratio")]),
    ("min.compaction.lag.ms", &[same("log.cleaner.min.compaction.lag.ms")]),
    ("min.insync.replicas", &[same("min.insync.replicas")]),
    ("preallocate", &[same("log.preallocate")]),
    ("retention.bytes", &[same("log.retention.bytes")]),
    (
        "retention.ms",
        &[same("log.retention.ms"), minutes("log.retention.minutes"), hours("log.retention.hours")],
    ),
    ("segment.bytes", &[same("log.segment.bytes")]),
    ("segment.index.bytes", &[same("log.index.size.max.bytes")]),
    ("segment.jitter.ms", &[same("log.roll.jitter.ms"), hours("log.roll.jitter.hours")]),
    ("segment.ms", &[same("log.roll.ms"), hours("log.roll.hours")]),
    ("unclean.leader.election.enable", &[same("unclean.leader.election.enable")]),
];
