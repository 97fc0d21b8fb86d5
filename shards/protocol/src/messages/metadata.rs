//! What clients need to know to reach the leaders of partitions.

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// Asks for brokers, topics and the leaders of partitions.
    pub struct MetadataRequest {
        /// The topics asked for. Null means all (in v0 the empty list does), and the empty list none.
        topics: Option<Vec<MetadataRequestTopic>>, [0+] nullable [1+];
        /// Whether a topic that is missing may be created.
        allow_auto_topic_creation: bool, [4+] = true;
        /// Whether to tell what the client may do on the cluster.
        include_cluster_authorized_operations: bool, [8-10];
        /// Whether to tell what the client may do on the topics.
        include_topic_authorized_operations: bool, [8+];
    }

    /// A topic, in [`MetadataRequest`].
    pub struct MetadataRequestTopic {
        /// The topic's id; zero if it is asked for by name.
        topic_id: Uuid, [10+] (ignorable);
        /// The topic's name; null if it is asked for by id.
        name: Option<Str>, [0+] nullable [10+];
    }

    /// Brokers, topics and the leaders of partitions.
    pub struct MetadataResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [3+] (ignorable);
        /// The brokers of the cluster.
        brokers: Vec<MetadataResponseBroker>, [0+];
        /// The cluster.
        cluster_id: Option<Str>, [2+] nullable [2+] (ignorable) = None;
        /// The broker that takes requests for the controller, or -1.
        controller_id: i32, [1+] (ignorable) = -1;
        /// The topics.
        topics: Vec<MetadataResponseTopic>, [0+];
        /// A bit for each operation that the client may do on the cluster; `i32::MIN` if it did not ask.
        cluster_authorized_operations: i32, [8-10] = i32::MIN;
        /// What went wrong; 0 for success.
        error_code: i16, [13+] (ignorable);
    }

    /// A broker, in [`MetadataResponse`].
    pub struct MetadataResponseBroker {
        /// The broker's id.
        node_id: i32, [0+];
        /// The host to connect to.
        host: Str, [0+];
        /// The port to connect to.
        port: i32, [0+];
        /// The rack, or null.
        rack: Option<Str>, [1+] nullable [1+] (ignorable) = None;
    }

    /// A topic, in [`MetadataResponse`].
    pub struct MetadataResponseTopic {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The topic's name; null if an unknown id was asked for.
        name: Option<Str>, [0+] nullable [12+];
        /// The topic's id.
        topic_id: Uuid, [10+] (ignorable);
        /// Whether the topic is one of Kafka's own.
        is_internal: bool, [1+] (ignorable);
        /// The partitions.
        partitions: Vec<MetadataResponsePartition>, [0+];
        /// A bit for each operation that the client may do on the topic; `i32::MIN` if it did not ask.
        topic_authorized_operations: i32, [8+] = i32::MIN;
    }

    /// A partition, in [`MetadataResponse`].
    pub struct MetadataResponsePartition {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The partition.
        partition_index: i32, [0+];
        /// The leader of the partition, or -1 if it is unknown.
        leader_id: i32, [0+];
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [7+] (ignorable) = -1;
        /// All replicas.
        replica_nodes: Vec<i32>, [0+];
        /// The replicas in sync.
        isr_nodes: Vec<i32>, [0+];
        /// The replicas that are not there.
        offline_replicas: Vec<i32>, [5+] (ignorable);
    }

    /// Asks for the partitions of topics, page by page (KIP-966).
    pub struct DescribeTopicPartitionsRequest {
        /// The topics asked for; empty for all.
        topics: Vec<TopicRequest>, [0+];
        /// How many partitions the answer may describe.
        response_partition_limit: i32, [0+] = 2000;
        /// Where to go on; null for the beginning.
        cursor: Option<DescribeTopicPartitionsRequestCursor>, [0+] nullable [0+] = None;
    }

    /// A topic, in [`DescribeTopicPartitionsRequest`].
    pub struct TopicRequest {
        /// The topic's name.
        name: Str, [0+];
    }

    /// Where to go on, in [`DescribeTopicPartitionsRequest`].
    pub struct DescribeTopicPartitionsRequestCursor {
        /// The topic.
        topic_name: Str, [0+];
        /// The first partition to describe.
        partition_index: i32, [0+];
    }

    /// A page of partitions.
    pub struct DescribeTopicPartitionsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+] (ignorable);
        /// The topics.
        topics: Vec<DescribeTopicPartitionsResponseTopic>, [0+];
        /// Where the next request has to go on; null if this was all.
        next_cursor: Option<DescribeTopicPartitionsResponseCursor>, [0+] nullable [0+] = None;
    }

    /// A topic, in [`DescribeTopicPartitionsResponse`].
    pub struct DescribeTopicPartitionsResponseTopic {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The topic's name.
        name: Option<Str>, [0+] nullable [0+];
        /// The topic's id.
        topic_id: Uuid, [0+] (ignorable);
        /// Whether the topic is one of Kafka's own.
        is_internal: bool, [0+] (ignorable);
        /// The partitions.
        partitions: Vec<DescribeTopicPartitionsResponsePartition>, [0+];
        /// A bit for each operation that the client may do on the topic; `i32::MIN` if it did not ask.
        topic_authorized_operations: i32, [0+] = i32::MIN;
    }

    /// A partition, in [`DescribeTopicPartitionsResponse`].
    pub struct DescribeTopicPartitionsResponsePartition {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The partition.
        partition_index: i32, [0+];
        /// The leader of the partition, or -1 if it is unknown.
        leader_id: i32, [0+];
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [0+] (ignorable) = -1;
        /// All replicas.
        replica_nodes: Vec<i32>, [0+];
        /// The replicas in sync.
        isr_nodes: Vec<i32>, [0+];
        /// Replicas outside the in-sync set that may lead without loss (KIP-966).
        eligible_leader_replicas: Option<Vec<i32>>, [0+] nullable [0+] = None;
        /// The eligible leaders when the last of them was lost.
        last_known_elr: Option<Vec<i32>>, [0+] nullable [0+] = None;
        /// The replicas that are not there.
        offline_replicas: Vec<i32>, [0+] (ignorable);
    }

    /// Where to go on, in [`DescribeTopicPartitionsResponse`].
    pub struct DescribeTopicPartitionsResponseCursor {
        /// The topic.
        topic_name: Str, [0+];
        /// The first partition to describe next.
        partition_index: i32, [0+];
    }
}
