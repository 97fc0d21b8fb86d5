//! Giving memory back: chunks of tails that are written, while there is more in memory than there should be, and everything
//! that logs hold which nobody uses.
//!
//! # Not here
//! How large chunks are, and how many there may be (`chunks.rs`); when it is time for this (`upkeep.rs`).

use reactor::Reactor;
use types::Offset;

use crate::chunks::Chunks;
use crate::core::Core;
use crate::job::Job;
use crate::log::{Log, Spare, State};
use crate::store::{Store, find};

/// How many logs may be on their way to rest at a time.
const RESTING_MAX: usize = 64;
/// Evicting looks at so many entries at most at once, so that chunks that are not written yet cost little.
const EVICT_STEPS: usize = 64;

impl Store {
    /// Gives up the oldest chunks while there is more in memory than there may be. What is not written stays.
    pub(crate) fn evict(&mut self) {
        for _ in 0..EVICT_STEPS {
            if !self.core.chunks.are_too_many() {
                return;
            }
            let Some(id) = self.core.evictable.pop_front() else { return };
            let Some(log) = find(&mut self.logs, id) else { continue };
            match log.tail.oldest(&self.core.chunks) {
                Some((segment, end)) if log.is_written(segment, end) => {
                    log.tail.drop_oldest(&mut self.core.chunks);
                }
                Some(_) => self.core.evictable.push_back(id),
                None => {}
            }
        }
    }

    /// Takes memory and open files from logs that were not used for long, and while memory is short large chunks from
    /// those that are. Returns whether it has looked at all: some at a time, since each has to be written to its segment
    /// first, and all may have fallen idle together.
    pub(crate) fn take_back_memory(&mut self, reactor: &mut Reactor) -> bool {
        let Self { logs, core, .. } = self;
        let mut busy = 0;
        for (_, log) in logs.iter_mut() {
            if !matches!(log.state, State::Open) || log.tail.is_empty() {
                continue;
            }
            let is_idle = core.now.0 - log.last_used.0 >= core.idle_ms();
            let is_busy = if is_idle {
                put_to_rest(log, core, reactor)
            } else {
                core.chunks.are_too_many() && close_large_chunk(log, core)
            };
            busy += usize::from(is_busy);
            if busy >= RESTING_MAX {
                return false;
            }
        }
        true
    }
}

/// Has an idle log rest, or written so that it can. Returns whether there is something to do for that.
fn put_to_rest(log: &mut Log, core: &mut Core, reactor: &mut Reactor) -> bool {
    if log.unwritten > 0 || log.stored_end < log.log_end {
        // It can rest when its segment has everything.
        core.ask_for_write_back(log);
        return log.stall.is_none();
    }
    if !log.is_settled() || log.stall.is_some() {
        return false;
    }
    if let Some(active) = log.writing.back() {
        log.jobs.push_back(Job::Shrink { base: active.base, size: active.size });
    }
    log.rest(&mut core.chunks);
    core.start_job(log, reactor);
    true
}

/// Has a log go on in a smaller chunk if it got a large one while fewer logs were in use. Returns whether it has one.
fn close_large_chunk(log: &mut Log, core: &mut Core) -> bool {
    let is_large = log.tail.close_beyond_share(&core.chunks);
    if is_large {
        // It is given up once it is written.
        core.note_closed(log, 1);
        core.ask_for_write_back(log);
    }
    is_large
}

impl Log {
    /// Whether the segment is written up to `position`.
    fn is_written(&self, segment: Offset, position: u64) -> bool {
        let writing = self.writing.iter().find(|writing| writing.base == segment);
        writing.is_none_or(|writing| writing.written >= position)
    }

    /// Closes the active file and gives up the tail. Everything is written.
    pub(crate) fn rest(&mut self, chunks: &mut Chunks) {
        for writing in &mut self.writing {
            writing.file = None;
            writing.usable = 0;
        }
        // Its file is made anew, or removed, when the log is used again, cut or closed.
        self.spare = Spare::None;
        self.tail.clear(chunks);
    }
}
