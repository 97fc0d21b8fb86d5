//! Readers of what is no longer in memory: what is read ahead for them, what that takes, and how it ends.

use reactor::Reactor;
use strome_storage::{LogId, LogSettings, Outcome, Read, ReadId, StoreSettings};
use types::{Offset, TimestampMs};

use crate::driver::{EPOCH, Fault, Shard, batch, now, offsets, on_shard, open_log};

const BATCHES: i64 = 1200;
const END: Offset = Offset(BATCHES);

/// Almost nothing stays in memory after it was written.
fn settings() -> StoreSettings {
    StoreSettings {
        cache_bytes_max: 64 * 1024,
        chunk_bytes_max: 64 * 1024,
        cold_bytes_max: 32 << 20,
        ..StoreSettings::default()
    }
}

/// About 12 MB in batches of one record, over several segments, on the disk.
async fn filled(shard: &mut Shard, dir: &std::path::Path) -> LogId {
    let log_settings = LogSettings { segment_bytes: 3_000_000, ..LogSettings::default() };
    let log = shard.store.adopt(open_log(dir, &log_settings));
    for number in 0..BATCHES {
        shard.append_patiently(log, &batch(1, 10_000, 1_000_000 + number)).await;
        if number % 100 == 99 {
            shard.make_durable(log).await;
        }
    }
    for _ in 0..20 {
        shard.turn().await;
    }
    log
}

fn begin(shard: &mut Shard, log: LogId, from: i64, bytes_max: usize) -> Read {
    let (store, reactor) = shard.parts();
    store.read(log, Offset(from), END, bytes_max, reactor).unwrap()
}

/// Reads from many places; those that have to wait.
fn begin_many(shard: &mut Shard, log: LogId, readers: i64) -> Vec<ReadId> {
    let later = |read| if let Read::Later(id) = read { Some(id) } else { None };
    (0..readers).filter_map(|reader| later(begin(shard, log, reader * 40, 400_000))).collect()
}

fn loads(reactor: &Reactor) -> usize {
    reactor.operations_in_flight()
}

async fn done(shard: &mut Shard, id: ReadId) -> Vec<(i64, i64)> {
    let found = shard.until(|outcome| match outcome {
        Outcome::ReadDone { id: done, result } if *done == id => Some(result.clone().unwrap()),
        _ => None,
    });
    offsets(&found.await.concat())
}

/// Waits for a read of a log that is cut or removed: whatever it is told, it is told.
async fn ended(shard: &mut Shard, id: ReadId) {
    let end = shard.until(|outcome| match outcome {
        Outcome::ReadDone { id: done, .. } if *done == id => Some(()),
        _ => None,
    });
    end.await;
}

/// The offset behind the answer to a read from `from`, and whether it came at once.
async fn step(shard: &mut Shard, log: LogId, from: i64, bytes_max: usize) -> (i64, bool) {
    let (found, at_once) = match begin(shard, log, from, bytes_max) {
        Read::Now(pieces) => (offsets(&pieces.concat()), true),
        Read::Later(id) => (done(shard, id).await, false),
    };
    let expected: Vec<(i64, i64)> = (from..from + found.len() as i64).map(|n| (n, n)).collect();
    assert_eq!(found, expected, "from {from}");
    assert!(!found.is_empty());
    (from + found.len() as i64, at_once)
}

/// Turns until the disk has nothing to do.
async fn quiet(shard: &mut Shard) {
    for _ in 0..1000 {
        shard.turn().await;
        if loads(shard.parts().1) == 0 {
            return;
        }
    }
    panic!("the disk is never done");
}

#[test]
fn who_reads_on_finds_the_next_answer_in_memory_also_across_segments() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    on_shard(settings(), |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        let (mut from, mut waits) = (0, Vec::new());
        while from < BATCHES - 10 {
            let (next, at_once) = step(&mut shard, log, from, 200_000).await;
            if !at_once {
                waits.push(from);
            }
            from = next;
            // A client that is slower than the disk.
            for _ in 0..3 {
                quiet(&mut shard).await;
            }
        }
        assert_eq!(waits.len(), 2, "the first two reads are no stream yet, but: {waits:?}");
    });
}

