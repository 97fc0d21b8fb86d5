//! Copying between brokers, and who leads.

use super::settings;

settings! {
    "auto.leader.rebalance.enable" Boolean Some("true"), Any, High ReadOnly Ignored,
        "Whether leadership goes back to the preferred replica by itself.";
    "follower.fetch.last.tiered.offset.enable" Boolean Some("false"), Any, Medium ClusterWide Ignored,
        "Whether a new follower skips what is in tiered storage.";
    "leader.imbalance.check.interval.seconds" Long Some("300"), AtLeast(1), High ReadOnly Ignored,
        "How often the controller looks for partitions that are not led by their preferred replica.";
    "num.replica.fetchers" Int Some("1"), AtLeast(1), High ClusterWide Ignored,
        "Kafka's threads that copy from each leader.";
    "replica.fetch.backoff.ms" Int Some("1000"), AtLeast(0), Medium ReadOnly Ignored,
        "How long a follower waits after a partition failed to copy.";
    "replica.fetch.max.bytes" Int Some("1048576"), AtLeast(0), Medium ReadOnly Ignored,
        "What a follower asks for per partition.";
    "replica.fetch.min.bytes" Int Some("1"), Any, High ReadOnly Ignored,
        "What a follower waits for before it gets an answer.";
    "replica.fetch.response.max.bytes" Int Some("10485760"), AtLeast(0), Medium ReadOnly Ignored,
        "What a follower asks for over all partitions.";
    "replica.fetch.wait.max.ms" Int Some("500"), Any, High ReadOnly Ignored,
        "How long a leader holds a follower's request when there is nothing new.";
    "replica.high.watermark.checkpoint.interval.ms" Long Some("5000"), Any, High ReadOnly Ignored,
        "How often high watermarks are written down.";
    "replica.lag.time.max.ms" Long Some("30000"), Any, High ReadOnly Ignored,
        "How long a follower may lag before it leaves the in-sync replicas.";
    "replica.selector.class" String None, Any, Medium ReadOnly Ignored,
        "The Java class that picks the replica from which a consumer reads.";
    "replica.socket.receive.buffer.bytes" Int Some("65536"), Any, High ReadOnly Ignored,
        "The kernel's receive buffer of a follower's connection.";
    "replica.socket.timeout.ms" Int Some("30000"), Any, High ReadOnly Ignored,
        "The timeout of a follower's connection.";
    "unclean.leader.election.enable" Boolean Some("false"), Any, High ClusterWide Ignored,
        "`unclean.leader.election.enable` for topics that do not set it.";
}
