//! Listeners, connections, ordered replies, admission.
#![forbid(unsafe_code)]
