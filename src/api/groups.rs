//! What the APIs of groups have in common: asking the coordinator of a group.

use std::collections::BTreeMap;

use group::{Request, Response};
use protocol::{Message, Str};
use types::{ErrorCode, TopicPartition};

use super::encode;
use crate::coordinator::led_here;
use crate::requests::{Answer, Call, Gather};
use crate::routing::ByOwner;
use crate::shard::Shard;
use crate::work::{Done, GroupQuestion, Part, Place, Work};

/// Asks the coordinator of one group. Its response is the client's, as `pick` finds it.
pub fn ask<M: Message + 'static>(
    shard: &mut Shard,
    call: &Call,
    group_id: &str,
    request: Request,
    pick: fn(Response) -> Option<M>,
) -> Answer {
    let at = match led_here(&shard.image, group_id) {
        Ok(at) => at,
        Err(error) => return refuse(call, &request, error, pick),
    };
    let owner = shard.broker.placement.owner(at);
    shard.note_owner(call.connection, owner);
    let Some(question) = question(shard, call, request) else { return Answer::Close };
    let part = Part { place: Place(0), at, item: question };
    let gather = Box::new(OneGather { pick, response: None });
    shard.ask_owners(call, gather, vec![(owner, Work::Group(vec![part]))])
}

/// Refuses a request without asking anybody.
pub fn refuse<M: Message>(
    call: &Call,
    request: &Request,
    error: ErrorCode,
    pick: fn(Response) -> Option<M>,
) -> Answer {
    respond(call, pick(request.refused(call.version, error)))
}

/// Asks the coordinators of many groups, each once. What they answer, as `pick` finds it, becomes one response in the order
/// of `group_ids`.
pub fn ask_each<G: Clone + Default + 'static, M: Message + 'static>(
    shard: &mut Shard,
    call: &Call,
    group_ids: Vec<Str>,
    request: fn(Vec<Str>) -> Request,
    pick: fn(Response) -> Option<Vec<G>>,
    respond: impl FnOnce(Vec<G>) -> M + 'static,
) -> Answer {
    let mut gather =
        EachGather { pick, groups: vec![G::default(); group_ids.len()], places: Vec::new(), respond };
    let mut by_coordinator: BTreeMap<Result<TopicPartition, ErrorCode>, (Vec<Str>, Vec<u32>)> =
        BTreeMap::new();
    for (index, group_id) in (0..).zip(group_ids) {
        let at = led_here(&shard.image, &group_id);
        let (ids, indexes) = by_coordinator.entry(at).or_default();
        ids.push(group_id);
        indexes.push(index);
    }
    let placement = shard.broker.placement.clone();
    let mut by_owner = ByOwner::new(&placement);
    for (at, (ids, indexes)) in by_coordinator {
        let place = Place(gather.places.len() as u32);
        gather.places.push(indexes);
        let request = request(ids);
        match at {
            Err(error) => gather.fill(place, request.refused(call.version, error)),
            Ok(at) => {
                let Some(question) = question(shard, call, request) else { return Answer::Close };
                by_owner.push(place, at, question);
            }
        }
    }
    let works = by_owner.into_works(Work::Group);
    shard.ask_owners(call, Box::new(gather), works)
}

/// What a coordinator is asked, with who asks; none if that one has gone.
pub fn question(shard: &Shard, call: &Call, request: Request) -> Option<GroupQuestion> {
    let facts = shard.connections.facts(call.connection)?;
    Some(GroupQuestion {
        version: call.version,
        client_id: call.client_id.clone(),
        client_address: facts.peer.ip(),
        request,
    })
}

fn respond<M: Message>(call: &Call, response: Option<M>) -> Answer {
    let Some(response) = response else {
        debug_assert!(false, "the answer to another request");
        return Answer::Close;
    };
    encode(call, &response)
}

/// The response of the only coordinator asked.
struct OneGather<M> {
    pick: fn(Response) -> Option<M>,
    response: Option<M>,
}

impl<M: Message> Gather for OneGather<M> {
    fn merge(&mut self, done: Done) {
        self.response = parts(done).into_iter().next().and_then(|part| (self.pick)(part.item));
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        respond(call, self.response)
    }
}

/// The answers about many groups.
struct EachGather<G, R> {
    pick: fn(Response) -> Option<Vec<G>>,
    /// In the order of the request.
    groups: Vec<G>,
    /// For each coordinator asked, the places of its groups among those.
    places: Vec<Vec<u32>>,
    respond: R,
}

impl<G, R> EachGather<G, R> {
    fn fill(&mut self, place: Place, response: Response) {
        let Some(answered) = (self.pick)(response) else { return debug_assert!(false, "another answer") };
        let Some(places) = self.places.get(place.0 as usize) else { return };
        for (index, answer) in places.iter().zip(answered) {
            if let Some(group) = self.groups.get_mut(*index as usize) {
                *group = answer;
            }
        }
    }
}

impl<G, M: Message, R: FnOnce(Vec<G>) -> M> Gather for EachGather<G, R> {
    fn merge(&mut self, done: Done) {
        for part in parts(done) {
            self.fill(part.place, part.item);
        }
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        let Self { groups, respond, .. } = *self;
        encode(call, &respond(groups))
    }
}

/// The coordinators' answers among what owners can answer.
pub fn parts(done: Done) -> Vec<Part<Response>> {
    match done {
        Done::Group(parts) => parts,
        other => {
            debug_assert!(false, "not of a coordinator: {other:?}");
            Vec::new()
        }
    }
}

/// Makes a function that finds one kind of response.
macro_rules! pick {
    ($kind:ident) => {
        |response: group::Response| match response {
            group::Response::$kind(response) => Some(response),
            _ => None,
        }
    };
}
pub(super) use pick;
