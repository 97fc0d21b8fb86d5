//! The controller as a pure state machine: requests in, metadata records out.
//!
//! Every request is judged against the [`metadata::Image`] of the committed log and answered with records and a reply. The
//! caller makes the records durable first, hands them back through [`Controller::replay`], which alone changes the
//! controller, and then sends the reply. The next request is judged after that.
//!
//! # Invariants
//! - `handle` changes nothing; the same state, request, time and seed give the same outcome.
//! - The records of one outcome are one entry of the log: all of them happen or none.
#![forbid(unsafe_code)]

mod alter_configs;
mod assignment;
mod automatic;
mod brokers;
mod controller;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod leader_epochs;
mod replicas;
mod request;
mod resource;
mod seed;

pub use controller::Controller;
pub use request::{
    AllocateProducerIds, AlterConfigs, ConfigOp, ConfigResult, CreatePartitions, CreateTopics, CreatedTopic,
    DeleteTopics, DeletedTopic, IncrementalAlterConfigs, LegacyAlter, NewPartitions, NewTopic, Outcome,
    ProducerIdBlock, Refusal, RegisterBroker, RenewLeaderEpochs, Reply, ReportReplicas, Request,
    ResourceAlter, TopicResult, TopicSelector,
};
pub use seed::Seed;
