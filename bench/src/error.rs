//! Why a benchmark could not be run to its end.

use std::io;
use std::time::Duration;

use protocol::{ApiKey, DecodeError, EncodeError};
use reactor::ReactorError;
use record::RecordError;
use types::ErrorCode;

use crate::dial::Address;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The plan makes no sense.
    #[error("{0}")]
    Plan(String),
    /// The plan makes sense, but it could not be carried out.
    #[error("{0}")]
    Failed(String),
    /// No address leads to a broker.
    #[error(
        "cannot connect to a broker: {0}\ncheck that it runs, and that the address is that of one of its listeners"
    )]
    NoBroker(String),
    /// A connection could not be made, or broke.
    #[error("{address}: {what}: {source}")]
    Io {
        /// The other end.
        address: Address,
        /// What was tried.
        what: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{address} did not answer {api} within {} ms", after.as_millis())]
    Timeout {
        /// The broker.
        address: Address,
        /// What was asked.
        api: ApiKey,
        /// How long it was waited.
        after: Duration,
    },
    /// A broker that was there went away, and did not come back in time.
    #[error("a broker has been gone for {} ms: {source}", after.as_millis())]
    Gone {
        /// How long.
        after: Duration,
        /// What the last attempt to connect said.
        source: Box<BenchError>,
    },
    /// The peer speaks something else.
    #[error("{address} does not speak Kafka's protocol: {why}")]
    NotKafka {
        /// The peer.
        address: Address,
        /// How that shows.
        why: String,
    },
    /// An answer cannot be read.
    #[error("{address}: the answer to {api} cannot be read: {source}")]
    Decode {
        /// The broker.
        address: Address,
        /// What was asked.
        api: ApiKey,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A request cannot be written.
    #[error("cannot write a request: {0}")]
    Encode(#[from] EncodeError),
    /// There is no version that both sides know.
    #[error("{address} knows no version of {api} that this client knows")]
    Unsupported {
        /// The broker.
        address: Address,
        /// What was to be asked.
        api: ApiKey,
    },
    /// A broker refused for good.
    #[error("{what}: {}", refusal(*code, message))]
    Refused {
        /// What was asked for.
        what: String,
        /// Kafka's error code.
        code: i16,
        /// The broker's words, if it has any.
        message: String,
    },
    /// Trying again has not helped.
    #[error("{what}: still {} after {} ms", error_name(*code), after.as_millis())]
    Exhausted {
        /// What was asked for.
        what: String,
        /// The error of the last attempt.
        code: i16,
        /// How long it was tried.
        after: Duration,
    },
    /// A batch cannot be made.
    #[error("cannot make a batch: {0}")]
    Batch(RecordError),
    /// Records came back damaged.
    #[error("{topic}, partition {partition}: the broker sent records that are damaged: {source}")]
    Records {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// What is wrong with them.
        source: RecordError,
    },
    /// A client thread could not be started, or died.
    #[error("a thread of the client: {0}")]
    Thread(#[from] ReactorError),
    /// A broker's metrics do not say where the time went.
    #[error("where the time went is not known: http://{admin}/metrics: {why}")]
    Unexplained {
        /// What was asked.
        admin: Address,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody asked for the end.
    #[error("stopped before the end")]
    Stopped,
    /// A saved result cannot be read.
    #[error("{0}")]
    Result(String),
}

fn refusal(code: i16, message: &str) -> String {
    let name = error_name(code);
    if message.is_empty() { name } else { format!("{message} ({name})") }
}

/// Kafka's name of an error code, or its number.
#[must_use]
pub fn error_name(code: i16) -> String {
    ErrorCode::from_code(code).map_or_else(|| format!("error {code}"), |code| code.kafka_name().to_owned())
}

/// Whether trying again can help.
#[must_use]
pub(crate) fn is_retriable(code: i16) -> bool {
    ErrorCode::from_code(code).is_some_and(ErrorCode::is_retriable)
}
