//! The metadata log after crashes and damage: what was committed is there, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use metadata::{ConfigResource, Image, NodeSettings, Record};
use strome_quorum::{Entry, MetadataLog, QuorumError};
use types::{BrokerId, ProducerId};

fn records(n: u64) -> Vec<Record> {
    let key = format!("setting-{n}");
    let value = Some("x".repeat(usize::try_from(n * 7 % 40).expect("small")));
    let mut records = vec![Record::ProducerIds { next: ProducerId(i64::try_from(n).expect("small") * 1000) }];
    if !n.is_multiple_of(3) {
        records.push(Record::Config { resource: ConfigResource::all_brokers(), key, value });
    }
    records
}

/// Proposes the entries `from..=to`.
fn fill(log: &mut MetadataLog, from: u64, to: u64) {
    for n in from..=to {
        assert_eq!(log.propose(&records(n)).expect("committed").0, n);
    }
}

fn indexes(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.index.0).collect()
}

fn image_of(entries: &[Entry]) -> Image {
    let empty = Image::new(NodeSettings { id: BrokerId(1), file: BTreeMap::new() }).expect("defaults");
    entries.iter().fold(empty, |image, entry| image.apply(entry.index, &entry.records).expect("it fits").0)
}

fn open(dir: &Path) -> (MetadataLog, Vec<Entry>) {
    MetadataLog::open(dir).expect("the log opens")
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).expect("a folder").map(|found| found.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    paths.sort();
    paths
}

fn only(dir: &Path, extension: &str) -> PathBuf {
    let paths = files(dir, extension);
    assert_eq!(paths.len(), 1, "{paths:?}");
    paths[0].clone()
}

#[test]
fn what_was_proposed_is_there_after_reopening() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log/__cluster_metadata-0");
    let (mut log, entries) = open(&path);
    assert_eq!((log.last().0, entries.len()), (0, 0));
    fill(&mut log, 1, 20);
    assert_eq!(log.propose(&[]).expect("an entry may be empty").0, 21);
    drop(log);
    let (mut log, entries) = open(&path);
    assert_eq!(indexes(&entries), (1..=21).collect::<Vec<_>>());
    for entry in &entries[..20] {
        assert_eq!(entry.records, records(entry.index.0));
    }
    fill(&mut log, 22, 30);
    drop(log);
    assert_eq!(open(&path).1.len(), 30);
}

#[test]
fn a_crash_at_any_byte_of_the_last_write_loses_nothing_that_was_committed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    fill(&mut log, 1, 5);
    let file = only(dir.path(), "entries");
    let before = fs::metadata(&file).expect("a file").len();
    fill(&mut log, 6, 6);
    drop(log);
    let whole = fs::read(&file).expect("a file");
    let before = usize::try_from(before).expect("small");
    for len in before..=whole.len() {
        // A torn write leaves a shorter file, or one whose end was never written.
        for zeros in [false, true] {
            let mut torn = whole[..len].to_vec();
            if zeros {
                torn.resize(whole.len(), 0);
            }
            let complete = torn == whole;
            fs::write(&file, &torn).expect("written");
            let (mut log, entries) = open(dir.path());
            let last = if complete { 6 } else { 5 };
            assert_eq!(indexes(&entries), (1..=last).collect::<Vec<_>>(), "{len} bytes, zeros: {zeros}");
            let kept = if complete { whole.len() } else { before };
            assert_eq!(fs::read(&file).expect("a file"), whole[..kept], "{len} bytes, zeros: {zeros}");
            fill(&mut log, last + 1, 8);
            drop(log);
            assert_eq!(indexes(&open(dir.path()).1), (1..=8).collect::<Vec<_>>());
        }
    }
}

#[test]
fn damage_before_the_last_entry_refuses_to_start_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    fill(&mut log, 1, 6);
    let file = only(dir.path(), "entries");
    let intact_until = fs::metadata(&file).expect("a file").len();
    fill(&mut log, 7, 7);
    drop(log);
    let whole = fs::read(&file).expect("a file");
    for at in 0..usize::try_from(intact_until).expect("small") {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        fs::write(&file, &damaged).expect("written");
        match MetadataLog::open(dir.path()) {
            Err(QuorumError::Damaged { path, .. } | QuorumError::Format { path, .. }) => {
                assert_eq!(path, file)
            }
            other => panic!("byte {at}: {other:?}"),
        }
        assert_eq!(fs::read(&file).expect("a file"), damaged, "byte {at}");
    }
    let mut missing = whole.clone();
    missing.drain(100..130);
    fs::write(&file, &missing).expect("written");
    let error = MetadataLog::open(dir.path()).expect_err("bytes are missing").to_string();
    assert!(error.contains(&file.display().to_string()) && error.contains("backup"), "{error}");
}

