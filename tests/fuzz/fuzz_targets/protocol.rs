//! Any frame, as a request with its header or as a response to any version of any API. It decodes or it is refused;
//! what decodes can be encoded, and that decodes to the same bytes again.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::{ApiKey, Message, Reader, RequestHeader, ResponseHeader, Writer, for_each_api, messages};

fn encode(message: &impl Message, version: i16) -> Bytes {
    let mut writer = Writer::default();
    message.encode(&mut writer, version).expect("what was decoded can be encoded");
    let pieces = writer.finish().expect("it is no longer than before");
    Bytes::from(pieces.concat()).slice(4..)
}

fn check<M: Message>(reader: &mut Reader<'_>, version: i16) {
    let Ok(message) = M::decode(reader, version) else { return };
    let once = encode(&message, version);
    let again = M::decode(&mut Reader::new(&once), version).expect("what was encoded can be decoded");
    assert_eq!(encode(&again, version), once);
}

macro_rules! checks {
    ($(
        $name:ident = $key:literal, $versions:tt flexible $flexible:tt advertised $advertised:tt,
            $request:ident, $response:ident;
    )*) => {
        fn check_request(key: ApiKey, reader: &mut Reader<'_>, version: i16) {
            match key {
                $(ApiKey::$name => check::<messages::$request>(reader, version),)*
            }
        }

        fn check_response(key: ApiKey, reader: &mut Reader<'_>, version: i16) {
            match key {
                $(ApiKey::$name => check::<messages::$response>(reader, version),)*
            }
        }
    };
}

for_each_api!(checks);

// The first byte says which way the frame goes. A request follows as it is. Before a response come the number and
// the version of its API, which a client knows from its request.
fuzz_target!(|data: &[u8]| {
    match data {
        [0, key, version, rest @ ..] => {
            let Some(key) = ApiKey::from_key(i16::from(*key)) else { return };
            let version = i16::from(*version);
            let frame = Bytes::copy_from_slice(rest);
            let mut reader = Reader::new(&frame);
            if ResponseHeader::read(&mut reader, key, version).is_ok() {
                check_response(key, &mut reader, version);
            }
        }
        [_, rest @ ..] => {
            let frame = Bytes::copy_from_slice(rest);
            let peeked = RequestHeader::peek(&frame);
            let mut reader = Reader::new(&frame);
            if let Ok(header) = RequestHeader::read(&mut reader) {
                assert_eq!(Ok(&header), peeked.as_ref());
                if let Some(key) = header.known_api() {
                    check_request(key, &mut reader, header.api_version);
                }
            }
        }
        [] => {}
    }
});
