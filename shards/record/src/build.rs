//! Making batches: for clients, for coordinators' records and for control records.

use bytes::Bytes;
use types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs};

use crate::compress::{self, CompressionLevel};
use crate::control::EndTxnMarker;
use crate::crc::crc32c;
use crate::encode::{self, Fields};
use crate::error::RecordError;
use crate::header::{
    ATTRIBUTES_AT, Attributes, BATCH_HEADER_BYTES, BATCH_LENGTH_FIELD_END, BatchHeader, CRC_AT, Compression,
    MAGIC_V2, TimestampType,
};
use crate::records::Header;
use crate::varint;

/// Who a batch is from, if its producer is idempotent or transactional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerStamp {
    pub id: ProducerId,
    pub epoch: ProducerEpoch,
    /// Sequence of the first record.
    pub base_sequence: Sequence,
}

impl ProducerStamp {
    /// Of a batch without idempotence.
    pub const NONE: Self =
        Self { id: ProducerId::NONE, epoch: ProducerEpoch::NONE, base_sequence: Sequence::NONE };
}

/// What a batch is to be, besides its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// 0 in what clients send.
    pub base_offset: Offset,
    /// -1 in what clients send.
    pub leader_epoch: LeaderEpoch,
    pub compression: Compression,
    pub level: CompressionLevel,
    /// Set where the broker's time counts (`LogAppendTime`), for all records.
    pub log_append_time: Option<TimestampMs>,
    pub producer: ProducerStamp,
    pub transactional: bool,
    pub control: bool,
}

impl Default for BatchOptions {
    /// An uncompressed batch of a producer that is neither idempotent nor transactional.
    fn default() -> Self {
        Self {
            base_offset: Offset::ZERO,
            leader_epoch: LeaderEpoch::NONE,
            compression: Compression::None,
            level: CompressionLevel::Default,
            log_append_time: None,
            producer: ProducerStamp::NONE,
            transactional: false,
            control: false,
        }
    }
}

/// Collects records and makes one batch of them.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    /// Room for the header, then the records as they are without compression.
    batch: Vec<u8>,
    count: i32,
    base_timestamp: TimestampMs,
    max_timestamp: TimestampMs,
}

impl BatchBuilder {
    /// Without records yet.
    #[must_use]
    pub fn new(options: BatchOptions) -> Self {
        Self::reusing(options, Vec::new())
    }

    /// The same in the memory of `buffer`, whose content is dropped. Without compression the batch that comes out lies in
    /// it too: who makes many batches and gets their memory back ([`Bytes::try_into_mut`]) allocates nothing.
    #[must_use]
    pub fn reusing(options: BatchOptions, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(BATCH_HEADER_BYTES, 0);
        Self {
            options,
            batch: buffer,
            count: 0,
            base_timestamp: TimestampMs::NONE,
            max_timestamp: TimestampMs::NONE,
        }
    }

    /// Records so far.
    #[must_use]
    pub fn record_count(&self) -> i32 {
        self.count
    }

    /// Bytes of the batch so far, were it not compressed.
    #[must_use]
    pub fn bytes_uncompressed(&self) -> usize {
        self.batch.len()
    }

