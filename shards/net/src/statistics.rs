//! What a shard counts about its connections, and why connections end.

/// Why a connection was closed, or never became one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client closed it, and everything it had asked was answered.
    PeerClosed,
    /// The connection broke: a reset, or a send that failed.
    Broken,
    /// No activity for `connections.max.idle.ms`; also in the middle of a frame or of a reply.
    Idle,
    /// A frame announced a negative length or more than the limit.
    BadFrame,
    /// A frame took too long to arrive while others waited for request memory.
    TooSlow,
    /// The broker closed it for a reason of its own (failed authentication, a request that makes no sense).
    ByBroker,
    /// The broker stops.
    Stopping,
}

impl CloseReason {
    /// Every reason, in the order of [`Statistics::closed`].
    pub const ALL: [Self; 7] = [
        Self::PeerClosed,
        Self::Broken,
        Self::Idle,
        Self::BadFrame,
        Self::TooSlow,
        Self::ByBroker,
        Self::Stopping,
    ];

    /// A name for metrics and log lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PeerClosed => "peer-closed",
            Self::Broken => "broken",
            Self::Idle => "idle",
            Self::BadFrame => "bad-frame",
            Self::TooSlow => "too-slow",
            Self::ByBroker => "by-broker",
            Self::Stopping => "stopping",
        }
    }
}

/// Counters of one shard, all since its start except `active`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Connections that were accepted and admitted here.
    pub accepted: u64,
    /// Connections that were closed at once because of a limit on their number.
    pub refused: u64,
    /// Attempts to accept that failed (no file descriptors left, say).
    pub accepts_failed: u64,
    /// Connections with an open socket on this shard now.
    pub active: u64,
    /// Connections taken over from other shards.
    pub adopted: u64,
    /// Connections given to other shards.
    pub handed_over: u64,
    /// Connections closed, by [`CloseReason`] in the order of [`CloseReason::ALL`].
    pub closed: [u64; CloseReason::ALL.len()],
    /// Whole frames that arrived.
    pub requests: u64,
    /// Bytes received from clients.
    pub received_bytes: u64,
    /// Bytes sent to clients.
    pub sent_bytes: u64,
    /// How often a connection had to wait for request memory.
    pub memory_waits: u64,
    /// How often a socket was no longer read for a while, for whatever reason.
    pub pauses: u64,
}

impl Statistics {
    /// How many connections were closed for `reason`.
    #[must_use]
    pub fn closed_for(&self, reason: CloseReason) -> u64 {
        self.closed.get(reason as usize).copied().unwrap_or(0)
    }

    pub(crate) fn count_closed(&mut self, reason: CloseReason) {
        if let Some(count) = self.closed.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_listed_in_the_order_of_their_counters() {
        let mut statistics = Statistics::default();
        for (i, reason) in CloseReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, i);
            statistics.count_closed(reason);
            assert_eq!(statistics.closed_for(reason), 1);
        }
    }
}
