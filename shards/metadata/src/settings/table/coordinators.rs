//! The coordinators of groups and of share-group state, and their topics.

use super::settings;

settings! {
    "group.consumer.assignment.interval.ms" Int Some("100"), AtLeast(0), Medium ClusterWide Acts,
        "`consumer.assignment.interval.ms` for groups that do not set it.";
    "group.consumer.assignors" List Some("uniform,range"), DistinctNonEmpty, Medium ReadOnly Acts,
        "The assignors that consumer groups may use, the default first.";
    "group.consumer.heartbeat.interval.ms" Int Some("5000"), AtLeast(1), Medium ReadOnly Acts,
        "`consumer.heartbeat.interval.ms` for groups that do not set it.";
    "group.consumer.max.assignment.interval.ms" Int Some("15000"), AtLeast(0), Medium ReadOnly Acts,
        "The largest `consumer.assignment.interval.ms` that a group may set.";
    "group.consumer.max.heartbeat.interval.ms" Int Some("15000"), AtLeast(1), Medium ReadOnly Acts,
        "The largest `consumer.heartbeat.interval.ms` that a group may set.";
    "group.consumer.max.session.timeout.ms" Int Some("60000"), AtLeast(1), Medium ReadOnly Acts,
        "The largest `consumer.session.timeout.ms` that a group may set.";
    "group.consumer.max.size" Int Some("2147483647"), AtLeast(1), Medium ReadOnly Acts,
        "Members that a consumer group may have.";
    "group.consumer.migration.policy" String Some("bidirectional"), OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]), Medium ReadOnly Acts,
        "Which way groups may move between the classic and the consumer protocol.";
    "group.consumer.min.assignment.interval.ms" Int Some("0"), AtLeast(0), Medium ReadOnly Acts,
        "The smallest `consumer.assignment.interval.ms` that a group may set.";
    "group.consumer.min.heartbeat.interval.ms" Int Some("5000"), AtLeast(1), Medium ReadOnly Acts,
        "The smallest `consumer.heartbeat.interval.ms` that a group may set.";
    "group.consumer.min.session.timeout.ms" Int Some("45000"), AtLeast(1), Medium ReadOnly Acts,
        "The smallest `consumer.session.timeout.ms` that a group may set.";
    "group.consumer.session.timeout.ms" Int Some("45000"), AtLeast(1), Medium ReadOnly Acts,
        "`consumer.session.timeout.ms` for groups that do not set it.";
    "group.coordinator.append.linger.ms" Int Some("-1"), AtLeast(-1), Medium ReadOnly Ignored,
        "How long the coordinator gathers records before it writes them; -1 adapts.";
    "group.coordinator.background.threads" Int Some("2"), AtLeast(1), High ReadOnly Ignored,
        "Kafka's threads for the coordinator's background work.";
    "group.coordinator.cached.buffer.max.bytes" Int Some("1048588"), AtLeast(524_288), Medium ClusterWide Ignored,
        "The largest write buffer that the coordinator keeps.";
    "group.coordinator.rebalance.protocols" List Some("classic,consumer,streams"), SomeOfNonEmpty(&["consumer", "classic", "share", "streams"]), Medium ReadOnly Ignored,
        "The group protocols on offer.";
    "group.coordinator.threads" Int Some("4"), AtLeast(1), High ReadOnly Ignored,
        "Kafka's threads for group coordination.";
    "group.initial.rebalance.delay.ms" Int Some("3000"), Any, Medium ReadOnly Acts,
        "How long a new classic group waits for more members before its first rebalance.";
    "group.max.session.timeout.ms" Int Some("1800000"), Any, Medium ReadOnly Acts,
        "The largest session timeout that a member of a classic group may ask for.";
    "group.max.size" Int Some("2147483647"), AtLeast(1), Medium ReadOnly Acts,
        "Members that a classic group may have.";
    "group.min.session.timeout.ms" Int Some("6000"), Any, Medium ReadOnly Acts,
        "The smallest session timeout that a member of a classic group may ask for.";
    "group.share.assignment.interval.ms" Int Some("1000"), AtLeast(0), Medium ClusterWide Ignored,
        "`share.assignment.interval.ms` for groups that do not set it.";
    "group.share.assignors" List Some("simple"), DistinctNonEmpty, Medium ReadOnly Ignored,
        "The assignors that share groups may use.";
    "group.share.delivery.count.limit" Int Some("5"), Between(2, 10), Medium ReadOnly Ignored,
        "`share.delivery.count.limit` for groups that do not set it.";
    "group.share.heartbeat.interval.ms" Int Some("5000"), AtLeast(1), Medium ReadOnly Ignored,
        "`share.heartbeat.interval.ms` for groups that do not set it.";
    "group.share.max.assignment.interval.ms" Int Some("15000"), AtLeast(0), Medium ReadOnly Ignored,
        "The largest `share.assignment.interval.ms` that a group may set.";
    "group.share.max.delivery.count.limit" Int Some("10"), Between(5, 25), Medium ReadOnly Ignored,
        "The largest `share.delivery.count.limit` that a group may set.";
    "group.share.max.heartbeat.interval.ms" Int Some("15000"), AtLeast(1), Medium ReadOnly Ignored,
        "The largest `share.heartbeat.interval.ms` that a group may set.";
    "group.share.max.partition.max.record.locks" Int Some("4000"), Between(2000, 10_000), Medium ReadOnly Ignored,
        "The largest `share.partition.max.record.locks` that a group may set.";
    "group.share.max.record.lock.duration.ms" Int Some("60000"), Between(30_000, 3_600_000), Medium ReadOnly Ignored,
        "The largest `share.record.lock.duration.ms` that a group may set.";
    "group.share.max.session.timeout.ms" Int Some("60000"), AtLeast(1), Medium ReadOnly Ignored,
        "The largest `share.session.timeout.ms` that a group may set.";
    "group.share.max.share.sessions" Int Some("2000"), AtLeast(1), Medium ReadOnly Ignored,
        "Share sessions that the broker remembers.";
    "group.share.max.size" Int Some("200"), Between(1, 1000), Medium ReadOnly Ignored,
        "Members that a share group may have.";
    "group.share.min.assignment.interval.ms" Int Some("0"), AtLeast(0), Medium ReadOnly Ignored,
        "The smallest `share.assignment.interval.ms` that a group may set.";
    "group.share.min.delivery.count.limit" Int Some("2"), Between(2, 5), Medium ReadOnly Ignored,
        "The smallest `share.delivery.count.limit` that a group may set.";
    "group.share.min.heartbeat.interval.ms" Int Some("5000"), AtLeast(1), Medium ReadOnly Ignored,
        "The smallest `share.heartbeat.interval.ms` that a group may set.";
    "group.share.min.partition.max.record.locks" Int Some("100"), Between(100, 2000), Medium ReadOnly Ignored,
        "The smallest `share.partition.max.record.locks` that a group may set.";
    "group.share.min.record.lock.duration.ms" Int Some("15000"), Between(1000, 30_000), Medium ReadOnly Ignored,
        "The smallest `share.record.lock.duration.ms` that a group may set.";
    "group.share.min.session.timeout.ms" Int Some("45000"), AtLeast(1), Medium ReadOnly Ignored,
        "The smallest `share.session.timeout.ms` that a group may set.";
    "group.share.partition.max.record.locks" Int Some("2000"), Between(100, 10_000), Medium ReadOnly Ignored,
        "`share.partition.max.record.locks` for groups that do not set it.";
    "group.share.record.lock.duration.ms" Int Some("30000"), Between(1000, 3_600_000), Medium ReadOnly Ignored,
        "`share.record.lock.duration.ms` for groups that do not set it.";
    "group.share.session.timeout.ms" Int Some("45000"), AtLeast(1), Medium ReadOnly Ignored,
        "`share.session.timeout.ms` for groups that do not set it.";
    "group.streams.assignment.interval.ms" Int Some("1000"), AtLeast(0), Medium ClusterWide Ignored,
        "`streams.assignment.interval.ms` for groups that do not set it.";
    "group.streams.heartbeat.interval.ms" Int Some("5000"), AtLeast(1), Medium ReadOnly Ignored,
        "`streams.heartbeat.interval.ms` for groups that do not set it.";
    "group.streams.initial.rebalance.delay.ms" Int Some("3000"), AtLeast(0), Medium ReadOnly Ignored,
        "`streams.initial.rebalance.delay.ms` for groups that do not set it.";
    "group.streams.max.assignment.interval.ms" Int Some("15000"), AtLeast(0), Medium ReadOnly Ignored,
        "The largest `streams.assignment.interval.ms` that a group may set.";
    "group.streams.max.heartbeat.interval.ms" Int Some("15000"), AtLeast(1), Medium ReadOnly Ignored,
        "The largest `streams.heartbeat.interval.ms` that a group may set.";
    "group.streams.max.session.timeout.ms" Int Some("60000"), AtLeast(1), Medium ReadOnly Ignored,
        "The largest `streams.session.timeout.ms` that a group may set.";
    "group.streams.max.size" Int Some("2147483647"), AtLeast(1), Medium ReadOnly Ignored,
        "Members that a streams group may have.";
    "group.streams.max.standby.replicas" Int Some("2"), AtLeast(0), Medium ReadOnly Ignored,
        "The largest `streams.num.standby.replicas` that a group may set.";
    "group.streams.min.assignment.interval.ms" Int Some("0"), AtLeast(0), Medium ReadOnly Ignored,
        "The smallest `streams.assignment.interval.ms` that a group may set.";
    "group.streams.min.heartbeat.interval.ms" Int Some("5000"), AtLeast(1), Medium ReadOnly Ignored,
        "The smallest `streams.heartbeat.interval.ms` that a group may set.";
    "group.streams.min.session.timeout.ms" Int Some("45000"), AtLeast(1), Medium ReadOnly Ignored,
        "The smallest `streams.session.timeout.ms` that a group may set.";
    "group.streams.num.standby.replicas" Int Some("0"), AtLeast(0), Medium ReadOnly Ignored,
        "`streams.num.standby.replicas` for groups that do not set it.";
    "group.streams.session.timeout.ms" Int Some("45000"), AtLeast(1), Medium ReadOnly Ignored,
        "`streams.session.timeout.ms` for groups that do not set it.";
    "offset.metadata.max.bytes" Int Some("4096"), Any, High ReadOnly Acts,
        "The longest note that a consumer may attach to a committed offset.";
    "offsets.commit.timeout.ms" Int Some("5000"), AtLeast(1), High ReadOnly Acts,
        "How long a commit of offsets waits for the replicas.";
    "offsets.load.buffer.size" Int Some("5242880"), AtLeast(1), High ReadOnly Acts,
        "How much of the offsets topic is read at a time when it is loaded.";
    "offsets.retention.check.interval.ms" Long Some("600000"), AtLeast(1), High ReadOnly Acts,
        "How often committed offsets that nobody uses are looked for.";
    "offsets.retention.minutes" Int Some("10080"), AtLeast(1), High ReadOnly Acts,
        "How long committed offsets outlive their group.";
    "offsets.topic.compression.codec" Int Some("0"), Any, High ReadOnly Acts,
        "The codec of the offsets topic, by Kafka's number; 0 for none.";
    "offsets.topic.num.partitions" Int Some("50"), AtLeast(1), High ReadOnly Acts,
        "Partitions of the offsets topic.";
    "offsets.topic.replication.factor" Short Some("3"), AtLeast(1), High ReadOnly Acts,
        "Replicas of the offsets topic.";
    "offsets.topic.segment.bytes" Int Some("104857600"), AtLeast(1), High ReadOnly Acts,
        "`segment.bytes` of the offsets topic.";
    "share.coordinator.append.linger.ms" Int Some("-1"), AtLeast(-1), Medium ReadOnly Ignored,
        "How long the share coordinator gathers records before it writes them; -1 adapts.";
    "share.coordinator.cached.buffer.max.bytes" Int Some("1048588"), AtLeast(524_288), Medium ClusterWide Ignored,
        "The largest write buffer that the share coordinator keeps.";
    "share.coordinator.load.buffer.size" Int Some("5242880"), AtLeast(1), High ReadOnly Ignored,
        "How much of the share-group state is read at a time when it is loaded.";
    "share.coordinator.snapshot.update.records.per.snapshot" Int Some("500"), Between(0, 500), Medium ReadOnly Ignored,
        "Changes of a share partition's state between two full copies of it.";
    "share.coordinator.state.topic.compression.codec" Int Some("0"), Any, High ReadOnly Ignored,
        "The codec of the share-group state topic, by Kafka's number; 0 for none.";
    "share.coordinator.state.topic.min.isr" Short Some("2"), AtLeast(1), High ReadOnly Acts,
        "`min.insync.replicas` of the share-group state topic.";
    "share.coordinator.state.topic.num.partitions" Int Some("50"), AtLeast(1), High ReadOnly Acts,
        "Partitions of the share-group state topic.";
    "share.coordinator.state.topic.replication.factor" Short Some("3"), AtLeast(1), High ReadOnly Acts,
        "Replicas of the share-group state topic.";
    "share.coordinator.state.topic.segment.bytes" Int Some("104857600"), AtLeast(1), High ReadOnly Acts,
        "`segment.bytes` of the share-group state topic.";
    "share.coordinator.threads" Int Some("1"), AtLeast(1), Medium ReadOnly Ignored,
        "Kafka's threads for the coordination of share groups.";
    "share.coordinator.write.timeout.ms" Int Some("5000"), AtLeast(1), High ReadOnly Ignored,
        "How long a write of share-group state waits for the replicas.";
    "share.fetch.purgatory.purge.interval.requests" Int Some("1000"), Any, Medium ReadOnly Ignored,
        "How often Kafka tidies up its waiting ShareFetch requests.";
}
