//! What the broker offers.

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Asks which APIs and features the broker offers; the first request on most connections.
    pub struct ApiVersionsRequest {
        /// The name of the client library.
        client_software_name: Str, [3+] (ignorable);
        /// The version of the client library.
        client_software_version: Str, [3+] (ignorable);
    }

    /// The broker's APIs and features. Its header is always v0.
    pub struct ApiVersionsResponse {
        /// What went wrong; 35 if the request's version is not supported, and the answer is then in v0.
        error_code: i16, [0+];
        /// The APIs that the broker offers.
        api_keys: Vec<ApiVersion>, [0+];
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// The features that the broker can handle.
        supported_features: Vec<SupportedFeatureKey>, [3+] tag 0 (ignorable);
        /// Grows with each change of the finalized features; -1 if they are unknown.
        finalized_features_epoch: i64, [3+] tag 1 (ignorable) = -1;
        /// The features in force in the whole cluster.
        finalized_features: Vec<FinalizedFeatureKey>, [3+] tag 2 (ignorable);
        /// Whether the controller could take over from ZooKeeper; false since Kafka 4.
        zk_migration_ready: bool, [3+] tag 3 (ignorable);
    }

    /// An API and its versions, in [`ApiVersionsResponse`].
    pub struct ApiVersion {
        /// The API's number.
        api_key: i16, [0+];
        /// The lowest supported version.
        min_version: i16, [0+];
        /// The highest supported version.
        max_version: i16, [0+];
    }

    /// A feature that the broker can handle, in [`ApiVersionsResponse`].
    pub struct SupportedFeatureKey {
        /// The name of the feature.
        name: Str, [3+];
        /// The lowest supported version.
        min_version: i16, [3+];
        /// The highest supported version.
        max_version: i16, [3+];
    }

    /// A feature in force, in [`ApiVersionsResponse`].
    pub struct FinalizedFeatureKey {
        /// The name of the feature.
        name: Str, [3+];
        /// The level in force.
        max_version_level: i16, [3+];
        /// The lowest level in force.
        min_version_level: i16, [3+];
    }
}
