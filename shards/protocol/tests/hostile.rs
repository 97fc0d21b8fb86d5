//! Frames from somebody who means harm: nothing panics, and nothing is allocated that the frame has not paid for.

#[allow(dead_code, reason = "each test uses a part of it")]
mod frames;

use bytes::Bytes;
use frames::{Choice, Random, body};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use strome_protocol::schema::{Api, FieldType, StructSchema};
use strome_protocol::{
    ApiKey, DECODED_BYTES_BESIDES_MAX, DECODED_BYTES_PER_FRAME_BYTE_MAX, DecodeError, DecodeProblem, Message,
    REQUEST_BYTES_PER_FRAME_BYTE_MAX, Reader, RequestHeader, Str, Writer, for_each_api, messages,
};

/// Mutated frames per message and version.
const ROUNDS: usize = 40;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

/// Counts, for each thread, the bytes that were ever asked for.
struct Counting;

// SAFETY: everything is handed on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.with(|n| n.set(n.get() + layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The result of `decode` and how much it allocated.
fn counting<T>(decode: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATED.get();
    let value = decode();
    (value, ALLOCATED.get() - before)
}

fn encode(message: &impl Message, version: i16) -> Bytes {
    let mut writer = Writer::default();
    message.encode(&mut writer, version).expect("what was decoded can be encoded");
    Bytes::from(writer.finish().expect("a frame").concat()).slice(4..)
}

/// Decodes a body that may be anything, and holds it to the bound.
fn attack<M: Message>(bytes: Vec<u8>, version: i16, what: &str) -> Result<(), DecodeError> {
    let frame = Bytes::from(bytes);
    let (decoded, allocated) = counting(|| M::decode(&mut Reader::new(&frame), version));
    let bound = DECODED_BYTES_PER_FRAME_BYTE_MAX * frame.len() + DECODED_BYTES_BESIDES_MAX;
    assert!(allocated <= bound, "{what}: {} bytes made it allocate {allocated}: {frame:?}", frame.len());
    let message = decoded?;
    // Floating point numbers that are not numbers differ from themselves, so bytes are compared.
    let once = encode(&message, version);
    let again = M::decode(&mut Reader::new(&once), version).expect("what was encoded can be decoded");
    assert_eq!(encode(&again, version), once, "{what}: {message:?}");
    Ok(())
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x0f])),
            2 => drop(bytes.splice(at..at, [0x7f, 0xff, 0xff, 0xff])),
            3 => {
                let piece = bytes[at..].to_vec();
                bytes.extend(piece);
            }
            4 => {
                let fill = [0, 1, 2, 3, 0x7f, 0x80, 0xff][random.below(7)];
                bytes.truncate(at);
                bytes.resize(at + random.below(2_000), fill);
            }
            5 => {
                let claim = (random.next() as u32 >> random.below(32)).to_be_bytes();
                drop(bytes.splice(at..at, claim));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.next() as u8;
                }
            }
        }
    }
}

/// Returns how many of the frames were refused.
fn attack_message<M: Message>(schema: &StructSchema, seed: u64) -> usize {
    let api = M::API.api();
    let mut random = Random(seed);
    let mut refused = 0;
    for version in api.versions.min..=api.versions.max {
        for round in 0..ROUNDS {
            let state = random.0;
            let what = format!("{} v{version}, seed {seed}, state {state:#x}", schema.name);
            let choice = [Choice::TAGGED, Choice::PLAIN, Choice::DENSE][round.min(10) % 3];
            let mut bytes = body(api, schema, version, &mut random, choice);
            if round < 3 {
                attack::<M>(bytes, version, &what).unwrap_or_else(|e| panic!("{what}: {e}"));
                continue;
            }
            mutate(&mut bytes, &mut random);
            refused += usize::from(attack::<M>(bytes, version, &what).is_err());
        }
    }
    refused
}

macro_rules! tests {
    ($(
        $name:ident = $key:literal, $versions:tt flexible $flexible:tt advertised $advertised:tt,
            $request:ident, $response:ident;
    )*) => {
        #[test]
        fn mutated_messages_neither_panic_nor_take_more_than_they_paid_for() {
            let mut refused = 0;
            for seed in [1, 2] {
                $(
                    refused += attack_message::<messages::$request>(&messages::$request::SCHEMA, seed);
                    refused += attack_message::<messages::$response>(&messages::$response::SCHEMA, seed);
                )*
            }
            assert!(refused > 10_000, "hardly anything was wrong: {refused}");
        }
    };
}

