//! Metrics that clients send (KIP-714).

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;
use types::Uuid;

tables! {
    /// Asks which metrics a client is to send (KIP-714).
    pub struct GetTelemetrySubscriptionsRequest {
        /// The id that the broker gave to this client instance.
        client_instance_id: Uuid, [0+];
    }

    /// The metrics that are asked for.
    pub struct GetTelemetrySubscriptionsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The id that the broker gave to this client instance.
        client_instance_id: Uuid, [0+];
        /// The version of the set of metrics that is asked for.
        subscription_id: i32, [0+];
        /// The compressions that the broker takes, the preferred first.
        accepted_compression_types: Vec<i8>, [0+];
        /// How often to send metrics, in milliseconds.
        push_interval_ms: i32, [0+];
        /// How many bytes of metrics may be sent at once.
        telemetry_max_bytes: i32, [0+];
        /// Whether counters are to be sent as differences.
        delta_temporality: bool, [0+];
        /// Prefixes of the metrics to send; one empty text for all.
        requested_metrics: Vec<Str>, [0+];
    }

    /// Carries a client's metrics.
    pub struct PushTelemetryRequest {
        /// The id that the broker gave to this client instance.
        client_instance_id: Uuid, [0+];
        /// The version of the set of metrics that is asked for.
        subscription_id: i32, [0+];
        /// Whether the client is about to stop.
        terminating: bool, [0+];
        /// The compression of `metrics`.
        compression_type: i8, [0+];
        /// The metrics in OpenTelemetry's encoding.
        metrics: Bytes, [0+];
    }

    /// Whether the metrics were taken.
    pub struct PushTelemetryResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }
}
