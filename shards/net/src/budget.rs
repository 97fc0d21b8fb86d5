//! The memory of one shard for requests: what frames have reserved, and who waits for a share.
//!
//! A frame's length is reserved when its beginning has arrived and before its body is kept, and it is given back when
//! the request has been answered (or its connection is dropped before it was handed out). So however fast clients
//! send, and however slowly requests are worked off, frames hold no more than the budget.
//!
//! There are two kinds of frames, each with a line of its own. **Small** ones (most requests: all but what carries
//! many records) have a quarter of the budget for themselves, which no large frame ever takes: whatever large frames
//! do, announce much and send nothing or come by the hundred, small requests go on. They use the rest too while no
//! large frame waits for it. **Large** ones have that rest.
//!
//! # Invariants
//! - Frames of up to half the capacity occupy no more than the capacity together.
//! - A larger frame is a giant. It counts as half the capacity, and there is one giant at a time. So it needs only
//!   half the budget to be free: requests that wait for something (a fetch for records, a join for other members)
//!   keep some of it occupied at all times, and a frame that needed all of it, or more than there is, would stand
//!   first in line for ever. What the frames occupy is thus bounded by half the capacity and the longest frame, where
//!   that is more than the capacity.
//! - When nothing is reserved whoever comes is served, however small the budget.
//! - Each line is first come, first served: a large frame is not overtaken by less large ones for ever, and while one
//!   waits small ones get nothing beyond their quarter.
//! - Bytes that had already been received when their connection had to stop are counted too (`held`): with them new
//!   large frames get in line sooner. For those in line they do not count, because only when frames are granted does
//!   what is held become less.
//! - What is held is bounded as well: each of those in line has what came before its socket was paused, and when that
//!   is much altogether, sockets are paused before they bring another frame ([`Crowding`]).

use std::collections::VecDeque;

use types::ByteCount;

use crate::ids::ConnectionId;

/// Small frames have this part of the capacity for themselves: 1/4.
const SMALL_SHARE_PART: u64 = 4;

/// A small frame is no longer than this ...
const SMALL_BYTES_MAX: u64 = 64 * 1024;

/// ... nor than this part of the capacity: 1/64, so that 16 of them fit their share.
const SMALL_PART: u64 = 64;

const _: () = assert!(SMALL_PART >= 16 * SMALL_SHARE_PART);
// A giant counts as half; beside the small frames' share there must be room for it.
const _: () = assert!(SMALL_SHARE_PART > 2);

/// It is packed when more than this part of the capacity is held: 1/4.
const PACKED_PART: u64 = 4;

/// It is crowded when more than this part of the capacity is held: 1/8.
const CROWDED_PART: u64 = 8;

/// It is less crowded than it was when half of what makes it so is held.
const RELIEF_PART: u64 = 2;

/// How much is held in front of those in line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Crowding {
    /// Everybody may be read from.
    #[default]
    None,
    /// Whoever sends large frames should not be read from.
    Crowded,
    /// Nobody should be.
    Packed,
}

/// The request memory of a shard. Lives as long as the shard.
pub(crate) struct Budget {
    capacity: u64,
    /// What small frames have reserved.
    small: u64,
    /// What large frames count as.
    large: u64,
    /// What frames have reserved in truth.
    occupied: u64,
    has_giant: bool,
    held: u64,
    small_line: VecDeque<(ConnectionId, usize)>,
    large_line: VecDeque<(ConnectionId, usize)>,
    crowding: Crowding,
}

/// One of the two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Small,
    Large,
}

impl Kind {
    /// In the order in which memory is shared out: small frames may use more when no large one waits.
    pub(crate) const ALL: [Self; 2] = [Self::Large, Self::Small];
}

impl Budget {
    pub(crate) fn new(capacity: ByteCount) -> Self {
        Self {
            capacity: capacity.0,
            small: 0,
            large: 0,
            occupied: 0,
            has_giant: false,
            held: 0,
            small_line: VecDeque::new(),
            large_line: VecDeque::new(),
            crowding: Crowding::None,
        }
    }

    /// Whether a frame is small or large.
    pub(crate) fn kind(&self, len: usize) -> Kind {
        if len as u64 <= SMALL_BYTES_MAX.min(self.capacity / SMALL_PART) { Kind::Small } else { Kind::Large }
    }

