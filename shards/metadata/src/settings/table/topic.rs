//! Settings of a topic.

use super::settings;

settings! {
    "cleanup.policy" List Some("delete"), SomeOf(&["compact", "delete"]), Medium ClusterWide Acts,
        "What happens to old segments: `delete` drops them by age and size, `compact` keeps the last record of each key.";
    "compression.gzip.level" Int Some("-1"), BetweenOr(1, 9, -1), Medium ClusterWide Acts,
        "Effort of gzip when the broker itself compresses; -1 leaves it to the library.";
    "compression.lz4.level" Int Some("9"), Between(1, 17), Medium ClusterWide Acts,
        "Effort of LZ4 when the broker itself compresses.";
    "compression.type" String Some("producer"), OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), Medium ClusterWide Acts,
        "The codec in which batches are kept; `producer` keeps each batch as it came.";
    "compression.zstd.level" Int Some("3"), Between(-131_072, 22), Medium ClusterWide Acts,
        "Effort of Zstandard when the broker itself compresses.";
    "delete.retention.ms" Long Some("86400000"), AtLeast(0), Medium ClusterWide Acts,
        "How long a compacted log keeps the tombstone of a deleted key.";
    "file.delete.delay.ms" Long Some("60000"), AtLeast(0), Medium ClusterWide Acts,
        "How long a dropped segment's files stay on disk, under another name.";
    "flush.messages" Long Some("1"), AtLeast(1), Medium ClusterWide Acts,
        "Records that may be acknowledged before they are durable; 1, Strome's default, makes `acks=all` wait for the disk.";
    "flush.ms" Long Some("9223372036854775807"), AtLeast(0), Medium ClusterWide Acts,
        "The longest time for which an acknowledged record may not be durable yet.";
    "follower.replication.throttled.replicas" List Some(""), ThrottledReplicas, Medium ClusterWide Ignored,
        "Replicas whose catching up counts against the follower's throttle.";
    "index.interval.bytes" Int Some("4096"), AtLeast(0), Medium ClusterWide Acts,
        "Bytes of records between two entries of the offset index.";
    "leader.replication.throttled.replicas" List Some(""), ThrottledReplicas, Medium ClusterWide Ignored,
        "Replicas whose catching up counts against the leader's throttle.";
    "local.retention.bytes" Long Some("-2"), AtLeast(-2), Medium ClusterWide Ignored,
        "With tiered storage, the size up to which a partition stays on the local disk.";
    "local.retention.ms" Long Some("-2"), AtLeast(-2), Medium ClusterWide Ignored,
        "With tiered storage, the time for which records stay on the local disk.";
    "max.compaction.lag.ms" Long Some("9223372036854775807"), AtLeast(1), Medium ClusterWide Acts,
        "The age at which a record becomes subject to compaction at the latest.";
    "max.message.bytes" Int Some("1048588"), AtLeast(0), Medium ClusterWide Acts,
        "The largest batch of records, as it is stored, that a producer may send.";
    "message.timestamp.after.max.ms" Long Some("3600000"), AtLeast(0), Medium ClusterWide Acts,
        "How far a record's timestamp may lie in the broker's future.";
    "message.timestamp.before.max.ms" Long Some("9223372036854775807"), AtLeast(0), Medium ClusterWide Acts,
        "How far a record's timestamp may lie in the broker's past.";
    "message.timestamp.type" String Some("CreateTime"), OneOf(&["CreateTime", "LogAppendTime"]), Medium ClusterWide Acts,
        "Whose clock stamps records: the producer's (`CreateTime`) or the broker's (`LogAppendTime`).";
    "min.cleanable.dirty.ratio" Double Some("0.5"), Fraction(0.0, 1.0), Medium ClusterWide Acts,
        "The share of a log that is not compacted yet at which compaction becomes worth while.";
    "min.compaction.lag.ms" Long Some("0"), AtLeast(0), Medium ClusterWide Acts,
        "The age up to which a record is safe from compaction.";
    "min.insync.replicas" Int Some("1"), AtLeast(1), Medium ClusterWide Acts,
        "In-sync replicas, the leader included, without which `acks=all` is refused.";
    "preallocate" Boolean Some("false"), Any, Medium ClusterWide Ignored,
        "Whether a segment gets its full size on disk at once; Strome prepares segments ahead in its own way.";
    "remote.log.copy.disable" Boolean Some("false"), Any, Medium ClusterWide Ignored,
        "Stops copying to tiered storage, while what is there stays readable.";
    "remote.log.delete.on.disable" Boolean Some("false"), Any, Medium ClusterWide Ignored,
        "Whether turning tiered storage off deletes what was copied.";
    "remote.storage.enable" Boolean Some("false"), Any, Medium ClusterWide Ignored,
        "Whether the topic's older segments move to tiered storage, which Strome does not have.";
    "retention.bytes" Long Some("-1"), Any, Medium ClusterWide Acts,
        "The size of a partition above which its oldest segments are dropped; -1 for no limit.";
    "retention.ms" Long Some("604800000"), AtLeast(-1), Medium ClusterWide Acts,
        "The age above which a segment is dropped; -1 for no limit.";
    "segment.bytes" Int Some("1073741824"), AtLeast(1_048_576), Medium ClusterWide Acts,
        "The size at which a segment file is closed and the next one begun.";
    "segment.index.bytes" Int Some("10485760"), AtLeast(4), Medium ClusterWide Acts,
        "The largest size of a segment's offset index.";
    "segment.jitter.ms" Long Some("0"), AtLeast(0), Medium ClusterWide Acts,
        "By how much a segment's closing time is brought forward at random, so that not all close at once.";
    "segment.ms" Long Some("604800000"), AtLeast(1), Medium ClusterWide Acts,
        "The age at which a segment is closed even if it is not full.";
    "unclean.leader.election.enable" Boolean Some("false"), Any, Medium ClusterWide Ignored,
        "Whether a replica that lacks acknowledged records may become leader when no other is left.";
}
