//! What a topic's settings mean to its partitions' logs.

use metadata::TopicSettings;
use metadata::settings::CleanerSettings;
use replication::FlushRule;
use storage::{CompactionLimits, CompactionSettings, LogSettings};

/// `flush.messages` and `flush.ms`.
pub(super) fn flush_rule(settings: &TopicSettings) -> FlushRule {
    FlushRule {
        messages: settings.flush_messages.try_into().unwrap_or(i64::MAX),
        interval_ms: settings.flush_ms.try_into().unwrap_or(i64::MAX),
    }
}

/// What the log itself looks at.
pub(super) fn log_settings(settings: &TopicSettings) -> LogSettings {
    LogSettings {
        segment_bytes: settings.segment_bytes.0.try_into().unwrap_or(u32::MAX),
        segment_ms: settings.segment_ms.try_into().unwrap_or(i64::MAX),
        segment_jitter_ms: settings.segment_jitter_ms.try_into().unwrap_or(i64::MAX),
        segment_index_bytes: settings.segment_index_bytes.0.try_into().unwrap_or(u32::MAX),
        index_interval_bytes: settings.index_interval_bytes.0.try_into().unwrap_or(u32::MAX),
        retention_ms: settings.retention_ms.map_or(-1, |ms| ms.try_into().unwrap_or(i64::MAX)),
        retention_bytes: settings.retention_bytes.map_or(-1, |bytes| bytes.0.try_into().unwrap_or(i64::MAX)),
        deletes: settings.cleanup.delete,
        delete_delay_ms: settings.file_delete_delay_ms.try_into().unwrap_or(i64::MAX),
    }
}

/// How the log is compacted, if it is.
pub(super) fn compaction(settings: &TopicSettings) -> Option<CompactionSettings> {
    let rules = &settings.compaction;
    settings.cleanup.compact.then(|| CompactionSettings {
        min_dirty_ratio: rules.dirty_ratio_min,
        min_lag_ms: rules.lag_ms_min.try_into().unwrap_or(i64::MAX),
        max_lag_ms: rules.lag_ms_max.try_into().unwrap_or(i64::MAX),
        delete_retention_ms: rules.delete_retention_ms.try_into().unwrap_or(i64::MAX),
    })
}

/// What compaction may take of the broker.
pub fn compaction_limits(settings: &CleanerSettings) -> CompactionLimits {
    CompactionLimits {
        is_enabled: settings.is_enabled,
        concurrency_max: settings.concurrency_max,
        map_bytes_max: settings.map_bytes_max.0.try_into().unwrap_or(usize::MAX),
        load_factor: settings.load_factor,
        slice_bytes: settings.io_bytes.0,
        bytes_per_second_max: settings.bytes_per_second_max,
        backoff_ms: settings.backoff_ms.try_into().unwrap_or(i64::MAX),
    }
}
