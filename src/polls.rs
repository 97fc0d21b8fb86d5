//! What fetch sessions over several owners have asked each of them, from one request to the next.
//!
//! Where one owner has records, the request is answered with them, and the reads at the others stand. If the session's
//! next request asks one of these for the same, the read that stands is its read, and that owner is sent nothing.
//!
//! # Invariants
//! - A poll has one read at most at each owner, and an answer to another than this is nobody's.
//! - A request is answered without those only that have said that they have nothing: an owner with records has its turn.
//! - Each read ends by itself when the time of the request that began it is over; one of that session which still waits then
//!   has it begun anew.
//!
//! # Not here
//! How an owner reads and waits (`partition/read.rs`); what a session's answer tells (`api/fetch.rs`).

use std::collections::HashMap;
use std::time::Instant;

use mesh::PortId;
use types::ShardId;

use crate::metrics::Passage;
use crate::requests::{Call, Gather};
use crate::work::{Done, Fetched, Part, PollRead, ReadWork, SessionRef};

/// Records that came when no request waited are kept for the next one, up to so many bytes from each owner, and only until
/// the next sweep: they are views of the log, whose memory they hold.
const BROUGHT_BYTES_MAX: usize = 256 * 1024;

/// The polls of one shard.
#[derive(Default)]
pub struct Polls {
    polls: HashMap<SessionRef, Poll>,
    /// Reads that were ever begun.
    begun: u64,
    /// How many polls have a request that waits.
    waiting: usize,
    effects: Vec<(ShardId, PollRead, Effect)>,
    brought: Vec<Brought>,
}

/// What an owner is to be sent.
pub enum Effect {
    /// Read this.
    Begin(ReadWork),
    /// Answer at once.
    Hurry,
}

/// An owner's answer to a read, with where its time went.
pub struct Brought {
    pub read: PollRead,
    pub from: PortId,
    pub parts: Vec<Part<Fetched>>,
    pub passage: Passage,
}

/// A request that has all that it waits for.
pub type Complete = (Call, Box<dyn Gather>);

#[derive(Default)]
struct Poll {
    /// Those that were not answered, or not yet to a request.
    reads: Vec<Read>,
    request: Option<Request>,
}

struct Request {
    call: Call,
    gather: Box<dyn Gather>,
    until: Instant,
}

struct Read {
    number: u64,
    owner: ShardId,
    work: ReadWork,
    state: State,
}

enum State {
    /// The owner has not been heard.
    Asked,
    /// It has nothing and waits.
    Idle,
    /// It is about to answer.
    Hurried,
    /// It has answered when no request waited.
    Brought(Brought),
}

impl Polls {
    /// Whether no request of the session waits here.
    pub fn is_free(&self, session: SessionRef) -> bool {
        self.polls.get(&session).is_none_or(|poll| poll.request.is_none())
    }

    /// Keeps a request until the owners have what it wants. The session [is free](Self::is_free).
    pub fn begin(
        &mut self,
        call: Call,
        session: SessionRef,
        gather: Box<dyn Gather>,
        works: Vec<(ShardId, ReadWork)>,
    ) {
        let Some(until) = works.first().map(|(_, work)| work.until) else { return };
        let poll = self.polls.entry(session).or_default();
        debug_assert!(poll.request.is_none(), "two requests of {session:?}");
        poll.request = Some(Request { call, gather, until });
        self.waiting += 1;
        let mut before = std::mem::take(&mut poll.reads);
        for (owner, work) in works {
            let stands = before.iter().position(|read| read.owner == owner && read.serves(&work));
            let read = match stands.map(|at| before.swap_remove(at)) {
                Some(read) => read.adopted(work, &mut self.brought),
                None => {
                    self.begun += 1;
                    let read = PollRead { session, number: self.begun };
                    self.effects.push((owner, read, Effect::Begin(work.clone())));
                    Read { number: read.number, owner, work, state: State::Asked }
                }
            };
            poll.reads.push(read);
        }
        for read in before.iter_mut() {
            read.hurry(session, &mut self.effects);
        }
    }

    /// An owner has nothing.
    pub fn on_nothing_yet(&mut self, read: PollRead) -> Option<Complete> {
        let poll = self.polls.get_mut(&read.session)?;
        let known = poll.reads.iter_mut().find(|known| known.number == read.number)?;
        if matches!(known.state, State::Asked) {
            known.state = State::Idle;
        }
        self.look(read.session)
    }

