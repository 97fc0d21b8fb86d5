//! What the broker keeps of a connection beside its bytes; it moves with the connection from shard to shard.

use protocol::Str;
use types::ShardId;

use crate::fetch_session::FetchSessions;

/// So many requests in a row for one other shard, and the connection moves there. Few enough that a busy client soon
/// needs no hop, many enough that one that visits all its partitions in turn stays.
const REQUESTS_BEFORE_MOVE: u32 = 32;

/// See the module.
#[derive(Default)]
pub struct Session {
    /// What ApiVersions said (KIP-511).
    pub client_software_name: Option<Str>,
    pub client_software_version: Option<Str>,
    pub fetches: FetchSessions,
    affinity: Affinity,
}

/// Where a connection's requests go.
#[derive(Default)]
struct Affinity {
    target: Option<ShardId>,
    in_a_row: u32,
}

impl Session {
    /// Notes that a request went to the partitions of just one shard. Returns that shard when it is time to move
    /// there.
    pub fn note_owner(&mut self, home: ShardId, owner: ShardId) -> Option<ShardId> {
        if owner == home {
            self.affinity = Affinity::default();
            return None;
        }
        if self.affinity.target != Some(owner) {
            self.affinity = Affinity { target: Some(owner), in_a_row: 0 };
        }
        self.affinity.in_a_row += 1;
        (self.affinity.in_a_row == REQUESTS_BEFORE_MOVE).then_some(owner)
    }
}
