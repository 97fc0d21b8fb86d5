//! What a cluster is asked to bear.

use super::error::{PlanError, within};

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retention {
    /// Seconds (`retention.ms` / 1000); `None` for no bound by time.
    pub seconds: Option<f64>,
    /// Bytes of each partition (`retention.bytes`); `None` for no bound by size.
    pub partition_bytes: Option<f64>,
}

/// See the module. Rates are averages; peaks are `peak_factor` times as high.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Records produced in a second.
    pub records_per_second: f64,
    /// Bytes of a record's key, value and headers, before compression.
    pub record_bytes: f64,
    /// By how much the busiest time is above the average.
    pub peak_factor: f64,
    /// How many times smaller batches get by compression; 1 for none.
    pub compression: f64,
    /// Bytes of a producer's batch before compression, as `batch.size` and `linger.ms` make them.
    pub batch_bytes: f64,
    /// How long records are kept.
    pub retention: Retention,
    /// Copies of each partition.
    pub replication_factor: u16,
    /// Consumer groups that read everything.
    pub consumer_groups: f64,
    /// How far behind, in seconds, consumers may be that read from memory.
    pub lag_seconds: f64,
    /// Consumer groups that read everything again from disk at a time, twice as fast as it is produced.
    pub catching_up_groups: f64,
    /// Partitions of all topics, each counted once.
    pub partitions: u32,
}

/// Nobody produces more, and no product of two such figures overflows.
const RATE_MAX: f64 = 1e9;
/// A record is no larger than a batch may be.
const RECORD_BYTES_MAX: f64 = 1024.0 * 1024.0 * 1024.0;
/// A hundred years.
const SECONDS_MAX: f64 = 100.0 * 365.0 * 24.0 * 3600.0;
/// As many as Kafka's largest clusters have.
const PARTITIONS_MAX: f64 = 10_000_000.0;
/// An exabyte.
const PARTITION_BYTES_MAX: f64 = 1e18;

impl Load {
    /// Whether everything lies within bounds.
    ///
    /// # Errors
    /// The first input that does not.
    pub fn check(&self) -> Result<(), PlanError> {
        within("the rate of records", self.records_per_second, 1e-3, RATE_MAX)?;
        within("the size of a record", self.record_bytes, 1.0, RECORD_BYTES_MAX)?;
        within("the peak factor", self.peak_factor, 1.0, 1000.0)?;
        within("the compression ratio", self.compression, 0.5, 1000.0)?;
        within("the size of a batch", self.batch_bytes, 1.0, RECORD_BYTES_MAX)?;
        within("the replication factor", f64::from(self.replication_factor), 1.0, 15.0)?;
        within("the number of consumer groups", self.consumer_groups, 0.0, 1e4)?;
        within("the lag of consumers", self.lag_seconds, 0.0, SECONDS_MAX)?;
        within("the number of groups that catch up", self.catching_up_groups, 0.0, 1e4)?;
        within("the number of partitions", f64::from(self.partitions), 1.0, PARTITIONS_MAX)?;
        let Retention { seconds, partition_bytes } = self.retention;
        if let Some(seconds) = seconds {
            within("the retention time", seconds, 1.0, SECONDS_MAX)?;
        }
        if let Some(bytes) = partition_bytes {
            within("the retention size", bytes, 1.0, PARTITION_BYTES_MAX)?;
        }
        if seconds.is_none() && partition_bytes.is_none() {
            return Err(PlanError::Contradiction(
                "records that are kept for ever need endless disks: set a retention".to_owned(),
            ));
        }
        Ok(())
    }
}
