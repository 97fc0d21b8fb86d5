//! The requests that coordinators of this shard have not answered yet. One request may ask several of them.

use group::{Response, Ticket};
use net::Moment;

use crate::arena::{Arena, Key};
use crate::metrics::Passage;
use crate::work::{Done, Part, Place, RequestRef};
use types::TopicPartition;

/// Requests and their parts, each of which has a ticket.
#[derive(Default)]
pub(super) struct Questions {
    requests: Arena<Asking>,
    parts: Arena<Open>,
    answers: Vec<(RequestRef, Done, Passage)>,
}

/// A request of which some parts are open.
struct Asking {
    from: RequestRef,
    answers: Vec<Part<Response>>,
    open: usize,
    /// Where its time went.
    passage: Passage,
}

/// A part that is open.
struct Open {
    request: Key,
    place: Place,
    at: TopicPartition,
    version: i16,
}

impl Questions {
    /// A request with so many parts.
    pub(super) fn begin(&mut self, from: RequestRef, parts: usize, now: Moment) -> Key {
        let passage = Passage::begin(now);
        self.requests.insert(Asking { from, answers: Vec::with_capacity(parts), open: parts, passage })
    }

    /// The ticket of the next part of a request.
    pub(super) fn open<T>(&mut self, request: Key, part: &Part<T>, version: i16) -> Ticket {
        let open = Open { request, place: part.place, at: part.at, version };
        Ticket(self.parts.insert(open).to_bits())
    }

    /// The version of the request that a ticket belongs to.
    pub(super) fn version(&self, ticket: Ticket) -> i16 {
        self.parts.get(Key::from_bits(ticket.0)).map_or(0, |open| open.version)
    }

    /// What to answer is decided: until now the part has waited for others, from now on it waits for the disk.
    pub(super) fn decided(&mut self, ticket: Ticket, now: Moment) {
        let open = self.parts.get(Key::from_bits(ticket.0));
        if let Some(asking) = open.and_then(|open| self.requests.get_mut(open.request)) {
            asking.passage.waited(now);
        }
    }

    /// Answers a part; with the last one the request is answered.
    pub(super) fn answer(&mut self, ticket: Ticket, response: Response, now: Moment) {
        let Some(open) = self.parts.remove(Key::from_bits(ticket.0)) else { return };
        let Some(asking) = self.requests.get_mut(open.request) else { return };
        asking.answers.push(Part { place: open.place, at: open.at, item: response });
        asking.passage.on_disk(now);
        asking.open = asking.open.saturating_sub(1);
        if asking.open == 0
            && let Some(asking) = self.requests.remove(open.request)
        {
            self.answers.push((asking.from, Done::Group(asking.answers), asking.passage));
        }
    }

    /// The requests that have all their answers.
    pub(super) fn take_answers(&mut self) -> Vec<(RequestRef, Done, Passage)> {
        std::mem::take(&mut self.answers)
    }
}
