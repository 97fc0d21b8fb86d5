//! Transactions that were open when Kafka stopped, as the producer snapshots of its logs tell.

use std::fs;
use std::path::Path;

use replication::{PRODUCERS_MAX, ProducerLimits, ProducerStates};
use types::{Offset, ProducerId, TimestampMs};

/// The oldest open transaction of the log in `dir`: its first offset, and its producer. A snapshot that cannot be read
/// tells of none: the first start makes it anew from the log.
pub fn open_since(dir: &Path) -> Option<(Offset, ProducerId)> {
    let names = fs::read_dir(dir).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let taken = names.filter_map(|name| name.strip_suffix(".snapshot")?.parse::<i64>().ok());
    let at = taken.max()?;
    let bytes = fs::read(dir.join(format!("{at:020}.snapshot"))).ok()?;
    // Nothing has expired at the beginning of time.
    let limits = ProducerLimits { expiration_ms: i64::MAX, producers: PRODUCERS_MAX };
    let states = ProducerStates::from_snapshot(&bytes, Offset(at), limits, TimestampMs(0)).ok()?;
    let open = states.producers().filter_map(|entry| Some((entry.txn_first_offset?, entry.producer_id)));
    open.min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchBuilder, BatchHeader, BatchOptions, ProducerStamp};
    use types::{ProducerEpoch, Sequence};

    #[test]
    fn the_newest_snapshot_counts() {
        let limits = ProducerLimits { expiration_ms: i64::MAX, producers: PRODUCERS_MAX };
        let mut states = ProducerStates::new(Offset(7), limits);
        let producer =
            ProducerStamp { id: ProducerId(4), epoch: ProducerEpoch(0), base_sequence: Sequence(0) };
        let options =
            BatchOptions { base_offset: Offset(7), producer, transactional: true, ..Default::default() };
        let mut builder = BatchBuilder::new(options);
        builder.push(TimestampMs(1), None, None, &[]).unwrap();
        states.applied(&BatchHeader::parse(&builder.build().unwrap()).unwrap(), TimestampMs(1));
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(open_since(dir.path()), None);
        fs::write(dir.path().join("00000000000000000008.snapshot"), states.snapshot()).unwrap();
        assert_eq!(open_since(dir.path()), Some((Offset(7), ProducerId(4))));
        let none = ProducerStates::new(Offset(10), limits).snapshot();
        fs::write(dir.path().join("00000000000000000010.snapshot"), none).unwrap();
        assert_eq!(open_since(dir.path()), None);
        fs::write(dir.path().join("00000000000000000011.snapshot"), "damaged").unwrap();
        assert_eq!(open_since(dir.path()), None);
    }
}
