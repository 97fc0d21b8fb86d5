//! DescribeConfigs 1 to 4, AlterConfigs 0 to 2, IncrementalAlterConfigs 0 to 1, ListConfigResources 0 to 1.

use controller::{
    AlterConfigs, ConfigOp, ConfigResult, IncrementalAlterConfigs, LegacyAlter, Refusal, Reply, ResourceAlter,
};
use metadata::settings::{Described, describe_all_brokers, describe_broker, describe_group, describe_topic};
use metadata::{ConfigResource, ResourceKind};
use protocol::Str;
use protocol::messages::configs::{
    AlterConfigsResourceResponse, ConfigResource as ListedResource, DescribeConfigsResource,
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
    IncrementalAlterConfigsResourceResponse,
};
use protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, ListConfigResourcesRequest,
    ListConfigResourcesResponse,
};
use types::{ErrorCode, TopicName};

use super::encode;
use super::refusals::{Failure, refused_by_control};
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::Done;

/// Serves DescribeConfigs.
pub fn describe(shard: &mut Shard, call: &Call, request: DescribeConfigsRequest) -> Answer {
    let results = request.resources.iter().map(|resource| describe_resource(shard, resource, &request));
    let results = results.collect();
    encode(call, &DescribeConfigsResponse { results, ..Default::default() })
}

fn describe_resource(
    shard: &Shard,
    resource: &DescribeConfigsResource,
    request: &DescribeConfigsRequest,
) -> DescribeConfigsResult {
    let mut result = DescribeConfigsResult {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        ..Default::default()
    };
    match described(shard, resource.resource_type, &resource.resource_name) {
        Ok(settings) => {
            let keys = resource.configuration_keys.as_ref();
            let wanted =
                |setting: &Described| keys.is_none_or(|keys| keys.iter().any(|key| **key == setting.name));
            result.configs = settings.into_iter().filter(wanted).map(|s| shown(s, request)).collect();
        }
        Err(refusal) => {
            result.error_code = refusal.code.code();
            result.error_message = Some(Str::from(refusal.message));
        }
    }
    result
}

/// Every setting of a resource.
fn described(shard: &Shard, kind: i8, name: &str) -> Result<Vec<Described>, Refusal> {
    let image = &shard.image;
    let is_this_broker = name == image.node().to_string();
    match ResourceKind::from_code(kind) {
        Some(ResourceKind::Topic) => {
            TopicName::new(name)
                .map_err(|error| Refusal::new(ErrorCode::InvalidTopicException, error.to_string()))?;
            if image.topic(name).is_none() {
                return Err(Refusal::new(
                    ErrorCode::UnknownTopicOrPartition,
                    format!("there is no topic {name}"),
                ));
            }
            Ok(describe_topic(image.topic_configs(name), &image.layers()))
        }
        Some(ResourceKind::Broker) if name.is_empty() => {
            Ok(describe_all_brokers(image.layers().dynamic_default))
        }
        Some(ResourceKind::Broker) if is_this_broker => Ok(describe_broker(&image.layers())),
        // Its log levels are chosen by the environment when it starts, and are not settings.
        Some(ResourceKind::BrokerLogger) if is_this_broker => Ok(Vec::new()),
        Some(ResourceKind::Broker | ResourceKind::BrokerLogger) => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            format!("this is broker {}, which cannot tell about broker {name:?}", image.node()),
        )),
        Some(ResourceKind::Group) if name.is_empty() => {
            Err(Refusal::new(ErrorCode::InvalidRequest, "Group name must not be empty"))
        }
        Some(ResourceKind::Group) => Ok(describe_group(image.group_configs(name), &image.layers())),
        Some(ResourceKind::ClientMetrics) => Ok(Vec::new()),
        None => {
            Err(Refusal::new(ErrorCode::InvalidRequest, format!("unknown type {kind} of resource {name:?}")))
        }
    }
}

fn shown(described: Described, request: &DescribeConfigsRequest) -> DescribeConfigsResourceResult {
    let synonyms = if request.include_synonyms { described.synonyms.as_slice() } else { &[] };
    let synonyms = synonyms.iter().map(|synonym| DescribeConfigsSynonym {
        name: Str::from(synonym.name.as_str()),
        value: synonym.value.as_deref().map(Str::from),
        source: synonym.source as i8,
    });
    let documentation = described.setting.filter(|_| request.include_documentation);
    DescribeConfigsResourceResult {
        value: described.value.as_deref().map(Str::from),
        read_only: described.read_only,
        config_source: described.source as i8,
        is_sensitive: described.is_sensitive(),
        synonyms: synonyms.collect(),
        config_type: described.setting.map_or(0, |setting| setting.value_type.code()),
        documentation: documentation.map(|setting| Str::from(setting.documentation())),
        name: Str::from(described.name),
    }
}

/// Serves AlterConfigs, which replaces all settings of a resource.
pub fn alter(shard: &mut Shard, call: &Call, request: AlterConfigsRequest) -> Answer {
    let resources = request.resources.into_iter().map(|resource| LegacyAlter {
        kind: resource.resource_type,
        name: resource.resource_name.to_string(),
        configs: resource
            .configs
            .into_iter()
            .map(|config| (config.name.to_string(), config.value.map(|value| value.to_string())))
            .collect(),
    });
    let resources: Vec<LegacyAlter> = resources.collect();
    let names = resources.iter().map(|resource| (resource.kind, resource.name.clone())).collect();
    let alter = AlterConfigs { resources, validate_only: request.validate_only };
    let gather = AlterGather { names, outcome: Err(Failure::default()) };
    shard.ask_controller(call, Box::new(gather), controller::Request::AlterConfigs(alter))
}

