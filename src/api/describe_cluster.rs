//! DescribeCluster, versions 0 to 2.

use protocol::Str;
use protocol::messages::cluster::DescribeClusterBroker;
use protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};
use types::ErrorCode;

use super::{authorized, encode};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// Asks for brokers.
const BROKERS: i8 = 1;
/// Asks for controllers, which brokers do not tell (KIP-919).
const CONTROLLERS: i8 = 2;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: DescribeClusterRequest) -> Answer {
    let refusal = match request.endpoint_type {
        BROKERS => None,
        CONTROLLERS => Some((ErrorCode::MismatchedEndpointType, "this is a broker's endpoint")),
        _ => Some((ErrorCode::UnsupportedEndpointType, "endpoint types are 1 (brokers) and 2 (controllers)")),
    };
    if let Some((error, message)) = refusal {
        return encode(
            call,
            &DescribeClusterResponse {
                error_code: error.code(),
                error_message: Some(Str::from_static(message)),
                ..Default::default()
            },
        );
    }
    let brokers = shard.reachable_brokers(call.connection).into_iter();
    let brokers = brokers.map(|(broker, listener)| DescribeClusterBroker {
        broker_id: broker.id.0,
        host: Str::from(listener.host.as_str()),
        port: i32::from(listener.port),
        rack: broker.rack.as_deref().map(Str::from),
        is_fenced: broker.fenced,
    });
    encode(
        call,
        &DescribeClusterResponse {
            endpoint_type: request.endpoint_type,
            cluster_id: Str::from(shard.image.cluster_id().unwrap_or_default()),
            controller_id: shard.image.controller().0,
            brokers: brokers.collect(),
            cluster_authorized_operations: authorized::on_cluster(
                request.include_cluster_authorized_operations,
            ),
            ..Default::default()
        },
    )
}
