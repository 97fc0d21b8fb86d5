//! Checking a data directory without a broker: sound ones are sound, and everything that can be wrong is found, with
//! its file and position, while nothing is changed.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use reactor::Disk;
use record::{BatchBuilder, BatchOptions, EndTxnMarker, ProducerStamp, TxnOutcome, crc32c};
use strome_storage::{
    Contents, LogDir, Progress, Severity, StorageError, StoreSettings, Verified, VerifyOptions, verify,
};
use types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs};

use crate::fixtures::{copy, fixture};
use crate::journal::{crashed, journals};

const OPTIONS: VerifyOptions = VerifyOptions {
    threads: NonZeroUsize::new(2).unwrap(),
    contents: Contents { producer_snapshot, leader_epochs },
};

/// The fixtures of the first version hold a text where Kafka has its producers.
fn producer_snapshot(bytes: &[u8], _: Offset) -> Result<(), String> {
    let is_kafkas = bytes.len() > 10 && bytes[2..6] == crc32c(&bytes[6..]).to_be_bytes();
    if bytes == b"state of producers" || is_kafkas { Ok(()) } else { Err("no producers".to_owned()) }
}

fn leader_epochs(text: &str) -> Result<Vec<(LeaderEpoch, Offset)>, String> {
    let lines = text.lines().skip(2).map(|line| {
        let (epoch, start) = line.split_once(' ').ok_or("not an epoch and an offset")?;
        Ok((LeaderEpoch(epoch.parse().unwrap()), Offset(start.parse().unwrap())))
    });
    lines.collect()
}

fn look(paths: &[PathBuf], options: &VerifyOptions, progress: &Progress) -> Result<Verified, StorageError> {
    verify(&Disk::host(), paths, options, progress)
}

fn check(path: &Path) -> Verified {
    look(&[path.to_owned()], &OPTIONS, &Progress::default()).unwrap()
}

/// Findings as `severity file position what`.
fn told(verified: &Verified, root: &Path) -> Vec<String> {
    let lines = verified.findings.iter().map(|finding| {
        let severity = if finding.severity == Severity::Problem { "problem" } else { "note" };
        let file = finding.file.strip_prefix(root).unwrap().display();
        let at = finding.position.map_or("-".to_owned(), |position| position.to_string());
        format!("{severity} {file} {at} {}", finding.what)
    });
    lines.collect()
}

/// A copy of the directory that the first version has left after a clean stop: three segments of 38 and 24 batches of
/// a hundred and three bytes.
struct Copy {
    temp: tempfile::TempDir,
}

const FIRST: &str = "orders-0/00000000000000000000.log";
const SECOND: &str = "orders-0/00000000000000000038.log";
const LAST: &str = "orders-0/00000000000000000076.log";

impl Copy {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        copy(&fixture("strome-1"), temp.path());
        fs::write(temp.path().join("meta.properties"), META).unwrap();
        Self { temp }
    }

    /// The same after a crash.
    fn crashed() -> Self {
        let copy = Self::new();
        fs::remove_file(copy.path(".kafka_cleanshutdown")).unwrap();
        copy
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path(name)).unwrap();
        change(&mut bytes);
        fs::write(self.path(name), bytes).unwrap();
    }

    fn told(&self) -> Vec<String> {
        told(&check(self.temp.path()), self.temp.path())
    }

    /// The only finding.
    fn only(&self) -> String {
        let told = self.told();
        assert_eq!(told.len(), 1, "{told:#?}");
        told.into_iter().next().unwrap()
    }

    fn all_bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        for dir in [self.temp.path().to_owned(), self.path("orders-0")] {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    found.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        found
    }
}

const META: &str =
    "#\ncluster.id=4L6g3nShT-eMCtK--X86sw\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\nnode.id=1\nversion=1\n";

const BATCH_BYTES: usize = 103;

/// Changes a batch and gives it the checksum of what it holds then.
fn rewrite(segment: &mut [u8], batch: usize, change: impl FnOnce(&mut [u8])) {
    let bytes = &mut segment[batch * BATCH_BYTES..(batch + 1) * BATCH_BYTES];
    change(bytes);
    let crc = crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
}

