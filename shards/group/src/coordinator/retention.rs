//! The regular round that deletes what has expired: offsets, and groups of which nothing else is left.

use std::ops::Bound;

use types::TimestampMs;

use super::Coordinator;
use crate::effects::Effects;
use crate::history::Event;
use crate::names::GroupId;
use crate::settings::OffsetSettings;

/// A batch of more records would hold up requests; what is left follows at once in the next.
const RECORDS_MAX: usize = 1_000;

/// When the round is to be made, and how far it has got.
#[derive(Debug, Default)]
pub(super) struct Retention {
    /// `None` until the coordinator is loaded.
    next_at: Option<TimestampMs>,
    /// The round goes on with the groups after this one.
    reached: Option<GroupId>,
}

impl Retention {
    pub fn begin(&mut self, now: TimestampMs, settings: &OffsetSettings) {
        self.next_at = Some(now.plus(settings.retention_check_interval_ms));
        self.reached = None;
    }

    pub fn deadline(&self) -> Option<TimestampMs> {
        self.next_at
    }
}

impl Coordinator {
    /// Makes a part of the round if it is due.
    pub(super) fn expire_offsets(&mut self, now: TimestampMs, out: &mut Effects) {
        if self.retention.next_at.is_none_or(|at| at > now) {
            return;
        }
        let made_before = out.records.len();
        while out.records.len() - made_before < RECORDS_MAX {
            let from = self.retention.reached.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let Some(id) =
                self.groups.range::<GroupId, _>((from, Bound::Unbounded)).next().map(|(id, _)| id.clone())
            else {
                let settings = &self.settings.offsets;
                return self.retention.begin(now, settings);
            };
            if !self.expire_offsets_of(&id, now, out) {
                return;
            }
            self.retention.reached = Some(id);
        }
    }

    /// Deletes what has expired of one group; gives whether that was all.
    fn expire_offsets_of(&mut self, id: &GroupId, now: TimestampMs, out: &mut Effects) -> bool {
        let retention_ms = self.settings.offsets.retention_ms;
        let is_complete = self.with_group(id.as_str(), now, out, |kind, offsets, turn| {
            let records = &mut turn.out.records;
            let expiry = kind.offset_expiry();
            let count = offsets.delete_expired(turn.id, &expiry, now, retention_ms, RECORDS_MAX, records);
            if count == offsets.len() && kind.is_empty() && !kind.is_awaited() {
                kind.delete(turn.id, &mut turn.out.records);
            }
            if count > 0 {
                turn.note(Event::OffsetsExpired { count });
            }
            count < RECORDS_MAX
        });
        is_complete.unwrap_or(true)
    }
}
