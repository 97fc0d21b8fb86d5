//! The cluster: its brokers and features.

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Asks for the brokers or controllers of the cluster (KIP-700).
    pub struct DescribeClusterRequest {
        /// Whether to tell what the client may do on the cluster.
        include_cluster_authorized_operations: bool, [0+];
        /// What to describe: 1 for brokers, 2 for controllers.
        endpoint_type: i8, [1+] = 1;
        /// Whether to list fenced brokers too.
        include_fenced_brokers: bool, [2+];
    }

    /// The brokers or controllers.
    pub struct DescribeClusterResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// What to describe: 1 for brokers, 2 for controllers.
        endpoint_type: i8, [1+] = 1;
        /// The cluster.
        cluster_id: Str, [0+];
        /// The broker that takes requests for the controller.
        controller_id: i32, [0+] = -1;
        /// The brokers of the cluster.
        brokers: Vec<DescribeClusterBroker>, [0+];
        /// A bit for each operation that the client may do on the cluster; `i32::MIN` if it did not ask.
        cluster_authorized_operations: i32, [0+] = i32::MIN;
    }

    /// A broker, in [`DescribeClusterResponse`].
    pub struct DescribeClusterBroker {
        /// The broker.
        broker_id: i32, [0+];
        /// The host to connect to.
        host: Str, [0+];
        /// The port to connect to.
        port: i32, [0+];
        /// The rack, or null.
        rack: Option<Str>, [0+] nullable [0+] = None;
        /// Whether the broker is fenced.
        is_fenced: bool, [2+];
    }

    /// Removes a broker from the cluster for good.
    pub struct UnregisterBrokerRequest {
        /// The broker.
        broker_id: i32, [0+];
    }

    /// Whether the broker was removed.
    pub struct UnregisterBrokerResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
    }

    /// Sets the levels of cluster features (KIP-584).
    pub struct UpdateFeaturesRequest {
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+] = 60_000;
        /// The levels to set.
        feature_updates: Vec<FeatureUpdateKey>, [0+];
        /// Whether to check everything but to change nothing.
        validate_only: bool, [1+];
    }

    /// A feature and its level, in [`UpdateFeaturesRequest`].
    pub struct FeatureUpdateKey {
        /// The name of the feature.
        feature: Str, [0+];
        /// The level to set; 0 to take the feature out of force.
        max_version_level: i16, [0+];
        /// Whether the level may be lowered; replaced by `upgrade_type`.
        allow_downgrade: bool, [0];
        /// What is allowed: 1 only to raise the level, 2 to lower it without loss, 3 to lower it with loss.
        upgrade_type: i8, [1+] = 1;
    }

    /// What became of each feature.
    pub struct UpdateFeaturesResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// What became of each feature.
        results: Vec<UpdatableFeatureResult>, [0-1] (ignorable);
    }

    /// What became of a feature, in [`UpdateFeaturesResponse`].
    pub struct UpdatableFeatureResult {
        /// The name of the feature.
        feature: Str, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
    }
}
