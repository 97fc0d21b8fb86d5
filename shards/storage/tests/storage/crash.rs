//! What is left after a crash, and after worse.

use std::fs;
use std::path::{Path, PathBuf};

use strome_storage::{LogSettings, OpenedLog, StorageError, StoreSettings};
use types::{FilePosition, Offset};

use crate::driver::*;

const SETTINGS: LogSettings = LogSettings {
    segment_bytes: 40_000,
    segment_ms: i64::MAX,
    segment_jitter_ms: 0,
    segment_index_bytes: 1024 * 1024,
    index_interval_bytes: 2000,
    retention_ms: -1,
    retention_bytes: -1,
    deletes: true,
    delete_delay_ms: 0,
};

/// Leaves a log of `count` batches of one record each, durable and not closed.
fn crashed(path: &Path, count: usize, value_bytes: usize, store: StoreSettings) {
    let owned = path.to_owned();
    on_shard(store, move |mut shard| async move {
        let log = shard.store.adopt(open_log(&owned, &SETTINGS));
        for i in 0..count {
            shard.append_patiently(log, &batch(1, value_bytes, i as i64)).await;
        }
        shard.make_durable(log).await;
        // Background work comes to its end.
        for _ in 0..60 {
            shard.turn().await;
        }
    });
    drop(open_dir(path));
}

fn segment(path: &Path, base: u64) -> PathBuf {
    log_path(path).join(format!("{base:020}.log"))
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(log_path(path)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_at_the_last_whole_batch() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 5, 40, without_journal());
    let file = segment(temp.path(), 0);
    let whole = fs::read(&file).unwrap();
    let len = batch(1, 40, 0).bytes.len();
    for end in (3 * len..5 * len).rev() {
        // Once the file just ends, once zeros follow, as where room was made ahead.
        for zeros in [0, 5000] {
            let mut torn = whole[..end].to_vec();
            torn.resize(end + zeros, 0);
            fs::write(&file, &torn).unwrap();
            let opened = open_log(temp.path(), &SETTINGS);
            // A batch ends with a zero, which is there even where only room follows.
            let batches = if zeros > 0 { (end + 1) / len } else { end / len };
            let torn_bytes = end.saturating_sub(batches * len);
            assert_eq!(opened.log_end(), Offset(batches as i64), "torn at {end}, {zeros} zeros");
            assert_eq!(all(&opened).len(), batches);
            assert!(opened.recovery().cut_bytes <= torn_bytes as u64);
            assert_eq!(
                opened.recovery().cut_bytes == 0,
                whole[end - torn_bytes..end].iter().all(|b| *b == 0)
            );
            assert_eq!(opened.recovery().damage, []);
            assert_eq!(fs::metadata(&file).unwrap().len(), (batches * len) as u64);
        }
    }
}

#[test]
fn a_changed_bit_anywhere_in_the_last_batch_cuts_it() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 3, 40, without_journal());
    let file = segment(temp.path(), 0);
    let len = batch(1, 40, 0).bytes.len();
    let whole = fs::read(&file).unwrap()[..3 * len].to_vec();
    // Offset and leader epoch lie outside of the checksum.
    for at in (8..12).chain(16..len) {
        let mut changed = whole.clone();
        changed[2 * len + at] ^= 1 << (at % 8);
        fs::write(&file, &changed).unwrap();
        let opened = open_log(temp.path(), &SETTINGS);
        assert_eq!(opened.log_end(), Offset(2), "byte {at}");
        assert!(opened.recovery().cut_bytes >= len as u64 - 1, "without the zero at its end");
    }
    let mut backwards = whole.clone();
    backwards[2 * len + 7] = 1;
    fs::write(&file, &backwards).unwrap();
    let opened = open_log(temp.path(), &SETTINGS);
    assert_eq!(opened.log_end(), Offset(2), "an offset that was there before");
    assert_eq!(all(&opened), [0, 1]);
}