    /// Reserves `len` bytes unless there is no room or others of its kind wait.
    pub(crate) fn try_reserve(&mut self, len: usize) -> bool {
        let granted = !self.waits(self.kind(len)) && self.fits(len, self.held);
        if granted {
            self.reserve(len);
        }
        granted
    }

    /// Gets in line for `len` bytes.
    pub(crate) fn wait(&mut self, id: ConnectionId, len: usize) {
        self.line_mut(self.kind(len)).push_back((id, len));
    }

    /// Who is first in line.
    pub(crate) fn first_in_line(&self, kind: Kind) -> Option<ConnectionId> {
        self.line(kind).front().map(|(id, _)| *id)
    }

    /// Takes the first in line out, who gave up.
    pub(crate) fn skip_first(&mut self, kind: Kind) {
        self.line_mut(kind).pop_front();
    }

    /// Reserves for the first in line and takes it out, if there is room.
    pub(crate) fn grant_first(&mut self, kind: Kind) -> bool {
        let Some(&(_, len)) = self.line(kind).front() else { return false };
        if !self.fits(len, 0) {
            return false;
        }
        self.reserve(len);
        self.line_mut(kind).pop_front();
        true
    }

    /// Whether somebody waits in this line.
    pub(crate) fn waits(&self, kind: Kind) -> bool {
        !self.line(kind).is_empty()
    }

    /// Whether somebody waits.
    pub(crate) fn is_short(&self) -> bool {
        Kind::ALL.into_iter().any(|kind| self.waits(kind))
    }

    /// How much is held in front of those in line.
    pub(crate) fn crowding(&self) -> Crowding {
        self.crowding
    }

    /// Decides anew how crowded it is; says whether that has changed. Between two bounds it stays as it is, because a
    /// change concerns every connection.
    pub(crate) fn crowding_has_changed(&mut self) -> bool {
        let held = if self.is_short() { self.held } else { 0 };
        let bound = |level, part| {
            let bound = self.capacity / part;
            if self.crowding >= level { bound / RELIEF_PART } else { bound }
        };
        let crowding = if held > bound(Crowding::Packed, PACKED_PART) {
            Crowding::Packed
        } else if held > bound(Crowding::Crowded, CROWDED_PART) {
            Crowding::Crowded
        } else {
            Crowding::None
        };
        std::mem::replace(&mut self.crowding, crowding) != crowding
    }

    /// Gives back what a frame had reserved.
    pub(crate) fn release(&mut self, len: usize) {
        assert!(self.occupied >= len as u64, "a reservation is given back once");
        self.occupied -= len as u64;
        match self.kind(len) {
            Kind::Small => self.small -= len as u64,
            Kind::Large => self.large -= self.counts_as(len),
        }
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
        let share = self.capacity / SMALL_SHARE_PART;
        self.occupied == 0
            || match self.kind(len) {
                Kind::Small => {
                    let small = self.small + len as u64;
                    let may_borrow = !self.waits(Kind::Large) && small + self.large + held <= self.capacity;
                    small <= share || may_borrow
                }
                Kind::Large => {
                    let second_giant = self.has_giant && self.is_giant(len);
                    let large = self.large + self.counts_as(len);
                    !second_giant && self.small.max(share) + large + held <= self.capacity
                }
            }
    }

    fn reserve(&mut self, len: usize) {
        self.occupied += len as u64;
        match self.kind(len) {
            Kind::Small => self.small += len as u64,
            Kind::Large => self.large += self.counts_as(len),
        }
        self.has_giant |= self.is_giant(len);
    }

    fn counts_as(&self, len: usize) -> u64 {
        (len as u64).min(self.capacity / 2)
    }

    fn is_giant(&self, len: usize) -> bool {
        len as u64 > self.capacity / 2
    }

    fn line(&self, kind: Kind) -> &VecDeque<(ConnectionId, usize)> {
        match kind {
            Kind::Small => &self.small_line,
            Kind::Large => &self.large_line,
        }
    }

