//! Settings of topics, brokers and other resources.

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Asks for the settings of topics, brokers and other resources.
    pub struct DescribeConfigsRequest {
        /// The resources.
        resources: Vec<DescribeConfigsResource>, [0+];
        /// Whether to list all levels at which the setting is given.
        include_synonyms: bool, [1+];
        /// Whether to explain the settings.
        include_documentation: bool, [3+];
    }

    /// A resource, in [`DescribeConfigsRequest`].
    pub struct DescribeConfigsResource {
        /// The type of resource.
        resource_type: i8, [0+];
        /// The name of the resource.
        resource_name: Str, [0+];
        /// The settings asked for; null for all.
        configuration_keys: Option<Vec<Str>>, [0+] nullable [0+];
    }

    /// The settings.
    pub struct DescribeConfigsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What became of each resource.
        results: Vec<DescribeConfigsResult>, [0+];
    }

    /// A resource, in [`DescribeConfigsResponse`].
    pub struct DescribeConfigsResult {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The type of resource.
        resource_type: i8, [0+];
        /// The name of the resource.
        resource_name: Str, [0+];
        /// The settings.
        configs: Vec<DescribeConfigsResourceResult>, [0+];
    }

    /// A setting, in [`DescribeConfigsResponse`].
    pub struct DescribeConfigsResourceResult {
        /// The name of the setting.
        name: Str, [0+];
        /// The value; null if it is withheld, or to go back to the default.
        value: Option<Str>, [0+] nullable [0+];
        /// Whether the setting cannot be changed at run time.
        read_only: bool, [0+];
        /// Where the value comes from: 1 topic, 2 broker, 3 default of all brokers, 4 the broker's file, 5
        /// default.
        config_source: i8, [1+] (ignorable) = -1;
        /// Whether the value is secret and therefore withheld.
        is_sensitive: bool, [0+];
        /// The levels at which the setting is given, the deciding one first.
        synonyms: Vec<DescribeConfigsSynonym>, [1+] (ignorable);
        /// The type of value.
        config_type: i8, [3+] (ignorable);
        /// What the setting means, or null if the client did not ask.
        documentation: Option<Str>, [3+] nullable [0+] (ignorable);
    }

    /// A level at which a setting is given, in [`DescribeConfigsResponse`].
    pub struct DescribeConfigsSynonym {
        /// The name of the setting.
        name: Str, [1+];
        /// The value; null if it is withheld, or to go back to the default.
        value: Option<Str>, [1+] nullable [0+];
        /// Where the value comes from, as in `config_source`.
        source: i8, [1+];
    }

    /// Replaces all settings of resources.
    pub struct AlterConfigsRequest {
        /// The resources.
        resources: Vec<AlterConfigsResource>, [0+];
        /// Whether to check everything but to change nothing.
        validate_only: bool, [0+];
    }

    /// A resource, in [`AlterConfigsRequest`].
    pub struct AlterConfigsResource {
        /// The type of resource.
        resource_type: i8, [0+];
        /// The name of the resource.
        resource_name: Str, [0+];
        /// The settings.
        configs: Vec<AlterConfigsAlterableConfig>, [0+];
    }

    /// A setting, in [`AlterConfigsRequest`].
    pub struct AlterConfigsAlterableConfig {
        /// The name of the setting.
        name: Str, [0+];
        /// The value; null if it is withheld, or to go back to the default.
        value: Option<Str>, [0+] nullable [0+];
    }

    /// What became of each resource.
    pub struct AlterConfigsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What became of each resource.
        responses: Vec<AlterConfigsResourceResponse>, [0+];
    }

    /// What became of a resource, in [`AlterConfigsResponse`].
    pub struct AlterConfigsResourceResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The type of resource.
        resource_type: i8, [0+];
        /// The name of the resource.
        resource_name: Str, [0+];
    }

    /// Changes single settings of resources (KIP-339).
    pub struct IncrementalAlterConfigsRequest {
        /// The resources.
        resources: Vec<IncrementalAlterConfigsResource>, [0+];
        /// Whether to check everything but to change nothing.
        validate_only: bool, [0+];
    }

    /// A resource, in [`IncrementalAlterConfigsRequest`].
    pub struct IncrementalAlterConfigsResource {
        /// The type of resource.
        resource_type: i8, [0+];
        /// The name of the resource.
        resource_name: Str, [0+];
        /// The settings.
        configs: Vec<IncrementalAlterConfigsAlterableConfig>, [0+];
    }

    /// A setting, in [`IncrementalAlterConfigsRequest`].
    pub struct IncrementalAlterConfigsAlterableConfig {
        /// The name of the setting.
        name: Str, [0+];
        /// What to do: 0 set, 1 delete, 2 append to a list, 3 subtract from a list.
        config_operation: i8, [0+];
        /// The value; null if it is withheld, or to go back to the default.
        value: Option<Str>, [0+] nullable [0+];
    }

    /// What became of each resource.
    pub struct IncrementalAlterConfigsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What became of each resource.
        responses: Vec<IncrementalAlterConfigsResourceResponse>, [0+];
    }

    /// What became of a resource, in [`IncrementalAlterConfigsResponse`].
    pub struct IncrementalAlterConfigsResourceResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The type of resource.
        resource_type: i8, [0+];
        /// The name of the resource.
        resource_name: Str, [0+];
    }

    /// Asks which resources have settings.
    pub struct ListConfigResourcesRequest {
        /// The types of resources to list; empty for all.
        resource_types: Vec<i8>, [1+];
    }

    /// The resources.
    pub struct ListConfigResourcesResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The resources that have configurations.
        config_resources: Vec<ConfigResource>, [0+];
    }

    /// A resource, in [`ListConfigResourcesResponse`].
    pub struct ConfigResource {
        /// The name of the resource.
        resource_name: Str, [0+];
        /// The type of resource.
        resource_type: i8, [1+] (ignorable) = 16;
    }
}