#[test]
fn any_bytes_at_all_are_refused_or_read_but_never_a_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    fill(&mut log, 1, 3);
    drop(log);
    let file = only(dir.path(), "entries");
    let whole = fs::read(&file).expect("a file");
    for seed in 0..500u64 {
        let mut bytes = whole.clone();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for _ in 0..=seed % 9 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = usize::try_from(state % bytes.len() as u64).expect("small");
            bytes[at] = u8::try_from(state >> 56).expect("eight bits");
        }
        bytes.truncate(bytes.len() - usize::try_from(state % 7).expect("small"));
        fs::write(&file, &bytes).expect("written");
        if let Ok((log, entries)) = MetadataLog::open(dir.path()) {
            assert!(entries.len() <= 3 && log.last().0 == entries.len() as u64, "seed {seed}");
            for entry in entries {
                assert_eq!(entry.records, records(entry.index.0), "seed {seed}");
            }
        }
    }
}

#[test]
fn a_snapshot_replaces_the_entries_before_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    fill(&mut log, 1, 50);
    drop(log);
    let (mut log, entries) = open(dir.path());
    let image = image_of(&entries);
    log.snapshot(&image).expect("a snapshot");
    assert_eq!(files(dir.path(), "entries").len(), 1);
    fill(&mut log, 51, 60);
    drop(log);
    let (mut log, entries) = open(dir.path());
    assert_eq!(indexes(&entries), (50..=60).collect::<Vec<_>>());
    assert_eq!(image_of(&entries[..1]), image);
    let image = image_of(&entries);
    log.snapshot(&image).expect("a second one");
    log.snapshot(&image).expect("the same again");
    drop(log);
    assert_eq!(files(dir.path(), "snapshot").len(), 1);
    let (log, entries) = open(dir.path());
    assert_eq!((indexes(&entries), log.last().0), (vec![60], 60));
    assert_eq!(image_of(&entries), image);
}

#[test]
fn a_snapshot_of_an_earlier_entry_keeps_the_later_ones() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    fill(&mut log, 1, 10);
    drop(log);
    let (mut log, entries) = open(dir.path());
    log.snapshot(&image_of(&entries[..7])).expect("a snapshot");
    fill(&mut log, 11, 11);
    drop(log);
    let (_, entries) = open(dir.path());
    assert_eq!(indexes(&entries), [7, 8, 9, 10, 11]);
}

#[test]
fn a_crash_between_any_two_steps_of_a_snapshot_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    fill(&mut log, 1, 9);
    drop(log);
    let old = only(dir.path(), "entries");
    let old_bytes = fs::read(&old).expect("a file");
    let (mut log, entries) = open(dir.path());
    let image = image_of(&entries);
    log.snapshot(&image).expect("a snapshot");
    drop(log);
    let (snapshot, new) = (only(dir.path(), "snapshot"), only(dir.path(), "entries"));
    let snapshot_bytes = fs::read(&snapshot).expect("a file");
    let new_bytes = fs::read(&new).expect("a file");
    let steps: [&[(&PathBuf, &[u8])]; 5] = [
        // The snapshot is being written under another name.
        &[(&old, &old_bytes), (&snapshot.with_extension("snapshot.tmp"), &snapshot_bytes[..40])],
        // It has its name.
        &[(&old, &old_bytes), (&snapshot, &snapshot_bytes)],
        // The next file is being made.
        &[(&old, &old_bytes), (&snapshot, &snapshot_bytes), (&new.with_extension("entries.tmp"), &[1, 2])],
        // It is there.
        &[(&old, &old_bytes), (&snapshot, &snapshot_bytes), (&new, &new_bytes)],
        // The old one is gone.
        &[(&snapshot, &snapshot_bytes), (&new, &new_bytes)],
    ];
    for (n, files_then) in steps.into_iter().enumerate() {
        let dir = tempfile::tempdir().expect("a folder");
        for (path, bytes) in files_then {
            fs::write(dir.path().join(path.file_name().expect("a name")), bytes).expect("written");
        }
        let (mut log, entries) = open(dir.path());
        assert_eq!((log.last().0, image_of(&entries)), (9, image.clone()), "step {n}");
        fill(&mut log, 10, 12);
        drop(log);
        assert_eq!(open(dir.path()).0.last().0, 12, "step {n}");
        assert!(files(dir.path(), "tmp").is_empty());
    }
}