#[test]
fn a_lost_page_cuts_the_log_but_keeps_what_followed_aside() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 20, 1000, without_journal());
    let file = segment(temp.path(), 0);
    let mut bytes = fs::read(&file).unwrap();
    let before = bytes.clone();
    bytes[8192..12288].fill(0);
    fs::write(&file, &bytes).unwrap();
    let opened = open_log(temp.path(), &SETTINGS);
    let len = batch(1, 1000, 0).bytes.len();
    let kept_batches = 8192 / len;
    assert_eq!(opened.log_end(), Offset(kept_batches as i64));
    assert_eq!(opened.recovery().damage, [], "a torn commit can look like this");
    let kept = fs::read(opened.recovery().kept.as_ref().unwrap()).unwrap();
    assert!(kept.ends_with(&before[12288..20 * len - 1]), "without the zero at the end");
}

#[test]
fn damage_in_an_old_segment_is_told_and_everything_else_stays() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 100, 1000, without_journal());
    let len = batch(1, 1000, 0).bytes.len();
    let path = segment(temp.path(), 0);
    let whole = fs::read(&path).unwrap();
    // Once a bit of a value, once a length that leads nowhere.
    for at in [3 * len + 200, 3 * len + 8] {
        let mut changed = whole.clone();
        changed[at] ^= 0x40;
        fs::write(&path, &changed).unwrap();
        let opened = open_log(temp.path(), &SETTINGS);
        assert_eq!((opened.log_start(), opened.log_end()), (Offset(0), Offset(100)));
        let damage = &opened.recovery().damage;
        assert_eq!(damage.len(), 1, "{damage:?}");
        assert_eq!((&damage[0].file, damage[0].position), (&path, FilePosition(3 * len as u64)));
        assert_eq!(fs::read(&path).unwrap(), changed, "the file stays as it is");
        if at == 3 * len + 8 {
            let expected: Vec<i64> = (0..100).filter(|n| *n != 3).collect();
            assert_eq!(all(&opened), expected);
        }
        drop(opened);
        let owned = temp.path().to_owned();
        on_shard(without_journal(), move |mut shard| async move {
            let log = shard.store.adopt(open_log(&owned, &SETTINGS));
            let found = shard.read(log, Offset(4), Offset(100), 2000).await;
            assert_eq!(offsets(&found.unwrap())[0], (4, 4), "behind the damage");
            let found = shard.read(log, Offset(0), Offset(100), 1 << 20).await.unwrap();
            if at == 3 * len + 8 {
                assert_eq!(offsets(&found), [(0, 0), (1, 1), (2, 2)], "up to the damage");
                for _ in 0..3 {
                    let error = shard.read(log, Offset(3), Offset(100), 2000).await.unwrap_err();
                    assert!(matches!(error, StorageError::Damaged { .. }), "{error}");
                    let place = format!("damaged at position {}", 3 * len);
                    assert!(error.to_string().contains(&place), "{error}");
                }
            }
            let found = shard.read(log, Offset(50), Offset(100), 2000).await.unwrap();
            assert_eq!(offsets(&found)[0], (50, 50));
        });
        drop(open_dir(temp.path()));
    }
}

