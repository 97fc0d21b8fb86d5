//! Whole frames: a header and a message. A frame to be read comes without its four length bytes; one that was
//! written has them.

use crate::header::{RequestHeader, ResponseHeader};
use crate::wire::{At, Wire};
use crate::{ApiKey, DecodeError, DecodeProblem, EncodeError, Reader, Str, Writer};
use bytes::Bytes;
use std::fmt::Debug;

/// A message in its place: as the request or the response of an API.
pub trait Message: Wire + Default + Clone + PartialEq + Debug {
    /// The API that it belongs to.
    const API: ApiKey;

    /// Reads the body of a message.
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let api = Self::API.api();
        if !api.versions.contains(version) {
            return Err(reader.error(DecodeProblem::UnsupportedVersion(api.key, version)));
        }
        Self::read(reader, At::new(version, api.flexible))
    }

    /// Writes the body of a message.
    fn encode(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let api = Self::API.api();
        if !api.versions.contains(version) {
            return Err(EncodeError::UnsupportedVersion(api.key, version));
        }
        self.write(writer, At::new(version, api.flexible))
    }
}

/// A message that asks.
pub trait Request: Message {
    /// The message that answers it.
    type Response: Message;
}

/// Reads a request of one API.
pub fn decode_request<R: Request>(frame: &Bytes) -> Result<(RequestHeader, R), DecodeError> {
    let mut reader = Reader::new(frame);
    let header = RequestHeader::read(&mut reader)?;
    match header.known_api() {
        Some(key) if key == R::API => {}
        Some(key) => return Err(reader.error(DecodeProblem::OtherApi(key))),
        None => return Err(reader.error(DecodeProblem::UnknownApi(header.api_key))),
    }
    let request = R::decode(&mut reader, header.api_version)?;
    Ok((header, request))
}

/// Reads the response to a request of type `R` that was sent in `version`.
pub fn decode_response<R: Request>(
    frame: &Bytes,
    version: i16,
) -> Result<(ResponseHeader, R::Response), DecodeError> {
    let mut reader = Reader::new(frame);
    let header = ResponseHeader::read(&mut reader, R::API, version)?;
    let response = R::Response::decode(&mut reader, version)?;
    Ok((header, response))
}

/// Writes a request, length included.
pub fn encode_request<R: Request>(
    version: i16,
    correlation_id: i32,
    client_id: Option<Str>,
    request: &R,
) -> Result<Vec<Bytes>, EncodeError> {
    let mut writer = Writer::default();
    let api_key = R::API.key();
    RequestHeader { api_key, api_version: version, correlation_id, client_id }.write(&mut writer)?;
    request.encode(&mut writer, version)?;
    writer.finish()
}

/// Writes a response to a request that came in `version`, length included.
pub fn encode_response<M: Message>(
    version: i16,
    correlation_id: i32,
    response: &M,
) -> Result<Vec<Bytes>, EncodeError> {
    let mut writer = Writer::default();
    ResponseHeader { correlation_id }.write(&mut writer, M::API, version);
    response.encode(&mut writer, version)?;
    writer.finish()
}
