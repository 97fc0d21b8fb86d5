//! The bytes that a client sends, cut into frames: a length of four bytes, big-endian and signed, and a body.
//! Bytes in, frames out; whether a frame may be kept is asked before its body is.
//!
//! # Invariants
//! - No length on the wire decides by itself how much memory is used: a body's memory grows with the bytes that arrive,
//!   at most to twice what is there, until an eighth of the body is; only then is the rest allocated at once. A large
//!   body gets its whole range of addresses at once, whose pages the system adds as they are written.
//! - Bytes are held back only in front of a body that has not been permitted yet.
//!
//! # Hot path
//! A frame that lies wholly in one received buffer is copied once, into memory of exactly its size. The rest of a larger one
//! is received straight into its memory: [`Inbound::lend`].
//!
//! # Not here
//! The decision to permit a body (`connection.rs`) and the memory accounts (`budget.rs`).

use bytes::Bytes;
use reactor::LARGE_BLOCK_BYTES_MIN;

use crate::settings::HEAD_BYTES;

const LENGTH_BYTES: usize = 4;

/// A body of up to this size is allocated at once.
const FIRST_STEP_BYTES: usize = 64 * 1024;

/// Once this part of a body has arrived, all of it is allocated: 1/8.
const TRUSTED_PART: usize = 8;

/// Held bytes that were worked off are cut off once they are this many.
const HELD_SLACK_BYTES: usize = 64 * 1024;

/// Received at once without a copy: progress is seen in between.
const FILL_BYTES_MAX: usize = 1024 * 1024;

/// What a connection has received and not yet turned into frames.
pub(crate) struct Inbound {
    state: State,
    held: Held,
}

/// Bytes that were received and must wait.
#[derive(Default)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    /// Those before were worked off.
    start: usize,
}

enum State {
    /// Of the four bytes of the next length, so many have arrived.
    Length([u8; LENGTH_BYTES], usize),
    /// The body of this length was not permitted yet.
    Announced(usize),
    Body(Body),
}

struct Body {
    len: usize,
    bytes: Vec<u8>,
}

/// How far [`Inbound::feed`] came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// All input was taken in.
    Hungry,
    /// A frame of this length begins: call [`Inbound::permit`] when there is room for it.
    Announced(usize),
    Frame(Bytes),
    /// The length is negative or above the limit.
    BadLength(i32),
}

impl Inbound {
    pub(crate) fn new() -> Self {
        Self { state: State::Length([0; LENGTH_BYTES], 0), held: Held::default() }
    }

    /// Takes bytes from the front of `input` until something is to be said about them.
    pub(crate) fn feed(&mut self, input: &mut &[u8], frame_bytes_max: usize) -> Step {
        match &mut self.state {
            State::Length(length, have) => {
                let missing = length.get_mut(*have..).unwrap_or_default();
                let taken = missing.len().min(input.len());
                let (now, later) = input.split_at(taken);
                missing.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
                *input = later;
                *have += taken;
                if *have < LENGTH_BYTES {
                    return Step::Hungry;
                }
                let announced = i32::from_be_bytes(*length);
                match usize::try_from(announced) {
                    Ok(len) if len <= frame_bytes_max => {
                        self.state = State::Announced(len);
                        Step::Announced(len)
                    }
                    _ => Step::BadLength(announced),
                }
            }
            State::Announced(len) => Step::Announced(*len),
            State::Body(body) => match body.feed(input) {
                Some(frame) => {
                    self.state = State::Length([0; LENGTH_BYTES], 0);
                    Step::Frame(frame)
                }
                None => Step::Hungry,
            },
        }
    }

    /// The announced body may come.
    pub(crate) fn permit(&mut self) {
        if let State::Announced(len) = self.state {
            self.state = State::Body(Body { len, bytes: Vec::new() });
        }
    }

    /// The length of the body that waits to be permitted.
    pub(crate) fn announced(&self) -> Option<usize> {
        match self.state {
            State::Announced(len) => Some(len),
            _ => None,
        }
    }

    /// The length of the permitted body that is arriving.
    pub(crate) fn arriving(&self) -> Option<usize> {
        match &self.state {
            State::Body(body) => Some(body.len),
            _ => None,
        }
    }

    /// How much is missing of the body that is arriving.
    pub(crate) fn missing(&self) -> usize {
        match &self.state {
            State::Body(body) => body.len - body.bytes.len(),
            _ => 0,
        }
    }