#[test]
fn readers_get_on_behind_any_damage_and_are_told_of_what_lay_in_it() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 100, 1000, without_journal());
    let len = batch(1, 1000, 0).bytes.len();
    let path = segment(temp.path(), 0);
    let whole = fs::read(&path).unwrap();
    let batches = whole.len() / len;
    assert!(batches > 10 && whole.len().is_multiple_of(len), "the first segment is full: {batches}");
    drop(open_log(temp.path(), &SETTINGS));
    for case in
        ["a page of garbage", "zeros to the end of the segment", "a batch that claims an older offset"]
    {
        let mut changed = whole.clone();
        let lost = match case {
            "a page of garbage" => {
                changed[4 * len + 10..6 * len + 10].fill(0xa5);
                4..7
            }
            "zeros to the end of the segment" => {
                changed[(batches - 2) * len..].fill(0);
                batches - 2..batches
            }
            _ => {
                changed[5 * len..5 * len + 8].copy_from_slice(&2u64.to_be_bytes());
                5..6
            }
        };
        let owned = temp.path().to_owned();
        let (file, lost) = (path.clone(), lost.start as i64..lost.end as i64);
        on_shard(without_journal(), move |mut shard| async move {
            // The disk loses it while the log is open.
            let log = shard.store.adopt(open_log(&owned, &SETTINGS));
            fs::write(&file, &changed).unwrap();
            let mut told = Vec::new();
            let mut from = 0;
            let mut seen = Vec::new();
            while from < 100 {
                match shard.read(log, Offset(from), Offset(100), 1 << 20).await {
                    Ok(found) => {
                        let found = offsets(&found);
                        assert!(found[0].0 == from, "nothing is left out silently: {found:?} from {from}");
                        seen.extend(found.iter().map(|(first, _)| *first));
                        from = found[found.len() - 1].1 + 1;
                    }
                    Err(StorageError::Damaged { .. }) => {
                        told.push(from);
                        from += 1;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(told, lost.clone().collect::<Vec<_>>());
            assert_eq!(seen, (0..100).filter(|n| !lost.contains(n)).collect::<Vec<_>>());
        });
        drop(open_dir(temp.path()));
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn indexes_that_are_missing_or_broken_are_built_anew() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 100, 1000, without_journal());
    drop(open_log(temp.path(), &SETTINGS));
    let logs = log_path(temp.path());
    let good: Vec<(PathBuf, Vec<u8>)> = names(temp.path())
        .into_iter()
        .filter(|name| name.ends_with("index"))
        .map(|name| (logs.join(&name), fs::read(logs.join(&name)).unwrap()))
        .collect();
    assert!(good.len() >= 6 && good.iter().any(|(_, bytes)| bytes.len() > 16));
    let broken = ["missing", "cut", "zeros", "garbage"];
    for (what, clean) in broken.into_iter().flat_map(|what| [(what, false), (what, true)]) {
        for (path, bytes) in &good {
            match what {
                "missing" => fs::remove_file(path).unwrap(),
                "cut" => fs::write(path, &bytes[..bytes.len().saturating_sub(3)]).unwrap(),
                "zeros" => fs::write(path, vec![0; bytes.len() + 3]).unwrap(),
                _ => fs::write(path, vec![0x5a; bytes.len() / 2 * 2 + 1]).unwrap(),
            }
        }
        if clean {
            mark_clean(temp.path());
        }
        let opened = open_log(temp.path(), &SETTINGS);
        assert_eq!((opened.log_end(), opened.recovery().damage.len()), (Offset(100), 0), "{what}");
        assert_eq!(opened.recovery().rebuilt_indexes as usize, good.len() / 2, "{what} {clean}");
        for (path, bytes) in &good {
            assert_eq!(&fs::read(path).unwrap(), bytes, "{what}: {}", path.display());
        }
    }
}

#[test]
fn a_checkpoint_spares_reading_what_was_durable_before_it() {
    let temp = tempfile::tempdir().unwrap();
    let often = StoreSettings { checkpoint_interval_ms: 10, ..without_journal() };
    crashed(temp.path(), 100, 1000, without_journal());
    let opened = open_log(temp.path(), &SETTINGS);
    assert!(opened.recovery().scanned_bytes > 100_000, "no checkpoint yet");
    drop(opened);
    crashed(temp.path(), 100, 1000, often);
    let opened = open_log(temp.path(), &SETTINGS);
    assert_eq!(opened.log_end(), Offset(200));
    assert!(opened.recovery().scanned_bytes < 10_000, "{:?}", opened.recovery());
    assert_eq!(all(&opened), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_full_segment_that_was_not_yet_shortened_is_no_damage() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 100, 1000, without_journal());
    let path = segment(temp.path(), 0);
    let len = fs::metadata(&path).unwrap().len();
    fs::File::options().write(true).open(&path).unwrap().set_len(len + 50_000).unwrap();
    let opened = open_log(temp.path(), &SETTINGS);
    assert_eq!((opened.log_end(), opened.recovery().damage.len()), (Offset(100), 0));
    assert_eq!(fs::metadata(&path).unwrap().len(), len);
}

/// Seed 703940 of the simulated machine: a checkpoint is made while a segment is the last one, the next one begins where the
/// checkpoint is, and the power fails before the first gets its size.
#[test]
fn a_checkpoint_at_the_end_of_a_segment_does_not_vouch_for_the_room_behind_it() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 100, 1000, without_journal());
    open_log(temp.path(), &SETTINGS);
    let bases: Vec<u64> = names(temp.path())
        .iter()
        .filter_map(|name| name.strip_suffix(".log").and_then(|base| base.parse().ok()))
        .collect();
    let [.., full, next] = bases[..] else { panic!("{bases:?}") };
    let path = segment(temp.path(), full);
    let len = fs::metadata(&path).unwrap().len();
    fs::File::options().write(true).open(&path).unwrap().set_len(len + 50_000).unwrap();
    let checkpoint = format!("0\n1\n{} {next}\n", log_name().to_string().replace('-', " "));
    fs::write(temp.path().join("recovery-point-offset-checkpoint"), checkpoint).unwrap();
    let opened = open_log(temp.path(), &SETTINGS);
    assert_eq!((opened.log_end(), opened.recovery().damage.len()), (Offset(100), 0));
    assert_eq!(fs::metadata(&path).unwrap().len(), len);
}

