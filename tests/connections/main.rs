//! The real broker under many connections, large requests, and clients that do not read: what each costs, and that
//! nobody's behaviour is another's problem.
//!
//! With `STROME_HEAVY_TESTS=1` in the environment the numbers are those that the broker is meant for; without it they
//! are a fraction, so that a run takes seconds. What was measured is printed (`--nocapture`).
//!
//! # Not here
//! The state machines of a connection and real sockets without a broker (`shards/net`).

#[path = "../support/mod.rs"]
mod support;

#[path = "../broker/client.rs"]
mod client;
// Each test binary uses its own part of it.
#[allow(dead_code)]
#[path = "../broker/topics.rs"]
mod topics;

mod host;

mod floods;
mod idle;
mod limits;
mod silence;
mod stop;
