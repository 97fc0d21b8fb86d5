//! The controller: one face for all requests, and the state they are judged against.

use std::sync::Arc;

use metadata::{ApplyError, Delta, Image, LogIndex, Record};
use types::{ErrorCode, TimestampMs};

use crate::request::{
    AllocateProducerIds, AlterConfigs, ConfigResult, CreatePartitions, CreateTopics, CreatedTopic,
    DeleteTopics, DeletedTopic, IncrementalAlterConfigs, Outcome, ProducerIdBlock, Refusal, RegisterBroker,
    Reply, Request, TopicResult,
};
use crate::seed::Seed;

/// Judges requests against the committed metadata. Lives on the control thread for as long as the node does.
#[derive(Clone, Debug)]
pub struct Controller {
    image: Arc<Image>,
}

impl Controller {
    /// A controller that knows what `image` says.
    #[must_use]
    pub fn new(image: Image) -> Self {
        Self { image: Arc::new(image) }
    }

    /// The metadata as committed.
    #[must_use]
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Takes a committed entry of the log. Nothing else changes the controller.
    pub fn replay(&mut self, index: LogIndex, records: &[Record]) -> Result<Delta, ApplyError> {
        let (image, delta) = self.image.apply(index, records)?;
        self.image = Arc::new(image);
        Ok(delta)
    }

    /// Judges any request.
    #[must_use]
    pub fn handle(&self, request: &Request, now: TimestampMs, seed: Seed) -> Outcome<Reply> {
        let _ = now;
        match request {
            Request::RegisterBroker(request) => self.register_broker(request).map(Reply::RegisterBroker),
            Request::CreateTopics(request) => self.create_topics(request, seed).map(Reply::CreateTopics),
            Request::DeleteTopics(request) => self.delete_topics(request).map(Reply::DeleteTopics),
            Request::CreatePartitions(request) => {
                self.create_partitions(request, seed).map(Reply::CreatePartitions)
            }
            Request::IncrementalAlterConfigs(request) => {
                self.incremental_alter_configs(request).map(Reply::IncrementalAlterConfigs)
            }
            Request::AlterConfigs(request) => self.alter_configs(request).map(Reply::AlterConfigs),
            Request::AllocateProducerIds(request) => {
                self.allocate_producer_ids(request).map(Reply::AllocateProducerIds)
            }
        }
    }

    /// Registers a broker; the reply is its epoch.
    #[must_use]
    pub fn register_broker(&self, request: &RegisterBroker) -> Outcome<Result<i64, Refusal>> {
        let _ = request;
        Outcome { records: Vec::new(), reply: Err(Refusal::new(ErrorCode::UnsupportedVersion, "not yet")) }
    }

    /// Gives out producer ids.
    #[must_use]
    pub fn allocate_producer_ids(
        &self,
        request: &AllocateProducerIds,
    ) -> Outcome<Result<ProducerIdBlock, Refusal>> {
        let _ = request;
        Outcome { records: Vec::new(), reply: Err(Refusal::new(ErrorCode::UnsupportedVersion, "not yet")) }
    }

    /// Creates topics.
    #[must_use]
    pub fn create_topics(
        &self,
        request: &CreateTopics,
        seed: Seed,
    ) -> Outcome<Vec<TopicResult<CreatedTopic>>> {
        let _ = (request, seed.id(0), seed.number(0));
        Outcome { records: Vec::new(), reply: Vec::new() }
    }

    /// Removes topics.
    #[must_use]
    pub fn delete_topics(&self, request: &DeleteTopics) -> Outcome<Vec<DeletedTopic>> {
        let _ = request;
        Outcome { records: Vec::new(), reply: Vec::new() }
    }

    /// Gives topics more partitions.
    #[must_use]
    pub fn create_partitions(&self, request: &CreatePartitions, seed: Seed) -> Outcome<Vec<TopicResult<()>>> {
        let _ = (request, seed);
        Outcome { records: Vec::new(), reply: Vec::new() }
    }

    /// Changes some settings.
    #[must_use]
    pub fn incremental_alter_configs(&self, request: &IncrementalAlterConfigs) -> Outcome<Vec<ConfigResult>> {
        let _ = request;
        Outcome { records: Vec::new(), reply: Vec::new() }
    }

    /// Replaces all settings.
    #[must_use]
    pub fn alter_configs(&self, request: &AlterConfigs) -> Outcome<Vec<ConfigResult>> {
        let _ = request;
        Outcome { records: Vec::new(), reply: Vec::new() }
    }
}
