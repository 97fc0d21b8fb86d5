//! The broker itself, and topics that do not say otherwise.

use super::settings;

settings! {
    "auto.create.topics.enable" Boolean Some("true"), Any, High ReadOnly Acts,
        "Whether a topic comes into being when a client first asks about it.";
    "background.threads" Int Some("10"), AtLeast(1), High ClusterWide Ignored,
        "Threads for Kafka's background work; Strome's background work runs on its shards.";
    "broker.heartbeat.interval.ms" Int Some("2000"), Any, Medium ReadOnly Ignored,
        "How often a broker reports to the controller.";
    "broker.id" Int Some("-1"), Any, High ReadOnly Acts,
        "The old name of `node.id`.";
    "broker.rack" String None, Any, Medium ReadOnly Acts,
        "Where this broker stands; replicas of a partition are spread over racks.";
    "broker.session.timeout.ms" Int Some("9000"), Any, Medium ReadOnly Ignored,
        "How long a silent broker counts as alive.";
    "compression.gzip.level" Int Some("-1"), BetweenOr(1, 9, -1), Medium ClusterWide Acts,
        "`compression.gzip.level` for topics that do not set it.";
    "compression.lz4.level" Int Some("9"), Between(1, 17), Medium ClusterWide Acts,
        "`compression.lz4.level` for topics that do not set it.";
    "compression.type" String Some("producer"), OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), High ClusterWide Acts,
        "`compression.type` for topics that do not set it.";
    "compression.zstd.level" Int Some("3"), Between(-131_072, 22), Medium ClusterWide Acts,
        "`compression.zstd.level` for topics that do not set it.";
    "controlled.shutdown.enable" Boolean Some("true"), Any, Medium ReadOnly Ignored,
        "Whether a stopping broker hands over its leaderships first.";
    "controller.socket.timeout.ms" Int Some("30000"), Any, Medium ReadOnly Ignored,
        "The timeout of the controller's connections to brokers.";
    "default.replication.factor" Int Some("1"), Any, Medium ReadOnly Acts,
        "Replicas of each partition of a topic that does not say how many.";
    "delete.records.purgatory.purge.interval.requests" Int Some("1"), Any, Medium ReadOnly Ignored,
        "How often Kafka tidies up its waiting DeleteRecords requests.";
    "delete.topic.enable" Boolean Some("true"), Any, High ReadOnly Acts,
        "Whether topics can be deleted.";
    "fetch.max.bytes" Int Some("57671680"), AtLeast(1024), Medium ReadOnly Acts,
        "The most that one Fetch is answered with.";
    "fetch.purgatory.purge.interval.requests" Int Some("1000"), Any, Medium ReadOnly Ignored,
        "How often Kafka tidies up its waiting Fetch requests.";
    "initial.broker.registration.timeout.ms" Int Some("60000"), Any, Medium ReadOnly Ignored,
        "How long a starting broker tries to register with the controller.";
    "max.incremental.fetch.session.cache.slots" Int Some("1000"), AtLeast(0), Medium ReadOnly Ignored,
        "Fetch sessions that the broker remembers.";
    "node.id" Int Some("1"), AtLeast(0), High ReadOnly Acts,
        "Names this broker within its cluster.";
    "num.io.threads" Int Some("8"), AtLeast(1), High ClusterWide Ignored,
        "Kafka's threads for requests; see `strome.shards`.";
    "num.network.threads" Int Some("3"), AtLeast(1), High ClusterWide Ignored,
        "Kafka's threads for sockets; see `strome.shards`.";
    "num.partitions" Int Some("1"), AtLeast(1), Medium ReadOnly Acts,
        "Partitions of a topic that does not say how many.";
    "process.roles" List Some("broker,controller"), SomeOfNonEmpty(&["broker", "controller"]), High ReadOnly Ignored,
        "Which of broker and controller this process is; Strome is always both.";
    "producer.purgatory.purge.interval.requests" Int Some("1000"), Any, Medium ReadOnly Ignored,
        "How often Kafka tidies up its waiting Produce requests.";
}
