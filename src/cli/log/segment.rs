//! A segment, `.log`: its batches and records.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use record::{
    BATCH_HEADER_BYTES, BATCH_LENGTH_FIELD_END, BatchHeader, DECOMPRESSED_BYTES_MAX, EndTxnMarker, Record,
    RecordError, TimestampType, TxnOutcome, check_crc, decompress,
};
use types::Offset;

use super::dump::{DumpError, How, Problem, base_offset};

/// Reads the batches of a segment one after the other.
pub(super) struct Walk {
    file: BufReader<File>,
    position: u64,
    len: u64,
}

/// What a walk finds.
pub(super) enum Step {
    /// A batch, whole: its position, header and bytes.
    Batch(u64, BatchHeader, Vec<u8>),
    /// From there on nothing but zeros, which a broker writes ahead.
    Zeros(u64),
    /// From there on something that is no batch; nothing behind it is looked at.
    Bad(Problem),
    End,
}

impl Walk {
    /// Begins at the beginning.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file: BufReader::with_capacity(256 * 1024, file), position: 0, len })
    }

    pub(super) fn next(&mut self) -> io::Result<Step> {
        let left = self.len.saturating_sub(self.position);
        if left == 0 {
            return Ok(Step::End);
        }
        let at = self.position;
        let mut bytes = Vec::new();
        self.file.by_ref().take(BATCH_HEADER_BYTES as u64).read_to_end(&mut bytes)?;
        if bytes.iter().take(BATCH_LENGTH_FIELD_END).all(|byte| *byte == 0) {
            return self.zeros(at, &bytes);
        }
        let header = match BatchHeader::parse(&bytes) {
            Ok(header) => header,
            Err(error) => return Ok(Step::Bad(Problem::at(at, error.to_string()))),
        };
        let needed = header.batch_len_bytes;
        // The claimed length is held against the file before room is made for it.
        if needed as u64 > left {
            let available = usize::try_from(left).unwrap_or(usize::MAX);
            let error = RecordError::Truncated { needed, available };
            return Ok(Step::Bad(Problem::at(at, format!("the last batch is cut off: {error}"))));
        }
        let rest = needed.saturating_sub(bytes.len());
        self.file.by_ref().take(rest as u64).read_to_end(&mut bytes)?;
        self.position = at + needed as u64;
        Ok(Step::Batch(at, header, bytes))
    }

    /// The rest of a file that seems to be empty from `at` on.
    fn zeros(&mut self, at: u64, first: &[u8]) -> io::Result<Step> {
        self.position = self.len;
        let mut from = at;
        let mut piece = first.to_vec();
        loop {
            if let Some(offset) = piece.iter().position(|byte| *byte != 0) {
                let what = format!("zeros, and something again at position {}", from + offset as u64);
                return Ok(Step::Bad(Problem::at(at, what)));
            }
            from += piece.len() as u64;
            piece.clear();
            self.file.by_ref().take(64 * 1024).read_to_end(&mut piece)?;
            if piece.is_empty() {
                return Ok(Step::Zeros(at));
            }
        }
    }
}

/// Prints a segment and says what is wrong with it.
pub(super) fn dump(path: &Path, how: &How, out: &mut impl Write) -> Result<Vec<Problem>, DumpError> {
    let base = base_offset(path)?;
    let mut walk = Walk::open(path).map_err(DumpError::Read)?;
    let mut problems = Vec::new();
    let mut end = Offset(base);
    writeln!(out, "Log starting offset: {base}")?;
    loop {
        match walk.next().map_err(DumpError::Read)? {
            Step::End => return Ok(problems),
            Step::Zeros(at) => {
                let bytes = walk.len - at;
                writeln!(out, "position: {at} {bytes} bytes of zeros up to the end: written ahead")?;
                return Ok(problems);
            }
            Step::Bad(problem) => {
                writeln!(out, "position: {} isvalid: false", problem.position)?;
                problems.push(problem);
                return Ok(problems);
            }
            Step::Batch(at, header, bytes) => {
                let crc = check_crc(&bytes);
                print_batch(&header, at, crc.is_ok(), out)?;
                if header.base_offset < end || header.last_offset_delta < 0 {
                    let what = format!(
                        "offsets {} to {} do not follow {end}",
                        header.base_offset,
                        header.last_offset()
                    );
                    problems.push(Problem::at(at, what));
                }
                end = header.next_offset().max(end);
                match crc {
                    Err(error) => problems.push(Problem::at(at, error.to_string())),
                    Ok(()) if how.records => {
                        if let Err(problem) = records(&header, at, &bytes, how, out)? {
                            problems.push(problem);
                        }
                    }
                    Ok(()) => {}
                }
            }
        }
    }
}

