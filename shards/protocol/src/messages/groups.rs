//! Finding, listing, describing and deleting groups.

use super::group_account::GroupAccount;
use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// Asks which broker coordinates groups, transactions or share partitions.
    pub struct FindCoordinatorRequest {
        /// The name to find a coordinator for.
        key: Str, [0-3];
        /// What the keys are: 0 groups, 1 transactions, 2 share partitions.
        key_type: i8, [1+];
        /// The names to find coordinators for.
        coordinator_keys: Vec<Str>, [4+];
    }

    /// The coordinators.
    pub struct FindCoordinatorResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [0-3];
        /// The same in words, or null.
        error_message: Option<Str>, [1-3] nullable [1-3] (ignorable);
        /// The broker's id.
        node_id: i32, [0-3];
        /// The host to connect to.
        host: Str, [0-3];
        /// The port to connect to.
        port: i32, [0-3];
        /// A coordinator for each name.
        coordinators: Vec<Coordinator>, [4+];
    }

    /// A coordinator, in [`FindCoordinatorResponse`].
    pub struct Coordinator {
        /// The name that was asked for.
        key: Str, [4+];
        /// The broker's id.
        node_id: i32, [4+];
        /// The host to connect to.
        host: Str, [4+];
        /// The port to connect to.
        port: i32, [4+];
        /// What went wrong; 0 for success.
        error_code: i16, [4+];
        /// The same in words, or null.
        error_message: Option<Str>, [4+] nullable [4+] (ignorable);
    }

    /// Asks for classic groups and their members.
    pub struct DescribeGroupsRequest {
        /// The groups.
        groups: Vec<Str>, [0+];
        /// Whether to tell what the client may do.
        include_authorized_operations: bool, [3+];
        /// Strome's own: whether to tell what Kafka's descriptions have no room for.
        wants_account: bool, [5+] tag 10000 (ignorable);
    }

    /// The groups and their members.
    pub struct DescribeGroupsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// The groups.
        groups: Vec<DescribedGroup>, [0+];
    }

    /// A group, in [`DescribeGroupsResponse`].
    pub struct DescribedGroup {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [6+] nullable [6+] = None;
        /// The group.
        group_id: Str, [0+];
        /// The state of the group.
        group_state: Str, [0+];
        /// The type of protocol, such as `consumer`; empty in a group without members.
        protocol_type: Str, [0+];
        /// The protocol that the group has agreed on.
        protocol_data: Str, [0+];
        /// The members.
        members: Vec<DescribedGroupMember>, [0+];
        /// A bit for each operation that the client may do; `i32::MIN` if it did not ask.
        authorized_operations: i32, [3+] = i32::MIN;
        /// Strome's own: what Kafka's descriptions have no room for, of a group of any type; null if nobody asked.
        account: Option<GroupAccount>, [5+] nullable [5+] tag 10000 (ignorable) = None;
    }

    /// A member, in [`DescribeGroupsResponse`].
    pub struct DescribedGroupMember {
        /// The member's id.
        member_id: Str, [0+];
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [4+] nullable [4+] (ignorable) = None;
        /// How the client calls itself.
        client_id: Str, [0+];
        /// The address that the client connects from.
        client_host: Str, [0+];
        /// What the member said about itself when it joined.
        member_metadata: Bytes, [0+];
        /// What the leader of the group assigned to the member.
        member_assignment: Bytes, [0+];
    }

    /// Asks for all groups that the broker coordinates.
    pub struct ListGroupsRequest {
        /// Only groups in these states; empty for all.
        states_filter: Vec<Str>, [4+];
        /// Only groups of these types; empty for all.
        types_filter: Vec<Str>, [5+];
    }

    /// The groups.
    pub struct ListGroupsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The groups.
        groups: Vec<ListedGroup>, [0+];
    }

    /// A group, in [`ListGroupsResponse`].
    pub struct ListedGroup {
        /// The group.
        group_id: Str, [0+];
        /// The type of protocol, such as `consumer`; empty in a group without members.
        protocol_type: Str, [0+];
        /// The state of the group.
        group_state: Str, [4+] (ignorable);
        /// The type of the group.
        group_type: Str, [5+] (ignorable);
    }

    /// Deletes groups.
    pub struct DeleteGroupsRequest {
        /// The groups to delete.
        groups_names: Vec<Str>, [0+];
    }

    /// What became of each group.
    pub struct DeleteGroupsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What became of each group.
        results: Vec<DeletableGroupResult>, [0+];
    }

    /// What became of a group, in [`DeleteGroupsResponse`].
    pub struct DeletableGroupResult {
        /// The group.
        group_id: Str, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }
}