for_each_api!(tests);

/// The fewest bytes on the wire and the size in memory of an element.
fn element(ty: &FieldType, version: i16, flexible: bool) -> (usize, usize) {
    let length = |classic| if flexible { 1 } else { classic };
    match ty {
        FieldType::Bool | FieldType::Int8 => (1, 1),
        FieldType::Int16 | FieldType::Uint16 => (2, 2),
        FieldType::Int32 => (4, 4),
        FieldType::Int64 | FieldType::Float64 => (8, 8),
        FieldType::Uuid => (16, 16),
        FieldType::String => (length(2), size_of::<Str>()),
        FieldType::Bytes | FieldType::Records => (length(4), size_of::<Bytes>()),
        FieldType::Array(_) => (length(4), size_of::<Vec<u8>>()),
        FieldType::Struct(schema) => {
            let there = schema.fields.iter().filter(|f| f.versions.contains(version) && f.tag.is_none());
            let bytes_min = there.map(|field| match field.ty {
                FieldType::Struct(_) if field.nullable.contains(version) => 1,
                _ => element(&field.ty, version, flexible).0,
            });
            (bytes_min.sum::<usize>() + usize::from(flexible), schema.memory_bytes)
        }
    }
}

/// The most memory for a byte that any array in the table takes.
fn ratio(schema: &StructSchema, version: i16, flexible: bool) -> (usize, String) {
    let fields = schema.fields.iter().filter(|field| field.versions.contains(version));
    let ratios = fields.map(|field| {
        let (mut ty, mut own) = (&field.ty, 0);
        while let FieldType::Array(inner) = ty {
            let (bytes_min, memory) = element(inner, version, flexible);
            own = memory.div_ceil(bytes_min);
            ty = inner;
        }
        let own = (own, format!("{}.{}", schema.name, field.name));
        match ty {
            FieldType::Struct(inner) => ratio(inner, version, flexible).max(own),
            _ => own,
        }
    });
    ratios.max().unwrap_or_default()
}

#[test]
fn no_array_takes_more_memory_for_a_byte_than_documented() {
    let worst = |schema: fn(&Api) -> &'static StructSchema| {
        let versions = |api: &'static Api| (api.versions.min..=api.versions.max).map(move |v| (api, v));
        let ratios = ApiKey::ALL.iter().flat_map(|key| versions(key.api())).map(|(api, version)| {
            let (ratio, place) = ratio(schema(api), version, api.flexible.contains(version));
            (ratio, format!("{place} v{version}"))
        });
        ratios.max().expect("there are messages")
    };
    let (request, request_place) = worst(|api| api.request);
    let (response, response_place) = worst(|api| api.response);
    assert_eq!(request, REQUEST_BYTES_PER_FRAME_BYTE_MAX, "{request_place}");
    assert_eq!(request.max(response), DECODED_BYTES_PER_FRAME_BYTE_MAX, "{request_place} {response_place}");
}

fn refuse<M: Message>(bytes: &[u8], version: i16) -> (DecodeProblem, usize) {
    let frame = Bytes::copy_from_slice(bytes);
    let (result, allocated) = counting(|| M::decode(&mut Reader::new(&frame), version));
    (result.expect_err("it is refused").problem, allocated)
}

