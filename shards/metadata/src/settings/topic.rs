//! The settings of a topic as the broker reads them.

use std::collections::BTreeMap;

use types::ByteCount;

use super::layers::BrokerLayers;
use super::value::InvalidSetting;
use super::{Value, topic};

/// The settings in force for one topic. Kafka's names stand beside the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicSettings {
    /// `cleanup.policy`.
    pub cleanup: CleanupPolicy,
    /// What `cleanup.policy=compact` goes by.
    pub compaction: CompactionRules,
    /// `compression.type`, with the level of its codec.
    pub compression: CompressionPolicy,
    /// `file.delete.delay.ms`: how long files stay after they were dropped.
    pub file_delete_delay_ms: u64,
    /// `flush.messages`: records that may be acknowledged before they are durable. 1: none.
    pub flush_messages: u64,
    /// `flush.ms`: the longest time for which an acknowledged record may not be durable.
    pub flush_ms: u64,
    /// `index.interval.bytes`.
    pub index_interval_bytes: ByteCount,
    /// `max.message.bytes`.
    pub batch_bytes_max: ByteCount,
    /// `message.timestamp.type`.
    pub timestamps: TimestampSource,
    /// `message.timestamp.before.max.ms`: how far in the past a timestamp may lie.
    pub timestamp_before_ms_max: u64,
    /// `message.timestamp.after.max.ms`: how far in the future a timestamp may lie.
    pub timestamp_after_ms_max: u64,
    /// `min.insync.replicas`.
    pub in_sync_replicas_min: u32,
    /// `retention.bytes`; `None` for no limit.
    pub retention_bytes: Option<ByteCount>,
    /// `retention.ms`; `None` for no limit.
    pub retention_ms: Option<u64>,
    /// `segment.bytes`.
    pub segment_bytes: ByteCount,
    /// `segment.index.bytes`.
    pub segment_index_bytes: ByteCount,
    /// `segment.ms`.
    pub segment_ms: u64,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: u64,
}

/// What happens to old segments. Neither: they are kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// The last record of each key is kept. Records need keys.
    pub compact: bool,
    /// Segments are dropped by age and size.
    pub delete: bool,
}

/// When a compacted topic is compacted, and what stays for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompactionRules {
    /// `min.cleanable.dirty.ratio`: the share of a log that has to be new.
    pub dirty_ratio_min: f64,
    /// `min.compaction.lag.ms`: what is younger stays as it is.
    pub lag_ms_min: u64,
    /// `max.compaction.lag.ms`: what is older is compacted in any case.
    pub lag_ms_max: u64,
    /// `delete.retention.ms`: how long tombstones stay.
    pub delete_retention_ms: u64,
}

/// How batches are kept. Levels are Kafka's, -1 for gzip being the library's own choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionPolicy {
    /// As they came.
    Producer,
    Uncompressed,
    Gzip {
        level: i32,
    },
    Snappy,
    Lz4 {
        level: i32,
    },
    Zstd {
        level: i32,
    },
}

/// Whose clock stamps records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampSource {
    /// The producer's.
    CreateTime,
    /// The broker's.
    LogAppendTime,
}

impl TopicSettings {
    /// The settings in force for a topic with these settings of its own, on a broker with those.
    ///
    /// # Errors
    /// If a value is not one that its setting may have; the stored ones were checked when they were altered.
    pub fn resolve(
        own: &BTreeMap<String, String>,
        broker: &BrokerLayers<'_>,
    ) -> Result<Self, InvalidSetting> {
        let values = Values { own, broker };
        let cleanup = values.list("cleanup.policy")?;
        Ok(Self {
            cleanup: CleanupPolicy {
                compact: cleanup.iter().any(|policy| policy == "compact"),
                delete: cleanup.iter().any(|policy| policy == "delete"),
            },
            compaction: CompactionRules {
                dirty_ratio_min: values.fraction("min.cleanable.dirty.ratio")?,
                lag_ms_min: values.count("min.compaction.lag.ms")?,
                lag_ms_max: values.count("max.compaction.lag.ms")?,
                delete_retention_ms: values.count("delete.retention.ms")?,
            },
            compression: values.compression()?,
            file_delete_delay_ms: values.count("file.delete.delay.ms")?,
            flush_messages: values.count("flush.messages")?,
            flush_ms: values.count("flush.ms")?,
            index_interval_bytes: values.bytes("index.interval.bytes")?,
            batch_bytes_max: values.bytes("max.message.bytes")?,
            timestamps: match values.text("message.timestamp.type")?.as_str() {
                "LogAppendTime" => TimestampSource::LogAppendTime,
                _ => TimestampSource::CreateTime,
            },
            timestamp_before_ms_max: values.count("message.timestamp.before.max.ms")?,
            timestamp_after_ms_max: values.count("message.timestamp.after.max.ms")?,
            in_sync_replicas_min: u32::try_from(values.count("min.insync.replicas")?).unwrap_or(u32::MAX),
            retention_bytes: values.limit("retention.bytes")?.map(ByteCount),
            retention_ms: values.limit("retention.ms")?,
            segment_bytes: values.bytes("segment.bytes")?,
            segment_index_bytes: values.bytes("segment.index.bytes")?,
            segment_ms: values.count("segment.ms")?,
            segment_jitter_ms: values.count("segment.jitter.ms")?,
        })
    }
}

