//! What ApiVersions announces is what is served.

use std::collections::BTreeMap;

use protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use protocol::{ApiKey, Request, decode_response};

use crate::client::{Client, newest};
use crate::support::Broker;

const UNSUPPORTED_VERSION: i16 = 35;

fn announced(client: &mut Client, version: i16) -> ApiVersionsResponse {
    let request = ApiVersionsRequest {
        client_software_name: "strome-test".into(),
        client_software_version: "1.0".into(),
    };
    client.call(version, &request)
}

/// The API of a frame, with its version replaced.
fn with_version(mut frame: Vec<u8>, version: i16) -> Vec<u8> {
    frame[6..8].copy_from_slice(&version.to_be_bytes());
    frame
}

/// Asks in every announced version of one API, each on a connection of its own.
fn ask_every_version<R: Request + Default>(broker: &Broker, announced: &BTreeMap<i16, (i16, i16)>) {
    let api = R::API.api();
    let Some((min, max)) = announced.get(&api.key.key()) else {
        // Not announced, so not served: the connection ends.
        let mut client = Client::connect(broker.address());
        client.send(api.versions.max.min(api.advertised.max).max(api.versions.min), &R::default());
        client.expect_closed();
        return;
    };
    assert_eq!((*min, *max), (api.advertised.min, api.advertised.max), "{}", api.name);
    for version in *min.max(&api.versions.min)..=*max {
        // Its default is acks=0, which has no answer.
        if api.key == ApiKey::Produce {
            continue;
        }
        let mut client = Client::connect(broker.address());
        client.send(version, &R::default());
        let frame = client.receive_frame().unwrap_or_else(|| panic!("{} {version} has no answer", api.name));
        decode_response::<R>(&frame, version).unwrap_or_else(|e| panic!("{} {version}: {e}", api.name));
    }
    for version in [max + 1, i16::MAX, -1] {
        if api.key == ApiKey::ApiVersions {
            continue;
        }
        let mut client = Client::connect(broker.address());
        let frame = client.frame(api.versions.max, &R::default());
        client.write(&with_version(frame, version));
        client.expect_closed();
    }
}

macro_rules! ask_all {
    ($($name:ident = $key:literal, [$($v:tt)*] $(flexible [$($f:tt)*])? advertised [$($a:tt)*],
        $request:ident, $response:ident;)*) => {
        fn ask_all(broker: &Broker, announced: &BTreeMap<i16, (i16, i16)>) {
            $(ask_every_version::<protocol::messages::$request>(broker, announced);)*
        }
    };
}
protocol::for_each_api!(ask_all);

#[test]
fn every_announced_version_is_served_and_no_other() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    let newest = announced(&mut client, newest::<ApiVersionsRequest>());
    assert_eq!(newest.error_code, 0);
    let ranges: BTreeMap<i16, (i16, i16)> =
        newest.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect();
    assert_eq!(ranges.len(), newest.api_keys.len(), "each API once");
    assert_eq!(ranges.get(&ApiKey::Produce.key()), Some(&(0, 13)));
    for version in 0..=4 {
        let response = announced(&mut client, version);
        let of_version: BTreeMap<i16, (i16, i16)> =
            response.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect();
        assert_eq!(of_version, ranges);
        if version == 3 {
            assert!(response.supported_features.iter().all(|feature| feature.min_version > 0));
        }
    }
    ask_all(&broker, &ranges);
}

#[test]
fn an_unknown_version_of_api_versions_is_answered_in_version_0() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    let frame = client.frame(4, &ApiVersionsRequest::default());
    client.write(&with_version(frame, 99));
    let frame = client.receive_frame().expect("an answer");
    let (_, response) = decode_response::<ApiVersionsRequest>(&frame, 0).expect("of version 0");
    assert_eq!(response.error_code, UNSUPPORTED_VERSION);
    let own: Vec<(i16, i16, i16)> =
        response.api_keys.iter().map(|api| (api.api_key, api.min_version, api.max_version)).collect();
    assert_eq!(own, [(ApiKey::ApiVersions.key(), 0, 4)]);
    // The connection is still good.
    assert_eq!(announced(&mut client, 4).error_code, 0);
}

#[test]
fn a_client_must_give_its_software_a_name() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    for (name, version) in [("", "1"), ("x", ""), ("-x", "1"), ("x y", "1")] {
        let request =
            ApiVersionsRequest { client_software_name: name.into(), client_software_version: version.into() };
        assert_eq!(client.call(4, &request).error_code, 42, "{name:?} {version:?}");
    }
}

/// Frames that are none, or that lie about their lengths, end their connection and nothing else.
#[test]
fn nonsense_ends_only_its_own_connection() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut other = Client::connect(broker.address());
    for frame in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0],
        &[0, 0, 0, 2, 0, 0],
        &[0x7f, 0xff, 0xff, 0xff, 0, 0],
        // Metadata 1 with an array of two billion topics.
        &[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff],
        // Produce 3 with a client id that is longer than the frame.
        &[0, 0, 0, 10, 0, 0, 0, 3, 0, 0, 0, 1, 0x7f, 0xff],
    ] {
        let mut client = Client::connect(broker.address());
        client.write(frame);
        client.expect_closed();
    }
    assert_eq!(announced(&mut other, 4).error_code, 0);
}
