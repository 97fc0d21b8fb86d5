//! How connections, their requests and the listeners are named.

use std::fmt;

use types::ShardId;

const INDEX_BITS: u32 = 20;
const GENERATION_BITS: u32 = 35;
const SHARD_BITS: u32 = 8;
const GENERATION_SHIFT: u32 = INDEX_BITS;
const SHARD_SHIFT: u32 = INDEX_BITS + GENERATION_BITS;

// The top bit stays clear: it tells the tokens of connections from those of other users of a shard's reactor.
const _: () = assert!(SHARD_SHIFT + SHARD_BITS == 63);
// The last number is no shard's: it marks the tokens of listeners.
const _: () = assert!(types::limits::SHARDS_MAX < 1 << SHARD_BITS);
const LISTENER_TOKENS: u64 = ((1 << SHARD_BITS) - 1) << SHARD_SHIFT;

/// Connections that one shard can have at a time.
pub const CONNECTIONS_PER_SHARD_MAX: usize = 1 << INDEX_BITS;

/// Tokens with this bit never belong to a connection or a listener. Whoever else uses the sockets of a shard's reactor (a replica
/// fetcher, say) sets it in its own tokens.
pub const FOREIGN_TOKEN_BIT: u64 = 1 << 63;

/// A connection of this broker: its shard, its place in that shard's slab, and how often the place had been used
/// before. The last makes an id that outlives its connection miss the next one in the same place (until the place
/// has been used 2^35 times).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

/// A request within its connection, counted from 0 in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u64);

/// A listener of the broker: its position in the `listeners` setting, the same on every shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerIndex(pub u16);

impl ListenerIndex {
    pub(crate) const fn token(self) -> u64 {
        LISTENER_TOKENS | self.0 as u64
    }

    pub(crate) fn from_token(token: u64) -> Option<Self> {
        let index = token.checked_sub(LISTENER_TOKENS)?;
        u16::try_from(index).ok().map(Self)
    }
}

impl ConnectionId {
    pub(crate) fn new(shard: ShardId, generation: u64, index: usize) -> Self {
        debug_assert!(index < CONNECTIONS_PER_SHARD_MAX);
        let generation = generation & ((1 << GENERATION_BITS) - 1);
        Self((shard.0 as u64) << SHARD_SHIFT | generation << GENERATION_SHIFT | index as u64)
    }

    /// The number as it goes into a reactor's token or a mesh message.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The connection that a token's number stands for, unless the number is somebody else's.
    #[must_use]
    pub const fn from_u64(number: u64) -> Option<Self> {
        if number < LISTENER_TOKENS { Some(Self(number)) } else { None }
    }

    /// The shard that the connection lives on.
    #[must_use]
    pub const fn shard(self) -> ShardId {
        ShardId((self.0 >> SHARD_SHIFT) as u16)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize & (CONNECTIONS_PER_SHARD_MAX - 1)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generation = self.0 >> GENERATION_SHIFT & ((1 << GENERATION_BITS) - 1);
        write!(f, "{}-{}-{generation}", self.shard(), self.index())
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_parts_apart() {
        let last = CONNECTIONS_PER_SHARD_MAX - 1;
        let id = ConnectionId::new(ShardId(254), (1 << GENERATION_BITS) - 1, last);
        assert_eq!((id.shard(), id.index()), (ShardId(254), last));
        assert_eq!(ConnectionId::from_u64(id.as_u64()), Some(id));
        assert_eq!(ConnectionId::from_u64(id.as_u64() | FOREIGN_TOKEN_BIT), None);
        let listener = ListenerIndex(9);
        assert_eq!(ListenerIndex::from_token(listener.token()), Some(listener));
        assert_eq!(ListenerIndex::from_token(id.as_u64()), None);
        assert_eq!(ListenerIndex::from_token(listener.token() | FOREIGN_TOKEN_BIT), None);
        assert_eq!(ConnectionId::from_u64(listener.token()), None);
        assert_ne!(ConnectionId::new(ShardId(1), 7, 3), ConnectionId::new(ShardId(1), 8, 3));
        assert_eq!(ConnectionId::new(ShardId(1), 7, 3).to_string(), "1-3-7");
    }
}
