//! Listeners, connections and sockets.

use super::settings;

settings! {
    "advertised.listeners" List None, DistinctNonEmpty, High ReadOnly Acts,
        "The addresses that clients are told to connect to; without it those of `listeners`, with this host's name where they name no host.";
    "connection.failed.authentication.delay.ms" Int Some("100"), AtLeast(0), Low ReadOnly Ignored,
        "How long a connection stays open after its authentication failed, to slow down guessing.";
    "connections.max.idle.ms" Long Some("600000"), Any, Medium ReadOnly Acts,
        "How long a connection may be silent before the broker closes it.";
    "connections.max.reauth.ms" Long Some("0"), Any, Medium ReadOnly Ignored,
        "How long an authentication over SASL is good for; 0 for ever.";
    "controller.listener.names" List Some(""), Distinct, High ReadOnly Acts,
        "The listeners meant for controllers; Strome opens none of them for clients.";
    "early.start.listeners" List None, Distinct, High ReadOnly Ignored,
        "Listeners that open before the authorizer is ready.";
    "inter.broker.listener.name" String None, Any, Medium ReadOnly Ignored,
        "The listener that brokers use among themselves.";
    "listener.security.protocol.map" String Some("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"), Any, Low PerBroker AtStart,
        "The security protocol of each listener name.";
    "listeners" List Some("PLAINTEXT://:9092"), DistinctNonEmpty, High PerBroker AtStart,
        "The addresses to listen on, as `NAME://host:port`; no host means all interfaces, and port 0 any free port.";
    "max.connection.creation.rate" Int Some("2147483647"), AtLeast(0), Medium ClusterWide Ignored,
        "New connections a second that the broker takes.";
    "max.connections" Int Some("2147483647"), AtLeast(0), Medium ClusterWide AtStart,
        "Connections that the broker holds at a time.";
    "max.connections.per.ip" Int Some("2147483647"), AtLeast(0), Medium ClusterWide AtStart,
        "Connections that one client address may hold at a time.";
    "max.connections.per.ip.overrides" String Some(""), Any, Medium ClusterWide AtStart,
        "Exceptions from `max.connections.per.ip`, as `host:count`.";
    "max.request.partition.size.limit" Int Some("2000"), AtLeast(1), Medium ReadOnly Ignored,
        "Partitions that one page of an answer about partitions may hold.";
    "queued.max.request.bytes" Long Some("-1"), Any, Medium ReadOnly Acts,
        "Bytes of requests that may wait in memory; -1 leaves it to Strome's memory budget.";
    "queued.max.requests" Int Some("500"), AtLeast(1), High ReadOnly Ignored,
        "Requests that may wait before network threads stop reading; Strome bounds bytes instead.";
    "request.timeout.ms" Int Some("30000"), Any, High ReadOnly Ignored,
        "How long the broker waits for an answer to its own requests.";
    "security.inter.broker.protocol" String Some("PLAINTEXT"), OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Medium ReadOnly Ignored,
        "The security protocol that brokers use among themselves.";
    "socket.connection.setup.timeout.max.ms" Long Some("30000"), Any, Medium ReadOnly Ignored,
        "The longest time that the broker's own connection attempts may take after several failures.";
    "socket.connection.setup.timeout.ms" Long Some("10000"), Any, Medium ReadOnly Ignored,
        "The time that the broker's own connection attempts may take at first.";
    "socket.listen.backlog.size" Int Some("50"), AtLeast(1), Medium ReadOnly Acts,
        "Connections that the kernel holds for a listener until they are accepted.";
    "socket.receive.buffer.bytes" Int Some("102400"), Any, High ReadOnly Acts,
        "The kernel's receive buffer of a connection; -1 leaves it to the kernel.";
    "socket.request.max.bytes" Int Some("104857600"), AtLeast(1), High ReadOnly Acts,
        "The largest request that a client may send.";
    "socket.send.buffer.bytes" Int Some("102400"), Any, High ReadOnly Acts,
        "The kernel's send buffer of a connection; -1 leaves it to the kernel.";
}
