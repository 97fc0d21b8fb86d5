//! What the cluster has to hear of a shard's partitions: whose logs lost an unfinished end, whose directory is offline, and
//! whose is back.

use storage::{LogId, StorageError};
use types::{ErrorCode, TopicPartition};

use super::Partitions;

/// News of partitions, for the controller.
#[derive(Debug, Default)]
pub struct ReplicaNews {
    /// Their logs lost an unfinished end when they were opened: they need a new leader epoch.
    pub cut: Vec<TopicPartition>,
    /// They cannot be used until the broker is started again.
    pub offline: Vec<TopicPartition>,
    /// They can be used, though the metadata name no leader.
    pub online: Vec<TopicPartition>,
}

impl ReplicaNews {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.cut.is_empty() && self.offline.is_empty() && self.online.is_empty()
    }
}

impl Partitions {
    /// A log went offline: alone, when its partition can still be read, or with its directory.
    pub(super) fn on_offline(&mut self, log: LogId, error: &StorageError) {
        let Some(key) = self.by_log.get(&log).copied() else { return };
        self.fail_appends(key, ErrorCode::KafkaStorageError);
        let Some(partition) = self.open.get(key) else { return };
        if !self.directories.has_failed(partition.directory) {
            tracing::error!("{}: {error}", partition.name);
            return;
        }
        tracing::debug!("{}: {error}", partition.name);
        let at = partition.at;
        self.wake_reads(key);
        self.open.remove(key);
        self.by_log.remove(&log);
        self.store.abandon(log);
        self.note_failed(at);
    }
}