impl Default for TopicSettings {
    /// What a topic without settings has on a broker without settings; a test holds this to the tables.
    fn default() -> Self {
        const HOUR_MS: u64 = 60 * 60 * 1000;
        const WEEK_MS: u64 = 7 * 24 * HOUR_MS;
        const FOR_EVER_MS: u64 = i64::MAX.unsigned_abs();
        Self {
            cleanup: CleanupPolicy { compact: false, delete: true },
            compaction: CompactionRules {
                dirty_ratio_min: 0.5,
                lag_ms_min: 0,
                lag_ms_max: FOR_EVER_MS,
                delete_retention_ms: 24 * HOUR_MS,
            },
            compression: CompressionPolicy::Producer,
            file_delete_delay_ms: 60_000,
            flush_messages: 1,
            flush_ms: FOR_EVER_MS,
            index_interval_bytes: ByteCount(4096),
            batch_bytes_max: ByteCount(1024 * 1024 + 12),
            timestamps: TimestampSource::CreateTime,
            timestamp_before_ms_max: FOR_EVER_MS,
            timestamp_after_ms_max: HOUR_MS,
            in_sync_replicas_min: 1,
            retention_bytes: None,
            retention_ms: Some(WEEK_MS),
            segment_bytes: ByteCount(1024 * 1024 * 1024),
            segment_index_bytes: ByteCount(10 * 1024 * 1024),
            segment_ms: WEEK_MS,
            segment_jitter_ms: 0,
        }
    }
}

/// Reads a topic's settings one by one.
struct Values<'a> {
    own: &'a BTreeMap<String, String>,
    broker: &'a BrokerLayers<'a>,
}

impl Values<'_> {
    fn value(&self, name: &str) -> Result<Option<Value>, InvalidSetting> {
        let unknown = || InvalidSetting::Unknown { kind: "topic", name: name.to_owned() };
        let setting = topic(name).ok_or_else(unknown)?;
        match self.own.get(name) {
            Some(text) => setting.parse(text).map(Some),
            None => self.broker.for_topics(setting),
        }
    }

    fn number(&self, name: &str) -> Result<i64, InvalidSetting> {
        self.value(name)?.as_ref().and_then(Value::as_integer).ok_or_else(|| unset(name))
    }

    /// A number that is never negative.
    fn count(&self, name: &str) -> Result<u64, InvalidSetting> {
        self.number(name).map(|number| u64::try_from(number).unwrap_or(0))
    }

    fn bytes(&self, name: &str) -> Result<ByteCount, InvalidSetting> {
        self.count(name).map(ByteCount)
    }

    fn fraction(&self, name: &str) -> Result<f64, InvalidSetting> {
        self.value(name)?.as_ref().and_then(Value::as_float).ok_or_else(|| unset(name))
    }

    /// A number that stands for "no limit" if it is negative.
    fn limit(&self, name: &str) -> Result<Option<u64>, InvalidSetting> {
        self.number(name).map(|number| u64::try_from(number).ok())
    }

    fn text(&self, name: &str) -> Result<String, InvalidSetting> {
        self.value(name)?.map(|value| value.to_string()).ok_or_else(|| unset(name))
    }

    fn list(&self, name: &str) -> Result<Vec<String>, InvalidSetting> {
        match self.value(name)? {
            Some(Value::List(parts)) => Ok(parts),
            _ => Err(unset(name)),
        }
    }

    fn level(&self, name: &str) -> Result<i32, InvalidSetting> {
        self.number(name).map(|number| i32::try_from(number).unwrap_or(-1))
    }

    fn compression(&self) -> Result<CompressionPolicy, InvalidSetting> {
        Ok(match self.text("compression.type")?.as_str() {
            "uncompressed" => CompressionPolicy::Uncompressed,
            "gzip" => CompressionPolicy::Gzip { level: self.level("compression.gzip.level")? },
            "snappy" => CompressionPolicy::Snappy,
            "lz4" => CompressionPolicy::Lz4 { level: self.level("compression.lz4.level")? },
            "zstd" => CompressionPolicy::Zstd { level: self.level("compression.zstd.level")? },
            _ => CompressionPolicy::Producer,
        })
    }
}

/// The setting `name` has no value of the type that is read.
fn unset(name: &str) -> InvalidSetting {
    InvalidSetting::Conflict(format!("Configuration {name} has no value"))
}