    /// Appends a record.
    ///
    /// # Errors
    /// `TooLarge` for what no batch can hold.
    pub fn push(
        &mut self,
        timestamp: TimestampMs,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<(), RecordError> {
        if self.count == 0 {
            self.base_timestamp = timestamp;
        }
        let delta = timestamp.0.wrapping_sub(self.base_timestamp.0);
        let fields = Fields { timestamp_delta: delta, offset_delta: self.count, key, value };
        let body = fields.body_bytes(headers.len(), headers.iter().map(encode::header_bytes).sum());
        let whole = self.bytes_uncompressed() + varint::len(body as i64) + body;
        if i32::try_from(whole).is_err() || self.count == i32::MAX {
            return Err(RecordError::TooLarge(whole));
        }
        self.batch.reserve(whole - self.bytes_uncompressed());
        fields.put(&mut self.batch, body, headers.len());
        headers.iter().for_each(|header| encode::put_header(&mut self.batch, header));
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.count += 1;
        Ok(())
    }

    /// Appends the control record of a transaction's end.
    ///
    /// # Errors
    /// `TooLarge` for what no batch can hold.
    pub fn push_marker(&mut self, timestamp: TimestampMs, marker: &EndTxnMarker) -> Result<(), RecordError> {
        self.push(timestamp, Some(&marker.key()), Some(&marker.value()), &[])
    }

    /// The batch.
    ///
    /// # Errors
    /// `RecordCount` without records; what the compressor reports.
    pub fn build(mut self) -> Result<Bytes, RecordError> {
        if self.count == 0 {
            return Err(RecordError::RecordCount("a batch needs a record"));
        }
        let options = self.options;
        let mut attributes = Attributes::default().with_compression(options.compression);
        if options.transactional {
            attributes = attributes.with_transactional();
        }
        if options.control {
            attributes = attributes.with_control();
        }
        if options.log_append_time.is_some() {
            attributes = attributes.with_timestamp_type(TimestampType::LogAppendTime);
        }
        let mut header = BatchHeader {
            base_offset: options.base_offset,
            batch_len_bytes: 0,
            partition_leader_epoch: options.leader_epoch,
            magic: MAGIC_V2,
            crc: 0,
            attributes,
            last_offset_delta: self.count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: options.log_append_time.unwrap_or(self.max_timestamp),
            producer_id: options.producer.id,
            producer_epoch: options.producer.epoch,
            base_sequence: options.producer.base_sequence,
            record_count: self.count,
        };
        if options.compression == Compression::None {
            header.batch_len_bytes = self.batch.len();
            write_header(&mut header, &mut self.batch)?;
            return Ok(Bytes::from(self.batch));
        }
        let records = self.batch.get(BATCH_HEADER_BYTES..).unwrap_or_default();
        assemble(&header, options.compression, options.level, records).map(|(_, batch)| batch)
    }
}

/// A batch with this `header`, whose length and checksum are found here, and `records` compressed as it says with
/// `codec`. Returns the header as it came out.
pub(crate) fn assemble(
    header: &BatchHeader,
    codec: Compression,
    level: CompressionLevel,
    records: &[u8],
) -> Result<(BatchHeader, Bytes), RecordError> {
    let mut header = *header;
    header.attributes = header.attributes.with_compression(codec);
    let mut batch = Vec::with_capacity(BATCH_HEADER_BYTES + records.len());
    batch.resize(BATCH_HEADER_BYTES, 0);
    compress::compress(codec, level, records, &mut batch)?;
    header.batch_len_bytes = batch.len();
    write_header(&mut header, &mut batch)?;
    Ok((header, Bytes::from(batch)))
}

/// Writes `header` at the beginning of `batch`, and the batch's checksum into both.
pub(crate) fn write_header(header: &mut BatchHeader, batch: &mut [u8]) -> Result<(), RecordError> {
    let len = header.batch_len_bytes;
    let after_length =
        i32::try_from(len.saturating_sub(BATCH_LENGTH_FIELD_END)).map_err(|_| RecordError::TooLarge(len))?;
    let mut fields = Vec::with_capacity(BATCH_HEADER_BYTES);
    fields.extend(header.base_offset.0.to_be_bytes());
    fields.extend(after_length.to_be_bytes());
    fields.extend(header.partition_leader_epoch.0.to_be_bytes());
    fields.extend(header.magic.to_be_bytes());
    fields.extend([0; 4]);
    fields.extend(header.attributes.0.to_be_bytes());
    fields.extend(header.last_offset_delta.to_be_bytes());
    fields.extend(header.base_timestamp.0.to_be_bytes());
    fields.extend(header.max_timestamp.0.to_be_bytes());
    fields.extend(header.producer_id.0.to_be_bytes());
    fields.extend(header.producer_epoch.0.to_be_bytes());
    fields.extend(header.base_sequence.0.to_be_bytes());
    fields.extend(header.record_count.to_be_bytes());
    assert!(fields.len() == BATCH_HEADER_BYTES && batch.len() == len, "the batch has room for its header");
    batch[..BATCH_HEADER_BYTES].copy_from_slice(&fields);
    header.crc = crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&header.crc.to_be_bytes());
    Ok(())
}
