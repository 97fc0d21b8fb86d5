//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// TODO MetadataRequest
    pub struct MetadataRequest {
        /// TODO topics
        topics: Option<Vec<MetadataRequestTopic>>, [0+] nullable [1+];
        /// TODO allow_auto_topic_creation
        allow_auto_topic_creation: bool, [4+] = true;
        /// TODO include_cluster_authorized_operations
        include_cluster_authorized_operations: bool, [8-10];
        /// TODO include_topic_authorized_operations
        include_topic_authorized_operations: bool, [8+];
    }

    /// TODO MetadataRequestTopic
    pub struct MetadataRequestTopic {
        /// TODO topic_id
        topic_id: Uuid, [10+] (ignorable);
        /// TODO name
        name: Option<Str>, [0+] nullable [10+];
    }

    /// TODO MetadataResponse
    pub struct MetadataResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [3+] (ignorable);
        /// TODO brokers
        brokers: Vec<MetadataResponseBroker>, [0+];
        /// TODO cluster_id
        cluster_id: Option<Str>, [2+] nullable [2+] (ignorable) = None;
        /// TODO controller_id
        controller_id: i32, [1+] (ignorable) = -1;
        /// TODO topics
        topics: Vec<MetadataResponseTopic>, [0+];
        /// TODO cluster_authorized_operations
        cluster_authorized_operations: i32, [8-10] = i32::MIN;
        /// TODO error_code
        error_code: i16, [13+] (ignorable);
    }

    /// TODO MetadataResponseBroker
    pub struct MetadataResponseBroker {
        /// TODO node_id
        node_id: i32, [0+];
        /// TODO host
        host: Str, [0+];
        /// TODO port
        port: i32, [0+];
        /// TODO rack
        rack: Option<Str>, [1+] nullable [1+] (ignorable) = None;
    }

    /// TODO MetadataResponseTopic
    pub struct MetadataResponseTopic {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO name
        name: Option<Str>, [0+] nullable [12+];
        /// TODO topic_id
        topic_id: Uuid, [10+] (ignorable);
        /// TODO is_internal
        is_internal: bool, [1+] (ignorable);
        /// TODO partitions
        partitions: Vec<MetadataResponsePartition>, [0+];
        /// TODO topic_authorized_operations
        topic_authorized_operations: i32, [8+] = i32::MIN;
    }

    /// TODO MetadataResponsePartition
    pub struct MetadataResponsePartition {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO leader_id
        leader_id: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [7+] (ignorable) = -1;
        /// TODO replica_nodes
        replica_nodes: Vec<i32>, [0+];
        /// TODO isr_nodes
        isr_nodes: Vec<i32>, [0+];
        /// TODO offline_replicas
        offline_replicas: Vec<i32>, [5+] (ignorable);
    }

    /// TODO DescribeTopicPartitionsRequest
    pub struct DescribeTopicPartitionsRequest {
        /// TODO topics
        topics: Vec<TopicRequest>, [0+];
        /// TODO response_partition_limit
        response_partition_limit: i32, [0+] = 2000;
        /// TODO cursor
        cursor: Option<DescribeTopicPartitionsRequestCursor>, [0+] nullable [0+] = None;
    }

    /// TODO TopicRequest
    pub struct TopicRequest {
        /// TODO name
        name: Str, [0+];
    }

    /// TODO DescribeTopicPartitionsRequestCursor
    pub struct DescribeTopicPartitionsRequestCursor {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO partition_index
        partition_index: i32, [0+];
    }

    /// TODO DescribeTopicPartitionsResponse
    pub struct DescribeTopicPartitionsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+] (ignorable);
        /// TODO topics
        topics: Vec<DescribeTopicPartitionsResponseTopic>, [0+];
        /// TODO next_cursor
        next_cursor: Option<DescribeTopicPartitionsResponseCursor>, [0+] nullable [0+] = None;
    }

    /// TODO DescribeTopicPartitionsResponseTopic
    pub struct DescribeTopicPartitionsResponseTopic {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO name
        name: Option<Str>, [0+] nullable [0+];
        /// TODO topic_id
        topic_id: Uuid, [0+] (ignorable);
        /// TODO is_internal
        is_internal: bool, [0+] (ignorable);
        /// TODO partitions
        partitions: Vec<DescribeTopicPartitionsResponsePartition>, [0+];
        /// TODO topic_authorized_operations
        topic_authorized_operations: i32, [0+] = i32::MIN;
    }

    /// TODO DescribeTopicPartitionsResponsePartition
    pub struct DescribeTopicPartitionsResponsePartition {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO leader_id
        leader_id: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [0+] (ignorable) = -1;
        /// TODO replica_nodes
        replica_nodes: Vec<i32>, [0+];
        /// TODO isr_nodes
        isr_nodes: Vec<i32>, [0+];
        /// TODO eligible_leader_replicas
        eligible_leader_replicas: Option<Vec<i32>>, [0+] nullable [0+] = None;
        /// TODO last_known_elr
        last_known_elr: Option<Vec<i32>>, [0+] nullable [0+] = None;
        /// TODO offline_replicas
        offline_replicas: Vec<i32>, [0+] (ignorable);
    }

    /// TODO DescribeTopicPartitionsResponseCursor
    pub struct DescribeTopicPartitionsResponseCursor {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO partition_index
        partition_index: i32, [0+];
    }
}