#[test]
fn directories_that_were_stopped_cleanly_are_sound_and_stay_as_they_are() {
    for name in ["strome-1", "kafka-4.3"] {
        let temp = tempfile::tempdir().unwrap();
        copy(&fixture(name), temp.path());
        let verified = check(temp.path());
        assert_eq!(verified.totals.problems, 0, "{name}: {:?}", verified.findings);
        assert!(verified.totals.records >= 100, "{name}");
    }
    let copy = Copy::new();
    let before = copy.all_bytes();
    let progress = Progress::default();
    let verified = look(&[copy.temp.path().to_owned()], &OPTIONS, &progress).unwrap();
    assert_eq!(verified.findings, []);
    let totals = verified.totals;
    assert_eq!((totals.directories, totals.partitions, totals.segments), (1, 1, 3));
    assert_eq!((totals.batches, totals.records, totals.bytes), (100, 100, 100 * BATCH_BYTES as u64));
    assert_eq!(progress.bytes_done.load(Ordering::Relaxed), totals.bytes);
    assert_eq!(progress.bytes_total.load(Ordering::Relaxed), totals.bytes);
    assert!(before == copy.all_bytes(), "looking has changed something");
}

#[test]
fn a_partition_and_a_segment_can_be_named_by_themselves() {
    let copy = Copy::new();
    copy.change(SECOND, |bytes| bytes[90] ^= 1);
    assert_eq!(check(&copy.path("orders-0")).totals.problems, 1);
    assert_eq!(
        check(&copy.path(SECOND)).totals,
        strome_storage::Totals {
            partitions: 1,
            segments: 1,
            batches: 37,
            records: 37,
            bytes: 38 * BATCH_BYTES as u64,
            problems: 1,
            ..Default::default()
        }
    );
    assert_eq!(check(&copy.path(FIRST)).findings, []);
    let refused = |path: PathBuf| look(&[path], &OPTIONS, &Progress::default()).unwrap_err();
    assert!(matches!(refused(copy.path("meta.properties")), StorageError::Malformed { .. }));
    assert!(matches!(refused(copy.path("nothing")), StorageError::Malformed { .. }));
}

#[test]
fn a_directory_that_a_broker_uses_is_refused() {
    let copy = Copy::new();
    let used = LogDir::open(copy.temp.path()).unwrap();
    for path in [copy.temp.path().to_owned(), copy.path("orders-0"), copy.path(FIRST)] {
        let refused = look(&[path], &OPTIONS, &Progress::default());
        assert!(matches!(refused, Err(StorageError::Locked(_))));
    }
    drop(used);
}

#[test]
fn a_flipped_bit_is_found_in_any_segment_and_what_follows_is_read_all_the_same() {
    for (name, batch) in [(FIRST, 3), (SECOND, 0), (LAST, 23)] {
        let copy = Copy::new();
        let at = batch * BATCH_BYTES;
        copy.change(name, |bytes| bytes[at + 80] ^= 4);
        let verified = check(copy.temp.path());
        assert_eq!((verified.totals.batches, verified.totals.problems), (99, 1), "{:?}", verified.findings);
        let only = copy.only();
        assert!(only.starts_with(&format!("problem {name} {at} the stored checksum is")), "{only}");
    }
}

#[test]
fn batches_that_contradict_their_place_are_found() {
    let said = |name: &str, batch: usize, change: fn(&mut [u8])| {
        let copy = Copy::new();
        copy.change(name, |bytes| rewrite(bytes, batch, change));
        copy.told()
    };
    // Its base offset is that of the batch before it.
    let told = said(FIRST, 2, |batch| batch[7] = 1);
    assert!(
        told[0].starts_with("problem orders-0/00000000000000000000.log 206 the batch at offset 1 follows")
    );
    // The last of a segment reaches into the next one.
    let told = said(FIRST, 37, |batch| batch[26] = 1);
    assert!(told.iter().any(|told| told.contains("offset 38 belongs to the next segment")), "{told:?}");
    let told = said(FIRST, 5, |batch| batch[15] = 9);
    assert!(told.iter().any(|told| told.contains("leader epoch 3 follows leader epoch 9")), "{told:?}");
    let told = said(FIRST, 5, |batch| batch[42] ^= 1);
    assert!(told[0].contains("its newest record has the timestamp 1700000000005"), "{told:?}");
    let told = said(FIRST, 5, |batch| batch[60] = 2);
    assert!(told[0].contains("2 records cannot have the offset deltas 0 to 0"), "{told:?}");
    let told = said(FIRST, 5, |batch| batch[16] = 1);
    assert!(told[0].contains("magic 1"), "{told:?}");
}

