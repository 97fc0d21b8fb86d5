//! Directories, segments, flushing, retention and compaction.

use super::settings;

settings! {
    "cordoned.log.dirs" List Some(""), Distinct, Medium PerBroker Ignored,
        "Directories in `log.dirs` that get no new partitions.";
    "log.cleaner.backoff.ms" Long Some("15000"), AtLeast(0), Medium ClusterWide Acts,
        "How long the compactor sleeps when there is nothing to do.";
    "log.cleaner.dedupe.buffer.size" Long Some("134217728"), Any, Medium ClusterWide Acts,
        "Memory for the compactor's map of keys.";
    "log.cleaner.delete.retention.ms" Long Some("86400000"), AtLeast(0), Medium ClusterWide Acts,
        "`delete.retention.ms` for topics that do not set it.";
    "log.cleaner.enable" Boolean Some("true"), Any, Medium ReadOnly Acts,
        "Whether the compactor runs at all.";
    "log.cleaner.io.buffer.load.factor" Double Some("0.9"), Any, Medium ClusterWide Acts,
        "How full the compactor's map of keys may get.";
    "log.cleaner.io.buffer.size" Int Some("524288"), AtLeast(0), Medium ClusterWide Acts,
        "How much the compactor reads at once, from 64 KiB to 4 MiB.";
    "log.cleaner.io.max.bytes.per.second" Double Some("1.7976931348623157E308"), Any, Medium ClusterWide Acts,
        "The compactor's share of the disk.";
    "log.cleaner.max.compaction.lag.ms" Long Some("9223372036854775807"), AtLeast(1), Medium ClusterWide Acts,
        "`max.compaction.lag.ms` for topics that do not set it.";
    "log.cleaner.min.cleanable.ratio" Double Some("0.5"), Fraction(0.0, 1.0), Medium ClusterWide Acts,
        "`min.cleanable.dirty.ratio` for topics that do not set it.";
    "log.cleaner.min.compaction.lag.ms" Long Some("0"), AtLeast(0), Medium ClusterWide Acts,
        "`min.compaction.lag.ms` for topics that do not set it.";
    "log.cleaner.threads" Int Some("1"), AtLeast(0), Medium ClusterWide Acts,
        "How many partitions are compacted at once, each with its share of the memory; on threads of the shards that own them.";
    "log.cleanup.policy" List Some("delete"), SomeOf(&["compact", "delete"]), Medium ClusterWide Acts,
        "`cleanup.policy` for topics that do not set it.";
    "log.dir" List Some("strome-data"), DistinctNonEmpty, High ReadOnly Acts,
        "The directories of data if `log.dirs` is not set.";
    "log.dir.failure.timeout.ms" Long Some("30000"), AtLeast(1), Low ReadOnly Ignored,
        "How long a broker with a failed directory goes on if it cannot tell the controller.";
    "log.dirs" List None, DistinctNonEmpty, High ReadOnly Acts,
        "The directories of data.";
    "log.flush.interval.messages" Long Some("1"), AtLeast(1), High ClusterWide Acts,
        "`flush.messages` for topics that do not set it.";
    "log.flush.interval.ms" Long None, Any, High ClusterWide Acts,
        "`flush.ms` for topics that do not set it.";
    "log.flush.offset.checkpoint.interval.ms" Int Some("60000"), AtLeast(0), High ReadOnly Ignored,
        "How often the recovery points are written down.";
    "log.flush.scheduler.interval.ms" Long Some("9223372036854775807"), Any, High ReadOnly Acts,
        "Stands in for `log.flush.interval.ms` if that is not set.";
    "log.flush.start.offset.checkpoint.interval.ms" Int Some("60000"), AtLeast(0), High ReadOnly Ignored,
        "How often the start offsets of logs are written down.";
    "log.index.interval.bytes" Int Some("4096"), AtLeast(0), Medium ClusterWide Acts,
        "`index.interval.bytes` for topics that do not set it.";
    "log.index.size.max.bytes" Int Some("10485760"), AtLeast(4), Medium ClusterWide Acts,
        "`segment.index.bytes` for topics that do not set it.";
    "log.local.retention.bytes" Long Some("-2"), AtLeast(-2), Medium ClusterWide Ignored,
        "`local.retention.bytes` for topics that do not set it.";
    "log.local.retention.ms" Long Some("-2"), AtLeast(-2), Medium ClusterWide Ignored,
        "`local.retention.ms` for topics that do not set it.";
    "log.message.timestamp.after.max.ms" Long Some("3600000"), AtLeast(0), Medium ClusterWide Acts,
        "`message.timestamp.after.max.ms` for topics that do not set it.";
    "log.message.timestamp.before.max.ms" Long Some("9223372036854775807"), AtLeast(0), Medium ClusterWide Acts,
        "`message.timestamp.before.max.ms` for topics that do not set it.";
    "log.message.timestamp.type" String Some("CreateTime"), OneOf(&["CreateTime", "LogAppendTime"]), Medium ClusterWide Acts,
        "`message.timestamp.type` for topics that do not set it.";
    "log.preallocate" Boolean Some("false"), Any, Medium ClusterWide Ignored,
        "`preallocate` for topics that do not set it.";
    "log.retention.bytes" Long Some("-1"), Any, High ClusterWide Acts,
        "`retention.bytes` for topics that do not set it.";
    "log.retention.check.interval.ms" Long Some("300000"), AtLeast(1), Medium ReadOnly Acts,
        "How often logs are looked through for segments to drop.";
    "log.retention.hours" Int Some("168"), Any, High ReadOnly Acts,
        "`retention.ms` in hours for topics that do not set it, if neither `log.retention.ms` nor `log.retention.minutes` is set.";
    "log.retention.minutes" Int None, Any, High ReadOnly Acts,
        "`retention.ms` in minutes for topics that do not set it, if `log.retention.ms` is not set.";
    "log.retention.ms" Long None, Any, High ClusterWide Acts,
        "`retention.ms` for topics that do not set it.";
    "log.roll.hours" Int Some("168"), AtLeast(1), High ReadOnly Acts,
        "`segment.ms` in hours for topics that do not set it, if `log.roll.ms` is not set.";
    "log.roll.jitter.hours" Int Some("0"), AtLeast(0), High ReadOnly Acts,
        "`segment.jitter.ms` in hours for topics that do not set it, if `log.roll.jitter.ms` is not set.";
    "log.roll.jitter.ms" Long None, Any, High ClusterWide Acts,
        "`segment.jitter.ms` for topics that do not set it.";
    "log.roll.ms" Long None, Any, High ClusterWide Acts,
        "`segment.ms` for topics that do not set it.";
    "log.segment.bytes" Int Some("1073741824"), AtLeast(1_048_576), High ClusterWide Acts,
        "`segment.bytes` for topics that do not set it.";
    "log.segment.delete.delay.ms" Long Some("60000"), AtLeast(0), High ClusterWide Acts,
        "`file.delete.delay.ms` for topics that do not set it.";
    "message.max.bytes" Int Some("1048588"), AtLeast(0), High ClusterWide Acts,
        "`max.message.bytes` for topics that do not set it.";
    "num.recovery.threads.per.data.dir" Int Some("2"), AtLeast(1), High ClusterWide AtStart,
        "Threads per directory that recover its logs when it was not closed cleanly.";
    "num.replica.alter.log.dirs.threads" Int None, Any, High ReadOnly Ignored,
        "Threads that move partitions between the directories of one broker.";
    "producer.id.expiration.ms" Int Some("86400000"), AtLeast(1), Low ClusterWide AtStart,
        "How long a partition remembers the sequence numbers of a producer that sends no more.";
}
