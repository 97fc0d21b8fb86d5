//! What a broker's answer to a Produce request says about each partition.

use protocol::messages::ProduceResponse;
use protocol::messages::produce::{PartitionProduceResponse, TopicProduceResponse};
use types::ErrorCode;

use super::TopicName;

/// Kafka's code for what has no other.
const UNKNOWN_SERVER_ERROR: i16 = ErrorCode::UnknownServerError.code();

/// See the module.
pub(super) struct Answers<'a>(Vec<(&'a TopicProduceResponse, &'a PartitionProduceResponse)>);

impl<'a> Answers<'a> {
    pub(super) fn of(response: &'a ProduceResponse) -> Self {
        let of_topic = |topic: &'a TopicProduceResponse| {
            topic.partition_responses.iter().map(move |partition| (topic, partition))
        };
        Self(response.responses.iter().flat_map(of_topic).collect())
    }

    /// Error code and message of a partition, which is likely to be the `hint`-th one: brokers answer in the order of the
    /// request, but need not.
    pub(super) fn of_partition(&self, topic: &TopicName, partition: i32, hint: usize) -> (i16, &'a str) {
        let is_meant = |(answered, about): &&(&TopicProduceResponse, &PartitionProduceResponse)| {
            // Newer versions name topics by id, older ones by name.
            let by_id = answered.name.is_empty();
            let same = if by_id { answered.topic_id == topic.id } else { answered.name == topic.name };
            same && about.index == partition
        };
        let found = self.0.get(hint).filter(is_meant).or_else(|| self.0.iter().find(is_meant));
        found.map_or((UNKNOWN_SERVER_ERROR, "the answer does not name the partition"), |(_, about)| {
            (about.error_code, about.error_message.as_ref().map_or("", |text| text.as_str()))
        })
    }
}