#[test]
fn a_lost_segment_and_a_lost_end_of_one_are_found() {
    let copy = Copy::new();
    for extension in ["log", "index", "timeindex"] {
        fs::remove_file(copy.path(SECOND).with_extension(extension)).unwrap();
    }
    let only = copy.only();
    assert!(only.starts_with(&format!("problem {FIRST} - offsets 38 to 75 are in no segment")), "{only}");

    let copy = Copy::new();
    copy.change(FIRST, |bytes| bytes.truncate(30 * BATCH_BYTES + 50));
    let told = copy.told();
    assert!(
        told.iter().any(|told| told.starts_with(&format!("problem {FIRST} 3090 the file ends"))),
        "{told:?}"
    );

    let copy = Copy::new();
    copy.change(FIRST, |bytes| bytes[30 * BATCH_BYTES..].fill(0));
    let told = copy.told();
    assert!(
        told.iter().any(|told| told.contains("824 bytes of zeros end the segment at offset 30")),
        "{told:?}"
    );
}

#[test]
fn indexes_are_held_against_their_segments() {
    let said = |extension: &str, change: fn(&mut Vec<u8>)| {
        let copy = Copy::new();
        let name = SECOND.replace(".log", extension);
        copy.change(&name, change);
        let only = copy.only();
        only.strip_prefix(&format!("problem {name} ")).unwrap_or_else(|| panic!("{only}")).to_owned()
    };
    assert!(said(".index", |bytes| bytes[15] += 1).starts_with("8 no batch begins at position"));
    assert!(said(".index", |bytes| bytes[11] -= 1).contains("where a batch of later offsets begins"));
    assert!(said(".index", |bytes| bytes[11] = 0).contains("does not ascend"));
    assert!(said(".index", |bytes| *bytes = bytes[..bytes.len() - 3].to_vec()).contains("is cut off"));
    assert!(
        said(".index", |bytes| bytes.extend([0, 0, 0, 37, 0, 0, 99, 0]))
            .contains("behind the segment's last")
    );
    assert!(
        said(".index", |bytes| {
            let last = bytes.len() - 5;
            bytes[last] = 200;
        })
        .contains("behind the segment's end 76")
    );
    assert!(said(".index", |bytes| bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 1])).contains("follow zeros"));
    assert!(said(".timeindex", |bytes| bytes[7] += 1).contains("is said to be the newest up to offset"));
    assert!(said(".timeindex", |bytes| bytes[7] -= 1).contains("is said to be the newest up to offset"));
    assert!(said(".timeindex", |bytes| bytes.truncate(24)).contains("retention would go by the older one"));
    // Room that Kafka made ahead and did not trim.
    let copy = Copy::new();
    copy.change(&SECOND.replace(".log", ".index"), |bytes| bytes.extend([0; 800]));
    copy.change(&SECOND.replace(".log", ".timeindex"), |bytes| bytes.extend([0; 1200]));
    assert_eq!(copy.told(), [""; 0]);
}

#[test]
fn leader_epochs_may_begin_above_the_log_start_with_one_that_is_no_older_than_the_batches_below() {
    let told = |content: &str| {
        let copy = Copy::new();
        fs::write(copy.path("orders-0/leader-epoch-checkpoint"), content).unwrap();
        copy.told()
    };
    let note = "note orders-0/leader-epoch-checkpoint - begins at offset 10, the log at 7: a crash has taken back that \
                records were deleted";
    assert_eq!(told("0\n1\n3 10\n"), [note]);
    let told = told("0\n1\n2 10\n");
    let what = "begins with leader epoch 2, the batch before it at offset 7 has 3";
    assert!(told[0].starts_with("problem") && told[0].contains(what), "{told:?}");
}

