//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// TODO SaslHandshakeRequest
    pub struct SaslHandshakeRequest {
        /// TODO mechanism
        mechanism: Str, [0+];
    }

    /// TODO SaslHandshakeResponse
    pub struct SaslHandshakeResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO mechanisms
        mechanisms: Vec<Str>, [0+];
    }

    /// TODO SaslAuthenticateRequest
    pub struct SaslAuthenticateRequest {
        /// TODO auth_bytes
        auth_bytes: Bytes, [0+];
    }

    /// TODO SaslAuthenticateResponse
    pub struct SaslAuthenticateResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO auth_bytes
        auth_bytes: Bytes, [0+];
        /// TODO session_lifetime_ms
        session_lifetime_ms: i64, [1+] (ignorable);
    }
}
