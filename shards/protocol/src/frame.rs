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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Records;
    use crate::messages::api_versions::ApiVersion;
    use crate::messages::fetch::{FetchableTopicResponse, PartitionData};
    use crate::messages::produce::{PartitionProduceData, TopicProduceData};
    use crate::messages::{
        ApiVersionsRequest, ApiVersionsResponse, FetchRequest, FetchResponse, MetadataRequest, ProduceRequest,
    };

    /// A frame as `net` hands it over: without its length, which is checked here.
    fn received(pieces: &[Bytes]) -> Bytes {
        let frame = Bytes::from(pieces.concat());
        let (len, rest) = frame.split_at(4);
        assert_eq!(len, (rest.len() as i32).to_be_bytes());
        frame.slice(4..)
    }

    fn is_part_of(part: &[u8], whole: &Bytes) -> bool {
        whole.as_ptr_range().start <= part.as_ptr() && part.as_ptr_range().end <= whole.as_ptr_range().end
    }

    #[test]
    fn strings_and_records_of_a_request_are_slices_of_its_frame() {
        let records = Records::from(Bytes::from(vec![9; 300]));
        let partition = PartitionProduceData { index: 3, records: Some(records.clone()) };
        let topic =
            TopicProduceData { name: "orders".into(), partition_data: vec![partition], ..Default::default() };
        let request = ProduceRequest { acks: -1, topic_data: vec![topic], ..Default::default() };
        for version in [3, 9, 12] {
            let pieces = encode_request(version, 5, Some("me".into()), &request).expect("a frame");
            let frame = received(&pieces);
            let (header, decoded) = decode_request::<ProduceRequest>(&frame).expect("it is valid");
            assert_eq!((header.correlation_id, header.api_version), (5, version));
            assert_eq!(decoded, request);
            let topic = &decoded.topic_data[0];
            assert!(is_part_of(topic.name.as_bytes(), &frame));
            let records = topic.partition_data[0].records.clone().expect("records").into_bytes();
            assert!(is_part_of(&records, &frame));
        }
    }

    #[test]
    fn several_views_of_records_go_out_as_they_are() {
        let views = vec![Bytes::from(vec![1; 100]), Bytes::from(vec![2; 200])];
        let partition = PartitionData { records: Some(views.clone().into()), ..Default::default() };
        let topic = FetchableTopicResponse { partitions: vec![partition], ..Default::default() };
        let response = FetchResponse { responses: vec![topic], ..Default::default() };
        for version in [4, 18] {
            let pieces = encode_response(version, 1, &response).expect("a frame");
            for view in &views {
                assert!(pieces.iter().any(|piece| piece.as_ptr() == view.as_ptr()));
            }
            let (_, decoded) =
                decode_response::<FetchRequest>(&received(&pieces), version).expect("it is valid");
            assert_eq!(decoded, response);
        }
    }

    #[test]
    fn a_value_that_a_version_lacks_is_dropped_if_it_may_be_and_an_error_otherwise() {
        let request =
            FetchRequest { rack_id: "a".into(), cluster_id: Some("b".into()), ..Default::default() };
        let frame = received(&encode_request(4, 1, None, &request).expect("both are ignorable"));
        let (_, decoded) = decode_request::<FetchRequest>(&frame).expect("it is valid");
        assert_eq!(decoded, FetchRequest::default());

        let request = MetadataRequest { allow_auto_topic_creation: false, ..Default::default() };
        let error = EncodeError::Absent { field: "allow_auto_topic_creation", version: 3 };
        assert_eq!(encode_request(3, 1, None, &request), Err(error));
        assert!(encode_request(4, 1, None, &request).is_ok());
    }

    #[test]
    fn null_where_a_version_has_none_is_an_error() {
        let request = MetadataRequest { topics: None, ..Default::default() };
        assert_eq!(encode_request(0, 1, None, &request), Err(EncodeError::Null { field: "topics" }));
        assert!(encode_request(1, 1, None, &request).is_ok());
    }

    #[test]
    fn the_answer_to_api_versions_never_has_tagged_fields_in_its_header() {
        let api_key = ApiVersion { api_key: 18, min_version: 0, max_version: 4 };
        let response = ApiVersionsResponse { api_keys: vec![api_key], ..Default::default() };
        let pieces = encode_response(4, 0x0102_0304, &response).expect("a frame");
        // The correlation id, then at once the error code.
        assert_eq!(received(&pieces)[..6], [1, 2, 3, 4, 0, 0]);
        let (header, decoded) =
            decode_response::<ApiVersionsRequest>(&received(&pieces), 4).expect("it is valid");
        assert_eq!((header.correlation_id, decoded), (0x0102_0304, response));
    }

    #[test]
    fn a_header_can_be_looked_at_whatever_the_api_and_version() {
        // ApiVersions v99, then an API that nobody knows.
        for (key, known) in [(18_u8, Some(ApiKey::ApiVersions)), (200, None)] {
            let frame = Bytes::from([&[0, key, 0, 99, 0, 0, 0, 7, 0, 2][..], b"me", &[0]].concat());
            let header = RequestHeader::peek(&frame).expect("a header");
            assert_eq!(header.known_api(), known);
            assert_eq!((header.api_version, header.correlation_id), (99, 7));
            assert_eq!(header.client_id, Some("me".into()));
            let error = decode_request::<ApiVersionsRequest>(&frame).expect_err("it is unknown").problem;
            let expected = match known {
                Some(api) => DecodeProblem::UnsupportedVersion(api, 99),
                None => DecodeProblem::UnknownApi(200),
            };
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn a_request_of_another_api_is_refused() {
        let pieces = encode_request(3, 1, None, &ProduceRequest::default()).expect("a frame");
        let error = decode_request::<FetchRequest>(&received(&pieces)).expect_err("it is another");
        assert_eq!(error.problem, DecodeProblem::OtherApi(ApiKey::Produce));
    }

    #[test]
    fn a_version_that_kafka_does_not_have_is_not_written() {
        let error = EncodeError::UnsupportedVersion(ApiKey::Produce, 2);
        assert_eq!(encode_request(2, 1, None, &ProduceRequest::default()), Err(error));
    }
}
