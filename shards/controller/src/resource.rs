//! What settings may belong to, and whether those of one resource may be as somebody wants them.
//!
//! Kafka answers the same mistake with different codes for different kinds of resources; so do we.

use std::collections::BTreeMap;

use metadata::settings::{
    BrokerScope, Value, ValueType, broker, group, topic, validate_broker_update, validate_group,
    validate_topic,
};
use metadata::{ConfigResource, ResourceKind};
use types::{BrokerId, ErrorCode, TopicName};

use crate::Controller;
use crate::request::Refusal;

/// A resource may not have more settings: brokers take any name, and nothing that a client sends may grow for ever.
const CONFIGS_MAX: usize = 1_000;

impl Controller {
    /// The resource of this kind and name, if it is one whose settings the controller keeps.
    pub(crate) fn resource(&self, kind: i8, name: &str) -> Result<ConfigResource, Refusal> {
        let kind = ResourceKind::from_code(kind)
            .ok_or_else(|| refusal(ErrorCode::InvalidRequest, format!("Unknown resource type {kind}")))?;
        match kind {
            ResourceKind::Topic if name.is_empty() => request("Default topic resources are not allowed."),
            ResourceKind::Topic => match TopicName::new(name) {
                Ok(_) => Ok(()),
                Err(error) => Err(refusal(ErrorCode::InvalidTopicException, error.to_string())),
            },
            ResourceKind::Broker if name.is_empty() => Ok(()),
            ResourceKind::Broker => self.check_broker(name),
            ResourceKind::BrokerLogger => request("A broker's log levels are altered by the broker itself."),
            ResourceKind::ClientMetrics if name.is_empty() => request("Subscription name can't be empty"),
            ResourceKind::Group if name.is_empty() => request("Default group resources are not allowed."),
            ResourceKind::ClientMetrics | ResourceKind::Group => Ok(()),
        }?;
        Ok(ConfigResource::new(kind, name))
    }

    fn check_broker(&self, name: &str) -> Result<(), Refusal> {
        let Ok(id) = name.parse::<i32>() else {
            return request(format!("Node id must be an integer, but it is: {name}"));
        };
        // A name such as `+1` or `01` would be another resource of the same broker.
        if id.to_string() != name || !self.image().brokers().contains_key(&BrokerId(id)) {
            return request(format!("Unexpected broker id {name}: no such broker is registered"));
        }
        Ok(())
    }

    /// Checks all the settings that a resource would have.
    pub(crate) fn check_configs(
        &self,
        resource: &ConfigResource,
        configs: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        if configs.len() > CONFIGS_MAX {
            return request(format!("A resource may have {CONFIGS_MAX} settings at most."));
        }
        match resource.kind {
            ResourceKind::Topic => {
                validate_topic(configs)
                    .map_err(|error| refusal(ErrorCode::InvalidConfig, error.to_string()))?;
                match self.image().topic(&resource.name) {
                    Some(_) => Ok(()),
                    None => {
                        let text = format!("The topic '{}' does not exist.", resource.name);
                        Err(refusal(ErrorCode::UnknownTopicOrPartition, text))
                    }
                }
            }
            ResourceKind::Broker => {
                let scope = if resource.name.is_empty() { BrokerScope::All } else { BrokerScope::One };
                validate_broker_update(configs, scope)
                    .map_err(|error| refusal(ErrorCode::InvalidRequest, error.to_string()))
            }
            ResourceKind::Group => validate_group(configs, &self.image().layers())
                .map_err(|error| refusal(ErrorCode::InvalidConfig, error.to_string())),
            ResourceKind::ClientMetrics => check_client_metrics(configs),
            ResourceKind::BrokerLogger => request("A broker's log levels are altered by the broker itself."),
        }
    }
}

/// KIP-714: what telemetry clients are asked for. As Kafka's `ClientMetricsConfigs`.
fn check_client_metrics(configs: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for (name, value) in configs {
        match name.as_str() {
            "metrics" => {}
            "interval.ms" => check_interval(value)?,
            "match" => check_patterns(value)?,
            _ => return request(format!("Unknown client metrics configuration: {name}")),
        }
    }
    Ok(())
}

fn check_interval(value: &str) -> Result<(), Refusal> {
    match value.trim().parse::<i32>() {
        Ok(100..=3_600_000) => Ok(()),
        Ok(_) => request(format!(
            "Invalid value {value} for interval.ms, interval must be between 100 and 3600000 (1 hour)"
        )),
        Err(_) => {
            let text =
                format!("Invalid value {value} for configuration interval.ms: Not a number of type INT");
            Err(refusal(ErrorCode::InvalidConfig, text))
        }
    }
}

/// `selector=regular expression`, separated by commas. The expressions are the broker's to compile.
fn check_patterns(value: &str) -> Result<(), Refusal> {
    const SELECTORS: [&str; 6] = [
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    ];
    for pattern in value.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()) {
        let selector = pattern.split_once('=').map(|(selector, _)| selector.trim());
        if !selector.is_some_and(|selector| SELECTORS.contains(&selector)) {
            let text = format!("Illegal client matching pattern: {pattern}");
            return Err(refusal(ErrorCode::InvalidConfig, text));
        }
    }
    Ok(())
}

/// The parts of a list that `name` has by default, or `None` if its type is not a list.
pub(crate) fn default_list(kind: ResourceKind, name: &str) -> Option<Vec<String>> {
    let setting = match kind {
        ResourceKind::Topic => topic(name),
        ResourceKind::Broker => broker(name),
        ResourceKind::Group => group(name),
        ResourceKind::ClientMetrics | ResourceKind::BrokerLogger => None,
    }?;
    if setting.value_type != ValueType::List {
        return None;
    }
    match setting.default.map(|text| setting.parse(text)) {
        Some(Ok(Value::List(parts))) => Some(parts),
        _ => Some(Vec::new()),
    }
}

pub(crate) fn refusal(code: ErrorCode, text: impl Into<String>) -> Refusal {
    Refusal::new(code, text)
}

pub(crate) fn request<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(refusal(ErrorCode::InvalidRequest, text))
}
