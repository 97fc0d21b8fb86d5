//! A shard and the polls of its connections: what they want is sent, and what comes for them is taken in.

use mesh::PortId;
use net::Stage;
use types::ShardId;

use super::Shard;
use crate::control::port_of;
use crate::message::Message;
use crate::metrics::Passage;
use crate::polls::{Brought, Effect};
use crate::requests::{Answer, Call, Gather};
use crate::work::{Done, PollRead, ReadWork, RequestKey, RequestRef, SessionRef, Work};

impl Shard {
    /// Asks each owner for what it is not being asked for by this session already; `gather` makes the answer out of what
    /// those have that have anything. No other request of the session waits here.
    pub fn poll_owners(
        &mut self,
        call: &Call,
        session: SessionRef,
        gather: Box<dyn Gather>,
        works: Vec<(ShardId, ReadWork)>,
    ) -> Answer {
        let call = self.worked_on(call);
        self.polls.begin(call, session, gather, works);
        self.ask_for_polls();
        Answer::Later
    }

    /// Takes in what an owner says of a read.
    pub(super) fn merge_poll(&mut self, read: PollRead, from: PortId, done: Done, passage: &Passage) {
        let complete = match done {
            Done::NothingYet => self.polls.on_nothing_yet(read),
            Done::Read(parts) => self.polls.on_answer(Brought { read, from, parts, passage: *passage }),
            other => return debug_assert!(false, "not a read: {other:?}"),
        };
        self.ask_for_polls();
        if let Some((call, gather)) = complete {
            self.complete(call, gather, from, passage, Stage::Read);
        }
    }

    /// Gives polls the answers that had come before their requests. Returns whether there were any.
    pub(super) fn bring_to_polls(&mut self) -> bool {
        let brought = self.polls.take_brought();
        let any = !brought.is_empty();
        for Brought { read, from, parts, passage } in brought {
            self.merge_poll(read, from, Done::Read(parts), &passage);
        }
        any
    }

    /// Lets nothing be read for clients that have gone, or for sessions that are over.
    pub(super) fn sweep_polls(&mut self) {
        let connections = &self.connections;
        let is_leaving = |session: SessionRef| connections.is_leaving(session.connection);
        let has_ended = |session: SessionRef| {
            connections.session(session.connection).is_none_or(|known| !known.fetches.has(session.id))
        };
        self.polls.sweep(is_leaving, has_ended);
        self.ask_for_polls();
    }

    fn ask_for_polls(&mut self) {
        for (owner, read, effect) in self.polls.take_effects() {
            let from = RequestRef { shard: self.id, request: RequestKey::Poll(read) };
            match effect {
                Effect::Begin(work) if owner == self.id => self.accept(from, Work::Read(work)),
                Effect::Begin(work) => {
                    self.mesh.send(port_of(owner), Message::Work { from, work: Work::Read(work) });
                }
                Effect::Hurry => self.hurry(from, owner),
            }
        }
    }
}
