//! Access control lists.

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Asks for the entries of access control lists.
    pub struct DescribeAclsRequest {
        /// The type of resource to look for.
        resource_type_filter: i8, [0+];
        /// The name to look for; null for any.
        resource_name_filter: Option<Str>, [0+] nullable [0+];
        /// How names are meant: 1 any, 2 whatever applies to the name, 3 literally, 4 as a prefix.
        pattern_type_filter: i8, [1+] = 3;
        /// The principal to look for; null for any.
        principal_filter: Option<Str>, [0+] nullable [0+];
        /// The host to look for; null for any.
        host_filter: Option<Str>, [0+] nullable [0+];
        /// The operation to look for; 1 for any.
        operation: i8, [0+];
        /// Whether the entry denies (2) or allows (3); 1 in a filter for either.
        permission_type: i8, [0+];
    }

    /// The entries, by resource.
    pub struct DescribeAclsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The resources.
        resources: Vec<DescribeAclsResource>, [0+];
    }

    /// A resource, in [`DescribeAclsResponse`].
    pub struct DescribeAclsResource {
        /// The type of resource.
        resource_type: i8, [0+];
        /// The name of the resource.
        resource_name: Str, [0+];
        /// How the name is meant: 3 literally, 4 as a prefix.
        pattern_type: i8, [1+] = 3;
        /// The entries of this resource.
        acls: Vec<AclDescription>, [0+];
    }

    /// An entry, in [`DescribeAclsResponse`].
    pub struct AclDescription {
        /// The principal, such as `User:alice`.
        principal: Str, [0+];
        /// The host that the entry is about; `*` for all.
        host: Str, [0+];
        /// The operation, as a number of Kafka's `AclOperation`.
        operation: i8, [0+];
        /// Whether the entry denies (2) or allows (3); 1 in a filter for either.
        permission_type: i8, [0+];
    }

    /// Adds entries to access control lists.
    pub struct CreateAclsRequest {
        /// The entries to add.
        creations: Vec<AclCreation>, [0+];
    }

    /// An entry to add, in [`CreateAclsRequest`].
    pub struct AclCreation {
        /// The type of resource.
        resource_type: i8, [0+];
        /// The name of the resource.
        resource_name: Str, [0+];
        /// How the name is meant: 3 literally, 4 as a prefix.
        resource_pattern_type: i8, [1+] = 3;
        /// The principal, such as `User:alice`.
        principal: Str, [0+];
        /// The host that the entry is about; `*` for all.
        host: Str, [0+];
        /// The operation, as a number of Kafka's `AclOperation`.
        operation: i8, [0+];
        /// Whether the entry denies (2) or allows (3); 1 in a filter for either.
        permission_type: i8, [0+];
    }

    /// What became of each entry.
    pub struct CreateAclsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What became of each entry.
        results: Vec<AclCreationResult>, [0+];
    }

    /// What became of an entry, in [`CreateAclsResponse`].
    pub struct AclCreationResult {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
    }

    /// Removes entries from access control lists.
    pub struct DeleteAclsRequest {
        /// The patterns of entries to remove.
        filters: Vec<DeleteAclsFilter>, [0+];
    }

    /// A pattern of entries to remove, in [`DeleteAclsRequest`].
    pub struct DeleteAclsFilter {
        /// The type of resource to look for.
        resource_type_filter: i8, [0+];
        /// The name to look for; null for any.
        resource_name_filter: Option<Str>, [0+] nullable [0+];
        /// How names are meant: 1 any, 2 whatever applies to the name, 3 literally, 4 as a prefix.
        pattern_type_filter: i8, [1+] = 3;
        /// The principal to look for; null for any.
        principal_filter: Option<Str>, [0+] nullable [0+];
        /// The host to look for; null for any.
        host_filter: Option<Str>, [0+] nullable [0+];
        /// The operation to look for; 1 for any.
        operation: i8, [0+];
        /// Whether the entry denies (2) or allows (3); 1 in a filter for either.
        permission_type: i8, [0+];
    }

    /// What was removed.
    pub struct DeleteAclsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What became of each filter.
        filter_results: Vec<DeleteAclsFilterResult>, [0+];
    }

    /// What became of a filter, in [`DeleteAclsResponse`].
    pub struct DeleteAclsFilterResult {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The entries that were removed.
        matching_acls: Vec<DeleteAclsMatchingAcl>, [0+];
    }

    /// An entry that was removed, in [`DeleteAclsResponse`].
    pub struct DeleteAclsMatchingAcl {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The type of resource.
        resource_type: i8, [0+];
        /// The name of the resource.
        resource_name: Str, [0+];
        /// How the name is meant: 3 literally, 4 as a prefix.
        pattern_type: i8, [1+] = 3;
        /// The principal, such as `User:alice`.
        principal: Str, [0+];
        /// The host that the entry is about; `*` for all.
        host: Str, [0+];
        /// The operation, as a number of Kafka's `AclOperation`.
        operation: i8, [0+];
        /// Whether the entry denies (2) or allows (3); 1 in a filter for either.
        permission_type: i8, [0+];
    }
}
