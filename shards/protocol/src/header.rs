//! The headers in front of requests and responses.

use crate::schema::Api;
use crate::wire::{At, Nullable, Wire};
use crate::{ApiKey, DecodeError, DecodeProblem, EncodeError, Reader, Str, Versions, Writer};
use bytes::Bytes;

/// Strings of a request header have 16-bit lengths in every version.
const NEVER_COMPACT: At = At { version: 1, flexible: false, nullable: true, tagged: false };

/// What stands in front of a request (Kafka's request header v1, and v2 in flexible versions).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestHeader {
    /// The API's number, whether or not this crate knows it.
    pub api_key: i16,
    /// The version of the API that the request is written in.
    pub api_version: i16,
    /// The response will carry this number.
    pub correlation_id: i32,
    /// How the client calls itself.
    pub client_id: Option<Str>,
}

impl RequestHeader {
    /// Looks at the header of a frame without moving on. All versions of the header begin alike, so this works for
    /// unknown APIs and versions too.
    pub fn peek(frame: &Bytes) -> Result<Self, DecodeError> {
        Self::read_fields(&mut Reader::new(frame))
    }

    /// Reads the header of a request of any API and version that this crate knows; the body follows.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let header = Self::read_fields(reader)?;
        let Some(key) = header.known_api() else {
            return Err(reader.error(DecodeProblem::UnknownApi(header.api_key)));
        };
        let api = key.api();
        // A version that is still unknown is taken for flexible, as all new versions are.
        if api.flexible.contains(header.api_version) {
            reader.skip_tagged_fields()?;
        }
        Ok(header)
    }

    fn read_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.enter("api_key");
        let api_key = i16::read(reader, NEVER_COMPACT)?;
        reader.enter("api_version");
        let api_version = i16::read(reader, NEVER_COMPACT)?;
        reader.enter("correlation_id");
        let correlation_id = i32::read(reader, NEVER_COMPACT)?;
        reader.enter("client_id");
        let client_id = Str::read_option(reader, NEVER_COMPACT)?;
        Ok(Self { api_key, api_version, correlation_id, client_id })
    }

    /// The API, if this crate knows it.
    #[must_use]
    pub fn known_api(&self) -> Option<ApiKey> {
        ApiKey::from_key(self.api_key)
    }

    /// Writes the header; the body is to follow.
    pub fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        self.api_key.write(writer, NEVER_COMPACT)?;
        self.api_version.write(writer, NEVER_COMPACT)?;
        self.correlation_id.write(writer, NEVER_COMPACT)?;
        writer.enter("client_id");
        self.client_id.write(writer, NEVER_COMPACT)?;
        if self.known_api().is_some_and(|key| key.api().flexible.contains(self.api_version)) {
            writer.uvarint(0);
        }
        Ok(())
    }
}

/// What stands in front of a response (Kafka's response header v0, and v1 in flexible versions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The number of the request that is answered.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// The versions of an API whose responses have tagged fields in the header. Those to ApiVersions never have
    /// them: a client that asks does not yet know whether the broker understands flexible versions (KIP-511).
    fn flexible(api: &Api) -> Versions {
        if api.key == ApiKey::ApiVersions { Versions::NONE } else { api.flexible }
    }

    /// Reads the header of a response to `version` of `key`; the body follows.
    pub fn read(reader: &mut Reader<'_>, key: ApiKey, version: i16) -> Result<Self, DecodeError> {
        reader.enter("correlation_id");
        let correlation_id = i32::read(reader, NEVER_COMPACT)?;
        if Self::flexible(key.api()).contains(version) {
            reader.skip_tagged_fields()?;
        }
        Ok(Self { correlation_id })
    }

    /// Writes the header of a response to `version` of `key`; the body is to follow.
    pub fn write(&self, writer: &mut Writer, key: ApiKey, version: i16) {
        writer.put(&self.correlation_id.to_be_bytes());
        if Self::flexible(key.api()).contains(version) {
            writer.uvarint(0);
        }
    }
}
