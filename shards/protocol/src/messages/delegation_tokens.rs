//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// TODO CreateDelegationTokenRequest
    pub struct CreateDelegationTokenRequest {
        /// TODO owner_principal_type
        owner_principal_type: Option<Str>, [3+] nullable [3+];
        /// TODO owner_principal_name
        owner_principal_name: Option<Str>, [3+] nullable [3+];
        /// TODO renewers
        renewers: Vec<CreatableRenewers>, [0+];
        /// TODO max_lifetime_ms
        max_lifetime_ms: i64, [0+];
    }

    /// TODO CreatableRenewers
    pub struct CreatableRenewers {
        /// TODO principal_type
        principal_type: Str, [0+];
        /// TODO principal_name
        principal_name: Str, [0+];
    }

    /// TODO CreateDelegationTokenResponse
    pub struct CreateDelegationTokenResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO principal_type
        principal_type: Str, [0+];
        /// TODO principal_name
        principal_name: Str, [0+];
        /// TODO token_requester_principal_type
        token_requester_principal_type: Str, [3+];
        /// TODO token_requester_principal_name
        token_requester_principal_name: Str, [3+];
        /// TODO issue_timestamp_ms
        issue_timestamp_ms: i64, [0+];
        /// TODO expiry_timestamp_ms
        expiry_timestamp_ms: i64, [0+];
        /// TODO max_timestamp_ms
        max_timestamp_ms: i64, [0+];
        /// TODO token_id
        token_id: Str, [0+];
        /// TODO hmac
        hmac: Bytes, [0+];
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
    }

    /// TODO RenewDelegationTokenRequest
    pub struct RenewDelegationTokenRequest {
        /// TODO hmac
        hmac: Bytes, [0+];
        /// TODO renew_period_ms
        renew_period_ms: i64, [0+];
    }

    /// TODO RenewDelegationTokenResponse
    pub struct RenewDelegationTokenResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO expiry_timestamp_ms
        expiry_timestamp_ms: i64, [0+];
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
    }

    /// TODO ExpireDelegationTokenRequest
    pub struct ExpireDelegationTokenRequest {
        /// TODO hmac
        hmac: Bytes, [0+];
        /// TODO expiry_time_period_ms
        expiry_time_period_ms: i64, [0+];
    }

    /// TODO ExpireDelegationTokenResponse
    pub struct ExpireDelegationTokenResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO expiry_timestamp_ms
        expiry_timestamp_ms: i64, [0+];
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
    }

    /// TODO DescribeDelegationTokenRequest
    pub struct DescribeDelegationTokenRequest {
        /// TODO owners
        owners: Option<Vec<DescribeDelegationTokenOwner>>, [0+] nullable [0+];
    }

    /// TODO DescribeDelegationTokenOwner
    pub struct DescribeDelegationTokenOwner {
        /// TODO principal_type
        principal_type: Str, [0+];
        /// TODO principal_name
        principal_name: Str, [0+];
    }

    /// TODO DescribeDelegationTokenResponse
    pub struct DescribeDelegationTokenResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO tokens
        tokens: Vec<DescribedDelegationToken>, [0+];
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
    }

    /// TODO DescribedDelegationToken
    pub struct DescribedDelegationToken {
        /// TODO principal_type
        principal_type: Str, [0+];
        /// TODO principal_name
        principal_name: Str, [0+];
        /// TODO token_requester_principal_type
        token_requester_principal_type: Str, [3+];
        /// TODO token_requester_principal_name
        token_requester_principal_name: Str, [3+];
        /// TODO issue_timestamp
        issue_timestamp: i64, [0+];
        /// TODO expiry_timestamp
        expiry_timestamp: i64, [0+];
        /// TODO max_timestamp
        max_timestamp: i64, [0+];
        /// TODO token_id
        token_id: Str, [0+];
        /// TODO hmac
        hmac: Bytes, [0+];
        /// TODO renewers
        renewers: Vec<DescribedDelegationTokenRenewer>, [0+];
    }

    /// TODO DescribedDelegationTokenRenewer
    pub struct DescribedDelegationTokenRenewer {
        /// TODO principal_type
        principal_type: Str, [0+];
        /// TODO principal_name
        principal_name: Str, [0+];
    }
}
