//! A log against the simplest thing that could be one: a list of batches. Random calls, seeded; a failure prints its
//! seed.

use std::path::PathBuf;

use bytes::Bytes;
use strome_storage::{LogId, LogSettings, StorageError, StoreSettings, TimestampTarget};
use types::{Offset, TimestampMs};

use crate::driver::*;

/// What the log should hold: every batch with its first and last offset.
#[derive(Default)]
struct Model {
    batches: Vec<(Offset, Offset, Bytes)>,
    log_start: Offset,
    log_end: Offset,
    /// Below, everything was reported to be durable.
    durable: Offset,
}

impl Model {
    fn expect(&self, from: Offset, up_to: Offset, bytes_max: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (_, last, batch) in self.batches.iter().filter(|(_, last, _)| *last >= from) {
            if last.0 + 1 > up_to.0 || !bytes.is_empty() && bytes.len() + batch.len() > bytes_max {
                break;
            }
            bytes.extend_from_slice(batch);
        }
        bytes
    }

    fn cut(&mut self, to: Offset) {
        self.batches.retain(|(_, last, _)| *last < to);
        let end = self.batches.last().map_or(Offset(0), |(_, last, _)| Offset(last.0 + 1));
        self.log_end = end;
        self.log_start = self.log_start.min(end);
        self.durable = self.durable.min(end);
    }
}

struct Run {
    random: Random,
    path: PathBuf,
    log_settings: LogSettings,
    store_settings: StoreSettings,
    model: Model,
    clock: i64,
}

fn settings(random: &mut Random) -> (LogSettings, StoreSettings) {
    let log = LogSettings {
        segment_bytes: [20_000, 70_000, 200_000, 1 << 30][random.below(4) as usize],
        index_interval_bytes: [0, 500, 4096][random.below(3) as usize],
        retention_ms: -1,
        ..LogSettings::default()
    };
    let store = StoreSettings {
        cache_bytes_max: [0, 100_000, 1 << 30][random.below(3) as usize],
        chunk_bytes_min: 4096,
        chunk_bytes_max: [4096, 64 * 1024][random.below(2) as usize],
        log_unwritten_bytes_max: 200_000,
        open_segments_max: 2,
        write_delay_ms_max: 10,
        idle_ms: [15, 60_000][random.below(2) as usize],
        checkpoint_interval_ms: 30,
        journal_bytes_max: [0, 64 * 1024, 1 << 20, 64 << 20][random.below(4) as usize],
        ..StoreSettings::default()
    };
    (log, store)
}

async fn run(seed: u64, steps: usize) {
    let temp = tempfile::tempdir().unwrap();
    let mut random = Random::new(seed);
    let (log_settings, store_settings) = settings(&mut random);
    let path = temp.path().to_owned();
    let mut run =
        Run { random, path, log_settings, store_settings, model: Model::default(), clock: 1_000_000 };
    let (mut shard, mut log) = run.open(true);
    for step in 0..steps {
        let call = run.random.below(100);
        if std::env::var_os("STORAGE_TRACE").is_some() {
            eprintln!("{step}: {call} {} {} {}", run.model.log_start, run.model.durable, run.model.log_end);
        }
        match call {
            0..=44 => run.append(&mut shard, log).await,
            45..=59 => shard.turn().await,
            60..=64 => {
                shard.make_durable(log).await;
                run.model.durable = run.model.log_end;
            }
            65..=69 => shard.store.want_durable(log),
            70..=89 => run.read(&mut shard, log).await,
            90..=92 => run.look_up(&mut shard, log).await,
            93 => run.delete(&mut shard, log).await,
            94 => run.truncate(&mut shard, log).await,
            95 => {
                shard.close().await;
                drop(shard);
                run.model.durable = run.model.log_end;
                mark_clean(&run.path);
                (shard, log) = run.open(true);
            }
            96 => {
                let status = shard.store.status(log).unwrap();
                run.model.durable = run.model.durable.max(status.durable_end);
                // Writes in flight run to their end, what was not begun is lost.
                drop(shard);
                (shard, log) = run.open(false);
            }
            _ => {
                for _ in 0..20 {
                    shard.turn().await;
                }
            }
        }
        run.compare_status(&shard, log);
    }
    run.read_all(&mut shard, log).await;
}

impl Run {
    fn open(&mut self, clean: bool) -> (Shard, LogId) {
        let opened = open_log(&self.path, &self.log_settings);
        assert_eq!(opened.recovery().damage, []);
        assert!(opened.log_end() >= self.model.durable, "durable records are gone: {:?}", opened.log_end());
        assert!(opened.log_end() <= self.model.log_end, "there are records that nobody appended");
        if clean {
            assert_eq!(opened.log_end(), self.model.log_end);
        }
        let end = opened.log_end();
        if end < self.model.log_end {
            self.model.cut(end);
            assert_eq!(self.model.log_end, end, "the log ends within a batch");
        }
        // The log start is saved a moment later than it moves.
        let (start, expected) = (opened.log_start(), self.model.log_start);
        assert!(start <= expected, "{start} {expected} {end} {clean}");
        self.model.log_start = opened.log_start();
        self.replay_agrees(&opened);
        let mut shard = Shard::new(self.store_settings);
        let log = shard.store.adopt(opened);
        (shard, log)
    }

    fn replay_agrees(&mut self, opened: &strome_storage::OpenedLog) {
        let from = self.offset();
        let mut replayed = Vec::new();
        opened.replay(from, |_, bytes| replayed.extend_from_slice(bytes)).unwrap();
        let expected = self.model.expect(from, self.model.log_end, usize::MAX);
        if replayed != expected {
            assert_eq!(offsets(&replayed), offsets(&expected), "replay from {from}");
            panic!("replay from {from} shows other bytes");
        }
    }

