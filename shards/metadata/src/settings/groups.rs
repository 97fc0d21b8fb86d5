//! What consumer groups and their offsets go by, as a broker reads it at its start.

use super::broker::{Values, invalid};
use super::value::InvalidSetting;

/// The settings of the group coordinator. Kafka's names stand beside the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSettings {
    /// Groups whose clients assign partitions.
    pub classic: ClassicGroupSettings,
    /// Groups whose partitions the coordinator assigns (KIP-848).
    pub consumer: ConsumerGroupSettings,
    /// Committed offsets.
    pub offsets: OffsetSettings,
}

/// Groups of the classic protocol, by `group.*`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicGroupSettings {
    /// `group.initial.rebalance.delay.ms`: how long a new group waits for more members.
    pub initial_rebalance_delay_ms: u64,
    /// `group.min.session.timeout.ms`.
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_ms_max: i32,
    /// `group.max.size`: members of a group.
    pub members_max: u32,
}

/// Groups of KIP-848, by `group.consumer.*`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupSettings {
    /// `...max.size`: members of a group.
    pub members_max: u32,
    /// `...session.timeout.ms`, for groups that do not set it, and its bounds.
    pub session_timeout_ms: Bounded,
    /// `...heartbeat.interval.ms`, likewise.
    pub heartbeat_interval_ms: Bounded,
    /// `...assignment.interval.ms`, likewise.
    pub assignment_interval_ms: Bounded,
    /// `...assignors`: their names, the default first.
    pub assignors: Vec<String>,
    /// `...migration.policy`, in lower case.
    pub migration_policy: String,
    /// `...regex.refresh.interval.ms`.
    pub regex_refresh_interval_ms: u64,
}

/// What a group gets that does not say otherwise, and what it may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// The value without a setting of the group's own.
    pub default: i32,
    /// The smallest that a group may have.
    pub min: i32,
    /// The largest.
    pub max: i32,
}

/// Committed offsets and the topic that keeps them, by `offset.*` and `offsets.*`.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetSettings {
    /// `offset.metadata.max.bytes`: of the note beside an offset.
    pub metadata_bytes_max: u32,
    /// `offsets.retention.minutes`, in milliseconds.
    pub retention_ms: u64,
    /// `offsets.retention.check.interval.ms`.
    pub retention_check_interval_ms: u64,
    /// `offsets.commit.timeout.ms`.
    pub commit_timeout_ms: u64,
    /// `offsets.load.buffer.size`: what is read at once when a partition of the topic is loaded.
    pub load_bytes: u32,
    /// `offsets.topic.compression.codec`, by its number in the attributes of a batch: 0 for none, then gzip, snappy, lz4,
    /// zstd.
    pub codec: u8,
}

/// The codecs that there are: none to zstd.
const CODEC_MAX: u8 = 4;

const MS_PER_MINUTE: u64 = 60_000;

impl GroupSettings {
    pub(super) fn resolve(values: &Values<'_>) -> Result<Self, InvalidSetting> {
        Ok(Self {
            classic: ClassicGroupSettings {
                initial_rebalance_delay_ms: values.count("group.initial.rebalance.delay.ms")?,
                session_timeout_ms_min: int(values, "group.min.session.timeout.ms")?,
                session_timeout_ms_max: int(values, "group.max.session.timeout.ms")?,
                members_max: values.count_u32("group.max.size")?,
            },
            consumer: ConsumerGroupSettings {
                members_max: values.count_u32("group.consumer.max.size")?,
                session_timeout_ms: bounded(values, "session.timeout.ms")?,
                heartbeat_interval_ms: bounded(values, "heartbeat.interval.ms")?,
                assignment_interval_ms: bounded(values, "assignment.interval.ms")?,
                assignors: assignors(values)?,
                migration_policy: values.text("group.consumer.migration.policy")?.to_lowercase(),
                regex_refresh_interval_ms: values.count("group.consumer.regex.refresh.interval.ms")?,
            },
            offsets: OffsetSettings {
                metadata_bytes_max: values.count_u32("offset.metadata.max.bytes")?,
                retention_ms: values.count("offsets.retention.minutes")?.saturating_mul(MS_PER_MINUTE),
                retention_check_interval_ms: values.count("offsets.retention.check.interval.ms")?,
                commit_timeout_ms: values.count("offsets.commit.timeout.ms")?,
                load_bytes: values.count_u32("offsets.load.buffer.size")?,
                codec: codec(values)?,
            },
        })
    }
}

/// The assignors that there are; a class of Java's cannot be one.
const ASSIGNORS: &[&str] = &["uniform", "range"];

fn assignors(values: &Values<'_>) -> Result<Vec<String>, InvalidSetting> {
    const NAME: &str = "group.consumer.assignors";
    let names = values.list(NAME)?;
    match names.iter().find(|name| !ASSIGNORS.contains(&name.as_str())) {
        Some(unknown) => Err(invalid(NAME, unknown, "Must be one of: uniform, range")),
        None => Ok(names),
    }
}

/// The setting `group.consumer.NAME` with its bounds, which have to hold it.
fn bounded(values: &Values<'_>, name: &str) -> Result<Bounded, InvalidSetting> {
    let [own, min_name, max_name] = ["", "min.", "max."].map(|bound| format!("group.consumer.{bound}{name}"));
    let bounded =
        Bounded { default: int(values, &own)?, min: int(values, &min_name)?, max: int(values, &max_name)? };
    let conflict = |one: &str, words: &str, other: &str| {
        Err(InvalidSetting::Conflict(format!("{one} must be {words} or equal to {other}")))
    };
    if bounded.max < bounded.min {
        conflict(&max_name, "greater than", &min_name)
    } else if bounded.default < bounded.min {
        conflict(&own, "greater than", &min_name)
    } else if bounded.default > bounded.max {
        conflict(&own, "less than", &max_name)
    } else {
        Ok(bounded)
    }
}

/// A setting of Kafka's type INT.
fn int(values: &Values<'_>, name: &str) -> Result<i32, InvalidSetting> {
    values.number(name).map(|number| i32::try_from(number).unwrap_or(i32::MAX))
}

fn codec(values: &Values<'_>) -> Result<u8, InvalidSetting> {
    const NAME: &str = "offsets.topic.compression.codec";
    let number = values.number(NAME)?;
    let known = u8::try_from(number).ok().filter(|codec| *codec <= CODEC_MAX);
    known.ok_or_else(|| invalid(NAME, &number.to_string(), "Must be from 0 to 4"))
}
