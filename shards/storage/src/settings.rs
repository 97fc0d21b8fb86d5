//! The settings of a store and of its logs.

/// What one log is asked to do; Kafka's topic settings of the same names. Defaults are Kafka's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `segment.bytes`: a batch that would make a segment larger opens the next one.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment older than this is followed by another even if it is small.
    pub segment_ms: i64,
    /// `segment.jitter.ms`: by how much, at most, a segment's time is shorter, so that not all segments end at once.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: how large an offset index may grow before the next segment begins.
    pub segment_index_bytes: u32,
    /// `index.interval.bytes`: how many bytes of batches lie between two index entries.
    pub index_interval_bytes: u32,
    /// `retention.ms`: segments with nothing younger than this are deleted; -1 for never. Ignored unless `deletes`.
    pub retention_ms: i64,
    /// `retention.bytes`: the oldest segments of a log larger than this are deleted; -1 for no limit. Ignored unless
    /// `deletes`.
    pub retention_bytes: i64,
    /// Whether `cleanup.policy` contains `delete`.
    pub deletes: bool,
    /// `file.delete.delay.ms`: how long the files of dropped segments and of removed logs stay under another name.
    pub delete_delay_ms: i64,
}

impl Default for LogSettings {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self {
            segment_bytes: 1024 * 1024 * 1024,
            segment_ms: 7 * DAY_MS,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 * 1024 * 1024,
            index_interval_bytes: 4096,
            retention_ms: 7 * DAY_MS,
            retention_bytes: -1,
            deletes: true,
            delete_delay_ms: 60_000,
        }
    }
}

/// The bounds of a shard's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The top eight bits of every token that the store gives to the reactor, so that the shard can route events back.
    pub token_class: u8,
    /// Bytes of written records kept in memory for readers.
    pub cache_bytes_max: usize,
    /// Bytes that may wait to be written, in all logs of the store.
    pub unwritten_bytes_max: usize,
    /// The same for one log.
    pub log_unwritten_bytes_max: usize,
    /// The largest chunk of a tail; a larger batch gets a chunk of its own.
    pub chunk_bytes_max: usize,
    /// The first chunk of a tail that was idle.
    pub chunk_bytes_min: usize,
    /// Bytes of records that were read from disk and that somebody sees, be it a client that has not taken its answer yet;
    /// those that were read ahead take half of it at most.
    pub cold_bytes_max: usize,
    /// How many bytes the disk is asked for at once for consumers; what comes on top waits for its turn.
    pub cold_load_bytes_max: usize,
    /// The same while producers' commits need the disk.
    pub cold_load_bytes_max_committing: usize,
    /// In what pieces records that the journal holds are written to their segment.
    pub write_back_bytes: u64,
    /// How many segments other than the active ones may be kept open for readers.
    pub open_segments_max: usize,
    /// How long records that nobody wants synced may wait in memory before they are written.
    pub write_delay_ms_max: i64,
    /// After how long without an append a log gives back its memory and closes its file.
    pub idle_ms: i64,
    /// How often recovery points are saved.
    pub checkpoint_interval_ms: i64,
    /// How long a log whose disk is full waits before it tries again.
    pub retry_ms: i64,
    /// How large the journal in each log directory may grow; 0 for none: then every log commits for itself.
    pub journal_bytes_max: u64,
    /// Random, so that no producer can send what would pass for a part of the journal.
    pub journal_salt: u64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            token_class: 0,
            cache_bytes_max: 256 * 1024 * 1024,
            unwritten_bytes_max: 128 * 1024 * 1024,
            log_unwritten_bytes_max: 32 * 1024 * 1024,
            chunk_bytes_max: 1024 * 1024,
            chunk_bytes_min: 16 * 1024,
            cold_bytes_max: 128 * 1024 * 1024,
            cold_load_bytes_max: 2 * 1024 * 1024,
            cold_load_bytes_max_committing: 512 * 1024,
            write_back_bytes: 256 * 1024,
            open_segments_max: 256,
            write_delay_ms_max: 500,
            idle_ms: 60_000,
            checkpoint_interval_ms: 60_000,
            retry_ms: 1_000,
            journal_bytes_max: 64 * 1024 * 1024,
            journal_salt: 0,
        }
    }
}