#[test]
fn a_prepared_segment_that_was_used_gets_its_name() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 100, 1000, without_journal());
    let last = names(temp.path()).into_iter().rfind(|name| name.ends_with(".log")).unwrap();
    let logs = log_path(temp.path());
    fs::rename(logs.join(&last), logs.join("next.segment")).unwrap();
    let opened = open_log(temp.path(), &SETTINGS);
    assert_eq!(opened.log_end(), Offset(100));
    assert_eq!(all(&opened), (0..100).collect::<Vec<_>>());
    drop(opened);
    // One that does not continue the log is none of it, and is kept.
    fs::copy(segment(temp.path(), 0), logs.join("next.segment")).unwrap();
    let opened = open_log(temp.path(), &SETTINGS);
    assert_eq!((opened.log_end(), opened.recovery().damage.len()), (Offset(100), 1));
    assert!(names(temp.path()).contains(&"next.segment.kept-0".to_owned()));
    drop(opened);
    // One that was never used disappears.
    fs::write(logs.join("next.segment"), vec![0; 8192]).unwrap();
    assert_eq!(open_log(temp.path(), &SETTINGS).recovery().damage, []);
    assert!(!logs.join("next.segment").exists());
}

#[test]
fn a_clean_stop_vouches_for_a_log_only_until_it_is_opened() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 20, 100, without_journal());
    let dir = open_dir(temp.path());
    drop(dir.open_log(&log_name(), TOPIC, &SETTINGS).unwrap());
    dir.mark_clean().unwrap();
    drop(dir);
    let dir = open_dir(temp.path());
    let opened = dir.open_log(&log_name(), TOPIC, &SETTINGS).unwrap();
    assert_eq!(opened.log_end(), Offset(20));
    assert!(opened.recovery().scanned_bytes < 3000, "{:?}", opened.recovery());
    drop(opened);
    let again = dir.open_log(&log_name(), TOPIC, &SETTINGS).unwrap();
    assert!(again.recovery().scanned_bytes > 3000, "{:?}", again.recovery());
}

