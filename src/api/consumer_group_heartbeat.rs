//! ConsumerGroupHeartbeat, versions 0 and 1: joining, keeping up and leaving a consumer group (KIP-848).

use group::Request;
use protocol::messages::ConsumerGroupHeartbeatRequest;
use types::ErrorCode;

use super::groups::{ask, pick, refuse};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: ConsumerGroupHeartbeatRequest) -> Answer {
    let group_id = request.group_id.clone();
    let request = Request::ConsumerGroupHeartbeat(request);
    if group_id.is_empty() {
        // Here Kafka takes it for a malformed request, not for a group that may not be called so.
        return refuse(call, &request, ErrorCode::InvalidRequest, pick!(ConsumerGroupHeartbeat));
    }
    ask(shard, call, &group_id, request, pick!(ConsumerGroupHeartbeat))
}