fn print_batch(header: &BatchHeader, at: u64, valid: bool, out: &mut impl Write) -> io::Result<()> {
    let attributes = header.attributes;
    let last_sequence = if header.base_sequence.0 < 0 { -1 } else { header.last_sequence().0 };
    let horizon = if attributes.has_delete_horizon() {
        format!("OptionalLong[{}]", header.base_timestamp)
    } else {
        "OptionalLong.empty".to_owned()
    };
    let codec = header.compression().map_or_else(
        |_| format!("unknown({})", attributes.compression_id()),
        |codec| codec.name().to_owned(),
    );
    writeln!(
        out,
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {last_sequence} producerId: {} \
         producerEpoch: {} partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {horizon} \
         position: {at} {}: {} size: {} magic: {} compresscodec: {codec} crc: {} isvalid: {valid}",
        header.base_offset,
        header.last_offset(),
        header.record_count,
        header.base_sequence,
        header.producer_id,
        header.producer_epoch,
        header.partition_leader_epoch,
        attributes.is_transactional(),
        attributes.is_control(),
        timestamp_type(header),
        header.max_timestamp,
        header.batch_len_bytes,
        header.magic,
        header.crc,
    )
}

fn timestamp_type(header: &BatchHeader) -> &'static str {
    match header.timestamp_type() {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    }
}

/// Prints the records of a batch. The inner error is what is wrong with them.
fn records(
    header: &BatchHeader,
    at: u64,
    batch: &[u8],
    how: &How,
    out: &mut impl Write,
) -> io::Result<Result<(), Problem>> {
    let records = match decompress(batch, DECOMPRESSED_BYTES_MAX) {
        Ok(records) => records,
        Err(error) => return Ok(Err(Problem::at(at, error.to_string()))),
    };
    for record in &records {
        match record {
            Ok(record) => print_record(header, &record, how, out)?,
            Err(error) => return Ok(Err(Problem::at(at, error.to_string()))),
        }
    }
    Ok(Ok(()))
}

fn print_record(
    header: &BatchHeader,
    record: &Record<'_>,
    how: &How,
    out: &mut impl Write,
) -> io::Result<()> {
    let len = |field: Option<&[u8]>| field.map_or("-1".to_owned(), |field| field.len().to_string());
    write!(out, "|")?;
    if how.record_metadata {
        let sequence = match header.base_sequence.0 {
            ..0 => -1,
            _ => {
                let delta = record.offset.0.wrapping_sub(header.base_offset.0);
                header.base_sequence.wrapping_plus(i32::try_from(delta).unwrap_or_default()).0
            }
        };
        let keys: Vec<String> =
            record.headers().map(|header| String::from_utf8_lossy(header.key).into_owned()).collect();
        write!(
            out,
            " offset: {} {}: {} keySize: {} valueSize: {} sequence: {sequence} headerKeys: [{}]",
            record.offset,
            timestamp_type(header),
            record.timestamp,
            len(record.key),
            len(record.value),
            keys.join(",")
        )?;
        if header.is_control() {
            write!(out, "{}", control(record))?;
        }
    }
    if how.data && !header.is_control() {
        if let Some(key) = record.key {
            write!(out, " key: {}", String::from_utf8_lossy(key))?;
        }
        if let Some(value) = record.value {
            write!(out, " payload: {}", String::from_utf8_lossy(value))?;
        }
    }
    writeln!(out)
}

