//! Quotas, metrics and plug-ins.

use super::settings;

settings! {
    "alter.config.policy.class.name" Class None, Any, Low ReadOnly Ignored,
        "The Java class that may veto changes of settings.";
    "alter.log.dirs.replication.quota.window.num" Int Some("11"), AtLeast(1), Low ReadOnly Ignored,
        "Samples kept for the quota on moves between directories.";
    "alter.log.dirs.replication.quota.window.size.seconds" Int Some("1"), AtLeast(1), Low ReadOnly Ignored,
        "The length of a sample for the quota on moves between directories.";
    "authorizer.class.name" String Some(""), Any, Low ReadOnly Ignored,
        "The Java class that decides who may do what.";
    "client.quota.callback.class" Class None, Any, Low ReadOnly Ignored,
        "The Java class that decides which quota applies to a client.";
    "config.providers" List Some(""), Distinct, Low ClusterWide Ignored,
        "Names of Java classes that fetch values of settings from elsewhere.";
    "controller.quota.window.num" Int Some("11"), AtLeast(1), Low ReadOnly Ignored,
        "Samples kept for the quota on changes of topics.";
    "controller.quota.window.size.seconds" Int Some("1"), AtLeast(1), Low ReadOnly Ignored,
        "The length of a sample for the quota on changes of topics.";
    "create.topic.policy.class.name" Class None, Any, Low ReadOnly Ignored,
        "The Java class that may veto new topics.";
    "kafka.metrics.polling.interval.secs" Int Some("10"), AtLeast(1), Low ReadOnly Ignored,
        "How often Kafka's old metric reporters poll.";
    "kafka.metrics.reporters" List Some(""), Distinct, Low ReadOnly Ignored,
        "Java classes that report Kafka's old metrics.";
    "metric.reporters" List Some("org.apache.kafka.common.metrics.JmxReporter"), Distinct, Low ClusterWide Ignored,
        "Java classes that report metrics.";
    "metrics.num.samples" Int Some("2"), AtLeast(1), Low ReadOnly Ignored,
        "Samples from which Kafka computes a metric.";
    "metrics.recording.level" String Some("INFO"), Any, Low ReadOnly Ignored,
        "How detailed Kafka's metrics are.";
    "metrics.sample.window.ms" Long Some("30000"), AtLeast(1), Low ReadOnly Ignored,
        "The length of a sample of Kafka's metrics.";
    "quota.window.num" Int Some("11"), AtLeast(1), Low ReadOnly Ignored,
        "Samples kept for the quotas of clients.";
    "quota.window.size.seconds" Int Some("1"), AtLeast(1), Low ReadOnly Ignored,
        "The length of a sample for the quotas of clients.";
    "replication.quota.window.num" Int Some("11"), AtLeast(1), Low ReadOnly Ignored,
        "Samples kept for the throttle on replication.";
    "replication.quota.window.size.seconds" Int Some("1"), AtLeast(1), Low ReadOnly Ignored,
        "The length of a sample for the throttle on replication.";
    "telemetry.max.bytes" Int Some("1048576"), AtLeast(1), Low ReadOnly Ignored,
        "The largest report of client metrics that is taken.";
}
