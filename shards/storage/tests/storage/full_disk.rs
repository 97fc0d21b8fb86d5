//! A disk that is full. Needs a directory on a small file system of its own in `STORAGE_SMALL_DISK`; without it these
//! tests do nothing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use strome_storage::{LogSettings, Outcome, StorageError, StoreSettings};
use types::Offset;

use crate::driver::*;

#[test]
fn a_full_disk_stops_appends_loses_nothing_acknowledged_and_goes_on_when_there_is_room() {
    let Some(small) = std::env::var_os("STORAGE_SMALL_DISK").map(PathBuf::from) else { return };
    let temp = tempfile::tempdir_in(small).unwrap();
    let ballast = temp.path().join("ballast");
    std::fs::write(&ballast, vec![1; 8 * 1024 * 1024]).unwrap();
    let settings = StoreSettings { retry_ms: 50, ..StoreSettings::default() };
    let log_settings = LogSettings { segment_bytes: 2_000_000, ..LogSettings::default() };
    on_shard(settings, move |mut shard| async move {
        let data = temp.path().join("data");
        let log = shard.store.adopt(open_log(&data, &log_settings));
        let batch = batch(1, 50_000, 1);
        let deadline = Instant::now() + Duration::from_secs(60);
        let refusal = loop {
            match shard.append(log, &batch) {
                Ok(_) => shard.store.want_durable(log),
                Err(StorageError::Full) => {}
                Err(error) => break error,
            }
            shard.turn().await;
            assert!(Instant::now() < deadline, "the disk is too large for this test");
        };
        assert!(matches!(refusal, StorageError::Stalled(_)), "{refusal}");
        let durable_end = shard.store.status(log).unwrap().durable_end;
        assert!(durable_end > Offset(50), "{durable_end}");
        for _ in 0..200 {
            shard.turn().await;
        }
        assert!(matches!(shard.append(log, &batch), Err(StorageError::Stalled(_))));
        let found = shard.read(log, Offset(0), durable_end, 10_000).await.unwrap();
        assert_eq!(offsets(&found), [(0, 0)], "reading goes on");
        std::fs::remove_file(&ballast).unwrap();
        shard.until(|outcome| matches!(outcome, Outcome::Resumed { .. }).then_some(())).await;
        shard.append_patiently(log, &batch).await;
        shard.make_durable(log).await;
        let end = shard.store.status(log).unwrap().log_end;
        shard.close().await;
        drop(shard);
        let opened = open_log(&data, &log_settings);
        assert_eq!(opened.log_end(), end);
        assert_eq!(opened.recovery().damage, []);
        drop(opened);
        // A crash while the disk is full.
        let mut shard = Shard::new(settings);
        let log = shard.store.adopt(open_log(&data, &log_settings));
        std::fs::write(&ballast, vec![1; 7 * 1024 * 1024]).ok();
        while !matches!(shard.append(log, &batch), Err(StorageError::Stalled(_))) {
            shard.store.want_durable(log);
            shard.turn().await;
            assert!(Instant::now() < deadline, "the disk is too large for this test");
        }
        let durable_end = shard.store.status(log).unwrap().durable_end;
        drop(shard);
        std::fs::remove_file(&ballast).unwrap();
        let opened = open_log(&data, &log_settings);
        assert!(opened.log_end() >= durable_end && opened.recovery().damage.is_empty());
    });
}