#[test]
fn small_files_are_checked() {
    let said = |name: &str, content: &str| {
        let copy = Copy::new();
        fs::write(copy.path(name), content).unwrap();
        copy.only()
    };
    let epochs = "orders-0/leader-epoch-checkpoint";
    assert!(said(epochs, "0\n2\n3 0\n4 50\n").contains("at offset 76 it has leader epoch 4"));
    assert!(said(epochs, "0\n2\n3 0\n4 200\n").contains("behind the log's end 100"));
    assert!(said(epochs, "0\n2\n3 0\n3 50\n").contains("does not ascend"));
    assert!(said(epochs, "0\n1\nnonsense\n").contains("not an epoch"));
    assert!(said("orders-0/00000000000000000100.snapshot", "x").contains("no producers"));
    assert!(
        said("orders-0/00000000000000000101.snapshot", "state of producers").contains("behind the log's end")
    );
    assert!(said("orders-0/partition.metadata", "version: 0\n").contains("topic_id"));
    assert!(
        said("recovery-point-offset-checkpoint", "0\n1\norders 0 101\n").contains("but its log ends at 100")
    );
    assert!(said("recovery-point-offset-checkpoint", "0\n2\norders 0 9\n").contains("1 lines instead of 2"));
    assert!(said("log-start-offset-checkpoint", "0\n1\norders 0 101\n").contains("but its log ends at 100"));
    assert!(
        said("replication-offset-checkpoint", "0\n1\norders 0 101\n").contains("but its log ends at 100")
    );
    assert!(said("meta.properties", "version=1\n").contains("is missing"));
    // What nobody knows is told, and is no problem.
    assert!(said("notes.txt", "").starts_with("note notes.txt - stray"));
    assert!(said("orders-0/notes.txt", "").starts_with("note orders-0/notes.txt - stray"));
    assert!(said("orders-0/00000000000000000099.index", "").starts_with("note"));
    assert!(said("orders-0/00000000000000000000.log.deleted", "").starts_with("note"));
}

#[test]
fn what_a_crash_may_leave_is_a_note_and_what_it_cannot_leave_is_a_problem() {
    let copy = Copy::crashed();
    fs::write(copy.path("recovery-point-offset-checkpoint"), "0\n1\norders 0 76\n").unwrap();
    copy.change(LAST, |bytes| bytes[20 * BATCH_BYTES + 80] ^= 1);
    copy.change(&LAST.replace(".log", ".index"), |bytes| bytes[7] += 1);
    copy.change(LAST, |bytes| bytes.extend([0; 5000]));
    let told = copy.told();
    assert!(told.iter().all(|told| told.starts_with("note ")), "{told:#?}");
    assert!(told.iter().any(|told| told.contains("which the next start cuts off")), "{told:#?}");

    let copy = Copy::crashed();
    fs::write(copy.path("recovery-point-offset-checkpoint"), "0\n1\norders 0 99\n").unwrap();
    copy.change(LAST, |bytes| bytes[20 * BATCH_BYTES + 80] ^= 1);
    assert!(copy.told()[0].starts_with("problem "), "it was durable: {:?}", copy.told());

    let copy = Copy::crashed();
    fs::write(copy.path("recovery-point-offset-checkpoint"), "0\n1\norders 0 76\n").unwrap();
    copy.change(FIRST, |bytes| bytes[80] ^= 1);
    assert!(copy.only().starts_with("problem "), "no crash reaches a full segment");
}

#[test]
fn directories_of_one_broker_are_held_against_each_other() {
    let (one, two) = (Copy::new(), Copy::new());
    fs::write(two.path("meta.properties"), META.replace("node.id=1", "node.id=2")).unwrap();
    let other = "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAABQ\n";
    fs::write(two.path("orders-0/partition.metadata"), other).unwrap();
    let paths = [one.temp.path().to_owned(), two.temp.path().to_owned()];
    let verified = look(&paths, &OPTIONS, &Progress::default()).unwrap();
    let whats: Vec<&str> = verified.findings.iter().map(|finding| &*finding.what).collect();
    for expected in
        ["node 2 of cluster", "the partition has another directory", "other partitions of the topic"]
    {
        assert!(whats.iter().any(|what| what.contains(expected)), "{expected}: {whats:?}");
    }
}

