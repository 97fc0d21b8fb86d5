//! ConsumerGroupDescribe, versions 0 and 1: consumer groups and their members (KIP-848).

use group::Request;
use protocol::messages::consumer_groups::DescribedGroup;
use protocol::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse};
use types::ErrorCode;

use super::authorized;
use super::groups::{ask_each, pick};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: ConsumerGroupDescribeRequest) -> Answer {
    let operations = authorized::on_group(request.include_authorized_operations);
    let respond = move |mut groups: Vec<DescribedGroup>| {
        for group in groups.iter_mut().filter(|group| group.error_code == ErrorCode::None.code()) {
            group.authorized_operations = operations;
        }
        ConsumerGroupDescribeResponse { groups, ..Default::default() }
    };
    ask_each(
        shard,
        call,
        request.group_ids,
        Request::ConsumerGroupDescribe,
        pick!(ConsumerGroupDescribe),
        respond,
    )
}
