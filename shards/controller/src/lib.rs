//! The controller as a pure state machine: requests in, metadata records out.
#![forbid(unsafe_code)]
