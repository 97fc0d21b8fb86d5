//! Power loss: a broker is started on what the disk holds at some moment, while another one still works on the original.

use std::path::Path;
use std::time::Instant;

use tempfile::TempDir;

use crate::client::Client;
use crate::dice::rounds;
use crate::ledger::Ledger;
use crate::loop_disk::{Format, LoopDisk};
use crate::storm::{Storm, Troubles};
use crate::suite::{Case, Skip, Verdict};
use crate::support::Broker;
use crate::volatile_disk::VolatileDisk;

pub const CASES: &[Case] = &[
    Case {
        name: "acknowledged_records_survive_the_copy_of_a_mounted_image",
        run: || Verdict::of(survive_copies()),
    },
    Case {
        name: "acknowledged_records_survive_power_loss_on_ext4",
        run: || Verdict::of(survive_power_loss(Format::Ext4)),
    },
    Case {
        name: "acknowledged_records_survive_power_loss_on_xfs",
        run: || Verdict::of(survive_power_loss(Format::Xfs)),
    },
    Case { name: "what_was_read_after_kill_9_survives_power_loss", run: || Verdict::of(survive_both()) },
];

const TINY_SEGMENTS: &[(&str, &str)] =
    &[("segment.index.bytes", "64"), ("index.interval.bytes", "4096"), ("file.delete.delay.ms", "100")];

/// Small, because it is copied again and again; XFS takes no smaller one.
fn disk_bytes(format: Format) -> usize {
    match format {
        Format::Ext4 => 384 << 20,
        Format::Xfs => 448 << 20,
    }
}

/// Topics whose old records go, since the disk is small.
fn topics(storm: &mut Storm) {
    let bounded: &[(&str, &str)] =
        &[("segment.bytes", "1048576"), ("file.delete.delay.ms", "100"), ("retention.bytes", "8000000")];
    let tiny = [TINY_SEGMENTS, &[("retention.bytes", "500000")]].concat();
    storm.topic("one", 1, bounded);
    storm.topic("tiny", 5, &tiny);
    storm.topic("many", 50, &tiny);
    storm.topic("lazy", 3, &[bounded, &[("flush.messages", "1000000")]].concat());
}

fn survive_copies() -> Result<(), Skip> {
    let disk = LoopDisk::make(Format::Ext4, disk_bytes(Format::Ext4) as u64)?;
    let mut storm = Storm::begin_in(&[disk.path().join("data")], &disk.beside("log"), Troubles::default());
    topics(&mut storm);
    for _ in 0..rounds(3, 8) {
        let load = storm.load();
        load.until(storm.dice.between(1, 800));
        let (copy, cut) = copy_under_load(&disk, &storm)?;
        storm.end(load);
        let expected = storm.ledger.after_power_failure(cut, storm.topics());
        check_copy(&storm, expected, copy.path(), &copy.beside("log"));
    }
    storm.finish();
    Ok(())
}

/// Copies the image while the broker stands still in the middle of its work, and says from when the copy is. A copy takes its
/// time: what the broker moves meanwhile, from its journal into a segment whose place was copied before, would be in neither.
/// What it has not synced is still in the kernel.
fn copy_under_load(disk: &LoopDisk, storm: &Storm) -> Result<(LoopDisk, Instant), Skip> {
    storm.broker.signal("STOP");
    let cut = Instant::now();
    // The file system goes on by itself for a while.
    let copy = (0..50).find_map(|_| disk.copy().transpose());
    storm.broker.signal("CONT");
    let copy = copy.unwrap_or_else(|| Err(Skip("the file system's journal never rests".to_owned())))?;
    Ok((copy, cut))
}

fn survive_power_loss(format: Format) -> Result<(), Skip> {
    let disk = VolatileDisk::make(format, disk_bytes(format))?;
    let logs = TempDir::new().expect("a temporary directory");
    let mut storm =
        Storm::begin_in(&[disk.path().join("data")], &logs.path().join("log"), Troubles::default());
    topics(&mut storm);
    for _ in 0..rounds(4, 10) {
        let load = storm.load();
        load.until(storm.dice.between(1, 800));
        let mut cut = Instant::now();
        let remains = disk.cut(|| cut = Instant::now());
        storm.end(load);
        let left = remains.mount(&mut storm.dice)?;
        let expected = storm.ledger.after_power_failure(cut, storm.topics());
        check_copy(&storm, expected, left.path(), &left.beside("log"));
    }
    storm.finish();
    Ok(())
}

/// After kill -9 the next broker finds records that were written and not synced. Once it has shown them, they stay.
fn survive_both() -> Result<(), Skip> {
    let disk = VolatileDisk::make(Format::Ext4, disk_bytes(Format::Ext4))?;
    let logs = TempDir::new().expect("a temporary directory");
    let mut storm =
        Storm::begin_in(&[disk.path().join("data")], &logs.path().join("log"), Troubles::default());
    topics(&mut storm);
    for _ in 0..rounds(4, 10) {
        let batches = storm.dice.between(1, 800);
        storm.round(batches);
        let left = disk.cut(|| {}).mount(&mut storm.dice)?;
        // Nobody has produced since the start, and what it found counts as durable, however lazily it was flushed.
        check_copy(&storm, storm.ledger.clone(), left.path(), &left.beside("log"));
    }
    storm.finish();
    Ok(())
}

/// Starts a broker on what was left, twice, and compares it with what is expected.
fn check_copy(storm: &Storm, mut ledger: Ledger, path: &Path, log: &Path) {
    let mut broker = Broker::start_in(&[path.join("data")], log, &[]);
    for topic in storm.topics() {
        ledger.check(&mut Client::connect(broker.address()), topic);
    }
    broker.kill();
    broker.restart();
    for topic in storm.topics() {
        ledger.check(&mut Client::connect(broker.address()), topic);
    }
    assert!(broker.stop().success());
}
