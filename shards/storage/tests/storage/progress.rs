//! What a directory tells of its recovery.

use strome_storage::{LogName, LogSettings, StoreSettings};
use types::PartitionIndex;

use crate::driver::*;

fn name(partition: i32) -> LogName {
    LogName { partition: PartitionIndex(partition), ..log_name() }
}

#[test]
fn a_recovery_tells_how_many_logs_and_bytes_are_done_of_how_many_and_what_it_found() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    let settings = LogSettings { segment_bytes: 64 * 1024, ..LogSettings::default() };
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let dir = open_dir(&path);
        for partition in 0..3 {
            let log = shard.store.adopt(dir.open_log(&name(partition), TOPIC, &settings).unwrap());
            for i in 0..200 {
                shard.append(log, &batch(1, 1000, i)).unwrap();
            }
            shard.make_durable(log).await;
        }
    });
    let dir = open_dir(temp.path());
    (0..3).for_each(|partition| dir.expect(&name(partition)));
    let before = dir.progress();
    assert_eq!((before.expected_logs, before.opened_logs, before.is_done()), (3, 0, false));
    let mut last = before;
    for partition in 0..3 {
        dir.open_log(&name(partition), TOPIC, &settings).unwrap();
        let now = dir.progress();
        assert_eq!(now.opened_logs, last.opened_logs + 1);
        assert!(now.passed_bytes > last.passed_bytes || now.journal_bytes > last.journal_bytes, "{now:?}");
        last = now;
    }
    assert!(last.is_done());
    assert!(last.checked_bytes + last.journal_bytes >= 3 * 200 * 1000, "{last:?}");
    assert_eq!(last.passed_bytes, last.expected_bytes, "all of it was looked at: {last:?}");
    assert!(last.so_far().starts_with("3 of 3 logs, "), "{}", last.so_far());
    assert!(last.summary(false).starts_with("3 logs recovered: "), "{}", last.summary(false));
    // One that cannot be opened is counted, too.
    std::fs::write(temp.path().join("orders-9"), "a file").unwrap();
    assert!(dir.open_log(&name(9), TOPIC, &settings).is_err());
    assert!(dir.progress().summary(false).ends_with("; logs that could not be opened: 1"));
}
