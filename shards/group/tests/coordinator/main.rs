//! Coordinators as clients see them: requests in, answers out, and what is left of a group after a crash.

mod account;
mod admin;
mod commit;
mod consumer;
mod consumer_groups;
mod consumer_storm;
mod expiry;
mod history;
mod hostile;
mod join;
mod leave;
mod migration;
#[path = "../support/random.rs"]
mod random;
mod size;
mod static_members;
mod sync;
mod timeouts;
mod world;
