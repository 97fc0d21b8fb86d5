//! What a client may do, as a set of bits by Kafka's numbers of operations (KIP-430). Without an authorizer everybody may do
//! everything.

/// Read, write, create, delete, alter, describe, and describe and alter settings of a topic.
const TOPIC_OPERATIONS: i32 = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;

/// Create, alter, describe, act as a broker, describe and alter settings, and write idempotently in a cluster.
const CLUSTER_OPERATIONS: i32 = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;

/// Read, delete, describe, and describe and alter settings of a group.
const GROUP_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

/// Kafka's word for "not asked for".
const NOT_ASKED: i32 = i32::MIN;

/// On a topic, if that was asked for.
pub fn on_topic(asked: bool) -> i32 {
    if asked { TOPIC_OPERATIONS } else { NOT_ASKED }
}

/// On the cluster, if that was asked for.
pub fn on_cluster(asked: bool) -> i32 {
    if asked { CLUSTER_OPERATIONS } else { NOT_ASKED }
}

/// On a group, if that was asked for.
pub fn on_group(asked: bool) -> i32 {
    if asked { GROUP_OPERATIONS } else { NOT_ASKED }
}
