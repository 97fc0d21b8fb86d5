//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;
use types::Uuid;

tables! {
    /// TODO GetTelemetrySubscriptionsRequest
    pub struct GetTelemetrySubscriptionsRequest {
        /// TODO client_instance_id
        client_instance_id: Uuid, [0+];
    }

    /// TODO GetTelemetrySubscriptionsResponse
    pub struct GetTelemetrySubscriptionsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO client_instance_id
        client_instance_id: Uuid, [0+];
        /// TODO subscription_id
        subscription_id: i32, [0+];
        /// TODO accepted_compression_types
        accepted_compression_types: Vec<i8>, [0+];
        /// TODO push_interval_ms
        push_interval_ms: i32, [0+];
        /// TODO telemetry_max_bytes
        telemetry_max_bytes: i32, [0+];
        /// TODO delta_temporality
        delta_temporality: bool, [0+];
        /// TODO requested_metrics
        requested_metrics: Vec<Str>, [0+];
    }

    /// TODO PushTelemetryRequest
    pub struct PushTelemetryRequest {
        /// TODO client_instance_id
        client_instance_id: Uuid, [0+];
        /// TODO subscription_id
        subscription_id: i32, [0+];
        /// TODO terminating
        terminating: bool, [0+];
        /// TODO compression_type
        compression_type: i8, [0+];
        /// TODO metrics
        metrics: Bytes, [0+];
    }

    /// TODO PushTelemetryResponse
    pub struct PushTelemetryResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
    }
}
