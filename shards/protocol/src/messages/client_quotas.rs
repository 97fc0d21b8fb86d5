//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO DescribeClientQuotasRequest
    pub struct DescribeClientQuotasRequest {
        /// TODO components
        components: Vec<ComponentData>, [0+];
        /// TODO strict
        strict: bool, [0+];
    }

    /// TODO ComponentData
    pub struct ComponentData {
        /// TODO entity_type
        entity_type: Str, [0+];
        /// TODO match_type
        match_type: i8, [0+];
        /// TODO match_
        match_: Option<Str>, [0+] nullable [0+];
    }

    /// TODO DescribeClientQuotasResponse
    pub struct DescribeClientQuotasResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO entries
        entries: Option<Vec<DescribeClientQuotasEntryData>>, [0+] nullable [0+];
    }

    /// TODO DescribeClientQuotasEntryData
    pub struct DescribeClientQuotasEntryData {
        /// TODO entity
        entity: Vec<DescribeClientQuotasEntityData>, [0+];
        /// TODO values
        values: Vec<ValueData>, [0+];
    }

    /// TODO DescribeClientQuotasEntityData
    pub struct DescribeClientQuotasEntityData {
        /// TODO entity_type
        entity_type: Str, [0+];
        /// TODO entity_name
        entity_name: Option<Str>, [0+] nullable [0+];
    }

    /// TODO ValueData
    pub struct ValueData {
        /// TODO key
        key: Str, [0+];
        /// TODO value
        value: f64, [0+];
    }

    /// TODO AlterClientQuotasRequest
    pub struct AlterClientQuotasRequest {
        /// TODO entries
        entries: Vec<AlterClientQuotasRequestEntryData>, [0+];
        /// TODO validate_only
        validate_only: bool, [0+];
    }

    /// TODO AlterClientQuotasRequestEntryData
    pub struct AlterClientQuotasRequestEntryData {
        /// TODO entity
        entity: Vec<AlterClientQuotasRequestEntityData>, [0+];
        /// TODO ops
        ops: Vec<OpData>, [0+];
    }

    /// TODO AlterClientQuotasRequestEntityData
    pub struct AlterClientQuotasRequestEntityData {
        /// TODO entity_type
        entity_type: Str, [0+];
        /// TODO entity_name
        entity_name: Option<Str>, [0+] nullable [0+];
    }

    /// TODO OpData
    pub struct OpData {
        /// TODO key
        key: Str, [0+];
        /// TODO value
        value: f64, [0+];
        /// TODO remove
        remove: bool, [0+];
    }

    /// TODO AlterClientQuotasResponse
    pub struct AlterClientQuotasResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO entries
        entries: Vec<AlterClientQuotasResponseEntryData>, [0+];
    }

    /// TODO AlterClientQuotasResponseEntryData
    pub struct AlterClientQuotasResponseEntryData {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO entity
        entity: Vec<AlterClientQuotasResponseEntityData>, [0+];
    }

    /// TODO AlterClientQuotasResponseEntityData
    pub struct AlterClientQuotasResponseEntityData {
        /// TODO entity_type
        entity_type: Str, [0+];
        /// TODO entity_name
        entity_name: Option<Str>, [0+] nullable [0+];
    }
}
