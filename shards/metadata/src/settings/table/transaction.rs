//! The transaction coordinator.

use super::settings;

settings! {
    "add.partitions.to.txn.retry.backoff.max.ms" Int Some("100"), AtLeast(0), High ReadOnly Ignored,
        "The longest pause between attempts to add a partition to a transaction.";
    "add.partitions.to.txn.retry.backoff.ms" Int Some("20"), AtLeast(1), High ReadOnly Ignored,
        "The pause between attempts to add a partition to a transaction.";
    "transaction.abort.timed.out.transaction.cleanup.interval.ms" Int Some("10000"), AtLeast(1), Low ReadOnly Ignored,
        "How often transactions past their timeout are looked for.";
    "transaction.max.timeout.ms" Int Some("900000"), AtLeast(1), High ReadOnly Ignored,
        "The longest timeout that a producer may ask for its transactions.";
    "transaction.partition.verification.enable" Boolean Some("true"), Any, Low ClusterWide Ignored,
        "Whether a transactional write is checked with the coordinator first.";
    "transaction.remove.expired.transaction.cleanup.interval.ms" Int Some("3600000"), AtLeast(1), Low ReadOnly Ignored,
        "How often transactional ids that are no longer used are looked for.";
    "transaction.state.log.load.buffer.size" Int Some("5242880"), AtLeast(1), High ReadOnly Ignored,
        "How much of the transaction log is read at a time when it is loaded.";
    "transaction.state.log.min.isr" Int Some("2"), AtLeast(1), High ReadOnly Acts,
        "`min.insync.replicas` of the transaction log.";
    "transaction.state.log.num.partitions" Int Some("50"), AtLeast(1), High ReadOnly Acts,
        "Partitions of the transaction log.";
    "transaction.state.log.replication.factor" Short Some("3"), AtLeast(1), High ReadOnly Acts,
        "Replicas of the transaction log.";
    "transaction.state.log.segment.bytes" Int Some("104857600"), AtLeast(1), High ReadOnly Acts,
        "`segment.bytes` of the transaction log.";
    "transaction.two.phase.commit.enable" Boolean Some("false"), Any, Low ReadOnly Ignored,
        "Whether an outside coordinator may decide about transactions.";
    "transactional.id.expiration.ms" Int Some("604800000"), AtLeast(1), High ReadOnly Ignored,
        "How long a transactional id is remembered after its last use.";
}
