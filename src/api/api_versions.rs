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

/// The feature that says how metadata is kept; clients take it as the cluster's version.
const METADATA_VERSION: &str = "metadata.version";
/// Levels of `metadata.version` that Kafka 4.0 to 4.3 know.
const METADATA_LEVELS: (i16, i16) = (7, 29);

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
    encode(call, &response(shard))
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

fn response(shard: &Shard) -> ApiVersionsResponse {
    ApiVersionsResponse {
        api_keys: api_keys().collect(),
        supported_features: vec![SupportedFeatureKey {
            name: Str::from_static(METADATA_VERSION),
            min_version: METADATA_LEVELS.0,
            max_version: METADATA_LEVELS.1,
        }],
        finalized_features_epoch: shard.image.index().0 as i64,
        finalized_features: vec![FinalizedFeatureKey {
            name: Str::from_static(METADATA_VERSION),
            max_version_level: METADATA_LEVELS.1,
            min_version_level: METADATA_LEVELS.1,
        }],
        ..Default::default()
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