    /// An owner has answered.
    pub fn on_answer(&mut self, mut answer: Brought) -> Option<Complete> {
        let session = answer.read.session;
        let poll = self.polls.get_mut(&session)?;
        let at = poll.reads.iter().position(|read| read.number == answer.read.number)?;
        let read = &mut poll.reads[at];
        let Some(request) = &mut poll.request else {
            match answer.is_worth_keeping() {
                true => read.state = State::Brought(answer),
                false => drop(poll.reads.swap_remove(at)),
            }
            return None;
        };
        for (part, asked) in answer.parts.iter_mut().zip(&read.work.parts) {
            part.place = asked.place;
        }
        request.gather.merge(Done::Read(answer.parts));
        let hurried = matches!(read.state, State::Hurried);
        if !hurried && read.work.until < request.until && !request.gather.is_satisfied() {
            // Its time was that of an older request.
            self.begun += 1;
            read.number = self.begun;
            read.state = State::Asked;
            read.work.until = request.until;
            let again = PollRead { session, number: read.number };
            self.effects.push((read.owner, again, Effect::Begin(read.work.clone())));
        } else {
            poll.reads.swap_remove(at);
        }
        self.look(session)
    }

    /// Ends the reads that nobody will wait for any more, and lets go of records that nobody came for.
    pub fn sweep(&mut self, is_leaving: impl Fn(SessionRef) -> bool, has_ended: impl Fn(SessionRef) -> bool) {
        let Self { polls, effects, .. } = self;
        polls.retain(|session, poll| {
            let waits = poll.request.is_some();
            poll.reads.retain(|read| waits || !matches!(read.state, State::Brought(_)));
            let has_ended = is_leaving(*session) || !waits && has_ended(*session);
            if has_ended {
                poll.reads.iter_mut().for_each(|read| read.hurry(*session, effects));
            }
            waits || !has_ended && !poll.reads.is_empty()
        });
    }

    /// What is to be sent, in this order.
    pub fn take_effects(&mut self) -> Vec<(ShardId, PollRead, Effect)> {
        std::mem::take(&mut self.effects)
    }

    /// Answers that had come before the requests which they are for; to be given back to [`Self::on_answer`], once the
    /// effects of those requests were carried out.
    pub fn take_brought(&mut self) -> Vec<Brought> {
        std::mem::take(&mut self.brought)
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes out the request of a session if it has what it wants, and otherwise hurries those who keep it from that.
    fn look(&mut self, session: SessionRef) -> Option<Complete> {
        let poll = self.polls.get_mut(&session)?;
        let gather = &poll.request.as_ref()?.gather;
        if !poll.reads.is_empty() {
            if !gather.is_satisfied() {
                return None;
            }
            let needs_all = gather.needs_all();
            let mut is_complete = true;
            for read in poll.reads.iter_mut().filter(|read| needs_all || !matches!(read.state, State::Idle)) {
                read.hurry(session, &mut self.effects);
                is_complete = false;
            }
            if !is_complete {
                return None;
            }
        }
        self.waiting -= 1;
        poll.request.take().map(|request| (request.call, request.gather))
    }
}

impl Read {
    /// Whether it is just what a request would ask for now.
    fn serves(&self, work: &ReadWork) -> bool {
        self.work.until <= work.until && self.work.asks_the_same(work)
    }

    /// The same read, as that of a request for this work, whose parts have other places. If it has been answered, this
    /// answer is about to come.
    fn adopted(mut self, work: ReadWork, brought: &mut Vec<Brought>) -> Self {
        self.work.parts = work.parts;
        if let State::Brought(answer) = self.state {
            brought.push(answer);
            self.state = State::Hurried;
        }
        self
    }

    /// Has the owner answer at once, if it has not answered and was not told so before.
    fn hurry(&mut self, session: SessionRef, effects: &mut Vec<(ShardId, PollRead, Effect)>) {
        if matches!(self.state, State::Asked | State::Idle) {
            self.state = State::Hurried;
            effects.push((self.owner, PollRead { session, number: self.number }, Effect::Hurry));
        }
    }
}

impl Brought {
    /// Records and nothing else, as long as they are not many.
    fn is_worth_keeping(&self) -> bool {
        let bytes: usize = self.parts.iter().map(|part| part.item.len()).sum();
        bytes > 0 && bytes <= BROUGHT_BYTES_MAX && !self.parts.iter().any(|part| part.item.is_urgent())
    }
}

#[cfg(test)]
mod tests;
