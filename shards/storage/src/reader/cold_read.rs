//! One read that goes to the disk: what it wants, and how far it has come.

use types::Offset;

use super::loads::PIECE_BYTES_MIN;
use crate::cold_memory::ANSWER_BYTES_MAX;
use crate::span::{Span, Wanted};
use crate::store::{LogId, ReadId};

/// An answer of so many bytes does not wait for more.
const ENOUGH_BYTES: u64 = 256 * 1024;

/// A read that goes to the disk.
#[derive(Debug)]
pub(crate) struct ColdRead {
    pub(crate) id: ReadId,
    pub(crate) log: LogId,
    pub(super) wanted: Wanted,
    /// The segment that is read.
    pub(super) segment: Option<Offset>,
    /// Where it has come in it. `None` until an index has told.
    pub(super) position: Option<u64>,
    /// How many bytes from there it needs at least, as far as it knows.
    pub(super) reach: u64,
    /// Whether it had to wait.
    pub(super) waited: bool,
    /// What it has found so far, which nobody may give up while it waits for the rest.
    pub(super) held: Span,
}

impl ColdRead {
    pub(crate) fn new(id: ReadId, log: LogId, from: Offset, up_to: Offset, bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(ANSWER_BYTES_MAX) as u64;
        Self {
            id,
            log,
            wanted: Wanted { from, up_to, bytes_max, behind: Offset::ZERO },
            segment: None,
            position: None,
            reach: bytes_max.max(PIECE_BYTES_MIN),
            waited: false,
            held: Span::default(),
        }
    }

    /// Goes on in a segment, from a position in it if that is known.
    pub(super) fn enter(&mut self, segment: Offset, position: Option<u64>) {
        self.segment = Some(segment);
        self.position = position;
        self.wanted.behind = segment;
        self.reach = self.wanted.bytes_max.max(PIECE_BYTES_MIN);
    }

    /// An answer of so many bytes is worth sending at once.
    pub(super) fn is_enough(&self, bytes: u64) -> bool {
        bytes >= self.wanted.bytes_max.min(ENOUGH_BYTES)
    }
}
