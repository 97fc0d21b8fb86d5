//! Profiles of disks: kept and read back, and what follows from those of disks that everybody knows.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use strome_tuning::Host;
use strome_tuning::disk::{
    Advice, Around, Case, Device, DiskError, DiskProfile, FILE_NAME, Measured, Verdict, What, WriteCache,
};
use types::{ByteCount, TimestampMs};

/// A disk of which every case takes the same time, so many of them in a second.
fn measured(case: Case, per_second: u64, p50_us: u64, p99_us: u64) -> Measured {
    Measured {
        case,
        operations: per_second,
        elapsed: Duration::from_secs(1),
        p50: Duration::from_micros(p50_us),
        p99: Duration::from_micros(p99_us),
        p999: Duration::from_micros(p99_us * 2),
        max: Duration::from_micros(p99_us * 3),
        reads_beside: if matches!(case.around, Around::Reads(_)) { 4000 } else { 0 },
    }
}

/// A datacentre's NVMe disk: a protected cache, and writes that go through.
fn nvme() -> DiskProfile {
    let of = |case: Case| match (case.what, case.around) {
        (What::Commit, Around::Quiet) => measured(case, 12_800 * u64::from(case.depth), 75, 90),
        (What::Commit, Around::BusyCores) => measured(case, 9_000, 90, 400),
        (What::Commit, Around::Reads(depth)) => measured(case, 8_000, 75 + 25 * u64::from(depth), 900),
        (What::InlineCommit, Around::BusyCores) => measured(case, 11_000, 60, 300),
        (What::InlineCommit, _) => measured(case, 16_000, 60, 80),
        (What::Write, _) => {
            let bytes = (case.block.0 * u64::from(case.depth) * 4000).min(2 << 30);
            measured(case, bytes / case.block.0, 200, 400)
        }
        (What::Read, _) => measured(case, 1500 * u64::from(case.depth.min(4)), 400, 800),
    };
    DiskProfile {
        measured_at: TimestampMs(1_790_000_000_000),
        strome: "0.1.0".to_owned(),
        device: Device {
            filesystem: "xfs".to_owned(),
            name: Some("nvme0n1p1".to_owned()),
            identity: "xfs//eui.1/1/1000".to_owned(),
            cache: WriteCache::Through,
            fua: true,
            rotational: false,
            is_virtual: false,
        },
        is_direct: true,
        cpus: 16,
        prewritten: ByteCount(768 << 20),
        fresh: measured(Case::write(ByteCount(1 << 20), 4).in_allocated(), 1900, 2000, 4000),
        measured: Case::all().into_iter().map(|(case, _)| of(case)).collect(),
    }
}

/// The same with other figures for some cases.
fn with(mut profile: DiskProfile, change: impl Fn(&mut Measured)) -> DiskProfile {
    profile.measured.iter_mut().for_each(change);
    profile
}

fn verdict(profile: &DiskProfile) -> String {
    Verdict::of(profile).to_string()
}

#[test]
fn the_verdict_of_a_good_disk_is_plain() {
    assert_eq!(
        verdict(&nvme()),
        "Durable commits: 12,800/s one at a time, p50 75 us, p99 90 us; 102,400/s with 8 at once, p99 90 us.\n\
         nvme0n1p1 writes through: what it says it has written is durable, without a cache or with one that is \
         protected against loss of power.\n\
         When all 16 CPUs are busy, a commit takes p50 90 us, p99 400 us (1.2 times as long); with RWF_DSYNC it would \
         take 60 us when they are idle and 60 us when they are busy.\n\
         In space that was never written a commit takes p50 75 us (1.0 times as long).\n\
         Writes in order: 2,048 MiB/s, with 256 KiB and 4 at once; 1,900 MiB/s into fresh space.\n\
         Reads in order: 3,000 MiB/s, with 512 KiB and 4 at once; beside 1,000 MiB/s of reads (1 at once) a commit \
         takes p50 100 us, p99 900 us (1.3 times as long); beside 1,000 MiB/s of reads (8 at once) a commit takes p50 \
         275 us, p99 900 us (3.7 times as long).\n\
         A broker here uses: commits with RWF_DSYNC, segments written in pieces of 256 KiB, cold reads of 2048 KiB at \
         once and 512 KiB beside commits.\n"
    );
}

