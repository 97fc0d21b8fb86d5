//! Delegation tokens (KIP-48).

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// Creates a delegation token (KIP-48).
    pub struct CreateDelegationTokenRequest {
        /// The type of the owner; null for the client itself.
        owner_principal_type: Option<Str>, [3+] nullable [3+];
        /// The name of the owner; null for the client itself.
        owner_principal_name: Option<Str>, [3+] nullable [3+];
        /// The principals that may renew the token besides its owner.
        renewers: Vec<CreatableRenewers>, [0+];
        /// How long the token can be renewed, in milliseconds; -1 for the broker's maximum.
        max_lifetime_ms: i64, [0+];
    }

    /// A principal that may renew the token, in [`CreateDelegationTokenRequest`].
    pub struct CreatableRenewers {
        /// The type of the principal.
        principal_type: Str, [0+];
        /// The name of the principal.
        principal_name: Str, [0+];
    }

    /// The new token.
    pub struct CreateDelegationTokenResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The type of the principal.
        principal_type: Str, [0+];
        /// The name of the principal.
        principal_name: Str, [0+];
        /// The type of the principal that asked for the token.
        token_requester_principal_type: Str, [3+];
        /// The name of the principal that asked for the token.
        token_requester_principal_name: Str, [3+];
        /// When the token was made, in milliseconds since 1970.
        issue_timestamp_ms: i64, [0+];
        /// When the token ends unless it is renewed, in milliseconds since 1970.
        expiry_timestamp_ms: i64, [0+];
        /// When the token ends whatever happens, in milliseconds since 1970.
        max_timestamp_ms: i64, [0+];
        /// The name of the token.
        token_id: Str, [0+];
        /// The secret of the token.
        hmac: Bytes, [0+];
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
    }

    /// Prolongs a delegation token.
    pub struct RenewDelegationTokenRequest {
        /// The secret of the token.
        hmac: Bytes, [0+];
        /// For how long to renew the token, in milliseconds; -1 for the broker's default.
        renew_period_ms: i64, [0+];
    }

    /// The token's new end.
    pub struct RenewDelegationTokenResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// When the token ends unless it is renewed, in milliseconds since 1970.
        expiry_timestamp_ms: i64, [0+];
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
    }

    /// Ends or shortens a delegation token.
    pub struct ExpireDelegationTokenRequest {
        /// The secret of the token.
        hmac: Bytes, [0+];
        /// For how long the token shall still be valid, in milliseconds; below zero to end it at once.
        expiry_time_period_ms: i64, [0+];
    }

    /// The token's new end.
    pub struct ExpireDelegationTokenResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// When the token ends unless it is renewed, in milliseconds since 1970.
        expiry_timestamp_ms: i64, [0+];
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
    }

    /// Asks for delegation tokens by owner.
    pub struct DescribeDelegationTokenRequest {
        /// The owners whose tokens are asked for; null for all.
        owners: Option<Vec<DescribeDelegationTokenOwner>>, [0+] nullable [0+];
    }

    /// An owner, in [`DescribeDelegationTokenRequest`].
    pub struct DescribeDelegationTokenOwner {
        /// The type of the principal.
        principal_type: Str, [0+];
        /// The name of the principal.
        principal_name: Str, [0+];
    }

    /// The delegation tokens.
    pub struct DescribeDelegationTokenResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The tokens.
        tokens: Vec<DescribedDelegationToken>, [0+];
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
    }

    /// A token, in [`DescribeDelegationTokenResponse`].
    pub struct DescribedDelegationToken {
        /// The type of the principal.
        principal_type: Str, [0+];
        /// The name of the principal.
        principal_name: Str, [0+];
        /// The type of the principal that asked for the token.
        token_requester_principal_type: Str, [3+];
        /// The name of the principal that asked for the token.
        token_requester_principal_name: Str, [3+];
        /// When the token was made, in milliseconds since 1970.
        issue_timestamp: i64, [0+];
        /// When the token ends unless it is renewed, in milliseconds since 1970.
        expiry_timestamp: i64, [0+];
        /// When the token ends whatever happens, in milliseconds since 1970.
        max_timestamp: i64, [0+];
        /// The name of the token.
        token_id: Str, [0+];
        /// The secret of the token.
        hmac: Bytes, [0+];
        /// The principals that may renew the token besides its owner.
        renewers: Vec<DescribedDelegationTokenRenewer>, [0+];
    }

    /// A principal that may renew the token, in [`DescribeDelegationTokenResponse`].
    pub struct DescribedDelegationTokenRenewer {
        /// The type of the principal.
        principal_type: Str, [0+];
        /// The name of the principal.
        principal_name: Str, [0+];
    }
}
