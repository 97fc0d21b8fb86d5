//! Heartbeat, versions 0 to 4: a member of a classic group is alive.

use group::Request;
use protocol::messages::HeartbeatRequest;
use types::ErrorCode;

use super::groups::{ask, pick, refuse};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: HeartbeatRequest) -> Answer {
    let group_id = request.group_id.clone();
    let request = Request::Heartbeat(request);
    if group_id.is_empty() {
        return refuse(call, &request, ErrorCode::InvalidGroupId, pick!(Heartbeat));
    }
    ask(shard, call, &group_id, request, pick!(Heartbeat))
}
