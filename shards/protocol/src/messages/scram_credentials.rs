//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// TODO DescribeUserScramCredentialsRequest
    pub struct DescribeUserScramCredentialsRequest {
        /// TODO users
        users: Option<Vec<UserName>>, [0+] nullable [0+];
    }

    /// TODO UserName
    pub struct UserName {
        /// TODO name
        name: Str, [0+];
    }

    /// TODO DescribeUserScramCredentialsResponse
    pub struct DescribeUserScramCredentialsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO results
        results: Vec<DescribeUserScramCredentialsResult>, [0+];
    }

    /// TODO DescribeUserScramCredentialsResult
    pub struct DescribeUserScramCredentialsResult {
        /// TODO user
        user: Str, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO credential_infos
        credential_infos: Vec<CredentialInfo>, [0+];
    }

    /// TODO CredentialInfo
    pub struct CredentialInfo {
        /// TODO mechanism
        mechanism: i8, [0+];
        /// TODO iterations
        iterations: i32, [0+];
    }

    /// TODO AlterUserScramCredentialsRequest
    pub struct AlterUserScramCredentialsRequest {
        /// TODO deletions
        deletions: Vec<ScramCredentialDeletion>, [0+];
        /// TODO upsertions
        upsertions: Vec<ScramCredentialUpsertion>, [0+];
    }

    /// TODO ScramCredentialDeletion
    pub struct ScramCredentialDeletion {
        /// TODO name
        name: Str, [0+];
        /// TODO mechanism
        mechanism: i8, [0+];
    }

    /// TODO ScramCredentialUpsertion
    pub struct ScramCredentialUpsertion {
        /// TODO name
        name: Str, [0+];
        /// TODO mechanism
        mechanism: i8, [0+];
        /// TODO iterations
        iterations: i32, [0+];
        /// TODO salt
        salt: Bytes, [0+];
        /// TODO salted_password
        salted_password: Bytes, [0+];
    }

    /// TODO AlterUserScramCredentialsResponse
    pub struct AlterUserScramCredentialsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO results
        results: Vec<AlterUserScramCredentialsResult>, [0+];
    }

    /// TODO AlterUserScramCredentialsResult
    pub struct AlterUserScramCredentialsResult {
        /// TODO user
        user: Str, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
    }
}
