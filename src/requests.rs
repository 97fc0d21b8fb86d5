//! Requests whose answers wait for owners or for the control thread.
//!
//! # Invariants
//! - A request here waits for a known number of [`Done`]s, each of which arrives once.

use mesh::PortId;
use net::{ConnectionId, Slot, Timeline};
use protocol::Str;
use types::ShardId;

use crate::arena::{Arena, Key};
use crate::shard::Shard;
use crate::work::Done;

/// A request as it came in: where its answer goes and how it is to be encoded.
#[derive(Clone, Debug)]
pub struct Call {
    pub connection: ConnectionId,
    pub slot: Slot,
    pub api_key: i16,
    /// How the client calls itself; a slice of the request's frame, so it is not kept while others are asked.
    pub client_id: Option<Str>,
    pub version: i16,
    pub correlation_id: i32,
    /// Where its time went so far.
    pub timeline: Timeline,
}

/// What a request's connection gets.
pub enum Answer {
    /// These slices, as one frame, in which so many errors are reported.
    Reply { frame: Vec<bytes::Bytes>, errors: u64 },
    /// Nothing: `acks=0`.
    Silence,
    /// The answer comes later, out of a [`Gather`].
    Later,
    /// The connection is closed, as Kafka does where no answer can say what is wrong.
    Close,
}

/// Puts the answers of owners together into a client's response. Lives on the connection's shard.
pub trait Gather {
    /// Takes in one owner's answer.
    fn merge(&mut self, done: Done);

    /// Whether the answers so far are enough, so that the owners still asked need not wait for more.
    fn is_satisfied(&self) -> bool {
        false
    }

    /// Whether something is among them because of which the answer must hold what all owners say.
    fn needs_all(&self) -> bool {
        true
    }

    /// All owners have answered that are to be waited for.
    fn finish(self: Box<Self>, call: &Call, shard: &mut Shard) -> Answer;
}

/// One request in flight.
struct InFlight {
    call: Call,
    gather: Box<dyn Gather>,
    awaiting: usize,
    /// The owners still asked, as a bit each, so that they can be hurried.
    owners: OwnerSet,
    hurried: bool,
}

/// A set of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnerSet([u64; 4]);

const _: () = assert!(types::limits::SHARDS_MAX < 4 * 64);

impl OwnerSet {
    /// Adds a shard.
    pub fn insert(&mut self, shard: ShardId) {
        self.0[shard.index() / 64] |= 1 << (shard.index() % 64);
    }

    fn remove(&mut self, port: usize) {
        if let Some(word) = self.0.get_mut(port / 64) {
            *word &= !(1 << (port % 64));
        }
    }

    /// The shards in it.
    pub fn iter(self) -> impl Iterator<Item = ShardId> {
        let has = move |shard: &u16| self.0[usize::from(*shard) / 64] >> (shard % 64) & 1 == 1;
        (0..=types::limits::SHARDS_MAX as u16).filter(has).map(ShardId)
    }
}

/// What became of a request after one more owner's answer.
pub enum Gathered {
    /// It waits for others.
    Waiting,
    /// It waits for others, which are to answer at once with what they have.
    Hurry(OwnerSet),
    /// It has all.
    Complete(Call, Box<dyn Gather>),
}

/// The requests in flight of one shard.
#[derive(Default)]
pub struct Requests {
    in_flight: Arena<InFlight>,
}

impl Requests {
    /// Keeps a request until `awaiting` answers have come.
    pub fn insert(&mut self, call: Call, gather: Box<dyn Gather>, awaiting: usize, owners: OwnerSet) -> Key {
        self.in_flight.insert(InFlight { call, gather, awaiting, owners, hurried: false })
    }

    /// Takes in an answer, from a shard or from the control thread, whose port no set of owners holds.
    pub fn merge(&mut self, key: Key, from: PortId, done: Done) -> Gathered {
        let Some(request) = self.in_flight.get_mut(key) else { return Gathered::Waiting };
        request.gather.merge(done);
        request.awaiting = request.awaiting.saturating_sub(1);
        request.owners.remove(from.0);
        if request.awaiting > 0 {
            if !request.hurried && request.gather.is_satisfied() {
                request.hurried = true;
                return Gathered::Hurry(request.owners);
            }
            return Gathered::Waiting;
        }
        match self.in_flight.remove(key) {
            Some(request) => Gathered::Complete(request.call, request.gather),
            None => Gathered::Waiting,
        }
    }

    /// Those that wait for owners, with whom they wait for.
    pub fn waiting(&self) -> impl Iterator<Item = (Key, ConnectionId, OwnerSet)> {
        self.in_flight.iter().map(|(key, request)| (key, request.call.connection, request.owners))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.in_flight.len()
    }
}
