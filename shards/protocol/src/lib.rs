//! Kafka's wire format: framing, headers and one declarative table per message.
#![forbid(unsafe_code)]
