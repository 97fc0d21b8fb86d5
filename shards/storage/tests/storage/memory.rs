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