fn control(record: &Record<'_>) -> String {
    let (key, value) = (record.key.unwrap_or_default(), record.value.unwrap_or_default());
    match EndTxnMarker::parse(key, value) {
        Ok(Some(marker)) => {
            let outcome = match marker.outcome {
                TxnOutcome::Abort => "ABORT",
                TxnOutcome::Commit => "COMMIT",
            };
            format!(" endTxnMarker: {outcome} coordinatorEpoch: {}", marker.coordinator_epoch)
        }
        Ok(None) => " controlType: other".to_owned(),
        Err(error) => format!(" controlType: unreadable ({error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchBuilder, BatchOptions};
    use types::TimestampMs;

    fn batch(base: i64) -> Vec<u8> {
        let options = BatchOptions { base_offset: Offset(base), ..Default::default() };
        let mut builder = BatchBuilder::new(options);
        builder.push(TimestampMs(7), Some(b"k"), Some(b"v"), &[]).unwrap();
        builder.push(TimestampMs(8), None, None, &[]).unwrap();
        builder.build().unwrap().to_vec()
    }

    fn dumped(content: &[u8], how: How) -> (String, Vec<Problem>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("00000000000000000010.log");
        std::fs::write(&path, content).unwrap();
        let mut out = Vec::new();
        let problems = dump(&path, &how, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), problems)
    }

    #[test]
    fn batches_and_records_are_printed_as_kafka_prints_them() {
        let how = How { records: true, data: true, record_metadata: true, ..Default::default() };
        let bytes = batch(10);
        let (size, crc) = (bytes.len(), BatchHeader::parse(&bytes).unwrap().crc);
        let (text, problems) = dumped(&bytes, how);
        let wanted = format!(
            "Log starting offset: 10\n\
             baseOffset: 10 lastOffset: 11 count: 2 baseSequence: -1 lastSequence: -1 producerId: -1 producerEpoch: -1 \
             partitionLeaderEpoch: -1 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty \
             position: 0 CreateTime: 8 size: {size} magic: 2 compresscodec: none crc: {crc} isvalid: true\n\
             | offset: 10 CreateTime: 7 keySize: 1 valueSize: 1 sequence: -1 headerKeys: [] key: k payload: v\n\
             | offset: 11 CreateTime: 8 keySize: -1 valueSize: -1 sequence: -1 headerKeys: []\n"
        );
        assert_eq!((text, problems), (wanted, vec![]));
    }

    #[test]
    fn damage_is_reported_with_its_position() {
        let whole = batch(10);
        let mut flipped = batch(12);
        *flipped.last_mut().unwrap() ^= 1;
        let (text, problems) = dumped(&[&whole[..], &flipped, &batch(14)].concat(), How::default());
        assert_eq!(text.matches("isvalid: true").count(), 2);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].position, whole.len() as u64);

        let (_, problems) = dumped(&[&whole[..], &whole[..20]].concat(), How::default());
        assert_eq!(problems[0].position, whole.len() as u64, "a cut header");
        let (_, problems) = dumped(&[&whole[..], &batch(12)[..70]].concat(), How::default());
        assert_eq!(problems[0].position, whole.len() as u64, "a cut batch");
        let (_, problems) = dumped(&[&whole[..], &whole[..]].concat(), How::default());
        assert!(problems[0].what.contains("do not follow 12"), "{problems:?}");
        let (_, problems) = dumped(&batch(9), How::default());
        assert!(problems[0].what.contains("do not follow 10"), "below the segment's base: {problems:?}");
    }

    #[test]
    fn zeros_at_the_end_are_no_damage_unless_something_follows() {
        let (text, problems) = dumped(&[&batch(10)[..], &[0; 100_000]].concat(), How::default());
        assert!(text.contains("100000 bytes of zeros"), "{text}");
        assert_eq!(problems, []);
        let (_, problems) = dumped(&[&batch(10)[..], &[0; 100_000], &[1]].concat(), How::default());
        assert!(problems[0].what.contains("again"), "{problems:?}");
    }
}