#[test]
fn counts_beyond_the_frame_are_refused_before_anything_is_allocated() {
    let most = i32::MAX.to_be_bytes();
    assert_eq!(
        refuse::<messages::MetadataRequest>(&most, 1),
        (DecodeProblem::TooManyElements(i32::MAX as usize), 0)
    );
    let compact = [0xff, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(
        refuse::<messages::MetadataRequest>(&compact, 12),
        (DecodeProblem::TooManyElements(u32::MAX as usize - 1), 0)
    );
    // Ten bytes could be five empty names, but not six.
    let frame = |count: u8| [&[0, 0, 0, count], &[0; 10][..]].concat();
    assert!(attack::<messages::MetadataRequest>(frame(5), 1, "five").is_ok());
    assert_eq!(refuse::<messages::MetadataRequest>(&frame(6), 1), (DecodeProblem::TooManyElements(6), 0));
}

#[test]
fn an_array_cannot_spend_what_the_arrays_around_it_need() {
    // OffsetForLeaderEpoch v2: a topic takes at least 6 bytes and a partition 12. Three topics are announced, and
    // behind the first one's name and count there are 12 bytes: enough for the other two, or for the partition that
    // the first one claims, but not for both.
    let frame = [&[0, 0, 0, 3][..], &[0, 0, 0, 0, 0, 1], &[0; 12]].concat();
    let (problem, _) = refuse::<messages::OffsetForLeaderEpochRequest>(&frame, 2);
    assert_eq!(problem, DecodeProblem::TooManyElements(1));
}

#[test]
fn too_many_elements_are_refused_even_if_they_are_there() {
    let count = 1_000_001_u32;
    let frame = [&count.to_be_bytes()[..], &vec![0; 2 * count as usize]].concat();
    let (problem, allocated) = refuse::<messages::MetadataRequest>(&frame, 1);
    assert_eq!((problem, allocated), (DecodeProblem::TooManyElements(count as usize), 0));
}

#[test]
fn too_many_tagged_fields_are_refused_even_if_they_are_there() {
    // 10,001 empty fields, whose numbers nobody knows, at the end of a Heartbeat v4.
    let body = |count: u16| {
        let tags =
            [(count & 0x7f) as u8 | 0x80, (count >> 7) as u8 | if count >= 1 << 14 { 0x80 } else { 0 }];
        [&[1, 0, 0, 0, 0, 1, 0][..], &tags, &[99, 0].repeat(usize::from(count))].concat()
    };
    assert!(attack::<messages::HeartbeatRequest>(body(10_000), 4, "10,000").is_ok());
    let (problem, allocated) = refuse::<messages::HeartbeatRequest>(&body(10_001), 4);
    assert_eq!((problem, allocated), (DecodeProblem::TooManyTaggedFields(10_001), 0));
}

#[test]
fn a_tagged_field_is_confined_to_its_size() {
    // Fetch v12 with a cluster id (tag 0) of five bytes that claims to have ten, or to end earlier than it does.
    let body = |size: u8, text: u8| {
        let fields = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        [&fields[..], &[1, 1, 1], &[1, 0, size, text + 1, b'a', b'b', b'c', b'd', 0, 0, 0, 0, 0, 0]].concat()
    };
    let frame = Bytes::from(body(5, 4));
    let request = messages::FetchRequest::decode(&mut Reader::new(&frame), 12).expect("it is valid");
    assert_eq!(request.cluster_id, Some(Str::from_static("abcd")));
    let (problem, _) = refuse::<messages::FetchRequest>(&body(5, 10), 12);
    assert_eq!(problem, DecodeProblem::Truncated { missing: 6 });
    let (problem, _) = refuse::<messages::FetchRequest>(&body(7, 4), 12);
    assert_eq!(problem, DecodeProblem::TaggedFieldSize);
}

#[test]
fn a_number_that_does_not_end_is_refused() {
    for bytes in [[0xff; 5], [0x80, 0x80, 0x80, 0x80, 0x10]] {
        assert_eq!(refuse::<messages::MetadataRequest>(&bytes, 12).0, DecodeProblem::Varint);
    }
}

#[test]
fn null_and_text_that_is_none_are_refused_where_they_must_not_be() {
    assert_eq!(refuse::<messages::MetadataRequest>(&[0xff; 4], 0).0, DecodeProblem::Null);
    let frame = [0, 0, 0, 1, 0, 2, 0xc3, 0x28];
    assert_eq!(refuse::<messages::MetadataRequest>(&frame, 0).0, DecodeProblem::NotUtf8);
}

#[test]
fn headers_of_random_bytes_are_read_or_refused() {
    let mut random = Random(3);
    for _ in 0..20_000 {
        let len = random.below(40);
        let mut bytes: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
        if let [key_high, key_low, ..] = &mut bytes[..] {
            (*key_high, *key_low) = (0, *key_low % 100);
        }
        let frame = Bytes::from(bytes);
        let peeked = RequestHeader::peek(&frame);
        let read = RequestHeader::read(&mut Reader::new(&frame));
        if let (Ok(read), Ok(peeked)) = (&read, &peeked) {
            assert_eq!(read, peeked);
        }
        assert!(peeked.is_ok() || read.is_err());
    }
}
