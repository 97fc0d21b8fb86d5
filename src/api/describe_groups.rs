//! DescribeGroups, versions 0 to 6: classic groups and their members. Whoever asks for it gets an account of groups of any type
//! besides, which only Strome gives.

use group::Request;
use protocol::messages::groups::DescribedGroup;
use protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse};
use types::ErrorCode;

use super::authorized;
use super::groups::{ask_each, pick};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: DescribeGroupsRequest) -> Answer {
    let operations = authorized::on_group(request.include_authorized_operations);
    let respond = move |mut groups: Vec<DescribedGroup>| {
        for group in groups.iter_mut().filter(|group| group.error_code == ErrorCode::None.code()) {
            group.authorized_operations = operations;
        }
        DescribeGroupsResponse { groups, ..Default::default() }
    };
    let ask = if request.wants_account { Request::DescribeGroupsInDetail } else { Request::DescribeGroups };
    ask_each(shard, call, request.groups, ask, pick!(DescribeGroups), respond)
}
