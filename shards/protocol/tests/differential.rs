//! Every message, in every version, against the `kafka-protocol` crate, whose code is generated from Kafka's own
//! definitions. What that crate does not know yet (whole APIs, newest versions) is checked against the walk over the
//! tables alone. The crate gets valid messages only: it does not survive hostile ones.

#[allow(dead_code, reason = "each test uses a part of it")]
mod frames;

use bytes::{Bytes, BytesMut};
use frames::{Choice, Random, body};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Message as TheirMessage, VersionRange};
use std::fmt::Debug;
use strome_protocol::schema::{FieldType, StructSchema, Versions};
use strome_protocol::{
    ApiKey, EncodeError, Message, Reader, RequestHeader, ResponseHeader, Str, Writer, for_each_api, messages,
};

/// How many random values each version of a message is tried with.
const ROUNDS: u64 = 30;

/// The other crate's messages. Stubs stand for those that it lacks.
mod theirs {
    pub use kafka_protocol::messages::*;

    macro_rules! unknown {
        ($($name:ident)*) => {$(
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct $name;

            impl kafka_protocol::protocol::Message for $name {
                const VERSIONS: super::VersionRange = super::VersionRange { min: 0, max: -1 };
                const DEPRECATED_VERSIONS: Option<super::VersionRange> = None;
            }

            impl kafka_protocol::protocol::Encodable for $name {
                fn encode<B: kafka_protocol::protocol::buf::ByteBufMut>(
                    &self,
                    _: &mut B,
                    _: i16,
                ) -> anyhow::Result<()> {
                    anyhow::bail!("a stub")
                }

                fn compute_size(&self, _: i16) -> anyhow::Result<usize> {
                    anyhow::bail!("a stub")
                }
            }

            impl kafka_protocol::protocol::Decodable for $name {
                fn decode<B: kafka_protocol::protocol::buf::ByteBuf>(_: &mut B, _: i16) -> anyhow::Result<Self> {
                    anyhow::bail!("a stub")
                }
            }

            impl kafka_protocol::protocol::HeaderVersion for $name {
                fn header_version(_: i16) -> i16 {
                    -1
                }
            }
        )*};
    }

    unknown! {
        StreamsGroupHeartbeatRequest
        StreamsGroupHeartbeatResponse
        StreamsGroupDescribeRequest
        StreamsGroupDescribeResponse
    }
}

trait Theirs: TheirMessage + Encodable + Decodable + HeaderVersion + Default + Debug + PartialEq {}
impl<T: TheirMessage + Encodable + Decodable + HeaderVersion + Default + Debug + PartialEq> Theirs for T {}

fn encode_ours(message: &impl Message, version: i16) -> Result<Bytes, EncodeError> {
    let mut writer = Writer::default();
    message.encode(&mut writer, version)?;
    Ok(Bytes::from(writer.finish()?.concat()).slice(4..))
}

fn encode_theirs(message: &impl Encodable, version: i16) -> Option<Bytes> {
    let mut buffer = BytesMut::new();
    message.encode(&mut buffer, version).ok().map(|()| buffer.freeze())
}

fn decode_ours<M: Message>(bytes: &Bytes, version: i16) -> M {
    let mut reader = Reader::new(bytes);
    let message = M::decode(&mut reader, version).unwrap_or_else(|e| panic!("{} v{version}: {e}", M::API));
    assert_eq!(reader.remaining(), 0, "{} v{version}", M::API);
    message
}

fn known<T: Theirs>() -> Versions {
    Versions::between(T::VERSIONS.min, T::VERSIONS.max)
}

/// Whether the other crate takes what Kafka and we refuse: it drops tagged fields that a version lacks, and writes
/// null in versions that do not allow it.
fn stricter(schema: &StructSchema, error: &EncodeError) -> bool {
    fn has_tagged(schema: &StructSchema, name: &str) -> bool {
        schema.fields.iter().any(|field| {
            let mut ty = &field.ty;
            while let FieldType::Array(element) = ty {
                ty = element;
            }
            field.name == name && field.tag.is_some()
                || matches!(ty, FieldType::Struct(inner) if has_tagged(inner, name))
        })
    }
    match error {
        EncodeError::Absent { field, .. } => has_tagged(schema, field),
        error => matches!(error, EncodeError::Null { .. }),
    }
}