#[test]
fn who_jumps_makes_the_disk_read_little_more_than_the_answers() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    on_shard(settings(), |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        for from in [700, 100, 900, 300] {
            let before = shard.store.cold_bytes();
            let (_, at_once) = step(&mut shard, log, from, 1).await;
            assert!(!at_once, "nothing was read ahead there");
            quiet(&mut shard).await;
            let taken = shard.store.cold_bytes() - before;
            assert!(taken <= 64 * 1024, "{taken} bytes for one batch of 10,000");
        }
    });
}

#[test]
fn a_second_reader_of_the_same_records_does_not_go_to_the_disk() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    on_shard(settings(), |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        let (mut first, mut second) = (0, 0);
        while first < BATCHES / 2 {
            first = step(&mut shard, log, first, 300_000).await.0;
            let (next, at_once) = step(&mut shard, log, second, 300_000).await;
            assert!(at_once, "from {second}");
            second = next;
        }
    });
}

#[test]
fn what_is_read_for_consumers_stays_within_its_memory() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    let small = StoreSettings { cold_bytes_max: 2 << 20, ..settings() };
    on_shard(small, |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        let mut places: Vec<i64> = (0..8).map(|reader| reader * 140).collect();
        for _ in 0..12 {
            for from in &mut places {
                let bytes_max = shard.store.cold_answer_bytes_max().min(1 << 20);
                *from = step(&mut shard, log, *from, bytes_max).await.0 % (BATCHES - 100);
                let used = shard.store.cold_bytes();
                assert!(used <= 2 << 20, "{used} bytes");
            }
        }
        // Answers that are not sent count, so that others get less.
        quiet(&mut shard).await;
        let room = shard.store.cold_answer_bytes_max();
        let mut unsent = Vec::new();
        for from in [0, 300, 600, 900] {
            match begin(&mut shard, log, from, 400_000) {
                Read::Now(pieces) => unsent.push(pieces),
                Read::Later(id) => {
                    let sent = shard.until(|outcome| match outcome {
                        Outcome::ReadDone { id: done, result } if *done == id => {
                            Some(result.clone().unwrap())
                        }
                        _ => None,
                    });
                    unsent.push(sent.await);
                }
            }
        }
        let less = shard.store.cold_answer_bytes_max();
        assert!(less <= room * 3 / 4, "{less} of {room}");
        drop(unsent);
        quiet(&mut shard).await;
        assert!(shard.store.cold_answer_bytes_max() >= room);
    });
}

#[test]
fn what_was_read_ahead_for_nobody_is_given_up_after_a_while() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    on_shard(settings(), |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        let mut from = 0;
        for _ in 0..4 {
            from = step(&mut shard, log, from, 300_000).await.0;
        }
        quiet(&mut shard).await;
        assert!(shard.store.cold_bytes() > 1 << 20);
        let later = TimestampMs(now().0 + 60_000);
        let (store, reactor) = shard.parts();
        store.tick(later, reactor);
        assert_eq!(store.cold_bytes(), 0);
    });
}

#[test]
fn few_reads_are_with_the_disk_however_many_wait_and_fewer_while_producers_need_it() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    on_shard(settings(), |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        quiet(&mut shard).await;
        for (since_commit_ms, loads_max) in [(10, 2), (300, 4)] {
            let (store, reactor) = shard.parts();
            store.tick(now(), reactor);
            store.append(log, &[batch(1, 1000, 1)], EPOCH).unwrap();
            store.want_durable(log);
            store.commit(reactor);
            let commits = loads(reactor);
            assert!(commits > 0);
            store.tick(TimestampMs(now().0 + since_commit_ms), reactor);
            let mut waiting = Vec::new();
            for reader in 0..20 {
                if let Read::Later(id) = begin(&mut shard, log, reader * 50, 600_000) {
                    waiting.push((reader * 50, id));
                }
            }
            assert!(waiting.len() > 15);
            assert_eq!(loads(shard.parts().1) - commits, loads_max, "{since_commit_ms} ms after a commit");
            for (from, id) in waiting {
                let found = done(&mut shard, id).await;
                assert_eq!(found.first(), Some(&(from, from)));
            }
            quiet(&mut shard).await;
            // What was read is forgotten.
            let (store, reactor) = shard.parts();
            store.tick(TimestampMs(now().0 + 20_000), reactor);
        }
    });
}