    /// Lends out the memory of the body that is arriving, and says how many bytes are to be in it next. Until it is back
    /// ([`filled`](Self::filled)) nothing may be fed.
    pub(crate) fn lend(&mut self) -> Option<(Vec<u8>, usize)> {
        let State::Body(body) = &mut self.state else { return None };
        let missing = body.len - body.bytes.len();
        // A last piece that is small goes with the one before.
        let next = if missing < 2 * FILL_BYTES_MAX { missing } else { FILL_BYTES_MAX };
        body.make_room(next);
        let target = body.bytes.len() + next;
        Some((std::mem::take(&mut body.bytes), target))
    }

    /// The memory that was lent out is back, with more in it.
    pub(crate) fn filled(&mut self, bytes: Vec<u8>) -> Option<Bytes> {
        let State::Body(body) = &mut self.state else { return None };
        body.bytes = bytes;
        let frame = body.complete()?;
        self.state = State::Length([0; LENGTH_BYTES], 0);
        Some(frame)
    }

    /// Whether a frame has begun and is not complete.
    pub(crate) fn is_within_frame(&self) -> bool {
        !matches!(self.state, State::Length(_, 0))
    }

    /// Whether the announced body has not even begun to arrive as far as it must before it is permitted.
    pub(crate) fn lacks_head(&self) -> bool {
        self.announced().is_some_and(|len| self.held_len() < head_bytes(len))
    }

    /// Whether the bytes at hand can still make a frame when no more are to come.
    pub(crate) fn has_whole_frame(&self) -> bool {
        self.announced().is_some_and(|len| len <= self.held_len())
    }

    /// Keeps input that comes after an announcement.
    pub(crate) fn hold(&mut self, input: &[u8]) {
        self.held.push(input);
    }

    pub(crate) fn held_len(&self) -> usize {
        self.held.len()
    }

    /// Takes out what was held, to be worked off.
    pub(crate) fn take_held(&mut self) -> Held {
        std::mem::take(&mut self.held)
    }

    /// Puts back the last `left` bytes of what was taken out.
    pub(crate) fn put_back(&mut self, mut held: Held, left: usize) {
        if left > 0 {
            held.start = held.bytes.len() - left;
            self.held = held;
        }
    }

    /// All bytes that no frame was made of, as they came from the wire.
    pub(crate) fn into_unread(self) -> Vec<u8> {
        let mut unread = match self.state {
            State::Length(length, have) => length.get(..have).unwrap_or_default().to_vec(),
            State::Announced(len) => length_bytes(len).to_vec(),
            State::Body(body) => {
                let mut unread = length_bytes(body.len).to_vec();
                unread.extend_from_slice(&body.bytes);
                unread
            }
        };
        unread.extend_from_slice(self.held.as_ref());
        unread
    }
}

/// How much of a body of this length must have arrived before it is permitted.
pub(crate) fn head_bytes(len: usize) -> usize {
    len.min(HEAD_BYTES)
}

/// A length that came from four bytes, as those bytes.
fn length_bytes(len: usize) -> [u8; LENGTH_BYTES] {
    i32::try_from(len).unwrap_or(i32::MAX).to_be_bytes()
}

impl Held {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    fn push(&mut self, input: &[u8]) {
        if self.start >= HELD_SLACK_BYTES && self.start * 2 >= self.bytes.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(input);
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

impl Body {
    fn feed(&mut self, input: &mut &[u8]) -> Option<Bytes> {
        let taken = (self.len - self.bytes.len()).min(input.len());
        let (now, later) = input.split_at(taken);
        *input = later;
        if taken == self.len {
            return Some(Bytes::copy_from_slice(now));
        }
        self.make_room(taken);
        self.bytes.extend_from_slice(now);
        self.complete()
    }

    fn complete(&mut self) -> Option<Bytes> {
        (self.bytes.len() == self.len).then(|| Bytes::from(std::mem::take(&mut self.bytes)))
    }

