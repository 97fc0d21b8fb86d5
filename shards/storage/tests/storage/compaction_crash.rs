//! What is found after a crash at each step of a compaction: the old segments or the new one, never both and never less.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use record::decompress;
use strome_storage::{CompactionBounds, CompactionLimits, CompactionPool, LogSettings, StoreSettings};
use types::Offset;

use crate::compaction::{COMPACTION, SETTINGS, compact, put};
use crate::driver::*;

/// The files of a log's directory with their content.
type Files = BTreeMap<String, Vec<u8>>;

fn files(dir: &Path) -> Files {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}

/// Puts the log's directory back to what it was.
fn restore(dir: &Path, files: &Files) {
    fs::remove_dir_all(dir).unwrap();
    fs::create_dir(dir).unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(dir.join(name), bytes).unwrap());
}

/// Every offset with its key and value.
fn content(path: &Path) -> BTreeMap<i64, (Vec<u8>, Vec<u8>)> {
    let opened = open_log(path, &SETTINGS);
    assert_eq!(opened.recovery().damage, []);
    assert_eq!(opened.log_end(), Offset(END));
    let mut found = BTreeMap::new();
    opened
        .replay(Offset(0), |_, batch| {
            for record in &decompress(batch, 1 << 20).unwrap() {
                let record = record.unwrap();
                let what = (record.key.unwrap().to_vec(), record.value.unwrap().to_vec());
                assert_eq!(found.insert(record.offset.0, what), None);
            }
        })
        .unwrap();
    found
}

const END: i64 = 400;

/// A log directory before and after it was compacted. The first segment takes the place of the first few.
struct Compacted {
    temp: tempfile::TempDir,
    before: Files,
    after: Files,
}

impl Compacted {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let write = |compacts: bool| {
            let path = temp.path().to_owned();
            on_shard(StoreSettings::default(), move |mut shard| async move {
                // All that is compacted fits into one segment.
                let segment_bytes = if compacts { 1 << 20 } else { SETTINGS.segment_bytes };
                let settings = LogSettings { segment_bytes, ..SETTINGS };
                let log = shard.store.adopt(open_log(&path, &settings));
                shard.store.use_compaction_pool(CompactionPool::new(CompactionLimits::default()));
                shard.store.set_compaction(log, Some(COMPACTION));
                if compacts {
                    let bounds = CompactionBounds { below: Offset(250), ..CompactionBounds::default() };
                    compact(&mut shard, log, bounds).await.unwrap().unwrap();
                } else {
                    for i in 0..END {
                        put(&mut shard, log, &format!("key-{}", i % 30), Some(&[i as u8; 60])).await;
                    }
                    shard.make_durable(log).await;
                }
                shard.close().await;
            });
            drop(open_dir(temp.path()));
            files(&log_path(temp.path()))
        };
        let before = write(false);
        let after = write(true);
        Self { temp, before, after }
    }

    fn path(&self) -> &Path {
        self.temp.path()
    }

    fn dir(&self) -> PathBuf {
        log_path(self.path())
    }

    fn content_of(&self, files: &Files) -> BTreeMap<i64, (Vec<u8>, Vec<u8>)> {
        restore(&self.dir(), files);
        content(self.path())
    }

    /// Segment files of the log that the compaction has replaced, and those that it has made, in the order in which they
    /// are renamed.
    fn replaced(&self) -> Vec<String> {
        let is_gone = |name: &&String| self.after.get(*name) != self.before.get(*name) && is_of_segment(name);
        self.before.keys().filter(is_gone).cloned().collect()
    }

    fn made(&self) -> Vec<String> {
        let is_new = |name: &&String| self.before.get(*name) != self.after.get(*name) && is_of_segment(name);
        let mut names: Vec<String> = self.after.keys().filter(is_new).cloned().collect();
        names.sort_by_key(|name| !name.ends_with(".log"));
        names
    }
}

