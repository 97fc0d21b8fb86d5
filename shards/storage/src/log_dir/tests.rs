//! Who uses a directory, and what its small files remember.

use super::*;
use crate::meta_properties::META_PROPERTIES;
use std::fs;
use types::{BrokerId, PartitionIndex, TopicName, Uuid};

#[test]
fn a_directory_serves_one_broker_at_a_time() {
    let temp = tempfile::tempdir().unwrap();
    let first = LogDir::open(temp.path()).unwrap();
    assert!(matches!(LogDir::open(temp.path()), Err(StorageError::Locked(_))));
    drop(first);
    LogDir::open(temp.path()).unwrap();
}

#[test]
fn a_clean_stop_is_believed_once() {
    let temp = tempfile::tempdir().unwrap();
    let dir = LogDir::open(temp.path()).unwrap();
    assert!(!dir.was_clean());
    dir.mark_clean().unwrap();
    drop(dir);
    assert!(LogDir::open(temp.path()).unwrap().was_clean());
    assert!(!LogDir::open(temp.path()).unwrap().was_clean());
}

#[test]
fn meta_properties_read_back_and_as_kafka_writes_them() {
    let temp = tempfile::tempdir().unwrap();
    let dir = LogDir::open(temp.path()).unwrap();
    assert_eq!(dir.meta_properties().unwrap(), None);
    let meta = MetaProperties {
        cluster_id: "4L6g3nShT-eMCtK--X86sw".to_owned(),
        node_id: BrokerId(3),
        directory_id: Uuid::from_random([7; 16]),
    };
    dir.write_meta_properties(&meta).unwrap();
    assert_eq!(dir.meta_properties().unwrap(), Some(meta.clone()));
    let kafka = format!(
        "#\n#Thu Jan 01 00:00:00 UTC 2026\ncluster.id=4L6g3nShT-eMCtK--X86sw\ndirectory.id={}\nnode.id=3\nversion=1\n",
        meta.directory_id
    );
    fs::write(temp.path().join(META_PROPERTIES), kafka).unwrap();
    assert_eq!(dir.meta_properties().unwrap(), Some(meta));
    fs::write(temp.path().join(META_PROPERTIES), "node.id=3\n").unwrap();
    assert!(dir.meta_properties().is_err());
}

#[test]
fn leftovers_of_deleted_logs_disappear_and_logs_stay() {
    let temp = tempfile::tempdir().unwrap();
    let gone = temp.path().join("orders-0.0123456789abcdef0123456789abcdef-delete");
    fs::create_dir(&gone).unwrap();
    fs::write(gone.join("x"), "x").unwrap();
    fs::create_dir(temp.path().join("orders-delete-7")).unwrap();
    let dir = LogDir::open(temp.path()).unwrap();
    assert!(!gone.exists());
    let name = LogName { topic: TopicName::new("orders-delete").unwrap(), partition: PartitionIndex(7) };
    assert_eq!(dir.logs().unwrap(), [(name, None)]);
}

fn open(dir: &Arc<LogDir>, name: &LogName, topic: TopicId) {
    dir.open_log(name, topic, &LogSettings::default()).unwrap();
}

#[test]
fn a_log_of_another_topic_id_is_set_aside_and_keeps_its_files() {
    let temp = tempfile::tempdir().unwrap();
    let name = LogName { topic: TopicName::new("orders").unwrap(), partition: PartitionIndex(7) };
    let (first, second) = (Uuid::from_random([1; 16]), Uuid::from_random([2; 16]));
    let dir = LogDir::open(temp.path()).unwrap();
    open(&dir, &name, first);
    fs::write(temp.path().join("orders-7/mine"), "x").unwrap();
    open(&dir, &name, second);
    assert_eq!(dir.logs().unwrap(), [(name.clone(), Some(second))]);
    let aside = temp.path().join(layout::stray_dir_name(&name, first));
    assert_eq!(fs::read_to_string(aside.join("mine")).unwrap(), "x");
    drop(dir);
    // It is neither a log nor the rest of a deleted one.
    let dir = LogDir::open(temp.path()).unwrap();
    assert_eq!(dir.logs().unwrap(), [(name, Some(second))]);
    assert!(aside.exists());
}

#[test]
fn as_long_as_one_log_is_of_an_unknown_topic_nobody_says_which_are_there() {
    let temp = tempfile::tempdir().unwrap();
    let name = |n| LogName { topic: TopicName::new("t").unwrap(), partition: PartitionIndex(n) };
    let topic = Uuid::from_random([1; 16]);
    let dir = LogDir::open(temp.path()).unwrap();
    (0..2).for_each(|n| open(&dir, &name(n), topic));
    let known = || known_logs(&Disk::host(), temp.path()).unwrap();
    assert_eq!(known(), Some([0, 1].map(|n| (topic, PartitionIndex(n))).into()));
    let metadata = temp.path().join("t-1/partition.metadata");
    fs::write(&metadata, "x").unwrap();
    assert_eq!(known(), None);
    fs::remove_file(metadata).unwrap();
    assert_eq!(known(), None);
}

#[test]
fn a_log_whose_deletion_was_not_begun_is_deleted() {
    let temp = tempfile::tempdir().unwrap();
    let name = LogName { topic: TopicName::new("orders").unwrap(), partition: PartitionIndex(7) };
    let topic = Uuid::from_random([1; 16]);
    let dir = LogDir::open(temp.path()).unwrap();
    open(&dir, &name, topic);
    let entry = CheckpointEntry { recovery_point: Offset(10), log_start: Offset(5) };
    dir.save_checkpoints([(name.clone(), Some(entry))]).unwrap();
    dir.delete_log(&name, topic).unwrap();
    assert_eq!(dir.logs().unwrap(), []);
    assert!(!dir.lock().knows(&name));
    assert!(!temp.path().join(layout::deleted_dir_name(&name, topic)).exists());
}

#[test]
fn checkpoints_survive_and_forget() {
    let temp = tempfile::tempdir().unwrap();
    let name = |n| LogName { topic: TopicName::new("t").unwrap(), partition: PartitionIndex(n) };
    let entry =
        |point, start| Some(CheckpointEntry { recovery_point: Offset(point), log_start: Offset(start) });
    let dir = LogDir::open(temp.path()).unwrap();
    dir.save_checkpoints([(name(0), entry(10, 0)), (name(1), entry(20, 5))]).unwrap();
    drop(dir);
    let dir = LogDir::open(temp.path()).unwrap();
    assert_eq!(dir.lock().entry(&name(0)).recovery_point, Offset(10));
    assert_eq!(dir.lock().entry(&name(1)).log_start, Offset(5));
    dir.save_checkpoints([(name(0), None)]).unwrap();
    assert_eq!(fs::read_to_string(temp.path().join(RECOVERY_POINTS)).unwrap(), "0\n1\nt 1 20\n");
}
