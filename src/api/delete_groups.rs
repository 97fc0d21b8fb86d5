//! DeleteGroups, versions 0 to 2.

use group::Request;
use protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::groups::{ask_each, pick};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: DeleteGroupsRequest) -> Answer {
    let respond = |results| DeleteGroupsResponse { results, ..Default::default() };
    ask_each(shard, call, request.groups_names, Request::DeleteGroups, pick!(DeleteGroups), respond)
}
