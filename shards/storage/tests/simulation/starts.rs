//! Starts that do not come to their end: wherever one was interrupted, the next one finds what was promised.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reactor::simulation::{Crash, Simulation};
use strome_storage::{LogDir, OpenedLog, StorageError};

use crate::model::{Existence, LogModel};
use crate::world::World;

const APPENDS: u32 = 40;

/// Worlds in which nothing fails and no disk is full.
fn calm_seeds() -> impl Iterator<Item = u64> {
    (2..60).step_by(2).filter(|seed| seed % 3 != 0)
}

/// A world with a journal that has appended to small segments, of which some are durable, some written and some not.
fn at_work(seed: u64) -> World {
    let mut world = World::new(seed, false);
    world.store_settings.journal_bytes_max = 1024 * 1024;
    for log in &mut world.logs {
        log.settings.segment_bytes = 2_000;
    }
    world.start();
    for log in 0..world.logs.len() {
        world.create(log);
    }
    for _ in 0..APPENDS {
        let log = world.random.below(world.logs.len() as u64) as usize;
        world.append(log);
        if world.random.one_in(5) {
            world.want_durable(log);
        }
        for shard in 0..world.shards.len() * usize::from(world.random.one_in(4)) {
            world.turn(shard);
        }
    }
    world
}

/// Opens the logs whose content is known.
fn open<'a>(world: &'a World, machine: &Simulation) -> Result<Vec<(&'a LogModel, OpenedLog)>, StorageError> {
    let mut opened = Vec::new();
    for (i, path) in world.paths.iter().enumerate() {
        let dir = LogDir::open_on(machine.disk(), path)?;
        for log in world.logs.iter().filter(|log| log.dir == i && log.existence == Existence::Yes) {
            if !log.is_compacted && !log.has_gaps && !log.is_busy {
                opened.push((log, dir.open_log(&log.name, log.topic, &log.settings)?));
            }
        }
    }
    Ok(opened)
}

#[test]
fn a_power_failure_at_any_point_of_a_start_after_a_crash_takes_nothing_and_leaves_no_hole() {
    for seed in calm_seeds() {
        let world = at_work(seed);
        let crashed = world.machine.restart(Crash::Process);
        for operations in 0.. {
            let machine = crashed.copy();
            machine.stop_after(Some(operations));
            let is_through = open(&world, &machine).is_ok();
            let machine = machine.restart(Crash::Power);
            for (log, opened) in open(&world, &machine).unwrap() {
                let place = format!("{} of seed {seed} after {operations} operations", log.name);
                let (start, end) = (opened.log_start(), opened.log_end());
                assert_eq!(opened.recovery().damage, [], "{place}");
                assert!(end >= log.durable, "{place} ends at {end}, but was durable up to {}", log.durable);
                let mut found = Vec::new();
                opened.replay(start, |_, bytes| found.extend_from_slice(bytes)).unwrap();
                assert!(found == log.expect(start, end, usize::MAX), "{place}");
            }
            if is_through {
                break;
            }
        }
    }
}

/// Every file below the log directories with its content.
fn files(world: &World, machine: &Simulation) -> BTreeMap<PathBuf, Vec<u8>> {
    let disk = machine.disk();
    let logs = world.logs.iter().map(|log| world.paths[log.dir].join(log.name.to_string()));
    let mut files = BTreeMap::new();
    for dir in logs.filter(|dir| disk.exists(dir)) {
        for name in disk.list(&dir).unwrap() {
            files.insert(dir.join(&name), disk.read(&dir.join(name)).unwrap());
        }
    }
    files
}

#[test]
fn files_that_a_clean_stop_vouches_for_outlast_a_power_failure() {
    for seed in calm_seeds() {
        let mut world = at_work(seed);
        world.close();
        if !world.is_clean {
            continue;
        }
        let before = files(&world, &world.machine);
        let after = files(&world, &world.machine.restart(Crash::Power));
        for (path, bytes) in &before {
            let is_same = after.get(path) == Some(bytes);
            assert!(is_same, "{} is another one after a power failure, seed {seed}", path.display());
        }
    }
}
