//! Connections in the order of their last activity, so that the idle ones are found without looking at the others.
//! A doubly linked list through an array: every operation is O(1).
//!
//! # Invariants
//! - From front to back the times never fall.
//!
//! # Not here
//! What counts as activity, and who is excused from being idle (`table.rs`).

use std::time::Instant;

const NONE: usize = usize::MAX;

/// The order of last activity of a shard's connections, by their place in the slab.
pub(crate) struct IdleOrder {
    links: Vec<Option<Link>>,
    front: usize,
    back: usize,
}

#[derive(Clone, Copy)]
struct Link {
    before: usize,
    after: usize,
    at: Instant,
}

impl IdleOrder {
    pub(crate) fn new() -> Self {
        Self { links: Vec::new(), front: NONE, back: NONE }
    }

    /// Notes activity at `now`, which must not lie before any earlier `now`.
    pub(crate) fn touch(&mut self, index: usize, now: Instant) {
        if self.back == index
            && let Some(Some(link)) = self.links.get_mut(index)
        {
            link.at = now;
            return;
        }
        self.remove(index);
        if self.links.len() <= index {
            self.links.resize(index + 1, None);
        }
        let before = self.back;
        if let Some(place) = self.links.get_mut(index) {
            *place = Some(Link { before, after: NONE, at: now });
        }
        self.set_after(before, index);
        self.back = index;
    }

    /// Forgets a connection.
    pub(crate) fn remove(&mut self, index: usize) {
        let Some(Link { before, after, .. }) = self.links.get_mut(index).and_then(Option::take) else {
            return;
        };
        self.set_after(before, after);
        match self.links.get_mut(after) {
            Some(Some(link)) => link.before = before,
            _ => self.back = before,
        }
    }

    /// The connection that has been quiet for longest, and since when.
    pub(crate) fn oldest(&self) -> Option<(usize, Instant)> {
        let link = self.links.get(self.front)?.as_ref()?;
        Some((self.front, link.at))
    }

    fn set_after(&mut self, index: usize, after: usize) {
        match self.links.get_mut(index) {
            Some(Some(link)) => link.after = after,
            _ => self.front = after,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_is_always_the_one_quiet_for_longest() {
        let start = Instant::now();
        let mut order = IdleOrder::new();
        let mut model = BTreeMap::new();
        // A fixed pseudo-random walk over touches and removals, compared with a map.
        let mut state = 12345u64;
        for step in 0..5000u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let index = (state >> 33) as usize % 40;
            let now = start + Duration::from_millis(step);
            if state >> 60 < 5 {
                order.remove(index);
                model.remove(&index);
            } else {
                order.touch(index, now);
                model.insert(index, now);
            }
            let oldest = model.iter().min_by_key(|(_, at)| **at).map(|(index, at)| (*index, *at));
            assert_eq!(order.oldest(), oldest, "step {step}");
        }
    }
}
