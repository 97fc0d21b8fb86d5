//! Settings that Kafka takes and does not show: for its own tests and for emergencies.

use super::settings;

settings! {
    "controller.performance.always.log.threshold.ms" Long Some("2000"), AtLeast(0), Medium ReadOnly Ignored,
        "From which duration on Kafka logs every slow event of its controller.";
    "controller.performance.sample.period.ms" Long Some("60000"), AtLeast(100), Medium ReadOnly Ignored,
        "How often Kafka logs the slowest event of its controller.";
    "group.consumer.regex.refresh.interval.ms" Int Some("600000"), AtLeast(10_000), Medium ReadOnly Acts,
        "How often subscriptions by pattern are matched against the topics again.";
    "group.share.initialize.retry.interval.ms" Int Some("30000"), AtLeast(1), Low ReadOnly Ignored,
        "The pause before the state of a share group's partition is set up again.";
    "group.share.persister.class.name" String Some("org.apache.kafka.server.share.persister.DefaultStatePersister"), Any, Medium ReadOnly Ignored,
        "The Java class that keeps the state of share groups.";
    "internal.metadata.delete.delay.millis" Long Some("60000"), Any, Low ReadOnly Ignored,
        "How long Kafka keeps files of its metadata log that it no longer needs.";
    "internal.metadata.log.segment.bytes" Int None, Any, Low ReadOnly Ignored,
        "A way around the smallest segment size of the metadata log, for Kafka's own tests.";
    "internal.metadata.max.batch.size.in.bytes" Int Some("8388608"), Any, Low ReadOnly Ignored,
        "The largest batch of Kafka's metadata log.";
    "log.initial.task.delay.ms" Long Some("30000"), AtLeast(0), Low ReadOnly Ignored,
        "How long after the start the background work on logs begins.";
    "producer.id.expiration.check.interval.ms" Int Some("600000"), AtLeast(1), Low ReadOnly Ignored,
        "How often producers that send no more are looked for.";
    "remote.log.index.file.cache.ttl.ms" Long Some("900000"), AtLeast(-1), Low ReadOnly Ignored,
        "How long an index fetched from tiered storage is kept.";
    "remote.log.manager.task.retry.backoff.max.ms" Long Some("30000"), AtLeast(1), Low ReadOnly Ignored,
        "The longest pause between failed attempts of work on tiered storage.";
    "remote.log.manager.task.retry.backoff.ms" Long Some("500"), AtLeast(1), Low ReadOnly Ignored,
        "The pause after a failed attempt of work on tiered storage.";
    "remote.log.manager.task.retry.jitter" Double Some("0.2"), Fraction(0.0, 0.5), Low ReadOnly Ignored,
        "How much the pause after a failed attempt of work on tiered storage varies.";
    "server.max.startup.time.ms" Long Some("9223372036854775807"), AtLeast(0), Medium ReadOnly Ignored,
        "How long a start may take.";
    "share.coordinator.cold.partition.snapshot.interval.ms" Int Some("300000"), AtLeast(1), Low ReadOnly Ignored,
        "How often the state of share partitions at rest is written in full.";
    "share.coordinator.state.topic.prune.interval.ms" Int Some("300000"), AtLeast(1), Low ReadOnly Ignored,
        "How often the share-group state topic is shortened.";
    "unclean.leader.election.interval.ms" Long Some("300000"), AtLeast(1), Medium ReadOnly Ignored,
        "How often the controller looks for partitions in need of an unclean election.";
    "unstable.api.versions.enable" Boolean Some("false"), Any, High ReadOnly Ignored,
        "Whether versions of requests that are not final are on offer.";
    "unstable.feature.versions.enable" Boolean Some("false"), Any, High ReadOnly Ignored,
        "Whether versions of features that are not final are on offer.";
}
