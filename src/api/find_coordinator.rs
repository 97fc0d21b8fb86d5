//! FindCoordinator, versions 0 to 6: which broker coordinates a group. The topic that keeps groups is made when somebody asks
//! for the first time.

use controller::{CreateTopics, NewTopic};
use protocol::Str;
use protocol::messages::groups::Coordinator;
use protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};
use types::{BrokerId, ErrorCode};

use super::encode;
use crate::coordinator::{OFFSETS_TOPIC, partition_of};
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::Done;

/// From this version on several coordinators are looked for at once (KIP-699).
const BATCH_VERSION: i16 = 4;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// A broker's place: id, host and port.
type Found = (i32, Str, i32);

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: FindCoordinatorRequest) -> Answer {
    if request.key_type != GROUP || shard.image.topic(OFFSETS_TOPIC).is_some() {
        return respond(shard, call, &request);
    }
    let topics = vec![NewTopic::automatic(OFFSETS_TOPIC, &shard.image)];
    let create = controller::Request::CreateTopics(CreateTopics { topics, validate_only: false });
    shard.ask_controller(call, Box::new(CreationGather { request }), create)
}

/// Waits for the topic. Whatever became of it is seen in the metadata: another client may have been faster.
struct CreationGather {
    request: FindCoordinatorRequest,
}

impl Gather for CreationGather {
    fn merge(&mut self, _done: Done) {}

    fn finish(self: Box<Self>, call: &Call, shard: &mut Shard) -> Answer {
        respond(shard, call, &self.request)
    }
}

fn respond(shard: &Shard, call: &Call, request: &FindCoordinatorRequest) -> Answer {
    if call.version >= BATCH_VERSION {
        let coordinators = request.coordinator_keys.iter();
        let coordinators = coordinators.map(|key| coordinator(key, find(shard, call, request.key_type, key)));
        return encode(
            call,
            &FindCoordinatorResponse { coordinators: coordinators.collect(), ..Default::default() },
        );
    }
    let found = find(shard, call, request.key_type, &request.key);
    let (error, (node_id, host, port)) = flatten(found);
    encode(
        call,
        &FindCoordinatorResponse {
            error_code: error.code(),
            error_message: Some(Str::from_static(error.kafka_name())),
            node_id,
            host,
            port,
            ..Default::default()
        },
    )
}

fn find(shard: &Shard, call: &Call, key_type: i8, key: &str) -> Result<Found, ErrorCode> {
    match key_type {
        GROUP => {}
        // A client that waits for a coordinator of transactions tries again until there is one.
        TRANSACTION => return Err(ErrorCode::CoordinatorNotAvailable),
        _ => return Err(ErrorCode::InvalidRequest),
    }
    let unavailable = ErrorCode::CoordinatorNotAvailable;
    let at = partition_of(&shard.image, key).ok_or(unavailable)?;
    let leader = shard.image.partition(at.topic, at.partition).map_or(BrokerId::NONE, |state| state.leader);
    let brokers = shard.reachable_brokers(call.connection);
    let (_, listener) = brokers.into_iter().find(|(broker, _)| broker.id == leader).ok_or(unavailable)?;
    Ok((leader.0, Str::from(listener.host.as_str()), i32::from(listener.port)))
}

fn coordinator(key: &Str, found: Result<Found, ErrorCode>) -> Coordinator {
    let (error, (node_id, host, port)) = flatten(found);
    Coordinator {
        key: key.clone(),
        node_id,
        host,
        port,
        error_code: error.code(),
        error_message: Some(if error.is_none() {
            Str::default()
        } else {
            Str::from_static(error.kafka_name())
        }),
    }
}

/// No broker stands for itself beside an error.
fn flatten(found: Result<Found, ErrorCode>) -> (ErrorCode, Found) {
    match found {
        Ok(found) => (ErrorCode::None, found),
        Err(error) => (error, (BrokerId::NONE.0, Str::default(), -1)),
    }
}