/// Whether it is a file of a segment that was compacted. Those behind may get other indexes by being closed again.
fn is_of_segment(name: &str) -> bool {
    let is_segment = [".log", ".index", ".timeindex"].iter().any(|extension| name.ends_with(extension));
    is_segment && name < "00000000000000000250"
}

#[test]
fn a_crash_at_any_step_of_a_swap_leaves_the_old_segments_or_the_new_one() {
    let log = Compacted::new();
    let (made, replaced) = (log.made(), log.replaced());
    let bases = |names: &[String]| names.iter().filter(|name| name.ends_with(".log")).count();
    assert_eq!((bases(&made), made.len()), (1, 3), "the test needs one group: {made:?}");
    assert!(bases(&replaced) > 2, "{replaced:?}");
    let (old, new) = (log.content_of(&log.before), log.content_of(&log.after));
    assert!(new.len() < old.len() - 150);

    // Half written, or written and not yet promised.
    for renamed in 0..made.len() {
        for cut in [0, 1, 100, usize::MAX] {
            let mut state = log.before.clone();
            for (i, name) in made.iter().enumerate() {
                let suffix = if i < renamed { "swap" } else { "cleaned" };
                let bytes = &log.after[name];
                let len = if i < renamed { bytes.len() } else { bytes.len().min(cut) };
                state.insert(format!("{name}.{suffix}"), bytes[..len].to_vec());
            }
            assert_eq!(log.content_of(&state), old, "{renamed} renamed, cut at {cut}");
            assert!(
                files(&log.dir()).keys().all(|name| !name.ends_with("swap") && !name.ends_with("cleaned"))
            );
        }
    }
    // Promised: some of the old files are set aside, and then some of the new ones have their names.
    for gone in 0..=replaced.len() {
        for fulfilled in 0..=if gone == replaced.len() { made.len() } else { 0 } {
            let mut state = log.before.clone();
            for name in &replaced[..gone] {
                let bytes = state.remove(name).unwrap();
                state.insert(format!("{name}.deleted"), bytes);
            }
            for (i, name) in made.iter().enumerate() {
                let suffix = if i < fulfilled { "" } else { ".swap" };
                state.insert(format!("{name}{suffix}"), log.after[name].clone());
            }
            assert_eq!(log.content_of(&state), new, "{gone} gone, {fulfilled} in place");
            let left = files(&log.dir());
            assert!(
                left.keys().all(|name| !name.ends_with("swap") && !name.ends_with("deleted")),
                "{left:?}"
            );
            assert_eq!(log.content_of(&left), new, "and so does the start after that");
        }
    }
}

#[test]
fn a_damaged_swap_file_is_kept_aside_while_the_old_segments_are_there() {
    let log = Compacted::new();
    let old = log.content_of(&log.before);
    let mut state = log.before.clone();
    for name in log.made() {
        let mut bytes = log.after[&name].clone();
        if name.ends_with(".log") {
            bytes[100] ^= 1;
        }
        state.insert(format!("{name}.swap"), bytes);
    }
    restore(&log.dir(), &state);
    let opened = open_log(log.path(), &SETTINGS);
    assert_eq!(opened.recovery().damage.len(), 1, "{:?}", opened.recovery());
    drop(opened);
    assert_eq!(content(log.path()), old);
    assert!(files(&log.dir()).keys().any(|name| name.ends_with(".log.swap.damaged")));
}

#[test]
fn what_kafka_leaves_of_a_split_is_undone() {
    // Kafka renames the parts of a segment that it splits from the last to the first; here it was interrupted.
    let log = Compacted::new();
    let old = log.content_of(&log.before);
    let mut state = log.before.clone();
    let last = log.before.keys().filter(|name| name.ends_with(".log")).nth(3).unwrap();
    state.insert(format!("{last}.swap"), log.before[last].clone());
    state.insert("00000000000000000000.log.cleaned".to_owned(), vec![1, 2, 3]);
    assert_eq!(log.content_of(&state), old);
}