#[test]
fn what_only_a_journal_holds_counts_and_is_looked_into() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 3, 8, StoreSettings::default());
    // In the journal alone: without it the log would end before its start.
    fs::write(temp.path().join("log-start-offset-checkpoint"), "0\n1\nmany 1 5\n").unwrap();
    let problems = |what: &str| -> Vec<String> {
        let told = told(&check(temp.path()), temp.path());
        assert!(!told.iter().any(|line| line.contains("stray")), "{what}: {told:#?}");
        told.into_iter().filter(|line| line.starts_with("problem")).collect()
    };
    assert_eq!(problems("as the crash has left it"), [""; 0]);
    assert_eq!(check(&temp.path().join("many-1")).totals.problems, 0);

    let journal = journals(temp.path()).remove(0);
    let name = journal.file_name().unwrap().to_str().unwrap().to_owned();
    let whole = fs::read(&journal).unwrap();
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        fs::write(&journal, bytes).unwrap();
    };
    changed(|bytes| bytes[8192 + 3 * 4096 + 200..][..100].fill(0x55));
    let found = problems("a commit in the middle is damaged");
    let unread = format!("problem {name} {} commits ", 8192 + 3 * 4096);
    assert!(
        found.iter().any(|line| line.starts_with(&unread) && line.contains("cannot be read")),
        "{found:#?}"
    );
    assert!(found.iter().any(|line| line.contains("what lay between is lost")), "{found:#?}");
    changed(|bytes| bytes[..8192].fill(0x55));
    let found = problems("no superblock is left");
    assert!(found.iter().any(|line| line.contains("both superblocks are damaged")), "{found:#?}");
    let after: Vec<u8> = fs::read(&journal).unwrap();
    assert_eq!(after[..8192], [0x55; 8192], "it was changed");

    // A clean stop leaves nothing that is needed of a journal, whatever it holds.
    fs::remove_file(temp.path().join("log-start-offset-checkpoint")).unwrap();
    fs::write(temp.path().join(".kafka_cleanshutdown"), "").unwrap();
    fs::write(&journal, &whole).unwrap();
    let found = problems("after a clean stop");
    assert!(!found.iter().any(|line| line.contains("journal")), "{found:#?}");
}

#[test]
fn entries_of_aborted_transactions_have_their_markers() {
    let copy = Copy::new();
    let producer = ProducerStamp { id: ProducerId(5), epoch: ProducerEpoch(0), base_sequence: Sequence(0) };
    let options = BatchOptions {
        base_offset: Offset(100),
        leader_epoch: LeaderEpoch(3),
        producer,
        transactional: true,
        ..Default::default()
    };
    let mut builder = BatchBuilder::new(options);
    builder.push(TimestampMs(1_700_000_000_100), None, Some(b"aborted"), &[]).unwrap();
    let records = builder.build().unwrap();
    let marker = BatchOptions { base_offset: Offset(101), control: true, ..options };
    let mut builder = BatchBuilder::new(BatchOptions {
        producer: ProducerStamp { base_sequence: Sequence::NONE, ..producer },
        ..marker
    });
    let outcome = TxnOutcome::Abort;
    builder
        .push_marker(TimestampMs(1_700_000_000_101), &EndTxnMarker { outcome, coordinator_epoch: 0 })
        .unwrap();
    let marker = builder.build().unwrap();
    copy.change(LAST, |bytes| bytes.extend([&records[..], &marker[..]].concat()));
    let entry = |producer: i64, first: i64, last: i64| -> Vec<u8> {
        [&[0, 0][..], &[producer, first, last, first].map(i64::to_be_bytes).concat()].concat()
    };
    let said = |entries: Vec<u8>| {
        fs::write(copy.path(&LAST.replace(".log", ".txnindex")), entries).unwrap();
        copy.told().into_iter().filter(|told| told.contains(".txnindex")).collect::<Vec<_>>()
    };
    assert_eq!(said(entry(5, 100, 101)), [""; 0]);
    assert!(
        said(entry(6, 100, 101))[0]
            .contains("producer 6 is said to be aborted at offset 101, where no such marker")
    );
    assert!(said(entry(5, 90, 100))[0].contains("where no such marker"));
    assert!(said(entry(5, 100, 102))[0].contains("behind the segment's end 102"));
    assert!(said(entry(5, 100, 99))[0].contains("does not ascend"));
    assert!(said(entry(5, 100, 101)[..30].to_vec())[0].starts_with("problem"));
}
