//! The small files beside segments: producer snapshots and checkpoints.

use std::io::Write;
use std::path::Path;

use replication::{LeaderEpochs, PRODUCERS_MAX, ProducerEntry, ProducerLimits, ProducerStates};
use types::{Offset, TimestampMs, TopicId};

use super::dump::{DumpError, Problem, base_offset};

/// Prints the producers of a snapshot.
pub(super) fn producer_snapshot<W: Write>(path: &Path, out: &mut W) -> Result<Vec<Problem>, DumpError> {
    let end = Offset(base_offset(path)?);
    let bytes = std::fs::read(path).map_err(DumpError::Read)?;
    // Nothing has expired at the beginning of time.
    let limits = ProducerLimits { expiration_ms: i64::MAX, producers: PRODUCERS_MAX };
    match ProducerStates::from_snapshot(&bytes, end, limits, TimestampMs(0)) {
        Ok(states) => {
            for entry in states.producers() {
                print_producer(entry, out)?;
            }
            Ok(Vec::new())
        }
        Err(error) => Ok(vec![Problem::at(0, error.to_string())]),
    }
}

fn print_producer(entry: &ProducerEntry, out: &mut impl Write) -> std::io::Result<()> {
    let open =
        entry.txn_first_offset.map_or("OptionalLong.empty".to_owned(), |o| format!("OptionalLong[{o}]"));
    write!(
        out,
        "producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {open} lastTimestamp: {}",
        entry.producer_id, entry.epoch, entry.coordinator_epoch, entry.last_timestamp
    )?;
    if let Some(batch) = entry.last_batch() {
        write!(
            out,
            " firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}",
            batch.first_sequence(),
            batch.last_sequence,
            batch.last_offset,
            batch.offset_delta,
            batch.timestamp
        )?;
    }
    writeln!(out)
}

/// Prints the leader epochs of a log.
pub(super) fn leader_epochs<W: Write>(path: &Path, out: &mut W) -> Result<Vec<Problem>, DumpError> {
    let text = std::fs::read_to_string(path).map_err(DumpError::Read)?;
    match LeaderEpochs::decode(&text) {
        Ok(epochs) => {
            for entry in epochs.entries() {
                writeln!(out, "epoch: {} startOffset: {}", entry.epoch, entry.start_offset)?;
            }
            Ok(Vec::new())
        }
        Err(error) => Ok(vec![Problem::at(0, error.to_string())]),
    }
}

/// Prints a checkpoint of an offset per partition.
pub(super) fn offset_checkpoint<W: Write>(path: &Path, out: &mut W) -> Result<Vec<Problem>, DumpError> {
    let text = std::fs::read_to_string(path).map_err(DumpError::Read)?;
    let mut lines = text.lines();
    if lines.next() != Some("0") {
        return Ok(vec![Problem::at(0, "the first line is not the version 0")]);
    }
    let count = lines.next().and_then(|line| line.parse::<usize>().ok());
    let mut read = 0;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let numbers = |partition: &str, offset: &str| {
            Some((partition.parse::<i32>().ok()?, offset.parse::<i64>().ok()?))
        };
        let parsed = match words[..] {
            [topic, partition, offset] => numbers(partition, offset).map(|numbers| (topic, numbers)),
            _ => None,
        };
        let Some((topic, (partition, offset))) = parsed else {
            let at = line.as_ptr().addr() - text.as_ptr().addr();
            return Ok(vec![Problem::at(at as u64, format!("{line:?} is not TOPIC PARTITION OFFSET"))]);
        };
        writeln!(out, "topic: {topic} partition: {partition} offset: {offset}")?;
        read += 1;
    }
    if count != Some(read) {
        return Ok(vec![Problem::at(2, "the number of entries is not the number of lines")]);
    }
    Ok(Vec::new())
}

/// Prints the topic's id.
pub(super) fn partition_metadata<W: Write>(path: &Path, out: &mut W) -> Result<Vec<Problem>, DumpError> {
    let text = std::fs::read_to_string(path).map_err(DumpError::Read)?;
    let field =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let (version, id) = (field("version"), field("topic_id"));
    writeln!(out, "version: {} topicId: {}", version.unwrap_or("none"), id.unwrap_or("none"))?;
    if version != Some("0") {
        return Ok(vec![Problem::at(0, "the version is not 0")]);
    }
    Ok(match id.map(str::parse::<TopicId>) {
        None => vec![Problem::at(0, "the topic's id is missing")],
        Some(Err(error)) => vec![Problem::at(0, error.to_string())],
        Some(Ok(_)) => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dumped(
        content: &str,
        dump: fn(&Path, &mut Vec<u8>) -> Result<Vec<Problem>, DumpError>,
    ) -> (String, usize) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("00000000000000000000.snapshot");
        std::fs::write(&path, content).unwrap();
        let mut out = Vec::new();
        let problems = dump(&path, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), problems.len())
    }

    #[test]
    fn checkpoints_are_printed_and_checked() {
        let epochs = leader_epochs::<Vec<u8>>;
        assert_eq!(dumped("0\n1\n0 0\n", epochs), ("epoch: 0 startOffset: 0\n".to_owned(), 0));
        assert_eq!(dumped("0\n2\n0 0\n", epochs).1, 1);
        let offsets = offset_checkpoint::<Vec<u8>>;
        assert_eq!(dumped("0\n1\na 2 3\n", offsets), ("topic: a partition: 2 offset: 3\n".to_owned(), 0));
        for bad in ["", "1\n0\n", "0\n1\n", "0\n1\na 2\n", "0\n1\na b c\n"] {
            assert_eq!(dumped(bad, offsets).1, 1, "{bad:?}");
        }
        let metadata = partition_metadata::<Vec<u8>>;
        assert_eq!(dumped("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n", metadata).1, 0);
        assert_eq!(dumped("version: 0\ntopic_id: x\n", metadata).1, 1);
        assert_eq!(dumped("nonsense", producer_snapshot::<Vec<u8>>), (String::new(), 1));
    }
}
