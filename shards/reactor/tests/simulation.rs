//! What a crash of the simulated machine may leave, and what it must leave.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use strome_reactor::simulation::{Crash, Failure, Kind, Simulation};
use strome_reactor::{Chunk, Disk, Event, File, OpenOptions, Reactor, Sync, Token};
use types::{ByteCount, FilePosition};

const SEEDS: std::ops::Range<u64> = 0..300;
const SECTOR: usize = 512;
const PAGE: usize = 4096;

fn path() -> &'static Path {
    Path::new("/dir/file")
}

/// A machine with a file of two pages of ones, durable.
fn with_file(seed: u64) -> (Simulation, Disk, File) {
    let machine = Simulation::new(seed);
    let disk = machine.disk();
    disk.create_dir_all(Path::new("/dir")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    let file = disk.open(path(), OpenOptions::CREATE.buffered()).unwrap();
    file.write_all_at(&[1; 2 * PAGE], FilePosition(0)).unwrap();
    file.sync_all().unwrap();
    disk.sync_dir(Path::new("/dir")).unwrap();
    (machine, disk, file)
}

/// What is in the file after a crash; each time something was done with it before.
fn contents(crash: Crash, before: impl Fn(&Disk, &File)) -> BTreeSet<Vec<u8>> {
    let after = |seed| {
        let (machine, disk, file) = with_file(seed);
        before(&disk, &file);
        let machine = machine.restart(crash);
        let bytes = machine.disk().read(path()).unwrap();
        if crash == Crash::Power {
            let again = machine.restart(crash).disk().read(path()).unwrap();
            assert!(again == bytes, "the crash has left something to chance");
        }
        bytes
    };
    SEEDS.map(after).collect()
}

#[test]
fn unsynced_bytes_are_lost_kept_or_torn_at_sectors() {
    let found = contents(Crash::Power, |_, file| file.write_all_at(&[2; 2 * PAGE], FilePosition(0)).unwrap());
    assert!(found.contains(&vec![1; 2 * PAGE]) && found.contains(&vec![2; 2 * PAGE]) && found.len() > 20);
    let is_whole = |sector: &[u8]| sector.iter().all(|byte| *byte == sector[0]);
    assert!(found.iter().all(|bytes| bytes.chunks(SECTOR).all(is_whole)));
    assert!(found.iter().any(|bytes| bytes[0] == 1 && bytes[2 * PAGE - 1] == 2), "reordered");
}

#[test]
fn a_process_that_dies_loses_nothing_that_it_has_written() {
    let found = contents(Crash::Process, |disk, file| {
        file.write_all_at(b"x", FilePosition(5000)).unwrap();
        let other = Path::new("/dir/other");
        disk.rename(path(), other).unwrap();
        disk.rename(other, path()).unwrap();
    });
    let mut expected = vec![1; 2 * PAGE];
    expected[5000] = b'x';
    assert!(found.into_iter().eq([expected]));
}

#[test]
fn synced_bytes_and_sizes_stay() {
    let found = contents(Crash::Power, |_, file| {
        file.write_all_at(&[2; 3 * PAGE], FilePosition(100)).unwrap();
        file.set_len(ByteCount(9000)).unwrap();
        file.sync_data().unwrap();
    });
    assert!(found.into_iter().eq([[vec![1; 100], vec![2; 8900]].concat()]));
}

#[test]
fn sizes_that_are_not_synced_change_in_order_or_not_at_all() {
    let found = contents(Crash::Power, |_, file| {
        file.set_len(ByteCount(5000)).unwrap();
        file.allocate(FilePosition(5000), ByteCount(5000)).unwrap();
    });
    let cut = vec![1; 5000];
    let extended = [&cut[..], &[0; 5000]].concat();
    assert!(found.contains(&vec![1; 2 * PAGE]) && found.contains(&cut) && found.contains(&extended));
    let sizes: BTreeSet<usize> = found.iter().map(Vec::len).collect();
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [5000, 2 * PAGE, 10_000]);
    assert!(found.iter().all(|bytes| bytes.len() != 10_000 || *bytes == extended), "bytes of before the cut");
}

#[test]
fn names_change_in_order_and_stay_once_their_directory_is_synced() {
    let names = |sync: bool| -> BTreeSet<Vec<String>> {
        let after = |seed| {
            let (machine, disk, _) = with_file(seed);
            disk.write(Path::new("/dir/a"), b"a").unwrap();
            disk.rename(Path::new("/dir/a"), Path::new("/dir/b")).unwrap();
            disk.remove_file(path()).unwrap();
            if sync {
                disk.sync_dir(Path::new("/dir")).unwrap();
            }
            machine.restart(Crash::Power).disk().list(Path::new("/dir")).unwrap()
        };
        SEEDS.map(after).collect()
    };
    let all: Vec<Vec<&str>> = vec![vec!["a", "file"], vec!["b"], vec!["b", "file"], vec!["file"]];
    assert_eq!(names(false).into_iter().collect::<Vec<_>>(), all);
    assert_eq!(names(true).into_iter().collect::<Vec<_>>(), [["b"]]);
}

#[test]
fn after_a_failed_sync_another_one_proves_nothing() {
    let found = contents(Crash::Power, |_, file| {
        file.write_all_at(&[2; PAGE], FilePosition(0)).unwrap();
    });
    let after = |seed| {
        let (machine, _, file) = with_file(seed);
        machine.fail(Failure { kind: Kind::Sync, after: 0, times: 1, errno: 5 });
        file.write_all_at(&[2; PAGE], FilePosition(0)).unwrap();
        assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
        file.sync_data().unwrap();
        machine.restart(Crash::Power).disk().read(path()).unwrap()
    };
    let after: BTreeSet<Vec<u8>> = SEEDS.map(after).collect();
    assert!(found.len() > 10 && after.len() > 10);
}