#[test]
fn a_cache_that_loses_power_is_called_by_its_name() {
    let mut consumer = nvme();
    consumer.device.cache = WriteCache::Back;
    assert!(
        verdict(&consumer).contains("has a write-back cache and no power-loss protection that it tells of")
    );
    consumer.device.is_virtual = true;
    let said = verdict(&consumer);
    assert!(said.contains("It is virtual") && !said.contains("power-loss"), "{said}");
    consumer.device.name = None;
    consumer.device.filesystem = "tmpfs".to_owned();
    assert!(verdict(&consumer).contains("This is memory (tmpfs)"));
    consumer.is_direct = false;
    assert!(verdict(&consumer).contains("knows no O_DIRECT"));
}

#[test]
fn a_disk_that_turns_and_is_too_fast_is_not_believed() {
    let mut disk = nvme();
    disk.device.rotational = true;
    assert!(verdict(&disk).contains("more commits than a disk makes turns"));
    let honest = with(disk, |measured| measured.operations = measured.operations.min(100));
    assert!(!verdict(&honest).contains("turns"));
}

#[test]
fn fresh_space_that_costs_a_journal_commit_explains_the_journal() {
    let ext4 = with(nvme(), |measured| {
        if measured.case == Case::commit(1).in_allocated() {
            measured.p50 = Duration::from_micros(1500);
        }
    });
    assert!(verdict(&ext4).contains("p50 1.5 ms (20.0 times as long): so small commits go to a journal"));
}

#[test]
fn commits_carry_their_sync_only_where_that_stays_faster_on_busy_cores() {
    assert!(Advice::of(&nvme()).inline_commits);
    let collapses = with(nvme(), |measured| {
        if measured.case == Case::inline_commit(1).around(Around::BusyCores) {
            measured.p50 = Duration::from_millis(4);
        }
    });
    assert!(!Advice::of(&collapses).inline_commits);
    let mut unmeasured = nvme();
    unmeasured.measured.retain(|measured| measured.case.what != What::InlineCommit);
    assert!(!Advice::of(&unmeasured).inline_commits);
    let mut buffered = nvme();
    buffered.is_direct = false;
    assert!(!Advice::of(&buffered).inline_commits);
}

#[test]
fn cold_reads_get_what_leaves_commits_twice_their_time() {
    let beside = |profile: &DiskProfile| Advice::of(profile).cold_bytes_committing.0 / Case::READ_BESIDE.0;
    // 75 us alone; 100, 125, 175 and 275 us beside 1, 2, 4 and 8 reads.
    assert_eq!(beside(&nvme()), 2);
    let slow = |factor: u32| {
        with(nvme(), move |measured| {
            if matches!(measured.case.around, Around::Reads(_)) {
                measured.p50 *= factor;
            }
        })
    };
    assert_eq!(beside(&slow(100)), 1);
    assert_eq!(beside(&slow(0)), 8);
}

#[test]
fn two_disks_get_what_the_more_careful_one_bears() {
    let fast = Advice::of(&nvme());
    let slow = Advice { cold_bytes: ByteCount(1), inline_commits: false, ..fast };
    assert_eq!(fast.and(slow), slow);
    assert_eq!(slow.and(fast), slow);
}

#[test]
fn the_advice_stays_within_bounds_whatever_the_profile_says() {
    let mut profiles = vec![with(nvme(), |measured| measured.operations = 0)];
    profiles.push(with(nvme(), |measured| measured.elapsed = Duration::ZERO));
    profiles.push(with(nvme(), |measured| measured.case.depth = u16::MAX));
    profiles.push(with(nvme(), |measured| measured.case.block = ByteCount(1 << 30)));
    profiles.push(with(nvme(), |measured| measured.case.around = Around::Reads(0)));
    profiles.push(DiskProfile { measured: Vec::new(), ..nvme() });
    for profile in profiles {
        let advice = Advice::of(&profile);
        let kib = |bytes: ByteCount| bytes.0 / 1024;
        assert!((256..=2048).contains(&kib(advice.cold_bytes_committing)), "{advice}");
        assert!((256..=4096).contains(&kib(advice.cold_bytes)), "{advice}");
        assert!((256..=1024).contains(&kib(advice.write_back_bytes)), "{advice}");
        let _ = verdict(&profile);
    }
}

