//! What a call to a coordinator leads to.

use crate::records::Record;
use crate::request::Response;

/// Names a request until it is answered. The host chooses it, and no two that are open at a time are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The request.
    pub ticket: Ticket,
    /// What to answer.
    pub response: Response,
}

/// What one call leads to. A host may use the same for many calls if it takes out what each has put in.
#[derive(Debug, Default)]
pub struct Effects {
    /// To be appended as one batch, in this order: all of them or none. The coordinator has replayed them already.
    pub records: Vec<Record>,
    /// To be sent once everything that was appended so far is durable, these records included. Replies tell of a state
    /// that may rest on any earlier record, so they wait even if the call itself made none.
    pub replies: Vec<Reply>,
    /// How many of the records the group that made them has taken over itself, as consumer groups do: what they decide
    /// next rests on what they have just written.
    pub(crate) replayed: usize,
}

impl Effects {
    /// Whether nothing has to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.replies.is_empty()
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    /// All records that there are have been taken over.
    pub(crate) fn replayed(&mut self) {
        self.replayed = self.records.len();
    }

    pub(crate) fn reply(&mut self, ticket: Ticket, response: impl Into<Response>) {
        self.replies.push(Reply { ticket, response: response.into() });
    }
}
