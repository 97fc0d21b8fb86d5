//! Reads, writes and syncs that a simulated ring has in hand.
//!
//! # Invariants
//! - A sync covers what was written when it began, and nothing is durable before it has ended. One that a write carries covers
//!   what that write wrote, and nothing else.
//! - What is written is what the memory holds when the disk takes it, not when it was submitted.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use slab::Slab;

use super::content::{ALL_PAGES, PAGE_BYTES, pages_of};
use super::state::{DescriptionId, NodeId, State};
use crate::chunk::ChunkSlice;
use crate::event::{Event, Token};
use crate::transfer::Sync;

/// All operations in flight, of all reactors.
#[derive(Default)]
pub(crate) struct Transfers(Slab<Transfer>);

/// An operation in flight.
pub(crate) struct Transfer {
    /// Which reactor hears of its end.
    pub(crate) reactor: u64,
    pub(crate) token: Token,
    pub(crate) node: NodeId,
    pub(crate) description: DescriptionId,
    pub(crate) stage: Stage,
}

/// What comes next.
pub(crate) enum Stage {
    Read {
        at: u64,
        len: usize,
    },
    Write {
        at: u64,
        slices: Vec<ChunkSlice>,
        is_direct: bool,
        sync: Sync,
    },
    /// Of these pages.
    BeginSync(Range<usize>),
    /// Of everything in these pages up to the change with this number.
    EndSync(Range<usize>, u64),
    End(io::Result<()>),
}

impl Transfers {
    pub(crate) fn add(&mut self, transfer: Transfer) {
        self.0.insert(transfer);
    }

    /// Those of a reactor, in no order.
    pub(crate) fn of(&self, reactor: u64) -> Vec<usize> {
        self.0.iter().filter(|(_, transfer)| transfer.reactor == reactor).map(|(key, _)| key).collect()
    }
}

impl State {
    /// Does the next thing that an operation asks for. The event that ends it, if that was all.
    pub(crate) fn step(&mut self, key: usize) -> Option<Event> {
        let Transfer { token, node, description, stage, .. } = self.transfers.0.get_mut(key)?;
        let (token, node, description) = (*token, *node, *description);
        let next = match std::mem::replace(stage, Stage::BeginSync(ALL_PAGES)) {
            Stage::Read { at, len } => {
                let mut buffer = vec![0; len];
                let result = self.read(node, at, &mut buffer);
                if self.is_stopped {
                    return None;
                }
                self.transfers.0.remove(key);
                let result = result.map(|read| {
                    buffer.truncate(read);
                    Bytes::from(buffer)
                });
                return Some(Event::Read { token, result });
            }
            Stage::Write { at, slices, is_direct, sync } => {
                let result = self.write_slices(node, at, &slices, is_direct);
                if self.is_stopped {
                    // The crash decides what has become of it.
                    Stage::Write { at, slices, is_direct, sync }
                } else {
                    match (sync, result) {
                        (Sync::Data, Ok(())) => Stage::BeginSync(ALL_PAGES),
                        (Sync::Inline, Ok(())) => {
                            let bytes: usize = slices.iter().map(ChunkSlice::len).sum();
                            Stage::BeginSync(pages_of(at, bytes as u64))
                        }
                        (_, result) => Stage::End(result),
                    }
                }
            }
            Stage::BeginSync(pages) => Stage::EndSync(pages, self.sequence()),
            Stage::EndSync(pages, sequence) => {
                Stage::End(self.sync_pages(node, description, pages, sequence))
            }
            Stage::End(result) => {
                self.transfers.0.remove(key);
                return Some(Event::Wrote { token, result });
            }
        };
        if let Some(transfer) = self.transfers.0.get_mut(key) {
            transfer.stage = next;
        }
        None
    }

    fn write_slices(
        &mut self,
        node: NodeId,
        at: u64,
        slices: &[ChunkSlice],
        is_direct: bool,
    ) -> io::Result<()> {
        let bytes = gather(slices);
        if is_direct && !(at.is_multiple_of(PAGE_BYTES as u64) && bytes.len().is_multiple_of(PAGE_BYTES)) {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        self.write(node, at, &bytes)
    }

    /// At a crash: any of the writes in flight may have reached the disk's cache.
    pub(crate) fn finish_some_writes(&mut self) {
        for key in self.transfers.0.iter().map(|(key, _)| key).collect::<Vec<_>>() {
            let Some(transfer) = self.transfers.0.try_remove(key) else { continue };
            if let Stage::Write { at, slices, .. } = transfer.stage
                && self.random.one_in(2)
            {
                let sequence = self.next_sequence();
                if let Ok(content) = self.content(transfer.node) {
                    content.write(at, &gather(&slices), sequence);
                }
            }
        }
    }
}

fn gather(slices: &[ChunkSlice]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(slices.iter().map(ChunkSlice::len).sum());
    for slice in slices {
        slice.copy_to(&mut bytes);
    }
    bytes
}
