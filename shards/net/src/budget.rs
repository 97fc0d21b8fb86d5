//! The memory of one shard for requests: what frames have reserved, and who waits for a share.
//!
//! A frame's length is reserved when its four length bytes have arrived and before its body is kept, and it is given
//! back when the request has been answered (or its connection is dropped before it was handed out). So however fast
//! clients send, and however slowly requests are worked off, frames hold no more than the budget.
//!
//! # Invariants
//! - Frames of up to half the capacity occupy no more than the capacity together.
//! - A larger frame is a giant. It counts as half the capacity, and there is one giant at a time. So it needs only
//!   half the budget to be free: requests that wait for something (a fetch for records, a join for other members)
//!   keep some of it occupied at all times, and a frame that needed all of it, or more than there is, would stand
//!   first in line for ever. What the frames occupy is thus bounded by half the capacity and the longest frame, where
//!   that is more than the capacity.
//! - When nothing is reserved whoever comes is served, however small the budget.
//! - The line is first come, first served: a large frame is not overtaken by small ones for ever.
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
    /// What frames count as.
    reserved: u64,
    /// What frames have reserved in truth.
    occupied: u64,
    has_giant: bool,
    held: u64,
    line: VecDeque<(ConnectionId, usize)>,
    crowded: bool,
}

impl Budget {
    pub(crate) fn new(capacity: ByteCount) -> Self {
        Self {
            capacity: capacity.0,
            reserved: 0,
            occupied: 0,
            has_giant: false,
            held: 0,
            line: VecDeque::new(),
            crowded: false,
        }
    }

    /// Reserves `len` bytes unless there is no room or others wait.
    pub(crate) fn try_reserve(&mut self, len: usize) -> bool {
        let granted = self.line.is_empty() && self.fits(len, self.held);
        if granted {
            self.reserve(len);
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
        let Some(&(_, len)) = self.line.front() else { return false };
        if !self.fits(len, 0) {
            return false;
        }
        self.reserve(len);
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
        assert!(self.occupied >= len as u64, "a reservation is given back once");
        self.occupied -= len as u64;
        self.reserved -= self.counts_as(len);
        if self.is_giant(len) {
            self.has_giant = false;
        }
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
    pub(crate) fn occupied(&self) -> u64 {
        self.occupied
    }

    /// Bytes that are kept although no frame has reserved them.
    pub(crate) fn held(&self) -> u64 {
        self.held
    }

    fn fits(&self, len: usize, held: u64) -> bool {
        let second_giant = self.has_giant && self.is_giant(len);
        self.occupied == 0 || !second_giant && self.reserved + held + self.counts_as(len) <= self.capacity
    }

    fn reserve(&mut self, len: usize) {
        self.occupied += len as u64;
        self.reserved += self.counts_as(len);
        self.has_giant |= self.is_giant(len);
    }

    fn counts_as(&self, len: usize) -> u64 {
        (len as u64).min(self.capacity / 2)
    }

    fn is_giant(&self, len: usize) -> bool {
        len as u64 > self.capacity / 2
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
    fn a_frame_larger_than_the_budget_needs_half_of_it_and_has_no_second_beside_it() {
        let mut budget = Budget::new(ByteCount(100));
        assert!(budget.try_reserve(50) && budget.try_reserve(10));
        assert!(!budget.try_reserve(500));
        budget.wait(id(1), 500);
        assert!(!budget.grant_first());
        budget.release(10);
        assert!(budget.grant_first());
        assert_eq!(budget.occupied(), 550);
        budget.release(50);
        assert!(!budget.try_reserve(51), "it would be a second giant");
        assert!(budget.try_reserve(50));
        budget.release(500);
        assert!(budget.try_reserve(51));
        assert_eq!(budget.occupied(), 101);
    }

    #[test]
    fn whoever_comes_is_served_when_nothing_is_reserved() {
        let mut budget = Budget::new(ByteCount(0));
        budget.hold(1000);
        assert!(budget.try_reserve(7));
        assert!(!budget.try_reserve(1));
        budget.release(7);
        assert!(budget.try_reserve(9));
    }

    #[test]
    fn nobody_overtakes_the_first_in_line() {
        let mut budget = Budget::new(ByteCount(100));
        assert!(budget.try_reserve(40) && budget.try_reserve(20));
        budget.wait(id(1), 50);
        assert!(!budget.grant_first());
        assert!(!budget.try_reserve(1), "there is room, but another was first");
        budget.release(40);
        assert!(!budget.try_reserve(1));
        assert_eq!(budget.first_in_line(), Some((id(1), 50)));
        assert!(budget.grant_first());
        assert!(budget.try_reserve(30));
        assert!(!budget.try_reserve(1));
    }

    #[test]
    fn it_is_crowded_while_others_wait_and_much_is_held() {
        let mut budget = Budget::new(ByteCount(800));
        budget.hold(201);
        assert!(!budget.crowding_has_changed(), "nobody waits");
        assert!(budget.try_reserve(300));
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
        assert!(!budget.try_reserve(50));
        budget.wait(id(1), 50);
        assert!(budget.grant_first());
        budget.let_go(60);
        assert_eq!((budget.occupied(), budget.held()), (60, 0));
    }
}
