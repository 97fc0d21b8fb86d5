//! `strome topics delete`.

use clap::Args;
use protocol::Str;
use protocol::messages::DeleteTopicsRequest;
use protocol::messages::topics::{DeletableTopicResult, DeleteTopicState};

use crate::cli::change::{Change, report};
use crate::cli::connect::{Connect, SomeTopics};
use crate::cli::failure::Failure;
use crate::client::ClientError;

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;

/// The arguments of `strome topics delete`.
#[derive(Args)]
pub struct Delete {
    #[command(flatten)]
    topics: SomeTopics,
    /// Pass over topics that are not there
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Delete {
    /// Deletes the topics.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let names = self.topics.names();
        let state = |name: &&str| DeleteTopicState { name: Some(Str::from(*name)), ..Default::default() };
        let request = DeleteTopicsRequest {
            topics: names.iter().map(state).collect(),
            topic_names: names.iter().map(|name| Str::from(*name)).collect(),
            timeout_ms: i32::try_from(client.options().request_timeout.as_millis()).unwrap_or(i32::MAX),
        };
        let response = client.ask_controller(&request, |response| {
            response.responses.iter().map(|topic| topic.error_code).collect()
        })?;
        report(response.responses.iter().map(|topic| self.change(topic)).collect())
    }

    fn change(&self, topic: &DeletableTopicResult) -> Change {
        let name = topic.name.as_deref().unwrap_or_default();
        match topic.error_code {
            0 => Change::Made(format!("deleted topic {name}")),
            UNKNOWN_TOPIC_OR_PARTITION if self.if_exists => {
                Change::Needless(format!("there is no topic {name}"))
            }
            UNKNOWN_TOPIC_OR_PARTITION => {
                Change::Refused(ClientError::UnknownTopic(name.to_owned()).to_string())
            }
            code => {
                let what = format!("cannot delete topic {name}");
                let message = topic.error_message.as_ref().map(ToString::to_string);
                Change::Refused(ClientError::Refused { what, code, message }.to_string())
            }
        }
    }
}