#[test]
fn a_damaged_snapshot_or_a_missing_file_refuses_to_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    fill(&mut log, 1, 5);
    drop(log);
    let (mut log, entries) = open(dir.path());
    log.snapshot(&image_of(&entries)).expect("a snapshot");
    fill(&mut log, 6, 7);
    drop(log);
    let snapshot = only(dir.path(), "snapshot");
    let whole = fs::read(&snapshot).expect("a file");
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&snapshot, &damaged).expect("written");
        assert!(matches!(MetadataLog::open(dir.path()), Err(QuorumError::Format { .. })), "byte {at}");
        fs::write(&snapshot, &whole[..at]).expect("written");
        assert!(matches!(MetadataLog::open(dir.path()), Err(QuorumError::Format { .. })), "{at} bytes");
    }
    fs::remove_file(&snapshot).expect("removed");
    match MetadataLog::open(dir.path()) {
        Err(QuorumError::Gap { from, .. }) => assert_eq!(from.0, 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_log_whose_file_ends_before_the_snapshot_goes_on_in_a_new_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    fill(&mut log, 1, 9);
    drop(log);
    let file = only(dir.path(), "entries");
    let whole = fs::read(&file).expect("a file");
    let (mut log, entries) = open(dir.path());
    log.snapshot(&image_of(&entries)).expect("a snapshot");
    drop(log);
    fs::remove_file(only(dir.path(), "entries")).expect("removed");
    fs::write(&file, &whole[..whole.len() - 3]).expect("written");
    let (mut log, entries) = open(dir.path());
    assert_eq!(indexes(&entries), [9]);
    fill(&mut log, 10, 11);
    drop(log);
    assert_eq!(indexes(&open(dir.path()).1), [9, 10, 11]);
}

#[test]
fn a_snapshot_is_wanted_once_there_is_much_to_replay() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    let large = Record::Config {
        resource: ConfigResource::all_brokers(),
        key: "large".to_owned(),
        value: Some("x".repeat(1 << 20)),
    };
    let mut proposed = 0;
    while !log.wants_snapshot() {
        log.propose(std::slice::from_ref(&large)).expect("committed");
        proposed += 1;
        assert!(proposed < 10);
    }
    drop(log);
    let (mut log, entries) = open(dir.path());
    assert!(log.wants_snapshot());
    log.snapshot(&image_of(&entries)).expect("a snapshot");
    assert!(!log.wants_snapshot());
}

#[test]
fn an_entry_that_is_too_large_is_refused_and_the_log_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    let huge = Record::ClusterId { id: "x".repeat(33 << 20) };
    assert!(matches!(log.propose(&[huge]), Err(QuorumError::TooLarge { .. })));
    fill(&mut log, 1, 2);
}

#[test]
fn two_processes_cannot_have_one_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = open(dir.path());
    let error = MetadataLog::open(dir.path()).expect_err("it is in use");
    assert!(matches!(error, QuorumError::InUse { .. }) && error.to_string().contains("metadata.log.dir"));
    drop(first);
    open(dir.path());
}

#[test]
fn reading_a_log_tells_what_opening_it_would_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    fill(&mut log, 1, 5);
    drop(log);
    let file = only(dir.path(), "entries");
    let whole = fs::read(&file).expect("it");
    let torn = &whole[..whole.len() - 3];
    fs::write(&file, torn).expect("written");
    let leftover = dir.path().join("00000000000000000009.snapshot.tmp");
    fs::write(&leftover, "x").expect("written");
    let (read, found) = MetadataLog::read(dir.path()).expect("it can be read");
    let found = found.expect("a torn write");
    assert_eq!((found.file.as_path(), found.position + found.bytes), (file.as_path(), torn.len() as u64));
    assert_eq!(fs::read(&file).expect("it"), torn);
    assert!(leftover.exists());
    let (_, opened) = open(dir.path());
    assert_eq!(read, opened);
    assert!(!leftover.exists());
}
