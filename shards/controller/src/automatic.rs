//! Topics that are created because somebody uses them, with what the broker's settings say.

use metadata::Image;
use metadata::settings::Value;

use crate::request::NewTopic;

/// Where the broker's settings of an internal topic are, and what it has besides.
struct Internal {
    name: &'static str,
    partitions: &'static str,
    replication_factor: &'static str,
    segment_bytes: &'static str,
    in_sync_replicas_min: Option<&'static str>,
    /// Settings of the topic that the broker's do not change.
    fixed: &'static [(&'static str, &'static str)],
}

/// As Kafka's group, transaction and share coordinators want them.
const INTERNAL: &[Internal] = &[
    Internal {
        name: "__consumer_offsets",
        partitions: "offsets.topic.num.partitions",
        replication_factor: "offsets.topic.replication.factor",
        segment_bytes: "offsets.topic.segment.bytes",
        in_sync_replicas_min: None,
        // What is committed is durable when that is acknowledged, whatever other topics are content with.
        fixed: &[("cleanup.policy", "compact"), ("compression.type", "producer"), ("flush.messages", "1")],
    },
    Internal {
        name: "__transaction_state",
        partitions: "transaction.state.log.num.partitions",
        replication_factor: "transaction.state.log.replication.factor",
        segment_bytes: "transaction.state.log.segment.bytes",
        in_sync_replicas_min: Some("transaction.state.log.min.isr"),
        fixed: &[
            ("cleanup.policy", "compact"),
            ("compression.type", "uncompressed"),
            ("unclean.leader.election.enable", "false"),
        ],
    },
    Internal {
        name: "__share_group_state",
        partitions: "share.coordinator.state.topic.num.partitions",
        replication_factor: "share.coordinator.state.topic.replication.factor",
        segment_bytes: "share.coordinator.state.topic.segment.bytes",
        in_sync_replicas_min: Some("share.coordinator.state.topic.min.isr"),
        fixed: &[("cleanup.policy", "delete"), ("compression.type", "producer"), ("retention.ms", "-1")],
    },
];

impl NewTopic {
    /// The topic `name` as it is created automatically. An internal topic gets what its coordinator wants, but no
    /// more replicas than there are brokers: a cluster of one shall have consumer groups, too.
    #[must_use]
    pub fn automatic(name: &str, image: &Image) -> Self {
        let mut topic = Self::with_defaults(name);
        let Some(internal) = INTERNAL.iter().find(|internal| internal.name == name) else { return topic };
        let layers = image.layers();
        let number = |name| match layers.value(name) {
            Ok(Some(Value::Short(number))) => i32::from(number),
            Ok(Some(Value::Int(number))) => number,
            _ => -1,
        };
        let brokers = i32::try_from(image.brokers().len()).unwrap_or(i32::MAX).max(1);
        let replicas = number(internal.replication_factor).min(brokers);
        let mut set = |name: &str, value: String| topic.configs.push((name.to_owned(), Some(value)));
        for (name, value) in internal.fixed {
            set(name, (*value).to_owned());
        }
        set("segment.bytes", number(internal.segment_bytes).to_string());
        if let Some(setting) = internal.in_sync_replicas_min {
            set("min.insync.replicas", number(setting).min(replicas).to_string());
        }
        topic.partitions = number(internal.partitions);
        topic.replication_factor = i16::try_from(replicas).unwrap_or(i16::MAX);
        topic
    }
}
