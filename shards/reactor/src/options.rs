//! What a reactor may be told when it is made.

use std::time::Duration;

/// Sizes and permissions of one reactor. The default suits a shard with some thousand connections.
#[derive(Clone, Debug)]
pub struct Options {
    /// Submissions that may wait for one `io_uring_enter`; when full, they are handed over early.
    pub submissions: u32,
    /// Completions that fit into the ring; the kernel keeps more by itself, at a cost.
    pub completions: u32,
    /// Receive buffers of this shard, a power of two; their memory is touched only when used.
    pub receive_buffers: u16,
    /// The size of a receive buffer, in bytes.
    pub receive_buffer_bytes: usize,
    /// How long `park` looks for news before it sleeps. Worth about 50 us when a core is to spare, else zero.
    pub spin: Duration,
    /// Threads for blocking work, started when the first such work comes.
    pub offload_threads: usize,
    /// Which of the kernel's abilities may be used. All; tests forbid some to walk the other paths.
    pub allow: Allow,
}

/// Abilities that a reactor uses where the kernel has them. Each can be forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allow {
    /// SINGLE_ISSUER and DEFER_TASKRUN: completions are worked off only when the shard asks.
    pub defer_taskrun: bool,
    /// COOP_TASKRUN: completions do not interrupt the shard.
    pub coop_taskrun: bool,
    /// One accept that goes on for ever.
    pub multishot_accept: bool,
    /// One receive that goes on for ever, into buffers of a shared pool.
    pub multishot_receive: bool,
    /// A write and its fdatasync submitted as one chain.
    pub linked_sync: bool,
}

impl Allow {
    /// Everything that the kernel has.
    pub const ALL: Self = Self {
        defer_taskrun: true,
        coop_taskrun: true,
        multishot_accept: true,
        multishot_receive: true,
        linked_sync: true,
    };
    /// Only what the oldest supported kernel has.
    pub const NONE: Self = Self {
        defer_taskrun: false,
        coop_taskrun: false,
        multishot_accept: false,
        multishot_receive: false,
        linked_sync: false,
    };
}

impl Default for Options {
    fn default() -> Self {
        Self {
            submissions: 512,
            completions: 4096,
            receive_buffers: 256,
            receive_buffer_bytes: 32 * 1024,
            spin: Duration::ZERO,
            offload_threads: 2,
            allow: Allow::ALL,
        }
    }
}
