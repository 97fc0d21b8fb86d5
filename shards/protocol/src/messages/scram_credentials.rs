//! The credentials of SCRAM users (KIP-554).

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// Asks which SCRAM credentials users have (KIP-554).
    pub struct DescribeUserScramCredentialsRequest {
        /// The users; null or empty for all.
        users: Option<Vec<UserName>>, [0+] nullable [0+];
    }

    /// A user, in [`DescribeUserScramCredentialsRequest`].
    pub struct UserName {
        /// The user.
        name: Str, [0+];
    }

    /// The kinds of credentials, without their secrets.
    pub struct DescribeUserScramCredentialsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// What became of each user.
        results: Vec<DescribeUserScramCredentialsResult>, [0+];
    }

    /// A user, in [`DescribeUserScramCredentialsResponse`].
    pub struct DescribeUserScramCredentialsResult {
        /// The user.
        user: Str, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The credentials of the user.
        credential_infos: Vec<CredentialInfo>, [0+];
    }

    /// A credential, in [`DescribeUserScramCredentialsResponse`].
    pub struct CredentialInfo {
        /// The mechanism: 1 for SCRAM-SHA-256, 2 for SCRAM-SHA-512.
        mechanism: i8, [0+];
        /// How often the hash is repeated.
        iterations: i32, [0+];
    }

    /// Sets and removes SCRAM credentials.
    pub struct AlterUserScramCredentialsRequest {
        /// The credentials to remove.
        deletions: Vec<ScramCredentialDeletion>, [0+];
        /// The credentials to set.
        upsertions: Vec<ScramCredentialUpsertion>, [0+];
    }

    /// A credential to remove, in [`AlterUserScramCredentialsRequest`].
    pub struct ScramCredentialDeletion {
        /// The user.
        name: Str, [0+];
        /// The mechanism: 1 for SCRAM-SHA-256, 2 for SCRAM-SHA-512.
        mechanism: i8, [0+];
    }

    /// A credential to set, in [`AlterUserScramCredentialsRequest`].
    pub struct ScramCredentialUpsertion {
        /// The user.
        name: Str, [0+];
        /// The mechanism: 1 for SCRAM-SHA-256, 2 for SCRAM-SHA-512.
        mechanism: i8, [0+];
        /// How often the hash is repeated.
        iterations: i32, [0+];
        /// The salt of the hash.
        salt: Bytes, [0+];
        /// The password's hash.
        salted_password: Bytes, [0+];
    }

    /// What became of each user.
    pub struct AlterUserScramCredentialsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What became of each user.
        results: Vec<AlterUserScramCredentialsResult>, [0+];
    }

    /// A user, in [`AlterUserScramCredentialsResponse`].
    pub struct AlterUserScramCredentialsResult {
        /// The user.
        user: Str, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
    }
}
