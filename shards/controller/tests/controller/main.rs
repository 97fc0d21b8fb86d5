//! The controller as its caller sees it: requests go in, what comes out is committed and replayed.

mod brokers;
mod cluster;
mod configs;
mod random;
mod topics;
