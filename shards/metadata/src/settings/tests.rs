//! The tables against Kafka's own, and against what Strome reads.
