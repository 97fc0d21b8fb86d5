//! A batch, from the first record that it gathers until its memory serves the next one.

use bytes::Bytes;
use record::{BatchBuilder, BatchOptions};
use types::TimestampMs;

use crate::error::BenchError;
use crate::moment::Moment;

/// Memory of batches that is kept for the next ones.
const SPARE_BUFFERS_MAX: usize = 64;

/// When a batch's records were due, and how many at each time.
pub(super) type Dues = Vec<(Moment, u32)>;

/// A batch that is complete.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(super) lane: usize,
    pub(super) bytes: Bytes,
    pub(super) records: u32,
    pub(super) payload_bytes: usize,
    pub(super) dues: Dues,
    pub(super) first_failure: Option<Moment>,
}

/// A batch that gathers records.
#[derive(Debug)]
pub(super) struct Gathering {
    builder: BatchBuilder,
    payload_bytes: usize,
    /// When its first record was due.
    pub(super) since: Moment,
    dues: Dues,
    /// It has waited for its linger, or the window was full: it goes with the next request, even if there is room again by then.
    pub(super) released: bool,
}

impl Gathering {
    pub(super) fn begin(since: Moment, options: BatchOptions, spare: &mut Spare) -> Self {
        let (buffer, dues) = spare.0.pop().unwrap_or_default();
        let builder = BatchBuilder::reusing(options, buffer);
        Self { builder, payload_bytes: 0, since, dues, released: false }
    }

    pub(super) fn push(
        &mut self,
        due: Moment,
        timestamp: TimestampMs,
        (key, value): (Option<&[u8]>, &[u8]),
    ) -> Result<(), BenchError> {
        self.builder.push(timestamp, key, Some(value), &[]).map_err(BenchError::Batch)?;
        self.payload_bytes += key.map_or(0, <[u8]>::len) + value.len();
        match self.dues.last_mut() {
            Some((last, count)) if *last == due => *count += 1,
            _ => self.dues.push((due, 1)),
        }
        Ok(())
    }

    /// What it takes so far, before compression.
    pub(super) fn bytes_uncompressed(&self) -> usize {
        self.builder.bytes_uncompressed()
    }

    pub(super) fn close(self, lane: usize) -> Result<Batch, BenchError> {
        let Self { builder, payload_bytes, dues, .. } = self;
        let records = builder.record_count().unsigned_abs();
        let bytes = builder.build().map_err(BenchError::Batch)?;
        Ok(Batch { lane, bytes, records, payload_bytes, dues, first_failure: None })
    }

    /// Gives it up: its records are lost.
    pub(super) fn into_dues(self) -> Dues {
        self.dues
    }
}

/// Memory of batches that are answered.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<(Vec<u8>, Dues)>);

impl Spare {
    /// Takes the memory of a batch back, unless somebody still reads it.
    pub(super) fn keep(&mut self, batch: Batch) {
        let Batch { bytes, mut dues, .. } = batch;
        if self.0.len() < SPARE_BUFFERS_MAX
            && let Ok(mut bytes) = bytes.try_into_mut()
        {
            bytes.clear();
            dues.clear();
            self.0.push((bytes.into(), dues));
        }
    }
}
