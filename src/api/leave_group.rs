//! LeaveGroup, versions 0 to 5: members leave a classic group.

use group::Request;
use protocol::messages::LeaveGroupRequest;
use types::ErrorCode;

use super::groups::{ask, pick, refuse};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: LeaveGroupRequest) -> Answer {
    let group_id = request.group_id.clone();
    let request = Request::LeaveGroup(request);
    if group_id.is_empty() {
        return refuse(call, &request, ErrorCode::InvalidGroupId, pick!(LeaveGroup));
    }
    ask(shard, call, &group_id, request, pick!(LeaveGroup))
}
