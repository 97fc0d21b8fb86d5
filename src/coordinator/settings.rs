//! What coordinators take from the broker's settings.

use std::time::Duration;

use group::{ClassicSettings, ConsumerSettings, MigrationPolicy, OffsetSettings, Settings};
use metadata::Image;
use metadata::settings::{ConsumerGroupSettings, GroupSettings};
use record::Compression;
use types::ByteCount;

/// The settings of a shard's coordinators.
pub(super) struct CoordinatorSettings {
    /// What the machine goes by.
    pub(super) machine: Settings,
    /// How batches are compressed.
    pub(super) codec: Compression,
    /// How long a client waits for its records to become durable.
    pub(super) write_wait_max: Duration,
    /// What is read at once when a partition is loaded.
    pub(super) load_bytes: usize,
}

/// What a turn of the loop replays at most, however much may be read at once: some thousand records.
const LOAD_BYTES_MAX: usize = 256 * 1024;

impl CoordinatorSettings {
    /// Those in force.
    pub(super) fn of(image: &Image) -> Self {
        let groups = &image.broker_settings().groups;
        let offsets = &groups.offsets;
        Self {
            machine: machine(groups),
            codec: codec(offsets.codec),
            write_wait_max: Duration::from_millis(offsets.commit_timeout_ms),
            load_bytes: LOAD_BYTES_MAX.min(offsets.load_bytes as usize),
        }
    }
}

fn machine(groups: &GroupSettings) -> Settings {
    let (classic, offsets) = (&groups.classic, &groups.offsets);
    Settings {
        classic: ClassicSettings {
            members_max: classic.members_max as usize,
            initial_rebalance_delay_ms: ms(classic.initial_rebalance_delay_ms),
            session_timeout_ms_min: classic.session_timeout_ms_min,
            session_timeout_ms_max: classic.session_timeout_ms_max,
        },
        consumer: consumer(&groups.consumer),
        offsets: OffsetSettings {
            metadata_bytes_max: ByteCount(u64::from(offsets.metadata_bytes_max)),
            retention_ms: ms(offsets.retention_ms),
            retention_check_interval_ms: ms(offsets.retention_check_interval_ms),
        },
    }
}

fn consumer(groups: &ConsumerGroupSettings) -> ConsumerSettings {
    let (session, heartbeat) = (groups.session_timeout_ms, groups.heartbeat_interval_ms);
    let assignment = groups.assignment_interval_ms;
    ConsumerSettings {
        members_max: groups.members_max as usize,
        session_timeout_ms: session.default,
        session_timeout_ms_min: session.min,
        session_timeout_ms_max: session.max,
        heartbeat_interval_ms: heartbeat.default,
        heartbeat_interval_ms_min: heartbeat.min,
        heartbeat_interval_ms_max: heartbeat.max,
        assignment_interval_ms: assignment.default,
        assignment_interval_ms_min: assignment.min,
        assignment_interval_ms_max: assignment.max,
        assignors: groups.assignors.clone(),
        migration: match groups.migration_policy.as_str() {
            "disabled" => MigrationPolicy::Disabled,
            "downgrade" => MigrationPolicy::Downgrade,
            "upgrade" => MigrationPolicy::Upgrade,
            _ => MigrationPolicy::Bidirectional,
        },
        regex_refresh_interval_ms: ms(groups.regex_refresh_interval_ms),
    }
}

fn ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// The codec with this number, which the settings have checked.
fn codec(number: u8) -> Compression {
    match number {
        1 => Compression::Gzip,
        2 => Compression::Snappy,
        3 => Compression::Lz4,
        4 => Compression::Zstd,
        _ => Compression::None,
    }
}
