//! What keeps a broker from starting, or ends it.

use thiserror::Error;

/// See the module. Each message says what to do.
#[derive(Debug, Error)]
pub enum BootError {
    #[error(transparent)]
    Reactor(#[from] reactor::ReactorError),
    #[error(transparent)]
    Listen(#[from] net::ListenError),
    #[error(transparent)]
    Storage(#[from] storage::StorageError),
    #[error("the metadata log: {0}")]
    Quorum(#[from] quorum::QuorumError),
    #[error("the metadata log: {0}; it was not written by this version of the broker, or is damaged")]
    Metadata(#[from] metadata::ApplyError),
    #[error("the operating system: {0}")]
    System(#[from] std::io::Error),
    #[error("{0}")]
    Settings(String),
    #[error("{0}")]
    Directories(String),
    #[error(
        "the admin listener cannot be opened on {address}: {source}; set 'strome.admin.listener' to another address, or to nothing"
    )]
    Admin { address: String, source: std::io::Error },
    #[error("shard {0} has ended unexpectedly; its log lines say why. Acknowledged records are safe")]
    ShardLost(String),
}
