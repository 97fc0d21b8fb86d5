//! The producer ids that a shard may give out without asking (KIP-730).

use controller::ProducerIdBlock;
use types::ProducerId;

/// What is left of the shard's block. Ids that are left when the broker stops are never given out.
#[derive(Default)]
pub struct ProducerIds {
    next: i64,
    left: i32,
}

impl ProducerIds {
    /// The next id, unless the block is used up.
    pub fn next(&mut self) -> Option<ProducerId> {
        if self.left == 0 {
            return None;
        }
        let id = ProducerId(self.next);
        self.next += 1;
        self.left -= 1;
        Some(id)
    }

    /// A new block. What may be left of the last one, when two were asked for at once, is dropped.
    pub fn refill(&mut self, block: ProducerIdBlock) {
        self.next = block.first.0;
        self.left = block.len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_gives_each_of_its_ids_once() {
        let mut ids = ProducerIds::default();
        assert_eq!(ids.next(), None);
        ids.refill(ProducerIdBlock { first: ProducerId(7), len: 2 });
        assert_eq!(ids.next(), Some(ProducerId(7)));
        assert_eq!(ids.next(), Some(ProducerId(8)));
        assert_eq!(ids.next(), None);
    }
}
