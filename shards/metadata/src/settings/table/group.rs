//! Settings of a group, of all kinds of groups.

use super::settings;

settings! {
    "consumer.assignment.interval.ms" Int Some("100"), AtLeast(0), Medium ClusterWide Acts,
        "The shortest time between two assignments computed for the consumer group.";
    "consumer.heartbeat.interval.ms" Int Some("5000"), AtLeast(1), Medium ClusterWide Acts,
        "How often members of the consumer group report.";
    "consumer.session.timeout.ms" Int Some("45000"), AtLeast(1), Medium ClusterWide Acts,
        "How long a silent member stays in the consumer group.";
    "share.assignment.interval.ms" Int Some("1000"), AtLeast(0), Medium ClusterWide Ignored,
        "The shortest time between two assignments computed for the share group.";
    "share.auto.offset.reset" String Some("latest"), AutoOffsetReset, Medium ClusterWide Ignored,
        "Where a share group starts reading a partition that it has not read before.";
    "share.delivery.count.limit" Int Some("5"), AtLeast(2), Medium ClusterWide Ignored,
        "How often the share group hands out one record before giving up on it.";
    "share.heartbeat.interval.ms" Int Some("5000"), AtLeast(1), Medium ClusterWide Ignored,
        "How often members of the share group report.";
    "share.isolation.level" String Some("read_uncommitted"), OneOf(&["read_committed", "read_uncommitted"]), Medium ClusterWide Ignored,
        "Whether the share group sees records of transactions that are open or aborted.";
    "share.partition.max.record.locks" Int Some("2000"), AtLeast(100), Medium ClusterWide Ignored,
        "Records of one partition that may be out with members of the share group at a time.";
    "share.record.lock.duration.ms" Int Some("30000"), AtLeast(1000), Medium ClusterWide Ignored,
        "For how long a record handed out belongs to a member of the share group.";
    "share.renew.acknowledge.enable" Boolean Some("true"), Any, Medium ClusterWide Ignored,
        "Whether a member may ask for more time with a record.";
    "share.session.timeout.ms" Int Some("45000"), AtLeast(1), Medium ClusterWide Ignored,
        "How long a silent member stays in the share group.";
    "streams.assignment.interval.ms" Int Some("1000"), AtLeast(0), Medium ClusterWide Ignored,
        "The shortest time between two assignments computed for the streams group.";
    "streams.heartbeat.interval.ms" Int Some("5000"), AtLeast(1), Medium ClusterWide Ignored,
        "How often members of the streams group report.";
    "streams.initial.rebalance.delay.ms" Int Some("3000"), AtLeast(0), Medium ClusterWide Ignored,
        "How long a new streams group waits for more members before its first assignment.";
    "streams.num.standby.replicas" Int Some("0"), AtLeast(0), Medium ClusterWide Ignored,
        "Spare copies of each task's state in the streams group.";
    "streams.session.timeout.ms" Int Some("45000"), AtLeast(1), Medium ClusterWide Ignored,
        "How long a silent member stays in the streams group.";
}
