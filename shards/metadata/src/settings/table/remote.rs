//! Tiered storage, which Strome does not have.

use super::settings;

settings! {
    "remote.fetch.max.wait.ms" Int Some("500"), AtLeast(1), Medium ClusterWide Ignored,
        "How long a Fetch waits for tiered storage.";
    "remote.list.offsets.request.timeout.ms" Long Some("30000"), AtLeast(1), Medium ClusterWide Ignored,
        "How long a ListOffsets waits for tiered storage.";
    "remote.log.index.file.cache.total.size.bytes" Long Some("1073741824"), AtLeast(1), Low ClusterWide Ignored,
        "Local disk space for indexes fetched from tiered storage.";
    "remote.log.manager.copier.thread.pool.size" Int Some("10"), AtLeast(1), Medium ClusterWide Ignored,
        "Threads that copy segments to tiered storage.";
    "remote.log.manager.copy.max.bytes.per.second" Long Some("9223372036854775807"), AtLeast(1), Medium ClusterWide Ignored,
        "How fast segments are copied to tiered storage.";
    "remote.log.manager.copy.quota.window.num" Int Some("11"), AtLeast(1), Medium ReadOnly Ignored,
        "Samples kept for the limit on copying to tiered storage.";
    "remote.log.manager.copy.quota.window.size.seconds" Int Some("1"), AtLeast(1), Medium ReadOnly Ignored,
        "The length of a sample for the limit on copying to tiered storage.";
    "remote.log.manager.expiration.thread.pool.size" Int Some("10"), AtLeast(1), Medium ClusterWide Ignored,
        "Threads that drop old segments from tiered storage.";
    "remote.log.manager.fetch.max.bytes.per.second" Long Some("9223372036854775807"), AtLeast(1), Medium ClusterWide Ignored,
        "How fast data is read from tiered storage.";
    "remote.log.manager.fetch.quota.window.num" Int Some("11"), AtLeast(1), Medium ReadOnly Ignored,
        "Samples kept for the limit on reading from tiered storage.";
    "remote.log.manager.fetch.quota.window.size.seconds" Int Some("1"), AtLeast(1), Medium ReadOnly Ignored,
        "The length of a sample for the limit on reading from tiered storage.";
    "remote.log.manager.follower.thread.pool.size" Int Some("2"), AtLeast(1), Medium ClusterWide Ignored,
        "Threads that follow what leaders put into tiered storage.";
    "remote.log.manager.task.interval.ms" Long Some("30000"), AtLeast(1), Low ReadOnly Ignored,
        "How often the work on tiered storage runs.";
    "remote.log.manager.thread.pool.size" Int Some("2"), AtLeast(1), Medium ReadOnly Ignored,
        "Threads for work on tiered storage.";
    "remote.log.metadata.custom.metadata.max.bytes" Int Some("128"), AtLeast(0), Low ReadOnly Ignored,
        "The largest note that a plug-in of tiered storage may attach to a segment.";
    "remote.log.metadata.manager.class.name" String Some("org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager"), NonEmpty, Medium ReadOnly Ignored,
        "The Java class that remembers what is in tiered storage.";
    "remote.log.metadata.manager.class.path" String None, Any, Medium ReadOnly Ignored,
        "Where that Java class is found.";
    "remote.log.metadata.manager.impl.prefix" String Some("rlmm.config."), NonEmpty, Medium ReadOnly Ignored,
        "The beginning of the names of that Java class's own settings.";
    "remote.log.metadata.manager.listener.name" String None, NonEmpty, Medium ReadOnly Ignored,
        "The listener over which that Java class talks to brokers.";
    "remote.log.reader.max.pending.tasks" Int Some("100"), AtLeast(1), Medium ReadOnly Ignored,
        "Reads from tiered storage that may wait.";
    "remote.log.reader.threads" Int Some("10"), AtLeast(1), Medium ClusterWide Ignored,
        "Threads that read from tiered storage.";
    "remote.log.storage.manager.class.name" String None, NonEmpty, Medium ReadOnly Ignored,
        "The Java class that talks to the store behind tiered storage.";
    "remote.log.storage.manager.class.path" String None, Any, Medium ReadOnly Ignored,
        "Where that Java class is found.";
    "remote.log.storage.manager.impl.prefix" String Some("rsm.config."), NonEmpty, Medium ReadOnly Ignored,
        "The beginning of the names of that Java class's own settings.";
    "remote.log.storage.system.enable" Boolean Some("false"), Any, Medium ReadOnly Ignored,
        "Whether tiered storage is on offer.";
}
