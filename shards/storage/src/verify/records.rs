//! The inside of a batch: does it hold the records that its header claims?

use record::{
    BatchHeader, DECOMPRESSED_BYTES_MAX, EndTxnMarker, RecordError, TimestampType, TxnOutcome, decompress,
};
use types::TimestampMs;

/// What is wrong inside a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Wrong(String),
    /// Decompressed it is larger than what is looked at.
    TooLarge,
}

/// Checks the records of one whole batch whose checksum is right; says how it ends a transaction, if it does.
pub(super) fn check(header: &BatchHeader, batch: &[u8]) -> Result<Option<TxnOutcome>, Fault> {
    let wrong = |what: String| Err(Fault::Wrong(what));
    let (count, last_delta) = (header.record_count, header.last_offset_delta);
    if count < 0 || i64::from(count) > i64::from(last_delta) + 1 {
        return wrong(format!("{count} records cannot have the offset deltas 0 to {last_delta}"));
    }
    let records = match decompress(batch, DECOMPRESSED_BYTES_MAX) {
        Ok(records) => records,
        Err(RecordError::DecompressedTooLarge { .. }) => return Err(Fault::TooLarge),
        // Compaction leaves the header of a batch without records, whatever its compression was.
        Err(_) if count == 0 && batch.len() == record::BATCH_HEADER_BYTES => return Ok(None),
        Err(error) => return wrong(error.to_string()),
    };
    let (mut before, mut newest, mut ends) = (None, TimestampMs::NONE, None);
    let mut iter = records.iter();
    for record in iter.by_ref() {
        let record = record.map_err(|error| Fault::Wrong(error.to_string()))?;
        let delta = record.offset.0.wrapping_sub(header.base_offset.0);
        if !(0..=i64::from(last_delta)).contains(&delta) || before.is_some_and(|before| delta <= before) {
            return wrong(format!("the offset {} of a record is out of order", record.offset));
        }
        before = Some(delta);
        newest = newest.max(record.timestamp);
        if header.is_control() {
            let (key, value) = (record.key.unwrap_or_default(), record.value.unwrap_or_default());
            let marker = EndTxnMarker::parse(key, value)
                .map_err(|error| Fault::Wrong(format!("a control record cannot be read: {error}")))?;
            ends = marker.map(|marker| marker.outcome);
        }
    }
    let rest = iter.rest_bytes();
    if rest > 0 {
        return wrong(format!("{rest} bytes follow the last of its {count} records"));
    }
    let by_producer = header.timestamp_type() == TimestampType::CreateTime;
    if by_producer && count > 0 && newest != header.max_timestamp {
        return wrong(format!(
            "its newest record has the timestamp {newest}, its header says {}",
            header.max_timestamp
        ));
    }
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchBuilder, BatchOptions, Compression, crc32c};

    fn batch(compression: Compression) -> Vec<u8> {
        let options = BatchOptions { compression, ..Default::default() };
        let mut builder = BatchBuilder::new(options);
        for i in 0..5 {
            builder.push(TimestampMs(1000 + i), Some(b"k"), Some(b"value"), &[]).unwrap();
        }
        builder.build().unwrap().to_vec()
    }

    /// A batch in which bytes were changed before its checksum was made.
    fn changed(at: usize, bytes: &[u8]) -> Result<Option<TxnOutcome>, Fault> {
        let mut batch = batch(Compression::None);
        batch[at..at + bytes.len()].copy_from_slice(bytes);
        let crc = crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        check(&BatchHeader::parse(&batch).unwrap(), &batch)
    }

    fn said(result: Result<Option<TxnOutcome>, Fault>) -> String {
        match result {
            Err(Fault::Wrong(what)) => what,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn whole_batches_of_every_codec_are_right() {
        for codec in Compression::ALL {
            let batch = batch(codec);
            assert_eq!(check(&BatchHeader::parse(&batch).unwrap(), &batch), Ok(None), "{codec}");
        }
    }

    #[test]
    fn a_header_that_its_records_contradict_is_found_although_the_checksum_is_right() {
        assert!(said(changed(57, &4_i32.to_be_bytes())).contains("bytes follow the last"));
        assert!(said(changed(57, &6_i32.to_be_bytes())).contains("cannot have the offset deltas"));
        assert!(said(changed(57, &(-1_i32).to_be_bytes())).contains("cannot have"));
        assert!(said(changed(35, &2000_i64.to_be_bytes())).contains("timestamp 1004"));
        // The second record's offset delta becomes that of the first.
        let second = 61 + 13;
        assert!(said(changed(second + 3, &[0])).contains("out of order"));
        assert!(said(changed(61, &[127])).contains("record 0"), "{:?}", changed(61, &[127]));
    }
}