#[test]
fn a_profile_comes_back_as_it_was_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    assert_eq!(DiskProfile::read(&path).unwrap(), None);
    for profile in [nvme(), DiskProfile { measured: Vec::new(), ..nvme() }] {
        profile.save(dir.path()).unwrap();
        assert_eq!(DiskProfile::read(&path).unwrap(), Some(profile));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
    assert!(nvme().save(&dir.path().join("none")).is_err());
}

#[test]
fn a_profile_of_another_disk_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    nvme().save(dir.path()).unwrap();
    let error = DiskProfile::load(&Host::real(), dir.path()).unwrap_err();
    assert!(error.to_string().contains("it was measured on another disk"), "{error}");
    let device = Device::below(&Host::real(), dir.path()).unwrap();
    let own = DiskProfile { device, ..nvme() };
    own.save(dir.path()).unwrap();
    assert_eq!(DiskProfile::load(&Host::real(), dir.path()).unwrap(), Some(own));
}

/// Why the content of a file is no profile.
fn refusal(dir: &Path, content: &[u8]) -> String {
    let path = dir.join(FILE_NAME);
    fs::write(&path, content).unwrap();
    match DiskProfile::read(&path) {
        Err(DiskError::Malformed { what, .. }) => what,
        other => panic!("{other:?} of {}", String::from_utf8_lossy(content)),
    }
}

#[test]
fn garbage_is_no_profile() {
    let dir = tempfile::tempdir().unwrap();
    for garbage in [&b""[..], b"{", b"null", b"[]", b"{}", b"\xff\xfe", b"{\"version\": 1}"] {
        refusal(dir.path(), garbage);
    }
    let large = vec![b' '; 1 << 20];
    assert!(refusal(dir.path(), &large).contains("larger than"));
    let deep = b"[".repeat(100_000);
    refusal(dir.path(), &deep);
    fs::remove_file(dir.path().join(FILE_NAME)).unwrap();
    fs::create_dir(dir.path().join(FILE_NAME)).unwrap();
    assert!(DiskProfile::read(&dir.path().join(FILE_NAME)).is_err());
}

#[test]
fn a_profile_with_an_absurd_value_anywhere_is_none_and_names_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |path: &str, value: Value| {
        let mut json = nvme().to_json();
        *json.pointer_mut(path).unwrap_or_else(|| panic!("there is no {path}")) = value;
        let why = refusal(dir.path(), json.to_string().as_bytes());
        let key = path.rsplit('/').next().unwrap();
        assert!(why.contains(key), "{path}: {why}");
    };
    refused("/version", json!(2));
    refused("/cpus", json!(1_000_000));
    refused("/cpus", json!(-1));
    refused("/direct", json!("yes"));
    refused("/strome", json!("a\u{1b}[2J"));
    refused("/strome", json!("x".repeat(5000)));
    refused("/measured_at_ms", json!(1.5));
    refused("/device/identity", Value::Null);
    refused("/device/cache", json!("lazy"));
    refused("/measured/0/what", json!("seek"));
    refused("/measured/0/p99_us", json!(u64::MAX));
    refused("/measured/0/operations", json!(u64::MAX));
    refused("/measured/0/block_bytes", json!(u64::MAX));
    refused("/measured/0/around", json!("the clock"));
    refused("/measured", json!(3));
    let mut many = nvme().to_json();
    let case = many["measured"][0].clone();
    many["measured"] = Value::Array(vec![case; 2000]);
    refusal(dir.path(), many.to_string().as_bytes());
}
