//! ApiVersions, versions 0 to 4: what this broker serves (KIP-35, KIP-511, KIP-584).

use protocol::messages::api_versions::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use protocol::{ApiKey, Str};
use types::ErrorCode;

use super::{encode, is_served};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// From this version on the client names its software.
const SOFTWARE_VERSION: i16 = 3;

/// From this version on clients understand a feature that may be off, which is level 0.
const LEVEL_ZERO_VERSION: i16 = 4;

/// A feature and the lowest and highest level of it that this broker knows; the highest one is in force.
struct Feature {
    name: &'static str,
    levels: (i16, i16),
}

const FEATURES: &[Feature] = &[
    // Consumer groups of KIP-848.
    Feature { name: "group.version", levels: (0, 1) },
    // How metadata is kept; clients take it as the cluster's version. The levels are those of Kafka 4.0 to 4.3.
    Feature { name: "metadata.version", levels: (7, 29) },
];

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: ApiVersionsRequest) -> Answer {
    if call.version >= SOFTWARE_VERSION {
        let software = [&request.client_software_name, &request.client_software_version];
        if !software.into_iter().all(is_software_name) {
            return encode(
                call,
                &ApiVersionsResponse { error_code: ErrorCode::InvalidRequest.code(), ..Default::default() },
            );
        }
        if let Some(session) = shard.connections.session_mut(call.connection) {
            session.client_software_name = Some(request.client_software_name.detached());
            session.client_software_version = Some(request.client_software_version.detached());
        }
    }
    encode(call, &response(shard, call.version))
}

/// The answer to a version of ApiVersions that is not known here: in the body of version 0, so that any client can
/// read it and try again.
pub fn unsupported(call: &Call) -> Answer {
    let own = ApiKey::ApiVersions;
    let response = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: api_keys().filter(|api| api.api_key == own.key()).collect(),
        ..Default::default()
    };
    encode(&Call { version: 0, ..call.clone() }, &response)
}

fn response(shard: &Shard, version: i16) -> ApiVersionsResponse {
    let known = FEATURES.iter().filter(|feature| feature.levels.0 > 0 || version >= LEVEL_ZERO_VERSION);
    ApiVersionsResponse {
        api_keys: api_keys().collect(),
        supported_features: known.map(Feature::supported).collect(),
        finalized_features_epoch: shard.image.index().0 as i64,
        finalized_features: FEATURES.iter().map(Feature::finalized).collect(),
        ..Default::default()
    }
}

impl Feature {
    fn supported(&self) -> SupportedFeatureKey {
        let (min_version, max_version) = self.levels;
        SupportedFeatureKey { name: Str::from_static(self.name), min_version, max_version }
    }

    fn finalized(&self) -> FinalizedFeatureKey {
        let (_, level) = self.levels;
        FinalizedFeatureKey {
            name: Str::from_static(self.name),
            max_version_level: level,
            min_version_level: level,
        }
    }
}

fn api_keys() -> impl Iterator<Item = ApiVersion> {
    ApiKey::ALL.iter().filter(|key| is_served(**key)).map(|key| {
        let advertised = key.api().advertised;
        ApiVersion { api_key: key.key(), min_version: advertised.min, max_version: advertised.max }
    })
}

/// Kafka's rule: letters, digits, and `.`, `-` in between.
fn is_software_name(name: &Str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(name.chars().next()) && edge(name.chars().last()) && name.chars().all(inner)
}
