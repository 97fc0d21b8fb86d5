//! What can go wrong between a client and its brokers, in words that say what to do.

use std::io;
use std::time::Duration;

use protocol::{ApiKey, DecodeError, EncodeError};
use record::RecordError;
use types::{ErrorCode, Offset, PartitionIndex};

use super::address::HostPort;

/// Why a client could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No address of the list leads to a broker.
    #[error(
        "cannot connect to a broker\n{}\ncheck that it runs, and that the address is that of one of its listeners \
         (--bootstrap-server HOST:PORT or STROME_BOOTSTRAP_SERVER)",
        attempts.iter().map(|attempt| format!("  {attempt}")).collect::<Vec<_>>().join("\n")
    )]
    NoBroker { attempts: Vec<String> },
    /// A broker that the cluster names cannot be reached.
    #[error(
        "cannot connect to broker {broker} at {address}: {why}\nthat is how the broker advertises itself: check that \
         the name and port can be reached from here, or its advertised.listeners"
    )]
    Advertised { broker: i32, address: HostPort, why: String },
    /// The connection broke or could not be made.
    #[error("{address}: {what}: {source}")]
    Io { address: HostPort, what: &'static str, source: io::Error },
    /// The peer closed the connection instead of answering.
    #[error(
        "{address} closed the connection instead of answering; the port may belong to a listener that wants TLS or SASL"
    )]
    Closed { address: HostPort },
    /// No answer came in time.
    #[error("{address} did not answer {api} within {} ms", after.as_millis())]
    Timeout { address: HostPort, api: ApiKey, after: Duration },
    /// The peer speaks something else.
    #[error("{address} does not speak Kafka's protocol: {why}")]
    NotKafka { address: HostPort, why: String },
    /// An answer cannot be read.
    #[error("{address}: the answer to {api} cannot be read: {source}")]
    Decode { address: HostPort, api: ApiKey, source: DecodeError },
    /// A request cannot be written.
    #[error("cannot write the request: {0}")]
    Encode(#[from] EncodeError),
    /// There is no version that both sides know.
    #[error("{address} cannot do this: {api} {wanted} is needed, and it offers {offered}")]
    Unsupported { address: HostPort, api: ApiKey, wanted: String, offered: String },
    /// A broker refused.
    #[error("{what}: {}", refusal(*code, message.as_deref()))]
    Refused { what: String, code: i16, message: Option<String> },
    /// There is no such topic.
    #[error("there is no topic {0}; 'strome topics list' shows those that there are")]
    UnknownTopic(String),
    /// There is no such group.
    #[error("there is no group {0}; 'strome groups list' shows those that there are")]
    UnknownGroup(String),
    /// There is no such partition.
    #[error("topic {topic} has no partition {partition}; it has {count}")]
    UnknownPartition { topic: String, partition: PartitionIndex, count: usize },
    /// There is no such broker.
    #[error("there is no broker {0} in the cluster")]
    UnknownBroker(i32),
    /// Nobody leads the partition.
    #[error("partition {partition} of {topic} has no leader at the moment")]
    NoLeader { topic: String, partition: PartitionIndex },
    /// Records that cannot be read.
    #[error("partition {partition} of {topic}, offset {offset}: {source}")]
    Records { topic: String, partition: PartitionIndex, offset: Offset, source: RecordError },
    /// Records that cannot be put into a batch.
    #[error("cannot make a batch: {0}")]
    Batch(RecordError),
}

/// A refusal's code by name, with the broker's words.
fn refusal(code: i16, message: Option<&str>) -> String {
    let name = error_name(code);
    match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("{message} ({name})"),
        None => name,
    }
}

/// Kafka's name of an error code, or its number if this program does not know it.
pub fn error_name(code: i16) -> String {
    ErrorCode::from_code(code).map_or_else(|| format!("error {code}"), |code| code.kafka_name().to_owned())
}

/// Whether trying again can help, perhaps at another broker.
pub fn is_retriable(code: i16) -> bool {
    ErrorCode::from_code(code).is_some_and(ErrorCode::is_retriable)
}

impl ClientError {
    /// A refusal, if `code` is one.
    pub fn check(code: i16, message: Option<&str>, what: impl FnOnce() -> String) -> Result<(), Self> {
        if code == 0 {
            return Ok(());
        }
        Err(Self::Refused { what: what(), code, message: message.map(str::to_owned) })
    }

    /// Whether the connection is gone or of no further use.
    pub fn is_connection(&self) -> bool {
        matches!(
            self,
            Self::Io { .. }
                | Self::Closed { .. }
                | Self::Timeout { .. }
                | Self::Advertised { .. }
                | Self::NoBroker { .. }
        )
    }

    /// Whether trying again can help.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Refused { code, .. } => is_retriable(*code),
            Self::NoLeader { .. } => true,
            other => other.is_connection(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_the_brokers_words_and_kafkas_name() {
        let error =
            ClientError::check(36, Some("Topic 'a' already exists."), || "topic a".into()).unwrap_err();
        assert_eq!(error.to_string(), "topic a: Topic 'a' already exists. (TOPIC_ALREADY_EXISTS)");
        let error = ClientError::check(9999, None, || "x".into()).unwrap_err();
        assert_eq!(error.to_string(), "x: error 9999");
        assert!(ClientError::check(0, None, String::new).is_ok());
    }
}
