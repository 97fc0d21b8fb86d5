//! Client quotas (KIP-546).

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Asks for client quotas (KIP-546).
    pub struct DescribeClientQuotasRequest {
        /// What entities must look like.
        components: Vec<ComponentData>, [0+];
        /// Whether an entity must have no parts beyond those asked for.
        strict: bool, [0+];
    }

    /// What a part of an entity must look like, in [`DescribeClientQuotasRequest`].
    pub struct ComponentData {
        /// The type of entity: `user`, `client-id` or `ip`.
        entity_type: Str, [0+];
        /// How to compare names: 0 exactly, 1 the default entity, 2 any.
        match_type: i8, [0+];
        /// What to compare names with, for exact matches.
        match_: Option<Str>, [0+] nullable [0+];
    }

    /// The quotas, by entity.
    pub struct DescribeClientQuotasResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The entities and their quotas.
        entries: Option<Vec<DescribeClientQuotasEntryData>>, [0+] nullable [0+];
    }

    /// An entity and its quotas, in [`DescribeClientQuotasResponse`].
    pub struct DescribeClientQuotasEntryData {
        /// The parts that make up the entity.
        entity: Vec<DescribeClientQuotasEntityData>, [0+];
        /// The values of the quotas.
        values: Vec<ValueData>, [0+];
    }

    /// A part of an entity, in [`DescribeClientQuotasResponse`].
    pub struct DescribeClientQuotasEntityData {
        /// The type of entity: `user`, `client-id` or `ip`.
        entity_type: Str, [0+];
        /// The name of the entity; null for the default.
        entity_name: Option<Str>, [0+] nullable [0+];
    }

    /// A quota, in [`DescribeClientQuotasResponse`].
    pub struct ValueData {
        /// The name of the quota, such as `producer_byte_rate`.
        key: Str, [0+];
        /// The value of the quota.
        value: f64, [0+];
    }

    /// Sets and removes client quotas.
    pub struct AlterClientQuotasRequest {
        /// The entities and their quotas.
        entries: Vec<AlterClientQuotasRequestEntryData>, [0+];
        /// Whether to check everything but to change nothing.
        validate_only: bool, [0+];
    }

    /// An entity and its quotas, in [`AlterClientQuotasRequest`].
    pub struct AlterClientQuotasRequestEntryData {
        /// The parts that make up the entity.
        entity: Vec<AlterClientQuotasRequestEntityData>, [0+];
        /// The values to set or remove.
        ops: Vec<OpData>, [0+];
    }

    /// A part of an entity, in [`AlterClientQuotasRequest`].
    pub struct AlterClientQuotasRequestEntityData {
        /// The type of entity: `user`, `client-id` or `ip`.
        entity_type: Str, [0+];
        /// The name of the entity; null for the default.
        entity_name: Option<Str>, [0+] nullable [0+];
    }

    /// A quota to set or remove, in [`AlterClientQuotasRequest`].
    pub struct OpData {
        /// The name of the quota, such as `producer_byte_rate`.
        key: Str, [0+];
        /// The value of the quota.
        value: f64, [0+];
        /// Whether to remove the value instead of setting it.
        remove: bool, [0+];
    }

    /// What became of each entity.
    pub struct AlterClientQuotasResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// The entities and their quotas.
        entries: Vec<AlterClientQuotasResponseEntryData>, [0+];
    }

    /// What became of an entity, in [`AlterClientQuotasResponse`].
    pub struct AlterClientQuotasResponseEntryData {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The parts that make up the entity.
        entity: Vec<AlterClientQuotasResponseEntityData>, [0+];
    }

    /// A part of an entity, in [`AlterClientQuotasResponse`].
    pub struct AlterClientQuotasResponseEntityData {
        /// The type of entity: `user`, `client-id` or `ip`.
        entity_type: Str, [0+];
        /// The name of the entity; null for the default.
        entity_name: Option<Str>, [0+] nullable [0+];
    }
}
