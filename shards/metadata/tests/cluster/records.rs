//! Records as bytes: back again, from newer releases, and from anywhere at all.

use strome_metadata::{DecodeError, Record};
use types::{ProducerId, Uuid};

use crate::random::Random;

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}

#[test]
fn every_record_reads_back_and_so_do_many_in_a_row() {
    for seed in 0..2000 {
        let mut random = Random::new(seed);
        let records: Vec<Record> = (0..4).map(|_| random.record()).collect();
        let mut bytes = Vec::new();
        for record in &records {
            let at = bytes.len();
            record.encode(&mut bytes);
            assert_eq!(
                Record::decode(&bytes[at..]),
                Ok((Some(record.clone()), bytes.len() - at)),
                "seed {seed}"
            );
        }
        let (mut read, mut rest) = (Vec::new(), bytes.as_slice());
        while !rest.is_empty() {
            let (record, taken) = Record::decode(rest).expect("intact");
            read.extend(record);
            rest = &rest[taken..];
        }
        assert_eq!(read, records, "seed {seed}");
    }
}

#[test]
fn the_bytes_of_a_record_are_the_same_in_every_release() {
    assert_eq!(encoded(&Record::ProducerIds { next: ProducerId(1000) }), [20, 0, 4, 0, 2, 0xd0, 0x0f]);
    let mut remove = vec![12, 0, 18, 0, 16];
    remove.extend([7; 16]);
    assert_eq!(encoded(&Record::RemoveTopic { id: Uuid([7; 16]) }), remove);
}

/// The record with another field of a newer release.
fn with_field(record: &Record, tag: u8, value: &[u8]) -> Vec<u8> {
    let bytes = encoded(record);
    // These records are short: kind, version and length take a byte each.
    let mut body = bytes[3..].to_vec();
    body.extend([tag, value.len() as u8]);
    body.extend(value);
    let mut more = vec![bytes[0], bytes[1], body.len() as u8];
    more.extend(body);
    more
}

#[test]
fn a_field_of_a_newer_release_is_passed_over() {
    for record in [
        Record::ProducerIds { next: ProducerId(5) },
        Record::FeatureLevel { name: "group.version".to_owned(), level: 1 },
        Record::RemoveTopic { id: Uuid([7; 16]) },
    ] {
        let bytes = with_field(&record, 100, b"what this says is not for us");
        assert_eq!(Record::decode(&bytes), Ok((Some(record), bytes.len())));
    }
}

#[test]
fn a_kind_of_record_that_may_be_passed_over_is_and_any_other_is_refused_by_its_number() {
    assert_eq!(Record::decode(&[101, 3, 2, 9, 0, 77]), Ok((None, 5)));
    assert_eq!(Record::decode(&[100, 0, 0]), Err(DecodeError::Newer { kind: 100, version: 0 }));
    let mut newer = encoded(&Record::ProducerIds { next: ProducerId(5) });
    newer[1] = 1;
    assert_eq!(Record::decode(&newer), Err(DecodeError::Newer { kind: 20, version: 1 }));
}

#[test]
fn a_record_without_a_field_that_it_needs_is_refused_by_name() {
    let error = Record::decode(&[20, 0, 0]).expect_err("it says nothing");
    assert_eq!(error, DecodeError::Missing { record: "ProducerIds", field: "next" });
}

#[test]
fn a_record_that_is_cut_short_is_refused_at_every_byte() {
    for seed in 0..300 {
        let bytes = encoded(&Random::new(seed).record());
        for len in 0..bytes.len() {
            assert!(Record::decode(&bytes[..len]).is_err(), "seed {seed}, {len} bytes");
        }
    }
}

#[test]
fn damaged_bytes_are_refused_or_are_another_record_that_reads_back() {
    for seed in 0..20_000 {
        let mut random = Random::new(seed);
        let mut bytes = encoded(&random.record());
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.below(256) as u8;
        }
        if let Ok((Some(record), taken)) = Record::decode(&bytes) {
            assert!(taken <= bytes.len(), "seed {seed}");
            let again = encoded(&record);
            assert_eq!(Record::decode(&again), Ok((Some(record), again.len())), "seed {seed}");
        }
    }
}

#[test]
fn noise_is_refused_without_taking_memory() {
    for seed in 0..20_000 {
        let mut random = Random::new(seed);
        let len = random.below(64);
        let bytes: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
        let _ = Record::decode(&bytes);
    }
    // Lists and texts that claim a million, or all, of the bytes that there could be.
    for claim in [&[0xc0, 0x84, 0x3d][..], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0xff; 9]] {
        for (kind, tag) in [(4, 4), (4, 5), (14, 2), (14, 3), (2, 0), (18, 2)] {
            let mut bytes = vec![kind, 0, 2 + claim.len() as u8, tag, claim.len() as u8];
            bytes.extend(claim);
            assert!(Record::decode(&bytes).is_err(), "{bytes:?}");
        }
    }
}
