//! JoinGroup, versions 0 to 9: a member of a classic group joins. The answer comes when all members have.

use group::Request;
use protocol::messages::JoinGroupRequest;
use types::ErrorCode;

use super::groups::{ask, pick, refuse};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: JoinGroupRequest) -> Answer {
    let group_id = request.group_id.clone();
    let request = Request::JoinGroup(request);
    if group_id.is_empty() {
        return refuse(call, &request, ErrorCode::InvalidGroupId, pick!(JoinGroup));
    }
    ask(shard, call, &group_id, request, pick!(JoinGroup))
}