#[test]
fn whatever_a_disk_returns_a_log_opens_or_says_why_not_and_goes_on() {
    let temp = tempfile::tempdir().unwrap();
    let often = StoreSettings { checkpoint_interval_ms: 10, ..without_journal() };
    crashed(temp.path(), 100, 1000, often);
    let files: Vec<(PathBuf, Vec<u8>)> = names(temp.path())
        .into_iter()
        .map(|name| log_path(temp.path()).join(name))
        .chain([temp.path().join("recovery-point-offset-checkpoint")])
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    let seed = std::env::var("STORAGE_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in seed.map_or(0..60, |seed| seed..seed + 1) {
        eprintln!("seed {seed}");
        let mut random = Random::new(seed);
        fs::remove_dir_all(log_path(temp.path())).unwrap();
        fs::create_dir(log_path(temp.path())).unwrap();
        for (path, bytes) in &files {
            fs::write(path, bytes).unwrap();
        }
        for _ in 0..=random.below(3) {
            let (path, bytes) = &files[random.below(files.len() as u64) as usize];
            let mut bytes = bytes.clone();
            let at = random.below(bytes.len() as u64 + 1) as usize;
            match random.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.extend((0..random.below(9000)).map(|_| random.next() as u8).collect::<Vec<_>>()),
                2 => bytes[at..].iter_mut().take(1 + random.below(5000) as usize).for_each(|b| *b = 0),
                _ => bytes[at..]
                    .iter_mut()
                    .take(1 + random.below(3) as usize)
                    .for_each(|b| *b ^= random.next() as u8),
            }
            fs::write(path, &bytes).unwrap();
        }
        if random.one_in(3) {
            mark_clean(temp.path());
        }
        let dir = open_dir(temp.path());
        let Ok(opened) = dir.open_log(&log_name(), TOPIC, &SETTINGS) else { continue };
        drop(dir);
        let mut last = -1;
        opened.replay(opened.log_start(), |header, _| last = last.max(header.last_offset().0)).unwrap();
        assert!(last < opened.log_end().0);
        on_shard(without_journal(), |mut shard| async move {
            let end = opened.log_end();
            let log = shard.store.adopt(opened);
            let appended = shard.append(log, &batch(1, 500, 1)).unwrap();
            assert_eq!(appended.first_offset, end);
            shard.make_durable(log).await;
            let found = shard.read(log, end, Offset(end.0 + 1), 1).await.unwrap();
            assert_eq!(offsets(&found), [(end.0, end.0)]);
        });
        let again = open_dir(temp.path()).open_log(&log_name(), TOPIC, &SETTINGS).unwrap();
        assert_eq!(again.log_end().0, all_last(&again) + 1);
    }
}

/// The last offset that a replay shows.
fn all_last(opened: &OpenedLog) -> i64 {
    let mut last = -1;
    opened.replay(Offset(0), |header, _| last = header.last_offset().0).unwrap();
    last
}

#[test]
fn damage_in_what_was_durable_is_told_even_at_the_end() {
    let temp = tempfile::tempdir().unwrap();
    let often = StoreSettings { checkpoint_interval_ms: 10, ..without_journal() };
    crashed(temp.path(), 20, 1000, often);
    let file = segment(temp.path(), 0);
    let len = batch(1, 1000, 0).bytes.len();
    let mut bytes = fs::read(&file).unwrap();
    bytes[19 * len + 100] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let opened = open_log(temp.path(), &SETTINGS);
    assert_eq!(opened.log_end(), Offset(19));
    let damage = &opened.recovery().damage;
    assert_eq!((damage.len(), damage[0].position), (1, FilePosition(19 * len as u64)));
    assert!(
        fs::read(opened.recovery().kept.as_ref().unwrap())
            .unwrap()
            .starts_with(&bytes[19 * len..20 * len - 1])
    );
}

#[test]
fn the_next_segment_has_no_name_before_the_one_before_it_is_durable() {
    let temp = tempfile::tempdir().unwrap();
    let owned = temp.path().to_owned();
    let settings = LogSettings { segment_bytes: 100_000, ..SETTINGS };
    on_shard(without_journal(), move |mut shard| async move {
        let log = shard.store.adopt(open_log(&owned, &settings));
        for i in 0..80 {
            shard.append(log, &batch(1, 1000, i)).unwrap();
        }
        shard.make_durable(log).await;
        let prepared = log_path(&owned).join("next.segment");
        shard.until_store(|_| prepared.exists()).await;
        for _ in 0..60 {
            shard.turn().await;
        }
        // A commit does not come back, and what follows it fills this segment and begins the next.
        shard.fault = Fault::Withhold;
        for i in 0..40 {
            shard.append(log, &batch(1, 1000, i)).unwrap();
            shard.store.want_durable(log);
            shard.turn().await;
        }
        assert_eq!(shard.store.status(log).unwrap().segments, 2);
        for _ in 0..60 {
            shard.turn().await;
        }
    });
    drop(open_dir(temp.path()));
    let opened = open_log(temp.path(), &settings);
    assert_eq!(opened.recovery().damage, []);
    assert!(opened.log_end() < Offset(90), "there is no hole: {}", opened.log_end());
    assert_eq!(all(&opened), (0..opened.log_end().0).collect::<Vec<_>>());
}
