//! What a store has in memory, and gives back.

use strome_storage::{LogId, LogName, LogSettings, StoreSettings};
use types::{Offset, PartitionIndex};

use crate::driver::*;

fn adopt_logs(shard: &mut Shard, path: &std::path::Path, count: i32) -> Vec<LogId> {
    let dir = open_dir(path);
    let name = |partition| LogName { partition: PartitionIndex(partition), ..log_name() };
    let open = |partition| dir.open_log(&name(partition), TOPIC, &LogSettings::default()).unwrap();
    (0..count).map(|partition| shard.store.adopt(open(partition))).collect()
}

#[test]
fn a_large_batch_leaves_memory_once_it_is_written_and_the_next_ones_go_on_in_its_block() {
    let temp = tempfile::tempdir().unwrap();
    let settings =
        StoreSettings { cache_bytes_max: 64 * 1024, chunk_bytes_max: 64 * 1024, ..StoreSettings::default() };
    on_shard(settings, |mut shard| async move {
        let logs = adopt_logs(&mut shard, temp.path(), 3);
        let (large, small) = (batch(1, 600_000, 1), batch(1, 1000, 1));
        for round in 0..3 {
            for log in &logs {
                shard.append_patiently(*log, &large).await;
                shard.make_durable(*log).await;
            }
            shard.until_store(|store| store.memory_bytes().0 <= 64 * 1024).await;
            assert!(shard.store.memory_bytes().0 > 0, "not because they rest");
            for log in &logs {
                shard.append_patiently(*log, &small).await;
                shard.make_durable(*log).await;
            }
            for log in &logs {
                let end = Offset(2 * round + 2);
                let found = shard.read(*log, Offset(end.0 - 1), end, 1).await.unwrap();
                assert_eq!(found, stamped(&small, Offset(end.0 - 1)));
                let found = shard.read(*log, Offset(end.0 - 2), end, 1).await.unwrap();
                assert_eq!(found, stamped(&large, Offset(end.0 - 2)));
            }
        }
        shard.close().await;
        let all: Vec<_> =
            (0..6).map(|at| stamped(if at % 2 == 0 { &large } else { &small }, Offset(at))).collect();
        let file = std::fs::read(log_path(temp.path()).join("00000000000000000000.log")).unwrap();
        assert!(file == all.concat(), "the file holds all batches, each once");
    });
}

#[test]
fn logs_that_stay_busy_give_up_large_chunks_when_there_are_many_of_them() {
    const CACHE_BYTES: usize = 1 << 20;
    const LOGS: i32 = 32;
    let temp = tempfile::tempdir().unwrap();
    let settings = StoreSettings { cache_bytes_max: CACHE_BYTES, ..StoreSettings::default() };
    on_shard(settings, |mut shard| async move {
        let logs = adopt_logs(&mut shard, temp.path(), LOGS);
        let (large, small) = (batch(1, 15_000, 1), batch(1, 100, 1));
        // One after the other, so that the first ones get large chunks; and each is used again and again.
        for count in 1..=logs.len() {
            for _ in 0..20 {
                shard.append_patiently(logs[count - 1], &large).await;
                shard.make_durable(logs[count - 1]).await;
            }
            for log in &logs[..count] {
                shard.append_patiently(*log, &small).await;
            }
        }
        // Bytes that were not written yet are part of it, and may be more than all of them.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while shard.store.memory_bytes().0 > CACHE_BYTES {
            assert!(std::time::Instant::now() < deadline, "{:?}", shard.store.memory_bytes());
            for log in &logs {
                shard.append_patiently(*log, &small).await;
                shard.make_durable(*log).await;
            }
        }
        for log in logs {
            let found = shard.read(log, Offset(0), Offset(1), 1).await.unwrap();
            assert_eq!(found, stamped(&large, Offset(0)));
        }
    });
}

#[test]
fn many_logs_that_are_used_now_and_then_stay_within_the_memory() {
    let temp = tempfile::tempdir().unwrap();
    let settings =
        StoreSettings { cache_bytes_max: 64 * 1024, write_delay_ms_max: 10, ..StoreSettings::default() };
    on_shard(settings, |mut shard| async move {
        let dir = open_dir(temp.path());
        let mut logs = Vec::new();
        for partition in 0..20 {
            let name = LogName { partition: PartitionIndex(partition), ..log_name() };
            let log = shard.store.adopt(dir.open_log(&name, TOPIC, &LogSettings::default()).unwrap());
            shard.append(log, &batch(1, 100, 1)).unwrap();
            logs.push(log);
        }
        assert!(shard.store.memory_bytes().0 > 300_000);
        shard.until_store(|store| store.memory_bytes().0 <= 64 * 1024).await;
        for log in logs {
            let found = shard.read(log, Offset(0), Offset(1), 1).await.unwrap();
            assert_eq!(offsets(&found), [(0, 0)]);
        }
    });
}