    fn line_mut(&mut self, kind: Kind) -> &mut VecDeque<(ConnectionId, usize)> {
        match kind {
            Kind::Small => &mut self.small_line,
            Kind::Large => &mut self.large_line,
        }
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
        assert!(budget.try_reserve(25) && budget.try_reserve(10));
        assert!(!budget.try_reserve(500));
        budget.wait(id(1), 500);
        assert!(!budget.grant_first(Kind::Large));
        budget.release(10);
        assert!(budget.grant_first(Kind::Large));
        assert_eq!(budget.occupied(), 525);
        budget.release(25);
        assert!(!budget.try_reserve(51), "it would be a second giant");
        assert!(budget.try_reserve(25));
        budget.release(500);
        assert!(budget.try_reserve(51));
        assert_eq!(budget.occupied(), 76);
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
        assert!(budget.try_reserve(35) && budget.try_reserve(20));
        budget.wait(id(1), 50);
        assert!(!budget.grant_first(Kind::Large));
        assert!(!budget.try_reserve(2), "there is room, but another was first");
        budget.release(35);
        assert!(!budget.try_reserve(2));
        assert_eq!(budget.first_in_line(Kind::Large), Some(id(1)));
        assert!(budget.grant_first(Kind::Large));
        assert!(budget.try_reserve(5));
        assert!(!budget.try_reserve(2));
    }

    #[test]
    fn small_frames_keep_their_share_whatever_large_ones_take() {
        // Up to 100 bytes are small, and 1600 bytes are for them.
        let mut budget = Budget::new(ByteCount(6400));
        assert_eq!([100, 101].map(|len| budget.kind(len)), [Kind::Small, Kind::Large]);
        assert!(budget.try_reserve(1_000_000), "a giant");
        assert!(budget.try_reserve(1600));
        budget.wait(id(1), 200);
        budget.hold(5000);
        for _ in 0..16 {
            assert!(budget.try_reserve(100));
        }
        assert!(!budget.try_reserve(100), "a large one waits for the rest");
        budget.wait(id(2), 100);
        budget.release(100);
        assert!(!budget.try_reserve(50), "another is first");
        assert!(budget.grant_first(Kind::Small));
        assert!(!budget.grant_first(Kind::Large));
        budget.release(1600);
        assert!(budget.grant_first(Kind::Large));
    }

    #[test]
    fn small_frames_use_what_no_large_one_waits_for_and_give_it_back_first() {
        let mut budget = Budget::new(ByteCount(6400));
        assert!((0..64).all(|_| budget.try_reserve(100)));
        assert!(!budget.try_reserve(100));
        budget.wait(id(1), 500);
        (0..4).for_each(|_| budget.release(100));
        assert!(!budget.try_reserve(100), "the large one comes first");
        assert!(!budget.grant_first(Kind::Large));
        budget.release(100);
        assert!(budget.grant_first(Kind::Large));
        assert_eq!(budget.occupied(), 6400);
    }

    #[test]
    fn it_is_the_more_crowded_the_more_is_held_while_others_wait() {
        let mut budget = Budget::new(ByteCount(1600));
        budget.hold(201);
        assert!(!budget.crowding_has_changed(), "nobody waits");
        assert!(budget.try_reserve(900));
        budget.wait(id(1), 500);
        let mut becomes = |change: i32, crowding| {
            let bytes = change.unsigned_abs() as usize;
            if change < 0 {
                budget.let_go(bytes)
            } else {
                budget.hold(bytes)
            }
            let before = budget.crowding();
            assert_eq!(budget.crowding_has_changed(), before != crowding);
            assert_eq!(budget.crowding(), crowding, "{} are held", budget.held());
        };
        becomes(0, Crowding::Crowded);
        becomes(199, Crowding::Crowded);
        becomes(1, Crowding::Packed);
        becomes(-200, Crowding::Packed);
        becomes(-1, Crowding::Crowded);
        becomes(-99, Crowding::Crowded);
        becomes(-1, Crowding::None);
        becomes(401, Crowding::Packed);
        becomes(-500, Crowding::None);
    }

    #[test]
    fn held_bytes_keep_new_large_frames_waiting_but_not_those_in_line() {
        let mut budget = Budget::new(ByteCount(100));
        assert!(budget.try_reserve(10));
        budget.hold(40);
        assert!(!budget.try_reserve(50));
        budget.wait(id(1), 50);
        assert!(budget.grant_first(Kind::Large));
        budget.let_go(40);
        assert_eq!((budget.occupied(), budget.held()), (60, 0));
    }
}