    /// Some offset in the log.
    fn offset(&mut self) -> Offset {
        let (start, end) = (self.model.log_start.0, self.model.log_end.0);
        let near = self.random.one_in(2);
        let span = if near { (end - start).min(200) } else { end - start };
        Offset(end - self.random.below(span as u64 + 1) as i64)
    }

    async fn append(&mut self, shard: &mut Shard, log: LogId) {
        let records = 1 + self.random.below(5) as usize;
        let value_bytes = match self.random.below(20) {
            0 => 3000,
            1 if self.log_settings.segment_bytes > 60_000 => 10_000,
            _ => self.random.below(300) as usize,
        };
        self.clock += self.random.below(50) as i64;
        let batch = batch(records, value_bytes, self.clock);
        match shard.append(log, &batch) {
            Ok(appended) => {
                assert_eq!(appended.first_offset, self.model.log_end);
                let stamped = stamped(&batch, appended.first_offset);
                self.model.batches.push((appended.first_offset, appended.last_offset, stamped));
                self.model.log_end = Offset(appended.last_offset.0 + 1);
            }
            Err(StorageError::Full) => shard.turn().await,
            Err(error) => panic!("{error}"),
        }
    }

    async fn read(&mut self, shard: &mut Shard, log: LogId) {
        let from = self.offset();
        let up_to = if self.random.one_in(2) { self.model.log_end } else { self.offset() };
        let bytes_max = [1, 1000, 20_000, 1 << 20][self.random.below(4) as usize];
        let found = shard.read(log, from, up_to, bytes_max).await.unwrap();
        let expected = self.model.expect(from, up_to, bytes_max);
        // A read may end early, at the end of a segment or of a window, but not before the first batch.
        assert!(expected.starts_with(&found), "read from {from} up to {up_to}, {bytes_max} bytes");
        assert_eq!(found.is_empty(), expected.is_empty(), "read from {from} up to {up_to}");
    }

    async fn read_all(&mut self, shard: &mut Shard, log: LogId) {
        let mut from = self.model.log_start;
        while from < self.model.log_end {
            let found = shard.read(log, from, self.model.log_end, 30_000).await.unwrap();
            assert!(self.model.expect(from, self.model.log_end, 30_000).starts_with(&found));
            from = Offset(offsets(&found).last().unwrap().1 + 1);
        }
    }

    async fn look_up(&mut self, shard: &mut Shard, log: LogId) {
        let timestamp = self.clock - self.random.below(3000) as i64;
        let found =
            shard.lookup(log, TimestampTarget::AtOrAfter(TimestampMs(timestamp)), self.model.log_end).await;
        let start = self.model.log_start;
        let expected = self.model.batches.iter().find_map(|(first, last, bytes)| {
            // Records of a batch are a millisecond apart.
            let header = record::BatchHeader::parse(bytes).unwrap();
            let delta = (timestamp - header.base_timestamp.0).max(0).max(start.0 - first.0);
            let offset = Offset(first.0 + delta);
            (*last >= start && offset <= *last).then_some((offset, header.base_timestamp.0 + delta))
        });
        assert_eq!(found.map(|found| (found.offset, found.timestamp.0)), expected, "at {timestamp}");
    }

    async fn delete(&mut self, shard: &mut Shard, log: LogId) {
        let to = self.offset();
        let (store, reactor) = shard.parts();
        assert_eq!(store.delete_records(log, to, reactor).unwrap(), to.max(self.model.log_start));
        self.model.log_start = self.model.log_start.max(to);
    }

    async fn truncate(&mut self, shard: &mut Shard, log: LogId) {
        if self.random.one_in(2) {
            return;
        }
        let to = self.offset();
        let end = shard.truncate(log, to).await;
        let start = self.model.log_start;
        self.model.cut(to);
        if self.model.log_end <= start {
            // Whether batches below the log start were still there is the log's own affair.
            assert!(self.model.log_end <= end && end <= to);
            self.model.log_end = end;
            self.model.log_start = end.min(start);
        }
        assert_eq!(end, self.model.log_end);
        self.model.durable = shard.store.status(log).unwrap().durable_end;
    }

    fn compare_status(&self, shard: &Shard, log: LogId) {
        let status = shard.store.status(log).unwrap();
        assert_eq!(status.log_end, self.model.log_end);
        assert_eq!(status.log_start, self.model.log_start);
        assert!(status.durable_end >= self.model.durable && status.durable_end <= status.log_end);
        assert!(status.error.is_none(), "{status:?}");
    }
}

fn seeds(seeds: impl IntoIterator<Item = u64>, steps: usize) {
    for seed in seeds {
        let task = move |_| async move {
            eprintln!("seed {seed}");
            run(seed, steps).await;
        };
        on_shard(StoreSettings::default(), task);
    }
}

#[test]
fn a_log_is_what_a_list_of_batches_is() {
    let from = std::env::var("STORAGE_SEED").ok().and_then(|seed| seed.parse().ok());
    match from {
        Some(seed) => seeds([seed], 400),
        None => seeds(1..=8, 300),
    }
}

#[test]
fn checkpoints_do_not_outlive_the_records_that_they_speak_of() {
    // These found log starts and recovery points that a truncation or a crash had left too high.
    seeds([204, 208], 400);
}

#[test]
fn what_a_journal_held_does_not_come_back_after_the_log_was_cut() {
    // These found a journal that had been replayed once, and was replayed again after a truncation and another crash.
    seeds([303, 315, 329], 400);
}
