//! A power failure: the file behind a loop device is copied while a log is written on it, and the copy is mounted. What
//! had not reached the device, like changes of the file system that were not journalled yet, is missing there.
//!
//! Needs root, `STORAGE_SMALL_DISK` (where the device is mounted) and `STORAGE_SMALL_IMAGE` (the file behind it); without
//! them the test does nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use strome_storage::{LogSettings, StoreSettings};
use types::Offset;

use crate::driver::*;

fn command(words: &[&str]) {
    let status = Command::new(words[0]).args(&words[1..]).status().unwrap();
    assert!(status.success(), "{words:?}");
}

/// Copies the image as it was at one moment: background work may still be writing, and a copy with a bit of before and a bit
/// of after is no power failure.
fn copy_at_rest(image: &Path, copy: &Path) {
    let mut before = std::fs::read(image).unwrap();
    loop {
        let now = std::fs::read(image).unwrap();
        if now == before {
            return std::fs::write(copy, now).unwrap();
        }
        before = now;
    }
}

/// What is found after the power has come back, with the durable end that was known when it went.
fn check(image: &Path, inside: &Path, settings: &LogSettings, durable_end: Offset) {
    let mount = tempfile::tempdir().unwrap();
    let at = mount.path().display().to_string();
    command(&["mount", "-o", "loop", &image.display().to_string(), &at]);
    let opened = open_log(&mount.path().join(inside), settings);
    let mut next = opened.log_start().0;
    opened
        .replay(Offset(0), |header, bytes| {
            record::check_crc(bytes).unwrap();
            assert_eq!(header.base_offset.0, next);
            next = header.next_offset().0;
        })
        .unwrap();
    let (end, recovery) = (opened.log_end(), opened.recovery().clone());
    drop(opened);
    command(&["umount", &at]);
    assert!(end >= durable_end && next == end.0, "{durable_end} was durable, {end} is left: {recovery:?}");
    assert_eq!(recovery.damage, []);
}

#[test]
fn what_was_durable_is_there_after_a_power_failure() {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(disk), Some(image)) = (variable("STORAGE_SMALL_DISK"), variable("STORAGE_SMALL_IMAGE")) else {
        return;
    };
    let temp = tempfile::tempdir_in(&disk).unwrap();
    let inside = temp.path().strip_prefix(&disk).unwrap().to_owned();
    let settings = LogSettings { segment_bytes: 300_000, ..LogSettings::default() };
    let copies = tempfile::tempdir().unwrap();
    on_shard(
        StoreSettings { checkpoint_interval_ms: 50, ..StoreSettings::default() },
        move |mut shard| async move {
            let log = shard.store.adopt(open_log(temp.path(), &settings));
            let mut random = Random::new(1);
            for round in 0..40 {
                for _ in 0..random.below(60) {
                    shard.append_patiently(log, &batch(1, random.below(5000) as usize, round)).await;
                    shard.store.want_durable(log);
                    if random.one_in(3) {
                        shard.turn().await;
                    }
                }
                let status = shard.store.status(log).unwrap();
                if status.size_bytes > 5_000_000 {
                    let (store, reactor) = shard.parts();
                    store.delete_records(log, status.durable_end, reactor).unwrap();
                }
                let copy = copies.path().join("image");
                copy_at_rest(&image, &copy);
                check(&copy, &inside, &settings, status.durable_end);
            }
        },
    );
}
