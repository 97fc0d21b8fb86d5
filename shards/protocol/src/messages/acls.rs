//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO DescribeAclsRequest
    pub struct DescribeAclsRequest {
        /// TODO resource_type_filter
        resource_type_filter: i8, [0+];
        /// TODO resource_name_filter
        resource_name_filter: Option<Str>, [0+] nullable [0+];
        /// TODO pattern_type_filter
        pattern_type_filter: i8, [1+] = 3;
        /// TODO principal_filter
        principal_filter: Option<Str>, [0+] nullable [0+];
        /// TODO host_filter
        host_filter: Option<Str>, [0+] nullable [0+];
        /// TODO operation
        operation: i8, [0+];
        /// TODO permission_type
        permission_type: i8, [0+];
    }

    /// TODO DescribeAclsResponse
    pub struct DescribeAclsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO resources
        resources: Vec<DescribeAclsResource>, [0+];
    }

    /// TODO DescribeAclsResource
    pub struct DescribeAclsResource {
        /// TODO resource_type
        resource_type: i8, [0+];
        /// TODO resource_name
        resource_name: Str, [0+];
        /// TODO pattern_type
        pattern_type: i8, [1+] = 3;
        /// TODO acls
        acls: Vec<AclDescription>, [0+];
    }

    /// TODO AclDescription
    pub struct AclDescription {
        /// TODO principal
        principal: Str, [0+];
        /// TODO host
        host: Str, [0+];
        /// TODO operation
        operation: i8, [0+];
        /// TODO permission_type
        permission_type: i8, [0+];
    }

    /// TODO CreateAclsRequest
    pub struct CreateAclsRequest {
        /// TODO creations
        creations: Vec<AclCreation>, [0+];
    }

    /// TODO AclCreation
    pub struct AclCreation {
        /// TODO resource_type
        resource_type: i8, [0+];
        /// TODO resource_name
        resource_name: Str, [0+];
        /// TODO resource_pattern_type
        resource_pattern_type: i8, [1+] = 3;
        /// TODO principal
        principal: Str, [0+];
        /// TODO host
        host: Str, [0+];
        /// TODO operation
        operation: i8, [0+];
        /// TODO permission_type
        permission_type: i8, [0+];
    }

    /// TODO CreateAclsResponse
    pub struct CreateAclsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO results
        results: Vec<AclCreationResult>, [0+];
    }

    /// TODO AclCreationResult
    pub struct AclCreationResult {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
    }

    /// TODO DeleteAclsRequest
    pub struct DeleteAclsRequest {
        /// TODO filters
        filters: Vec<DeleteAclsFilter>, [0+];
    }

    /// TODO DeleteAclsFilter
    pub struct DeleteAclsFilter {
        /// TODO resource_type_filter
        resource_type_filter: i8, [0+];
        /// TODO resource_name_filter
        resource_name_filter: Option<Str>, [0+] nullable [0+];
        /// TODO pattern_type_filter
        pattern_type_filter: i8, [1+] = 3;
        /// TODO principal_filter
        principal_filter: Option<Str>, [0+] nullable [0+];
        /// TODO host_filter
        host_filter: Option<Str>, [0+] nullable [0+];
        /// TODO operation
        operation: i8, [0+];
        /// TODO permission_type
        permission_type: i8, [0+];
    }

    /// TODO DeleteAclsResponse
    pub struct DeleteAclsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO filter_results
        filter_results: Vec<DeleteAclsFilterResult>, [0+];
    }

    /// TODO DeleteAclsFilterResult
    pub struct DeleteAclsFilterResult {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO matching_acls
        matching_acls: Vec<DeleteAclsMatchingAcl>, [0+];
    }

    /// TODO DeleteAclsMatchingAcl
    pub struct DeleteAclsMatchingAcl {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO resource_type
        resource_type: i8, [0+];
        /// TODO resource_name
        resource_name: Str, [0+];
        /// TODO pattern_type
        pattern_type: i8, [1+] = 3;
        /// TODO principal
        principal: Str, [0+];
        /// TODO host
        host: Str, [0+];
        /// TODO operation
        operation: i8, [0+];
        /// TODO permission_type
        permission_type: i8, [0+];
    }
}