/// Serves IncrementalAlterConfigs (KIP-339).
pub fn incremental_alter(shard: &mut Shard, call: &Call, request: IncrementalAlterConfigsRequest) -> Answer {
    let mut resources = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let mut ops = Vec::with_capacity(resource.configs.len());
        for config in resource.configs {
            let value = config.value.map(|value| value.to_string());
            let op = match config.config_operation {
                0 => ConfigOp::Set(value),
                1 => ConfigOp::Delete,
                2 => ConfigOp::Append(value),
                3 => ConfigOp::Subtract(value),
                _ => return Answer::Close, // No version of the request has another one.
            };
            ops.push((config.name.to_string(), op));
        }
        resources.push(ResourceAlter {
            kind: resource.resource_type,
            name: resource.resource_name.to_string(),
            ops,
        });
    }
    let names = resources.iter().map(|resource| (resource.kind, resource.name.clone())).collect();
    let alter = IncrementalAlterConfigs { resources, validate_only: request.validate_only };
    let gather = AlterGather { names, outcome: Err(Failure::default()) };
    shard.ask_controller(call, Box::new(gather), controller::Request::IncrementalAlterConfigs(alter))
}

/// Waits for either kind of alteration.
struct AlterGather {
    names: Vec<(i8, String)>,
    outcome: Result<Vec<ConfigResult>, Failure>,
}

impl Gather for AlterGather {
    fn merge(&mut self, done: Done) {
        self.outcome = match refused_by_control(done) {
            Ok(Reply::AlterConfigs(results) | Reply::IncrementalAlterConfigs(results)) => Ok(results),
            Ok(_) => Err(Failure::default()),
            Err(failure) => Err(failure),
        };
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        let Self { names, outcome } = *self;
        let results = outcome.unwrap_or_else(|failure| {
            let failed = |(kind, name)| ConfigResult { kind, name, result: Err(failure.refusal()) };
            names.into_iter().map(failed).collect()
        });
        if call.api_key == protocol::ApiKey::AlterConfigs.key() {
            let responses = results.into_iter().map(legacy_response).collect();
            encode(call, &AlterConfigsResponse { responses, ..Default::default() })
        } else {
            let responses = results.into_iter().map(response).collect();
            encode(call, &IncrementalAlterConfigsResponse { responses, ..Default::default() })
        }
    }
}

fn legacy_response(result: ConfigResult) -> AlterConfigsResourceResponse {
    let refusal = result.result.err();
    AlterConfigsResourceResponse {
        error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
        error_message: refusal.map(|refusal| Str::from(refusal.message)),
        resource_type: result.kind,
        resource_name: Str::from(result.name),
    }
}

fn response(result: ConfigResult) -> IncrementalAlterConfigsResourceResponse {
    let refusal = result.result.err();
    IncrementalAlterConfigsResourceResponse {
        error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
        error_message: refusal.map(|refusal| Str::from(refusal.message)),
        resource_type: result.kind,
        resource_name: Str::from(result.name),
    }
}

/// Serves ListConfigResources (KIP-1142); its version 0 lists telemetry subscriptions only (KIP-714).
pub fn list_resources(shard: &mut Shard, call: &Call, request: ListConfigResourcesRequest) -> Answer {
    let kinds = if call.version == 0 {
        vec![ResourceKind::ClientMetrics]
    } else if request.resource_types.is_empty() {
        ALL_KINDS.to_vec()
    } else {
        let kinds: Option<Vec<_>> =
            request.resource_types.iter().map(|code| ResourceKind::from_code(*code)).collect();
        match kinds {
            Some(kinds) => kinds,
            None => {
                let error_code = ErrorCode::UnsupportedVersion.code();
                return encode(call, &ListConfigResourcesResponse { error_code, ..Default::default() });
            }
        }
    };
    let config_resources = kinds.into_iter().flat_map(|kind| listed(shard, kind)).collect();
    encode(call, &ListConfigResourcesResponse { config_resources, ..Default::default() })
}

const ALL_KINDS: [ResourceKind; 5] = [
    ResourceKind::Topic,
    ResourceKind::Broker,
    ResourceKind::BrokerLogger,
    ResourceKind::ClientMetrics,
    ResourceKind::Group,
];

fn listed(shard: &Shard, kind: ResourceKind) -> Vec<ListedResource> {
    let image = &shard.image;
    let names: Vec<String> = match kind {
        ResourceKind::Topic => image.topics().map(|topic| topic.name.to_string()).collect(),
        ResourceKind::Broker | ResourceKind::BrokerLogger => {
            image.brokers().keys().map(|id| id.to_string()).collect()
        }
        ResourceKind::ClientMetrics | ResourceKind::Group => {
            let of_kind = |resource: &&ConfigResource| resource.kind == kind;
            image.configured().map(|(resource, _)| resource).filter(of_kind).map(|r| r.name.clone()).collect()
        }
    };
    let resource =
        |name: String| ListedResource { resource_name: Str::from(name), resource_type: kind.code() };
    names.into_iter().map(resource).collect()
}
