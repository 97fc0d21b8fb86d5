//! The memory of one shard for requests: what frames have reserved, and who waits for a share.
//!
//! A frame's length is reserved when its four length bytes have arrived and before its body is kept, and it is given
//! back when the request has been answered (or its connection is dropped before it was handed out). So however fast
//! clients send, and however slowly requests are worked off, frames hold no more than the budget.
//!
//! # Invariants
//! - Frames reserve more than the capacity only when it is one frame alone: a frame that is larger than the whole
//!   budget but within `socket.request.max.bytes` must still be able to arrive.
//! - The line is first come, first served: a large frame is not overtaken by small ones for ever.
//!
//! - Bytes that had already been received when their connection had to stop are counted too (`held`): with them new
//!   frames get in line sooner. For those in line they do not count, because only when frames are granted does what
//!   is held become less.
//! - What is held is bounded as well: each of those in line has what came before its socket was paused, and when that
//!   is much altogether (`crowded`), sockets are paused before they bring another frame.

use std::collections::VecDeque;

use types::ByteCount;

use crate::ids::ConnectionId;

/// It is crowded when more than this part of the capacity is held: 1/4.
const CROWDED_PART: u64 = 4;

/// It is no longer crowded when less than this part is: 1/8.
const UNCROWDED_PART: u64 = 8;

const _: () = assert!(UNCROWDED_PART > CROWDED_PART);

/// The request memory of a shard. Lives as long as the shard.
pub(crate) struct Budget {
    capacity: u64,
    reserved: u64,
    held: u64,
    line: VecDeque<(ConnectionId, usize)>,
    crowded: bool,
}

impl Budget {
    pub(crate) fn new(capacity: ByteCount) -> Self {
        Self { capacity: capacity.0, reserved: 0, held: 0, line: VecDeque::new(), crowded: false }
    }

    /// Reserves `len` bytes unless there is no room or others wait.
    pub(crate) fn try_reserve(&mut self, len: usize) -> bool {
        let granted = self.line.is_empty() && self.fits(len, self.held);
        if granted {
            self.reserved += len as u64;
        }
        granted
    }

    /// Gets in line for `len` bytes.
    pub(crate) fn wait(&mut self, id: ConnectionId, len: usize) {
        self.line.push_back((id, len));
    }

    /// Who is first in line, and for how much.
    pub(crate) fn first_in_line(&self) -> Option<(ConnectionId, usize)> {
        self.line.front().copied()
    }

    /// Takes the first in line out, who gave up.
    pub(crate) fn skip_first(&mut self) {
        self.line.pop_front();
    }

    /// Reserves for the first in line and takes it out, if there is room.
    pub(crate) fn grant_first(&mut self) -> bool {
        let Some((_, len)) = self.line.front() else { return false };
        if !self.fits(*len, 0) {
            return false;
        }
        self.reserved += *len as u64;
        self.line.pop_front();
        true
    }

    /// Whether somebody waits.
    pub(crate) fn is_short(&self) -> bool {
        !self.line.is_empty()
    }

    /// Whether so much is held in front of those in line that nobody else should be read from.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded
    }

    /// Decides anew whether it is crowded; says whether that has changed. Between the two bounds it stays as it is,
    /// because a change concerns every connection.
    pub(crate) fn crowding_has_changed(&mut self) -> bool {
        let bound = if self.crowded { self.capacity / UNCROWDED_PART } else { self.capacity / CROWDED_PART };
        let crowded = self.is_short() && self.held > bound;
        std::mem::replace(&mut self.crowded, crowded) != crowded
    }

    /// Gives back what a frame had reserved.
    pub(crate) fn release(&mut self, len: usize) {
        assert!(self.reserved >= len as u64, "a reservation is given back once");
        self.reserved -= len as u64;
    }

    /// Counts received bytes that belong to no frame yet.
    pub(crate) fn hold(&mut self, len: usize) {
        self.held += len as u64;
    }

    /// Takes back what [`Self::hold`] counted.
    pub(crate) fn let_go(&mut self, len: usize) {
        assert!(self.held >= len as u64, "held bytes are let go once");
        self.held -= len as u64;
    }

    /// Bytes that frames have reserved.
    pub(crate) fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Bytes that are kept although no frame has reserved them.
    pub(crate) fn held(&self) -> u64 {
        self.held
    }

    fn fits(&self, len: usize, held: u64) -> bool {
        self.reserved == 0 || self.reserved + held + len as u64 <= self.capacity
    }
}

#[cfg(test)]
mod tests {
    use types::ShardId;

    use super::*;

    fn id(index: usize) -> ConnectionId {
        ConnectionId::new(ShardId(0), 0, index)
    }

    #[test]
    fn a_frame_larger_than_the_budget_is_granted_when_it_is_alone() {
        let mut budget = Budget::new(ByteCount(100));
        assert!(budget.try_reserve(10));
        assert!(!budget.try_reserve(500));
        budget.wait(id(1), 500);
        assert!(!budget.grant_first());
        budget.release(10);
        assert!(budget.grant_first());
        assert_eq!(budget.reserved(), 500);
    }

    #[test]
    fn nobody_overtakes_the_first_in_line() {
        let mut budget = Budget::new(ByteCount(100));
        assert!(budget.try_reserve(60));
        budget.wait(id(1), 50);
        assert!(!budget.try_reserve(1), "there is room, but another was first");
        budget.release(60);
        assert!(!budget.try_reserve(1));
        assert_eq!(budget.first_in_line(), Some((id(1), 50)));
        assert!(budget.grant_first());
        assert!(budget.try_reserve(50));
        assert!(!budget.try_reserve(1));
    }

    #[test]
    fn it_is_crowded_while_others_wait_and_much_is_held() {
        let mut budget = Budget::new(ByteCount(800));
        budget.hold(201);
        assert!(!budget.crowding_has_changed(), "nobody waits");
        assert!(budget.try_reserve(599));
        budget.wait(id(1), 500);
        assert!(budget.crowding_has_changed() && budget.is_crowded());
        budget.let_go(100);
        assert!(!budget.crowding_has_changed() && budget.is_crowded());
        budget.let_go(1);
        assert!(budget.crowding_has_changed() && !budget.is_crowded());
    }

    #[test]
    fn held_bytes_keep_new_frames_waiting_but_not_those_in_line() {
        let mut budget = Budget::new(ByteCount(100));
        assert!(budget.try_reserve(10));
        budget.hold(60);
        assert!(!budget.try_reserve(80));
        budget.wait(id(1), 80);
        assert!(budget.grant_first());
        budget.let_go(60);
        assert_eq!((budget.reserved(), budget.held()), (90, 0));
    }
}