/// Values of one version travel through both crates, and are then written in all other versions by both.
fn compare_values<O: Message, T: Theirs>(schema: &StructSchema, seed: u64) -> usize {
    let api = O::API.api();
    let mut compared = 0;
    for version in api.versions.min..=api.versions.max {
        let mut random = Random(seed);
        for _ in 0..ROUNDS {
            let state = random.0;
            let what = format!("{} v{version}, seed {seed}, state {state:#x}", schema.name);
            let bytes: Bytes = body(api, schema, version, &mut random, Choice::PLAIN).into();
            let ours: O = decode_ours(&bytes, version);
            assert_eq!(encode_ours(&ours, version), Ok(bytes.clone()), "{what}: {ours:?}");
            if !known::<T>().contains(version) {
                continue;
            }
            let mut rest = bytes.clone();
            let theirs = T::decode(&mut rest, version).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(encode_theirs(&theirs, version), Some(bytes), "{what}: {theirs:?}");
            for other in api.versions.min..=api.versions.max {
                if known::<T>().contains(other) {
                    let ours = encode_ours(&ours, other);
                    if !ours.as_ref().is_err_and(|error| stricter(schema, error)) {
                        let theirs = encode_theirs(&theirs, other);
                        assert_eq!(ours.clone().ok(), theirs, "{what}, then v{other}: {ours:?} {theirs:?}");
                        compared += 1;
                    }
                }
            }
        }
    }
    compared
}

fn compare_defaults<O: Message, T: Theirs>() {
    let api = O::API.api();
    for version in api.versions.min..=api.versions.max {
        if known::<T>().contains(version) {
            let (ours, theirs) = (O::default(), T::default());
            let (a, b) = (encode_ours(&ours, version), encode_theirs(&theirs, version));
            assert_eq!(a.ok(), b, "{} v{version}: {ours:?} {theirs:?}", api.name);
        }
    }
}

fn compare_headers<Q: Theirs, A: Theirs>(key: ApiKey) {
    let api = key.api();
    for version in (api.versions.min..=api.versions.max).filter(|v| known::<Q>().contains(*v)) {
        let header = RequestHeader {
            api_key: key.key(),
            api_version: version,
            correlation_id: 77,
            client_id: Some(Str::from_static("a client")),
        };
        let mut writer = Writer::default();
        header.write(&mut writer).expect("a header");
        let ours = Bytes::from(writer.finish().expect("a frame").concat()).slice(4..);
        let mut rest = ours.clone();
        let theirs = theirs::RequestHeader::decode(&mut rest, Q::header_version(version)).expect("a header");
        assert!(rest.is_empty(), "{key} v{version}");
        assert_eq!((theirs.request_api_key, theirs.request_api_version), (key.key(), version));
        assert_eq!(theirs.correlation_id, 77);
        assert_eq!(theirs.client_id.as_deref(), Some("a client"));
        assert_eq!(RequestHeader::read(&mut Reader::new(&ours)), Ok(header), "{key} v{version}");

        let mut writer = Writer::default();
        ResponseHeader { correlation_id: 77 }.write(&mut writer, key, version);
        let ours = Bytes::from(writer.finish().expect("a frame").concat()).slice(4..);
        let mut rest = ours.clone();
        let theirs = theirs::ResponseHeader::decode(&mut rest, A::header_version(version)).expect("a header");
        assert!(rest.is_empty(), "{key} v{version}");
        assert_eq!(theirs.correlation_id, 77);
        let read = ResponseHeader::read(&mut Reader::new(&ours), key, version);
        assert_eq!(read, Ok(ResponseHeader { correlation_id: 77 }), "{key} v{version}");
    }
}

macro_rules! tests {
    ($(
        $name:ident = $key:literal, $versions:tt flexible $flexible:tt advertised $advertised:tt,
            $request:ident, $response:ident;
    )*) => {
        #[test]
        fn values_travel_as_in_the_other_crate() {
            let mut compared = 0;
            for seed in [1, 2] {
                $(
                    compared += compare_values::<messages::$request, theirs::$request>(
                        &messages::$request::SCHEMA,
                        seed,
                    );
                    compared += compare_values::<messages::$response, theirs::$response>(
                        &messages::$response::SCHEMA,
                        seed,
                    );
                )*
            }
            println!("{compared} encodings compared");
            assert!(compared > 50_000, "the other crate knows hardly anything: {compared}");
        }

        #[test]
        fn defaults_are_those_of_the_other_crate() {
            $(
                compare_defaults::<messages::$request, theirs::$request>();
                compare_defaults::<messages::$response, theirs::$response>();
            )*
        }

        #[test]
        fn headers_are_those_of_the_other_crate() {
            $(compare_headers::<theirs::$request, theirs::$response>(ApiKey::$name);)*
        }
    };
}

for_each_api!(tests);
