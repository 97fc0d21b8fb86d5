//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO ApiVersionsRequest
    pub struct ApiVersionsRequest {
        /// TODO client_software_name
        client_software_name: Str, [3+] (ignorable);
        /// TODO client_software_version
        client_software_version: Str, [3+] (ignorable);
    }

    /// TODO ApiVersionsResponse
    pub struct ApiVersionsResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO api_keys
        api_keys: Vec<ApiVersion>, [0+];
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO supported_features
        supported_features: Vec<SupportedFeatureKey>, [3+] tag 0 (ignorable);
        /// TODO finalized_features_epoch
        finalized_features_epoch: i64, [3+] tag 1 (ignorable) = -1;
        /// TODO finalized_features
        finalized_features: Vec<FinalizedFeatureKey>, [3+] tag 2 (ignorable);
        /// TODO zk_migration_ready
        zk_migration_ready: bool, [3+] tag 3 (ignorable);
    }

    /// TODO ApiVersion
    pub struct ApiVersion {
        /// TODO api_key
        api_key: i16, [0+];
        /// TODO min_version
        min_version: i16, [0+];
        /// TODO max_version
        max_version: i16, [0+];
    }

    /// TODO SupportedFeatureKey
    pub struct SupportedFeatureKey {
        /// TODO name
        name: Str, [3+];
        /// TODO min_version
        min_version: i16, [3+];
        /// TODO max_version
        max_version: i16, [3+];
    }

    /// TODO FinalizedFeatureKey
    pub struct FinalizedFeatureKey {
        /// TODO name
        name: Str, [3+];
        /// TODO max_version_level
        max_version_level: i16, [3+];
        /// TODO min_version_level
        min_version_level: i16, [3+];
    }
}
