//! Whose settings are meant.

use clap::{Args, ValueEnum};
use protocol::Request;
use types::BrokerId;

use crate::cli::failure::Failure;
use crate::client::{Client, ClientError};

/// The arguments about it.
#[derive(Args)]
pub(super) struct EntityArgs {
    /// Whose settings are meant
    #[arg(long, value_enum, required_unless_present_any = ["topic", "broker", "broker_defaults"])]
    entity_type: Option<EntityType>,
    /// A topic's name, a broker's id, a group
    #[arg(long, value_name = "NAME", requires = "entity_type")]
    entity_name: Option<String>,
    /// The defaults of all brokers, as in Kafka's tools: --entity-type brokers --entity-default
    #[arg(long, requires = "entity_type", conflicts_with = "entity_name")]
    entity_default: bool,
    /// Short for --entity-type topics --entity-name
    #[arg(long, value_name = "TOPIC", conflicts_with_all = ["entity_type", "broker", "broker_defaults"])]
    topic: Option<String>,
    /// Short for --entity-type brokers --entity-name
    #[arg(long, value_name = "ID", conflicts_with_all = ["entity_type", "topic", "broker_defaults"])]
    broker: Option<String>,
    /// Short for --entity-type broker-defaults
    #[arg(long, conflicts_with_all = ["entity_type", "topic", "broker"])]
    broker_defaults: bool,
}

/// A kind of entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EntityType {
    Topics,
    Brokers,
    BrokerDefaults,
    Groups,
}

/// Kafka's numbers of resource types.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const GROUP: i8 = 32;

/// Something that has settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entity {
    /// On the wire.
    pub(super) resource_type: i8,
    /// On the wire; empty for the defaults of all brokers.
    pub(super) name: String,
}

impl EntityArgs {
    /// The entities that are meant: all topics or brokers if none is named, so `one` refuses that.
    pub(super) fn entities(&self, client: &mut Client, one: bool) -> Result<Vec<Entity>, Failure> {
        let entity = |resource_type, name: &str| Ok(vec![Entity { resource_type, name: name.to_owned() }]);
        if let Some(topic) = &self.topic {
            return entity(TOPIC, topic);
        }
        if let Some(broker) = &self.broker {
            return entity(BROKER, broker_id(broker)?);
        }
        match (self.entity_type, &self.entity_name) {
            (None | Some(EntityType::BrokerDefaults), _) => entity(BROKER, ""),
            (Some(EntityType::Brokers), _) if self.entity_default => entity(BROKER, ""),
            (_, _) if self.entity_default => {
                Err(Failure::Said("--entity-default goes with --entity-type brokers".to_owned()))
            }
            (Some(EntityType::Topics), Some(name)) => entity(TOPIC, name),
            (Some(EntityType::Brokers), Some(name)) => entity(BROKER, broker_id(name)?),
            (Some(EntityType::Groups), Some(name)) => entity(GROUP, name),
            (_, None) if one => Err(Failure::Said("--entity-name is missing".to_owned())),
            (Some(EntityType::Groups), None) => {
                Err(Failure::Said("--entity-name is missing: groups are not listed here".to_owned()))
            }
            (Some(EntityType::Topics), None) => {
                let topics = client.metadata(None, false)?.topics;
                let name = |topic: &protocol::messages::metadata::MetadataResponseTopic| Entity {
                    resource_type: TOPIC,
                    name: topic.name.as_deref().unwrap_or_default().to_owned(),
                };
                let mut entities: Vec<Entity> = topics.iter().map(name).collect();
                entities.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(entities)
            }
            (Some(EntityType::Brokers), None) => {
                client.metadata(Some(&[]), false)?;
                let entity = |(id, _): (BrokerId, _)| Entity { resource_type: BROKER, name: id.to_string() };
                Ok(client.brokers().map(entity).collect())
            }
        }
    }
}

fn broker_id(text: &str) -> Result<&str, Failure> {
    match text.parse::<i32>() {
        Ok(_) => Ok(text),
        Err(_) => Err(Failure::Said(format!("{text:?} is not the id of a broker"))),
    }
}

impl Entity {
    /// The broker that answers for it, if it is a broker's own.
    fn broker(&self) -> Option<BrokerId> {
        let id = self.name.parse().ok().filter(|_| self.resource_type == BROKER)?;
        Some(BrokerId(id))
    }

    /// Asks the broker that answers for it.
    pub(super) fn ask<R: Request>(
        &self,
        client: &mut Client,
        request: &R,
    ) -> Result<R::Response, ClientError> {
        match self.broker() {
            Some(broker) => client.ask_broker(broker, request),
            None => client.ask(request),
        }
    }

    /// The kind, as in the arguments.
    pub(super) fn kind(&self) -> &'static str {
        match self.resource_type {
            TOPIC => "topics",
            GROUP => "groups",
            _ if self.name.is_empty() => "broker-defaults",
            _ => "brokers",
        }
    }

    /// Whether a value from this source was set for just this entity.
    pub(super) fn owns(&self, source: i8) -> bool {
        match self.kind() {
            "topics" => source == 1,
            "brokers" => source == 2,
            "broker-defaults" => source == 3,
            _ => source == 8,
        }
    }
}

impl std::fmt::Display for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind() {
            "topics" => write!(f, "topic {}", self.name),
            "groups" => write!(f, "group {}", self.name),
            "brokers" => write!(f, "broker {}", self.name),
            _ => f.write_str("the defaults of all brokers"),
        }
    }
}
