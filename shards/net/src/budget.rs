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
//! # Not here
//! Bytes that had already been received when a connection had to stop are counted (`held`) and leave less room for
//! frames, but they cannot be refused.

use std::collections::VecDeque;

use types::ByteCount;

use crate::ids::ConnectionId;

/// The request memory of a shard. Lives as long as the shard.
pub(crate) struct Budget {
    capacity: u64,
    reserved: u64,
    held: u64,
    line: VecDeque<(ConnectionId, usize)>,
}

impl Budget {
    pub(crate) fn new(capacity: ByteCount) -> Self {
        Self { capacity: capacity.0, reserved: 0, held: 0, line: VecDeque::new() }
    }

    /// Reserves `len` bytes unless there is no room or others wait.
    pub(crate) fn try_reserve(&mut self, len: usize) -> bool {
        let granted = self.line.is_empty() && self.fits(len, 0);
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

    /// Reserves for the first in line and takes it out, if there is room. `own_held` of the held bytes are its own
    /// and become part of the frame.
    pub(crate) fn grant_first(&mut self, own_held: usize) -> bool {
        let Some((_, len)) = self.line.front() else { return false };
        if !self.fits(*len, own_held) {
            return false;
        }
        self.reserved += *len as u64;
        self.line.pop_front();
        true
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

    fn fits(&self, len: usize, own_held: usize) -> bool {
        // What the frame takes over from the held bytes is not needed twice.
        let others_held = self.held.saturating_sub(own_held.min(len) as u64);
        self.reserved == 0 || self.reserved + others_held + len as u64 <= self.capacity
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
        assert!(!budget.grant_first(0));
        budget.release(10);
        assert!(budget.grant_first(0));
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
        assert!(budget.grant_first(0));
        assert!(budget.try_reserve(50));
        assert!(!budget.try_reserve(1));
    }

    #[test]
    fn held_bytes_leave_less_room_but_not_to_their_owner() {
        let mut budget = Budget::new(ByteCount(100));
        assert!(budget.try_reserve(10));
        budget.hold(60);
        assert!(!budget.try_reserve(80));
        budget.wait(id(1), 80);
        assert!(!budget.grant_first(0));
        assert!(budget.grant_first(60));
        budget.let_go(60);
        assert_eq!((budget.reserved(), budget.held()), (90, 0));
    }
}