    fn make_room(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed <= self.bytes.capacity() {
            return;
        }
        let step = needed.saturating_mul(2).max(FIRST_STEP_BYTES);
        let all_at_once = self.len >= LARGE_BLOCK_BYTES_MIN || needed >= self.len / TRUSTED_PART;
        let capacity = if all_at_once { self.len } else { step.min(self.len) };
        self.bytes.reserve_exact(capacity - self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = LARGE_BLOCK_BYTES_MIN - 1;

    fn frame(body: &[u8]) -> Vec<u8> {
        [&length_bytes(body.len()), body].concat()
    }

    /// Feeds everything and permits everything.
    fn feed_all(inbound: &mut Inbound, mut input: &[u8], frames: &mut Vec<Bytes>) {
        loop {
            match inbound.feed(&mut input, LIMIT) {
                Step::Hungry => break,
                Step::Announced(_) => inbound.permit(),
                Step::Frame(frame) => frames.push(frame),
                Step::BadLength(length) => panic!("bad length {length}"),
            }
        }
        assert!(input.is_empty());
    }

    #[test]
    fn frames_come_out_whole_wherever_the_bytes_are_split() {
        let bodies: [&[u8]; 5] = [b"first", b"", b"x", b"a longer one than the others", b"end"];
        let wire: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
        for first in 0..=wire.len() {
            for second in first..=wire.len() {
                let mut inbound = Inbound::new();
                let mut frames = Vec::new();
                feed_all(&mut inbound, &wire[..first], &mut frames);
                feed_all(&mut inbound, &wire[first..second], &mut frames);
                feed_all(&mut inbound, &wire[second..], &mut frames);
                assert_eq!(frames, bodies, "split at {first} and {second}");
                assert!(!inbound.is_within_frame());
            }
        }
    }

    #[test]
    fn negative_and_giant_lengths_are_refused() {
        for length in [-1, i32::MIN, LIMIT as i32 + 1, i32::MAX] {
            let wire = length.to_be_bytes();
            let mut inbound = Inbound::new();
            assert_eq!(inbound.feed(&mut &wire[..3], LIMIT), Step::Hungry);
            assert_eq!(inbound.feed(&mut &wire[3..], LIMIT), Step::BadLength(length));
        }
        let mut inbound = Inbound::new();
        assert_eq!(inbound.feed(&mut &(LIMIT as i32).to_be_bytes()[..], LIMIT), Step::Announced(LIMIT));
    }

    #[test]
    fn memory_grows_with_what_arrives_and_not_with_what_was_announced() {
        let mut inbound = Inbound::new();
        let mut input = &length_bytes(LIMIT)[..];
        assert_eq!(inbound.feed(&mut input, LIMIT), Step::Announced(LIMIT));
        inbound.permit();
        let piece = [7u8; 10_000];
        let mut arrived = 0;
        while arrived + piece.len() < LIMIT {
            assert_eq!(inbound.feed(&mut &piece[..], LIMIT), Step::Hungry);
            arrived += piece.len();
            let State::Body(body) = &inbound.state else { panic!("the body is arriving") };
            let allowed = if arrived >= LIMIT / TRUSTED_PART { LIMIT } else { (2 * arrived).max(64 * 1024) };
            assert!(body.bytes.capacity() <= allowed, "{} for {arrived}", body.bytes.capacity());
        }
        let rest = vec![7u8; LIMIT - arrived];
        let Step::Frame(whole) = inbound.feed(&mut &rest[..], LIMIT) else { panic!("complete") };
        assert_eq!(whole.len(), LIMIT);
    }

    #[test]
    fn what_is_not_permitted_is_held_and_worked_off_later() {
        let wire = [frame(b"one"), frame(b"two"), frame(b"three")].concat();
        let mut inbound = Inbound::new();
        let mut input = &wire[..];
        assert_eq!(inbound.feed(&mut input, LIMIT), Step::Announced(3));
        inbound.hold(input);
        assert!(inbound.has_whole_frame());
        inbound.permit();
        let held = inbound.take_held();
        let mut input = held.as_ref();
        assert_eq!(inbound.feed(&mut input, LIMIT), Step::Frame(Bytes::from_static(b"one")));
        assert_eq!(inbound.feed(&mut input, LIMIT), Step::Announced(3));
        let left = input.len();
        assert_eq!(left, wire.len() - 11);
        inbound.put_back(held, left);
        assert_eq!((inbound.held_len(), inbound.announced()), (left, Some(3)));
        inbound.hold(b"more");
        assert_eq!(inbound.into_unread(), [&wire[7..], b"more"].concat());
    }

    #[test]
    fn unread_bytes_are_the_wires_own_at_every_point() {
        let wire = [frame(b"whole"), frame(b"never finished")].concat();
        for end in 9..wire.len() {
            let mut inbound = Inbound::new();
            feed_all(&mut inbound, &wire[..end], &mut Vec::new());
            assert_eq!(inbound.into_unread(), wire[9..end], "cut at {end}");
        }
    }
}
