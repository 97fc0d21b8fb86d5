//! How much memory each shard may use, and for what.

use metadata::BrokerSettings;
use storage::StoreSettings;

/// The top byte of the store's tokens: the bit by which connections know that an event is not theirs.
const STORE_TOKENS: u8 = (net::FOREIGN_TOKEN_BIT >> 56) as u8;

const MIB: usize = 1024 * 1024;
/// Without a setting the broker takes this share of the memory, within these bounds: enough for consumers that keep up,
/// while those that lag read from disk, and fresh memory is not touched for what nobody reads again.
const SHARE_OF_HOST: usize = 32;
const TOTAL_BYTES_MIN: usize = 256 * MIB;
const TOTAL_BYTES_MAX: usize = 8 * 1024 * MIB;

/// The shares of one shard, in bytes. They are bounds; memory that is not needed is not taken.
#[derive(Clone, Copy, Debug)]
pub struct MemoryPlan {
    /// Requests that have arrived and are not answered.
    pub request_bytes: usize,
    /// Written records kept for readers.
    pub cache_bytes: usize,
    /// Records that wait to be written.
    pub unwritten_bytes: usize,
    /// How large each of its journals may grow: on disk, not in memory.
    pub journal_bytes: u64,
    /// Records that were read from disk for consumers, until they are sent.
    pub cold_bytes: usize,
}

impl MemoryPlan {
    /// Half for requests, a quarter each for the cache and for what waits for the disk.
    pub fn of(settings: &BrokerSettings, shards: u16) -> Self {
        let shards = usize::from(shards);
        let total = settings.strome.memory_bytes.map_or_else(suitable, |bytes| bytes.0 as usize);
        let requests = settings.network.queued_request_bytes_max.map_or(total / 2, |bytes| bytes.0 as usize);
        let cache = settings.strome.cache_bytes.map_or(total / 4, |bytes| bytes.0 as usize);
        Self {
            request_bytes: requests / shards,
            cache_bytes: cache / shards,
            unwritten_bytes: (total / 4 / shards).max(8 * MIB),
            journal_bytes: settings.strome.journal_bytes.0,
            cold_bytes: (total / 4 / shards).max(8 * MIB),
        }
    }

    /// The bounds of a shard's store; `journal_salt` is random.
    pub fn store_settings(&self, journal_salt: u64) -> StoreSettings {
        StoreSettings {
            token_class: STORE_TOKENS,
            cache_bytes_max: self.cache_bytes,
            unwritten_bytes_max: self.unwritten_bytes,
            journal_bytes_max: self.journal_bytes,
            journal_salt,
            cold_bytes_max: self.cold_bytes,
            ..StoreSettings::default()
        }
    }
}

fn suitable() -> usize {
    let memory = rustix::system::sysinfo();
    let total =
        usize::try_from(memory.totalram).unwrap_or(usize::MAX).saturating_mul(memory.mem_unit as usize);
    (total / SHARE_OF_HOST).clamp(TOTAL_BYTES_MIN, TOTAL_BYTES_MAX)
}
