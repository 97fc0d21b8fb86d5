//! A broker as the cluster knows it.

use types::{BrokerId, DirectoryId, Uuid};

/// Where clients or other brokers reach a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The listener's name, such as `PLAINTEXT` or `INTERNAL`.
    pub name: String,
    /// The host name or address that is advertised.
    pub host: String,
    /// The TCP port that is advertised.
    pub port: u16,
    /// Kafka's number of the security protocol: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    pub security_protocol: i16,
}

/// The registration of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Kafka's `node.id`.
    pub id: BrokerId,
    /// Tells apart two runs of the broker's process.
    pub incarnation: Uuid,
    /// Counts the registrations of all brokers; requests of an earlier registration are fenced by it.
    pub epoch: i64,
    /// Kafka's `broker.rack`.
    pub rack: Option<String>,
    /// The advertised listeners, in the broker's own order.
    pub listeners: Vec<Listener>,
    /// The ids of its log directories (KIP-858).
    pub directories: Vec<DirectoryId>,
    /// Whether the broker may not lead partitions at present.
    pub fenced: bool,
}

impl Broker {
    /// The listener with this name.
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.name == name)
    }
}
