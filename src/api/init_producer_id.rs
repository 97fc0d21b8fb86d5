//! InitProducerId, versions 0 to 5, for idempotent producers. Transactional ones need a coordinator, which this broker
//! does not have yet.

use controller::{AllocateProducerIds, ProducerIdBlock, Reply};
use protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};
use types::{ErrorCode, ProducerId};

use super::encode;
use super::refusals::{Failure, refused_by_control};
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::Done;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: InitProducerIdRequest) -> Answer {
    if let Some(transactional_id) = &request.transactional_id {
        let error = if transactional_id.is_empty() {
            ErrorCode::InvalidRequest
        } else {
            ErrorCode::CoordinatorNotAvailable
        };
        return respond(call, Err(error));
    }
    if (request.producer_id < 0) != (request.producer_epoch < 0) {
        return respond(call, Err(ErrorCode::InvalidRequest)); // One of the two is of no use without the other.
    }
    if let Some(id) = shard.producer_ids.next() {
        return respond(call, Ok(id));
    }
    let allocate = AllocateProducerIds { broker: shard.image.node(), broker_epoch: shard.broker_epoch() };
    let gather = Box::new(AllocationGather { outcome: Err(Failure::default()) });
    shard.ask_controller(call, gather, controller::Request::AllocateProducerIds(allocate))
}

struct AllocationGather {
    outcome: Result<ProducerIdBlock, Failure>,
}

impl Gather for AllocationGather {
    fn merge(&mut self, done: Done) {
        self.outcome = match refused_by_control(done) {
            Ok(Reply::AllocateProducerIds(Ok(block))) => Ok(block),
            Ok(Reply::AllocateProducerIds(Err(refusal))) => Err(Failure(refusal.code)),
            Ok(_) => Err(Failure::default()),
            Err(failure) => Err(failure),
        };
    }

    fn finish(self: Box<Self>, call: &Call, shard: &mut Shard) -> Answer {
        match self.outcome {
            Ok(block) => {
                shard.producer_ids.refill(block);
                respond(call, shard.producer_ids.next().ok_or(ErrorCode::CoordinatorLoadInProgress))
            }
            Err(failure) => respond(call, Err(failure.0)),
        }
    }
}

fn respond(call: &Call, id: Result<ProducerId, ErrorCode>) -> Answer {
    let response = match id {
        Ok(id) => InitProducerIdResponse { producer_id: id.0, producer_epoch: 0, ..Default::default() },
        Err(error) => {
            InitProducerIdResponse { error_code: error.code(), producer_epoch: -1, ..Default::default() }
        }
    };
    encode(call, &response)
}
