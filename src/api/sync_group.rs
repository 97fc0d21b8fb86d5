//! SyncGroup, versions 0 to 5: members of a classic group get what their leader assigns.

use group::Request;
use protocol::messages::SyncGroupRequest;
use types::ErrorCode;

use super::groups::{ask, pick, refuse};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// From this version on members say which protocol they mean (KIP-559).
const PROTOCOL_VERSION: i16 = 5;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: SyncGroupRequest) -> Answer {
    let names_protocol = request.protocol_type.is_some() && request.protocol_name.is_some();
    let group_id = request.group_id.clone();
    let request = Request::SyncGroup(request);
    if call.version >= PROTOCOL_VERSION && !names_protocol {
        return refuse(call, &request, ErrorCode::InconsistentGroupProtocol, pick!(SyncGroup));
    }
    if group_id.is_empty() {
        return refuse(call, &request, ErrorCode::InvalidGroupId, pick!(SyncGroup));
    }
    ask(shard, call, &group_id, request, pick!(SyncGroup))
}
