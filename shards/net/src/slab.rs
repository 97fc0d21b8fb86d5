//! Places for connections, each used again and again under a new id.
//!
//! # Invariants
//! - An id that was removed is never found again: its place has another generation from then on.

use types::ShardId;

use crate::ids::{CONNECTIONS_PER_SHARD_MAX, ConnectionId};

/// The connections of one shard by id. Lives as long as the shard.
pub(crate) struct Slab<T> {
    shard: ShardId,
    places: Vec<Place<T>>,
    free: Vec<usize>,
}

struct Place<T> {
    generation: u64,
    item: Option<(ConnectionId, T)>,
}

impl<T> Slab<T> {
    pub(crate) fn new(shard: ShardId) -> Self {
        Self { shard, places: Vec::new(), free: Vec::new() }
    }

    /// Puts in what `make` returns for the new id; `None` when every place is taken.
    pub(crate) fn insert_with(&mut self, make: impl FnOnce(ConnectionId) -> T) -> Option<ConnectionId> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.places.len() < CONNECTIONS_PER_SHARD_MAX => {
                self.places.push(Place { generation: 0, item: None });
                self.places.len() - 1
            }
            None => return None,
        };
        let place = self.places.get_mut(index)?;
        let id = ConnectionId::new(self.shard, place.generation, index);
        place.item = Some((id, make(id)));
        Some(id)
    }

    pub(crate) fn get(&self, id: ConnectionId) -> Option<&T> {
        match &self.places.get(id.index())?.item {
            Some((owner, item)) if *owner == id => Some(item),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut T> {
        match &mut self.places.get_mut(id.index())?.item {
            Some((owner, item)) if *owner == id => Some(item),
            _ => None,
        }
    }

    /// What is in a place now, whatever its id.
    pub(crate) fn at_mut(&mut self, index: usize) -> Option<&mut T> {
        self.places.get_mut(index)?.item.as_mut().map(|(_, item)| item)
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) -> Option<T> {
        let place = self.places.get_mut(id.index())?;
        if !matches!(&place.item, Some((owner, _)) if *owner == id) {
            return None;
        }
        place.generation += 1;
        self.free.push(id.index());
        place.item.take().map(|(_, item)| item)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().filter_map(|place| place.item.as_mut().map(|(_, item)| item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_outlives_its_item_misses_the_next_one_in_the_same_place() {
        let mut slab = Slab::new(ShardId(3));
        let old = slab.insert_with(|_| 'a').unwrap();
        assert_eq!(slab.remove(old), Some('a'));
        let new = slab.insert_with(|_| 'b').unwrap();
        assert_eq!(old.index(), new.index());
        assert_eq!((slab.get(old), slab.get(new)), (None, Some(&'b')));
        assert_eq!(slab.remove(old), None);
        assert_eq!(slab.get_mut(new), Some(&mut 'b'));
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn another_shards_id_is_not_found() {
        let mut slab = Slab::new(ShardId(0));
        let mut other = Slab::new(ShardId(1));
        slab.insert_with(|_| ()).unwrap();
        let foreign = other.insert_with(|_| ()).unwrap();
        assert!(slab.get(foreign).is_none());
    }
}
