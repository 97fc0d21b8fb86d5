use protocol::group_log::MemberMetadata;

use super::*;

fn generation() -> Record {
    let member = MemberMetadata {
        member_id: "m-1".into(),
        group_instance_id: Some("i".into()),
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout: 300_000,
        session_timeout: 45_000,
        subscription: Bytes::from_static(b"subscription"),
        assignment: Bytes::from_static(b"assignment"),
    };
    let value = GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 4,
        protocol: Some("range".into()),
        leader: Some("m-1".into()),
        current_state_timestamp: 12,
        members: vec![member],
    };
    Record::GroupMetadata(GroupMetadataKey { group: "g".into() }, Some(value))
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    let deletion = Record::GroupMetadata(GroupMetadataKey { group: "g".into() }, None);
    let key = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 3 };
    let value = OffsetCommitValue { offset: 9, metadata: "why".into(), ..Default::default() };
    for record in [generation(), deletion, Record::OffsetCommit(key, Some(value))] {
        let encoded = record.encode().unwrap();
        assert_eq!(Record::decode(&encoded.key, encoded.value.as_ref()), Ok(record));
    }
}

#[test]
fn offsets_of_the_oldest_kind_are_read_too() {
    let key = Bytes::from_static(b"\0\0\0\x01g\0\x01t\0\0\0\x07");
    let value = Bytes::from_static(b"\0\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x0a");
    let Ok(Record::OffsetCommit(key, Some(value))) = Record::decode(&key, Some(&value)) else {
        panic!("an offset was expected");
    };
    assert_eq!((&*key.group, &*key.topic, key.partition), ("g", "t", 7));
    assert_eq!((value.offset, value.commit_timestamp, value.expire_timestamp), (5, 9, 10));
}

#[test]
fn what_is_not_known_is_told_apart_from_what_is_broken() {
    let decode = |key: &'static [u8], value: &'static [u8]| {
        Record::decode(&Bytes::from_static(key), Some(&Bytes::from_static(value))).unwrap_err()
    };
    assert_eq!(decode(b"\0\x63whatever", b"\0\0"), RecordError::UnknownKind(99));
    let newer = RecordError::UnknownVersion { kind: 2, version: 9 };
    assert_eq!(decode(b"\0\x02\0\x01g", b"\0\x09"), newer);
    assert!(matches!(decode(b"\0\x02\0\x01g", b"\0\x03\0"), RecordError::Malformed(_)));
    assert!(matches!(decode(b"\0", b""), RecordError::Malformed(_)));
}
