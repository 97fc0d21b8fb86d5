//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO DescribeConfigsRequest
    pub struct DescribeConfigsRequest {
        /// TODO resources
        resources: Vec<DescribeConfigsResource>, [0+];
        /// TODO include_synonyms
        include_synonyms: bool, [1+];
        /// TODO include_documentation
        include_documentation: bool, [3+];
    }

    /// TODO DescribeConfigsResource
    pub struct DescribeConfigsResource {
        /// TODO resource_type
        resource_type: i8, [0+];
        /// TODO resource_name
        resource_name: Str, [0+];
        /// TODO configuration_keys
        configuration_keys: Option<Vec<Str>>, [0+] nullable [0+];
    }

    /// TODO DescribeConfigsResponse
    pub struct DescribeConfigsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO results
        results: Vec<DescribeConfigsResult>, [0+];
    }

    /// TODO DescribeConfigsResult
    pub struct DescribeConfigsResult {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO resource_type
        resource_type: i8, [0+];
        /// TODO resource_name
        resource_name: Str, [0+];
        /// TODO configs
        configs: Vec<DescribeConfigsResourceResult>, [0+];
    }

    /// TODO DescribeConfigsResourceResult
    pub struct DescribeConfigsResourceResult {
        /// TODO name
        name: Str, [0+];
        /// TODO value
        value: Option<Str>, [0+] nullable [0+];
        /// TODO read_only
        read_only: bool, [0+];
        /// TODO config_source
        config_source: i8, [1+] (ignorable) = -1;
        /// TODO is_sensitive
        is_sensitive: bool, [0+];
        /// TODO synonyms
        synonyms: Vec<DescribeConfigsSynonym>, [1+] (ignorable);
        /// TODO config_type
        config_type: i8, [3+] (ignorable);
        /// TODO documentation
        documentation: Option<Str>, [3+] nullable [0+] (ignorable);
    }

    /// TODO DescribeConfigsSynonym
    pub struct DescribeConfigsSynonym {
        /// TODO name
        name: Str, [1+];
        /// TODO value
        value: Option<Str>, [1+] nullable [0+];
        /// TODO source
        source: i8, [1+];
    }

    /// TODO AlterConfigsRequest
    pub struct AlterConfigsRequest {
        /// TODO resources
        resources: Vec<AlterConfigsAlterConfigsResource>, [0+];
        /// TODO validate_only
        validate_only: bool, [0+];
    }

    /// TODO AlterConfigsAlterConfigsResource
    pub struct AlterConfigsAlterConfigsResource {
        /// TODO resource_type
        resource_type: i8, [0+];
        /// TODO resource_name
        resource_name: Str, [0+];
        /// TODO configs
        configs: Vec<AlterConfigsAlterableConfig>, [0+];
    }

    /// TODO AlterConfigsAlterableConfig
    pub struct AlterConfigsAlterableConfig {
        /// TODO name
        name: Str, [0+];
        /// TODO value
        value: Option<Str>, [0+] nullable [0+];
    }

    /// TODO AlterConfigsResponse
    pub struct AlterConfigsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO responses
        responses: Vec<AlterConfigsAlterConfigsResourceResponse>, [0+];
    }

    /// TODO AlterConfigsAlterConfigsResourceResponse
    pub struct AlterConfigsAlterConfigsResourceResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO resource_type
        resource_type: i8, [0+];
        /// TODO resource_name
        resource_name: Str, [0+];
    }

    /// TODO IncrementalAlterConfigsRequest
    pub struct IncrementalAlterConfigsRequest {
        /// TODO resources
        resources: Vec<IncrementalAlterConfigsAlterConfigsResource>, [0+];
        /// TODO validate_only
        validate_only: bool, [0+];
    }

    /// TODO IncrementalAlterConfigsAlterConfigsResource
    pub struct IncrementalAlterConfigsAlterConfigsResource {
        /// TODO resource_type
        resource_type: i8, [0+];
        /// TODO resource_name
        resource_name: Str, [0+];
        /// TODO configs
        configs: Vec<IncrementalAlterConfigsAlterableConfig>, [0+];
    }

    /// TODO IncrementalAlterConfigsAlterableConfig
    pub struct IncrementalAlterConfigsAlterableConfig {
        /// TODO name
        name: Str, [0+];
        /// TODO config_operation
        config_operation: i8, [0+];
        /// TODO value
        value: Option<Str>, [0+] nullable [0+];
    }

    /// TODO IncrementalAlterConfigsResponse
    pub struct IncrementalAlterConfigsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO responses
        responses: Vec<IncrementalAlterConfigsAlterConfigsResourceResponse>, [0+];
    }

    /// TODO IncrementalAlterConfigsAlterConfigsResourceResponse
    pub struct IncrementalAlterConfigsAlterConfigsResourceResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO resource_type
        resource_type: i8, [0+];
        /// TODO resource_name
        resource_name: Str, [0+];
    }

    /// TODO ListConfigResourcesRequest
    pub struct ListConfigResourcesRequest {
        /// TODO resource_types
        resource_types: Vec<i8>, [1+];
    }

    /// TODO ListConfigResourcesResponse
    pub struct ListConfigResourcesResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO config_resources
        config_resources: Vec<ConfigResource>, [0+];
    }

    /// TODO ConfigResource
    pub struct ConfigResource {
        /// TODO resource_name
        resource_name: Str, [0+];
        /// TODO resource_type
        resource_type: i8, [1+] (ignorable) = 16;
    }
}
