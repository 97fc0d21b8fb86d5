//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO DescribeClusterRequest
    pub struct DescribeClusterRequest {
        /// TODO include_cluster_authorized_operations
        include_cluster_authorized_operations: bool, [0+];
        /// TODO endpoint_type
        endpoint_type: i8, [1+] = 1;
        /// TODO include_fenced_brokers
        include_fenced_brokers: bool, [2+];
    }

    /// TODO DescribeClusterResponse
    pub struct DescribeClusterResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO endpoint_type
        endpoint_type: i8, [1+] = 1;
        /// TODO cluster_id
        cluster_id: Str, [0+];
        /// TODO controller_id
        controller_id: i32, [0+] = -1;
        /// TODO brokers
        brokers: Vec<DescribeClusterBroker>, [0+];
        /// TODO cluster_authorized_operations
        cluster_authorized_operations: i32, [0+] = i32::MIN;
    }

    /// TODO DescribeClusterBroker
    pub struct DescribeClusterBroker {
        /// TODO broker_id
        broker_id: i32, [0+];
        /// TODO host
        host: Str, [0+];
        /// TODO port
        port: i32, [0+];
        /// TODO rack
        rack: Option<Str>, [0+] nullable [0+] = None;
        /// TODO is_fenced
        is_fenced: bool, [2+];
    }

    /// TODO UnregisterBrokerRequest
    pub struct UnregisterBrokerRequest {
        /// TODO broker_id
        broker_id: i32, [0+];
    }

    /// TODO UnregisterBrokerResponse
    pub struct UnregisterBrokerResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
    }

    /// TODO UpdateFeaturesRequest
    pub struct UpdateFeaturesRequest {
        /// TODO timeout_ms
        timeout_ms: i32, [0+] = 60_000;
        /// TODO feature_updates
        feature_updates: Vec<FeatureUpdateKey>, [0+];
        /// TODO validate_only
        validate_only: bool, [1+];
    }

    /// TODO FeatureUpdateKey
    pub struct FeatureUpdateKey {
        /// TODO feature
        feature: Str, [0+];
        /// TODO max_version_level
        max_version_level: i16, [0+];
        /// TODO allow_downgrade
        allow_downgrade: bool, [0];
        /// TODO upgrade_type
        upgrade_type: i8, [1+] = 1;
    }

    /// TODO UpdateFeaturesResponse
    pub struct UpdateFeaturesResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO results
        results: Vec<UpdatableFeatureResult>, [0-1] (ignorable);
    }

    /// TODO UpdatableFeatureResult
    pub struct UpdatableFeatureResult {
        /// TODO feature
        feature: Str, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
    }
}