/// Appends so many batches of 10,000 bytes and begins to commit them. Returns how many operations are under way.
fn commit(shard: &mut Shard, log: LogId, batches: i64) -> usize {
    let (store, reactor) = shard.parts();
    store.tick(now(), reactor);
    for number in 0..batches {
        store.append(log, &[batch(1, 10_000, 5_000_000 + number)], EPOCH).unwrap();
    }
    store.want_durable(log);
    store.commit(reactor);
    loads(reactor)
}

#[test]
fn while_producers_need_the_disk_answers_are_short_unless_the_log_grows_faster() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    on_shard(settings(), |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        let (mut from, mut answers) = (0, Vec::new());
        for batches in [1, 1, 1, 1, 10, 50, 1] {
            commit(&mut shard, log, batches);
            let (next, _) = step(&mut shard, log, from, 1 << 20).await;
            answers.push(next - from);
            from = next;
            quiet(&mut shard).await;
        }
        assert!(answers[..5].iter().all(|batches| (20..=26).contains(batches)), "{answers:?}");
        assert!((90..=100).contains(&answers[5]), "twice of what has come, but: {answers:?}");
        assert!(answers[6] <= 26, "{answers:?}");
    });
}

#[test]
fn as_much_is_read_as_large_commits_write_meanwhile() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    let no_journal = StoreSettings { journal_bytes_max: 0, ..settings() };
    on_shard(no_journal, |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        quiet(&mut shard).await;
        // The first one has room made for those behind it.
        for (batches, read) in [(120, None), (2, Some(400_000..=600_000)), (110, Some(900_000..=1_200_000))] {
            assert!(commit(&mut shard, log, batches) > 0);
            let waiting = begin_many(&mut shard, log, 20);
            let loading = shard.store.levels().loading_bytes;
            assert!(read.is_none_or(|read| read.contains(&loading)), "{loading} beside {batches} batches");
            for id in waiting {
                done(&mut shard, id).await;
            }
            shard.make_durable(log).await;
            quiet(&mut shard).await;
            // What was read is forgotten.
            let (store, reactor) = shard.parts();
            store.tick(TimestampMs(now().0 + 20_000), reactor);
        }
    });
}

#[test]
fn a_read_that_nobody_waits_for_any_more_is_loaded_and_answers_nobody() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    on_shard(settings(), |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        let (from, _) = step(&mut shard, log, 0, 100_000).await;
        let Read::Later(id) = begin(&mut shard, log, from, 300_000) else { panic!("it is on the disk") };
        shard.store.abandon_read(log, id);
        let mut outcomes = Vec::new();
        for _ in 0..20 {
            quiet(&mut shard).await;
            outcomes.extend(shard.outcomes());
        }
        let answers = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::ReadDone { .. })).count();
        assert_eq!(answers, 0);
        let (next, at_once) = step(&mut shard, log, from, 300_000).await;
        assert!(at_once && next > from + 20, "from {from} to {next}");
    });
}

#[test]
fn reads_end_also_when_their_log_is_cut_or_removed_under_them() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    on_shard(settings(), |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        let waiting = begin_many(&mut shard, log, 20);
        assert_eq!(shard.truncate(log, Offset(500)).await, Offset(500));
        for id in waiting {
            ended(&mut shard, id).await;
        }
        let after = step(&mut shard, log, 490, 1 << 20).await;
        assert_eq!(after.0, 500, "nothing of what was cut is read from memory");
        let waiting = begin_many(&mut shard, log, 10);
        shard.remove(log, types::Uuid([7; 16])).await;
        for id in waiting {
            ended(&mut shard, id).await;
        }
        quiet(&mut shard).await;
        assert_eq!(shard.store.cold_bytes(), 0);
    });
}

#[test]
fn a_read_that_fails_is_tried_again_in_smaller_pieces_and_its_failure_is_not_remembered() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_owned();
    on_shard(settings(), |mut shard| async move {
        let log = filled(&mut shard, &dir).await;
        shard.fault = Fault::ReadsFailAbove(70_000);
        assert!(step(&mut shard, log, 0, 1 << 20).await.0 > 3, "what is needed lies in front");
        shard.fault = Fault::ReadsFailAbove(0);
        let error = shard.read(log, Offset(600), END, 1 << 20).await.unwrap_err();
        assert!(error.to_string().contains(".log"), "{error}");
        shard.fault = Fault::None;
        assert!(step(&mut shard, log, 600, 1 << 20).await.0 > 600);
        assert!(step(&mut shard, log, 0, 1 << 20).await.0 > 3);
    });
}