#[test]
fn a_failed_sync_is_told_once_to_everybody_who_has_the_file_open() {
    let (machine, disk, file) = with_file(1);
    let other = disk.open(path(), OpenOptions::WRITE.buffered()).unwrap();
    machine.fail(Failure { kind: Kind::Sync, after: 0, times: 1, errno: 5 });
    assert!(file.clone().sync_data().is_err());
    file.sync_data().unwrap();
    assert!(other.sync_data().is_err(), "it has not heard of it yet");
    other.sync_data().unwrap();
    disk.open(path(), OpenOptions::WRITE.buffered()).unwrap().sync_data().unwrap();
}

#[test]
fn a_full_disk_refuses_and_has_room_again_when_something_is_removed() {
    let (machine, disk, file) = with_file(1);
    machine.set_capacity(Some(ByteCount(4 * PAGE as u64)));
    let other = disk.open(Path::new("/dir/other"), OpenOptions::CREATE.buffered()).unwrap();
    let allocated = other.allocate(FilePosition(0), ByteCount(3 * PAGE as u64));
    assert_eq!(allocated.unwrap_err().kind(), ErrorKind::StorageFull);
    other.allocate(FilePosition(0), ByteCount(2 * PAGE as u64)).unwrap();
    other.write_all_at(&[3; 2 * PAGE], FilePosition(0)).unwrap();
    let written = other.write_all_at(b"x", FilePosition(2 * PAGE as u64));
    assert_eq!(written.unwrap_err().kind(), ErrorKind::StorageFull);
    file.set_len(ByteCount(0)).unwrap();
    other.write_all_at(b"x", FilePosition(2 * PAGE as u64)).unwrap();
    assert_eq!(disk.read(Path::new("/dir/other")).unwrap().len(), 2 * PAGE + 1);
}

fn finish(reactor: &mut Reactor) -> Vec<Event> {
    let mut events = Vec::new();
    while reactor.operations_in_flight() > 0 {
        reactor.poll(&mut events);
    }
    events
}

fn chunk(byte: u8) -> Chunk {
    let mut chunk = Chunk::with_capacity(PAGE);
    chunk.spare(PAGE).unwrap().fill(byte);
    chunk.publish(PAGE);
    chunk
}

#[test]
fn a_write_with_a_sync_is_durable_when_it_has_ended_and_not_before() {
    let (mut early, mut none) = (0, 0);
    for seed in SEEDS {
        let (machine, disk, _) = with_file(seed);
        let file = disk.open(path(), OpenOptions::WRITE).unwrap();
        let mut reactor = machine.reactor().unwrap();
        let slices = vec![chunk(7).slice(0..PAGE)];
        reactor.write(&file, FilePosition(PAGE as u64), slices, Sync::Data, Token(9));
        let mut events = Vec::new();
        for _ in 0..seed % 4 {
            reactor.poll(&mut events);
        }
        let has_ended = !events.is_empty();
        let bytes = machine.restart(Crash::Power).disk().read(path()).unwrap();
        let (before, after) = (&[1; PAGE][..], &[7; PAGE][..]);
        assert!(&bytes[..PAGE] == before);
        if has_ended {
            assert!(&bytes[PAGE..] == after);
        } else if &bytes[PAGE..] == before {
            none += 1;
        } else {
            early += 1;
        }
    }
    assert!(early > 10 && none > 10, "{early} {none}");
}

#[test]
fn operations_overtake_each_other_and_none_is_lost() {
    let mut orders = BTreeSet::new();
    for seed in SEEDS {
        let (machine, _, file) = with_file(seed);
        let mut reactor = machine.reactor().unwrap();
        for i in 0..4 {
            let slices = vec![chunk(10 + i).slice(0..PAGE)];
            reactor.write(&file, FilePosition(u64::from(i) * PAGE as u64), slices, Sync::No, Token(i.into()));
        }
        let order: Vec<u64> = finish(&mut reactor)
            .into_iter()
            .map(|event| match event {
                Event::Wrote { token, result: Ok(()) } => token.0,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 4);
        orders.insert(order);
        let slices = vec![chunk(1).slice(0..PAGE)];
        reactor.write(&file, FilePosition(0), slices, Sync::No, Token(1));
        // A reactor that is dropped ends what it has in hand.
        drop(reactor);
        let mut first = [0];
        file.read_exact_at(&mut first, FilePosition(0)).unwrap();
        assert_eq!(first, [1]);
    }
    assert!(orders.len() > 10);
}

#[test]
fn after_the_stop_nothing_has_an_effect() {
    let (machine, disk, file) = with_file(3);
    machine.stop_after(Some(1));
    file.write_all_at(b"one", FilePosition(0)).unwrap();
    assert!(!machine.is_stopped());
    assert!(file.write_all_at(b"two", FilePosition(0)).is_err() && machine.is_stopped());
    assert!(disk.create_dir(Path::new("/new")).is_err() && file.sync_all().is_err());
    assert!(!disk.exists(path()));
    let disk = machine.restart(Crash::Process).disk();
    assert!(disk.read(path()).unwrap().starts_with(b"one"));
    assert!(!disk.exists(Path::new("/new")));
}

#[test]
fn a_locked_path_is_locked_until_the_lock_or_the_machine_goes() {
    let (machine, disk, _) = with_file(1);
    let lock = disk.lock(Path::new("/dir/lock")).unwrap();
    assert_eq!(disk.lock(Path::new("/dir/lock")).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(lock);
    let _lock = disk.lock(Path::new("/dir/lock")).unwrap();
    machine.restart(Crash::Power).disk().lock(Path::new("/dir/lock")).unwrap();
}
