//! What coordinators go by. Kafka's names stand beside the fields, and its defaults in [`Settings::default`].

use types::ByteCount;

/// The settings of a coordinator. They may change at any time ([`crate::Coordinator::set_settings`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Groups of the classic protocol.
    pub classic: ClassicSettings,
    /// Groups of KIP-848.
    pub consumer: ConsumerSettings,
    /// Committed offsets.
    pub offsets: OffsetSettings,
}

/// What groups of the classic protocol go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicSettings {
    /// `group.max.size`.
    pub members_max: usize,
    /// `group.initial.rebalance.delay.ms`: how long the first rebalance of an empty group waits for more members.
    pub initial_rebalance_delay_ms: i64,
    /// `group.min.session.timeout.ms`.
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_ms_max: i32,
}

/// What groups of KIP-848 go by, unless a group has settings of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// `group.consumer.max.size`.
    pub members_max: usize,
    /// `group.consumer.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `group.consumer.min.session.timeout.ms`.
    pub session_timeout_ms_min: i32,
    /// `group.consumer.max.session.timeout.ms`.
    pub session_timeout_ms_max: i32,
    /// `group.consumer.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `group.consumer.min.heartbeat.interval.ms`.
    pub heartbeat_interval_ms_min: i32,
    /// `group.consumer.max.heartbeat.interval.ms`.
    pub heartbeat_interval_ms_max: i32,
    /// `group.consumer.assignment.interval.ms`: how long a group stays with an assignment before it is thought over.
    pub assignment_interval_ms: i32,
    /// `group.consumer.min.assignment.interval.ms`.
    pub assignment_interval_ms_min: i32,
    /// `group.consumer.max.assignment.interval.ms`.
    pub assignment_interval_ms_max: i32,
    /// `group.consumer.assignors`, the default first.
    pub assignors: Vec<String>,
    /// `group.consumer.migration.policy`: into which protocol a group may move while it has members.
    pub migration: MigrationPolicy,
    /// `group.consumer.regex.refresh.interval.ms`.
    pub regex_refresh_interval_ms: i64,
}

/// Into which protocol a group may move while it has members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationPolicy {
    /// Either way.
    Bidirectional,
    /// From classic to consumer only.
    Upgrade,
    /// From consumer to classic only.
    Downgrade,
    /// Not at all.
    Disabled,
}

/// What committed offsets go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetSettings {
    /// `offset.metadata.max.bytes`.
    pub metadata_bytes_max: ByteCount,
    /// `offsets.retention.minutes`, in milliseconds.
    pub retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub retention_check_interval_ms: i64,
}

const MINUTE_MS: i64 = 60 * 1000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            classic: ClassicSettings {
                members_max: i32::MAX as usize,
                initial_rebalance_delay_ms: 3_000,
                session_timeout_ms_min: 6_000,
                session_timeout_ms_max: 1_800_000,
            },
            consumer: ConsumerSettings {
                members_max: i32::MAX as usize,
                session_timeout_ms: 45_000,
                session_timeout_ms_min: 45_000,
                session_timeout_ms_max: 60_000,
                heartbeat_interval_ms: 5_000,
                heartbeat_interval_ms_min: 5_000,
                heartbeat_interval_ms_max: 15_000,
                assignment_interval_ms: 100,
                assignment_interval_ms_min: 0,
                assignment_interval_ms_max: 15_000,
                assignors: vec!["uniform".to_owned(), "range".to_owned()],
                migration: MigrationPolicy::Bidirectional,
                regex_refresh_interval_ms: 10 * MINUTE_MS,
            },
            offsets: OffsetSettings {
                metadata_bytes_max: ByteCount(4096),
                retention_ms: 7 * 24 * 60 * MINUTE_MS,
                retention_check_interval_ms: 10 * MINUTE_MS,
            },
        }
    }
}
