//! Why an append is refused, and which of Kafka's error codes says so.

use types::{ErrorCode, Offset, ProducerEpoch, ProducerId, Sequence};

/// An append that the state of its partition refuses, or a file of that state that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplicationError {
    /// A batch is missing before this one, or this one was written too long ago to be known as a duplicate.
    #[error(
        "out of order sequence number for producer {producer_id}: {incoming} came in, {last} is the last one known"
    )]
    OutOfOrderSequence { producer_id: ProducerId, incoming: Sequence, last: Sequence },
    /// A new epoch's first batch must have sequence 0.
    #[error(
        "invalid sequence number {incoming} for the new epoch {epoch} of producer {producer_id}, whose epoch was {current}"
    )]
    SequenceOfNewEpoch {
        producer_id: ProducerId,
        incoming: Sequence,
        epoch: ProducerEpoch,
        current: ProducerEpoch,
    },
    /// An instance of the producer that another one has replaced.
    #[error("epoch {incoming} of producer {producer_id} is no longer valid, the last one seen is {current}")]
    InvalidProducerEpoch { producer_id: ProducerId, incoming: ProducerEpoch, current: ProducerEpoch },
    /// A batch outside of transactions from a producer with one open.
    #[error("expected a transactional write from producer {producer_id}")]
    NotTransactional { producer_id: ProducerId },
    /// No room for another producer: all that are remembered have a transaction open.
    #[error("{producers} producers have a transaction open in this partition, and more are not allowed")]
    TooManyTransactions { producers: usize },
    /// A marker of a transaction coordinator that another one has replaced.
    #[error(
        "coordinator epoch {incoming} for producer {producer_id} is a zombie's, the current one is {current}"
    )]
    CoordinatorFenced { producer_id: ProducerId, incoming: i32, current: i32 },
    /// The log start cannot pass what consumers may read.
    #[error("log start {wanted} is beyond the high watermark {high_watermark}")]
    BeyondHighWatermark { wanted: Offset, high_watermark: Offset },
    /// A producer snapshot that is damaged or of an unknown version.
    #[error("producer snapshot: {0}")]
    Snapshot(&'static str),
    /// A leader epoch checkpoint that does not parse; the line is counted from 1.
    #[error("leader epoch checkpoint, line {line}: {why}")]
    Checkpoint { line: usize, why: &'static str },
}

impl ReplicationError {
    /// What a client is answered.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::OutOfOrderSequence { .. } | Self::SequenceOfNewEpoch { .. } => {
                ErrorCode::OutOfOrderSequenceNumber
            }
            Self::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            Self::NotTransactional { .. } => ErrorCode::InvalidTxnState,
            Self::TooManyTransactions { .. } => ErrorCode::PolicyViolation,
            Self::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
            Self::BeyondHighWatermark { .. } => ErrorCode::OffsetOutOfRange,
            Self::Snapshot(_) | Self::Checkpoint { .. } => ErrorCode::KafkaStorageError,
        }
    }
}
