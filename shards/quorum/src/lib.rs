//! The durable, ordered log of metadata records.
#![forbid(unsafe_code)]
