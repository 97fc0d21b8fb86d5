//! Authentication by SASL.

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// Names the mechanism by which the client will authenticate itself.
    pub struct SaslHandshakeRequest {
        /// The mechanism that the client wants to use.
        mechanism: Str, [0+];
    }

    /// The mechanisms that the broker offers.
    pub struct SaslHandshakeResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The mechanisms that the broker offers.
        mechanisms: Vec<Str>, [0+];
    }

    /// Carries a message of the SASL mechanism.
    pub struct SaslAuthenticateRequest {
        /// What the mechanism's two sides say to each other.
        auth_bytes: Bytes, [0+];
    }

    /// Carries the broker's side of the SASL mechanism.
    pub struct SaslAuthenticateResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// What the mechanism's two sides say to each other.
        auth_bytes: Bytes, [0+];
        /// How long the authentication is good for, in milliseconds; 0 without limit.
        session_lifetime_ms: i64, [1+] (ignorable);
    }
}
