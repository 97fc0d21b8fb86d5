//! The broker's log directories: which of them are in use, which log lies where, and where new logs go.
//!
//! # Invariants
//! - A log that may lie in a directory which is offline is never made anew in another one.
//! - The first directory holds the metadata log: without it the broker ends.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metadata::TopicSettings;
use storage::{LogDir, LogName, OpenedLog, StorageError};
use types::TopicPartition;

use super::recovery::{RecoveryThreads, Work};
use super::settings;

/// One of `log.dirs`. Lives as long as the broker.
pub struct Directory {
    path: PathBuf,
    /// Why it could not be opened when the broker started, if it could not.
    dir: Result<Arc<LogDir>, StorageError>,
    /// A log in it was not closed cleanly.
    unclean: AtomicBool,
    recovery: RecoveryThreads,
}

impl Directory {
    /// A directory that was opened, or could not be.
    pub fn new(path: PathBuf, dir: Result<Arc<LogDir>, StorageError>, recovery: RecoveryThreads) -> Self {
        Self { path, dir, unclean: AtomicBool::new(false), recovery }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory, unless it has failed or could not be opened; then why.
    pub fn in_use(&self) -> Result<&Arc<LogDir>, &StorageError> {
        let dir = self.dir.as_ref()?;
        dir.failure().map_or(Ok(dir), Err)
    }

    /// The threads that open its logs when the broker starts.
    pub fn recovery(&self) -> &RecoveryThreads {
        &self.recovery
    }

    /// Whether its marker of a clean stop may be written, when all shards have closed their logs.
    pub fn is_clean(&self) -> bool {
        !self.unclean.load(Ordering::SeqCst)
    }
}

/// All of them, and which log lies where. Shared by all shards, and used by background work only.
pub struct Directories {
    all: Vec<Directory>,
    producer_expiration_ms: i64,
    placed: Mutex<HashMap<TopicPartition, usize>>,
}

impl Directories {
    /// `found` are the logs that lie in the directories already.
    pub fn new(
        all: Vec<Directory>,
        found: HashMap<TopicPartition, usize>,
        producer_expiration_ms: i64,
    ) -> Self {
        Self { all, producer_expiration_ms, placed: Mutex::new(found) }
    }

    /// All of them, in the order of `log.dirs`.
    pub fn all(&self) -> &[Directory] {
        &self.all
    }

    /// `producer.id.expiration.ms`.
    pub(super) fn producer_expiration_ms(&self) -> i64 {
        self.producer_expiration_ms
    }

    /// Has a thread of the directory where the log of `at` lies do the work. Gives it back if there is none.
    pub(super) fn recover(&self, at: TopicPartition, work: Work) -> Result<(), Work> {
        let directory = self.lock().get(&at).copied();
        match directory.and_then(|index| self.all.get(index)) {
            Some(directory) => directory.recovery.run(work),
            None => Err(work),
        }
    }

    /// Whether the directory with this index is no longer in use.
    pub(super) fn has_failed(&self, directory: usize) -> bool {
        self.all.get(directory).is_none_or(|directory| directory.in_use().is_err())
    }

    /// Opens the log of `at` where it lies, or makes it: `is_new` says that the partition was not there before the broker
    /// started. Returns the directory's index, too. Blocks: for background work.
    pub(super) fn open_log(
        &self,
        at: TopicPartition,
        is_new: bool,
        name: &LogName,
        topic: &TopicSettings,
    ) -> Result<(usize, OpenedLog), StorageError> {
        loop {
            let (index, was_there) = self.place(at, is_new)?;
            let dir = self.all[index].in_use().map_err(Clone::clone)?;
            match dir.open_log(name, at.topic, &settings::log_settings(topic)) {
                Ok(log) => return Ok((index, log)),
                // Nothing was in it yet, so another directory does as well; this one is not proposed again.
                Err(_) if is_new && !was_there && self.has_failed(index) => self.forget(at),
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the log of `at` lies, or from now on shall lie: where the fewest are. Says, too, whether it lay there before.
    fn place(&self, at: TopicPartition, is_new: bool) -> Result<(usize, bool), StorageError> {
        let mut placed = self.lock();
        if let Some(directory) = placed.get(&at) {
            return Ok((*directory, true));
        }
        let unopened = self.all.iter().find_map(|directory| directory.dir.as_ref().err());
        if let Some(error) = unopened.filter(|_| !is_new) {
            return Err(error.clone());
        }
        let usable: Vec<usize> = (0..self.all.len()).filter(|index| !self.has_failed(*index)).collect();
        let fewest = match usable.as_slice() {
            [] => {
                // Without any directory the broker ends; whoever asks meanwhile is told of one of them.
                let failure = self.all.iter().find_map(|directory| directory.in_use().err());
                return Err(failure.cloned().unwrap_or(StorageError::UnknownLog));
            }
            [only] => *only,
            [first, ..] => {
                let mut logs: BTreeMap<usize, usize> = usable.iter().map(|index| (*index, 0)).collect();
                for directory in placed.values() {
                    logs.entry(*directory).and_modify(|logs| *logs += 1);
                }
                logs.iter().min_by_key(|(_, logs)| **logs).map_or(*first, |(index, _)| *index)
            }
        };
        placed.insert(at, fewest);
        Ok((fewest, false))
    }

    /// The log of `at` is deleted.
    pub(super) fn forget(&self, at: TopicPartition) {
        self.lock().remove(&at);
    }

    /// The log of `at` was not closed, or is not known to be whole: its directory is not clean.
    pub(super) fn note_unclean(&self, at: TopicPartition) {
        if let Some(directory) = self.lock().get(&at).and_then(|index| self.all.get(*index)) {
            directory.unclean.store(true, Ordering::SeqCst);
        }
    }

    /// No directory is clean.
    pub(super) fn note_all_unclean(&self) {
        self.all.iter().for_each(|directory| directory.unclean.store(true, Ordering::SeqCst));
    }

    /// The metadata log cannot be written.
    pub fn metadata_failed(&self, cause: &StorageError) {
        if let Some(Ok(dir)) = self.all.first().map(Directory::in_use) {
            dir.fail(cause);
        }
    }

    /// Why the broker cannot go on, if it cannot: the directory of the metadata log has failed, or all have.
    pub fn loss(&self) -> Option<String> {
        let first = self.all.first()?;
        if let Err(error) = first.in_use() {
            let which = if self.all.len() == 1 { "the only log directory" } else { "the first of log.dirs" };
            return Some(format!(
                "{which} has failed, and with it the metadata log, without which a broker cannot go on: {error}. \
                 Mend the disk and start the broker again; what was acknowledged is safe as far as the disk is"
            ));
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TopicPartition, usize>> {
        // A panic leaves an entry more or less, which is as good as a race.
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{PartitionIndex, TopicName, Uuid};

    fn at(partition: i32) -> TopicPartition {
        TopicPartition { topic: Uuid([7; 16]), partition: PartitionIndex(partition) }
    }

    fn name(partition: i32) -> LogName {
        LogName { topic: TopicName::new("t").unwrap(), partition: PartitionIndex(partition) }
    }

    fn open(path: PathBuf) -> Directory {
        let dir = LogDir::open(&path);
        Directory::new(path, dir, RecoveryThreads::none())
    }

    fn place(directories: &Directories, partition: i32, is_new: bool) -> Result<usize, StorageError> {
        let opened = directories.open_log(at(partition), is_new, &name(partition), &TopicSettings::default());
        opened.map(|(index, _)| index)
    }

    #[test]
    fn new_logs_go_where_the_fewest_are_among_the_directories_in_use() {
        let temp = tempfile::tempdir().unwrap();
        let all = ["a", "b", "c"].map(|name| open(temp.path().join(name))).into();
        let directories = Directories::new(all, HashMap::new(), 1);
        let placed: Vec<_> = (0..6).map(|partition| place(&directories, partition, true).unwrap()).collect();
        assert_eq!(placed, [0, 1, 2, 0, 1, 2]);
        let cause = StorageError::UnknownLog;
        directories.all()[1].in_use().unwrap().fail(&cause);
        let placed: Vec<_> = (6..9).map(|partition| place(&directories, partition, true).unwrap()).collect();
        assert_eq!(placed, [0, 2, 0]);
        assert!(place(&directories, 1, true).is_err(), "its log is in the one that has failed");
        assert_eq!(directories.loss(), None);
        directories.metadata_failed(&cause);
        assert!(directories.loss().unwrap().contains("metadata"));
    }

    #[test]
    fn a_directory_that_takes_no_new_log_is_left_for_another() {
        let temp = tempfile::tempdir().unwrap();
        let all = ["a", "b"].map(|name| open(temp.path().join(name))).into();
        let directories = Directories::new(all, HashMap::new(), 1);
        std::fs::rename(temp.path().join("a"), temp.path().join("away")).unwrap();
        std::fs::write(temp.path().join("a"), "").unwrap();
        assert_eq!(place(&directories, 0, true).unwrap(), 1);
        assert!(directories.has_failed(0));
    }

    #[test]
    fn a_log_that_may_lie_in_an_unopened_directory_is_not_made_anew() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("b"), "a file").unwrap();
        let all = ["a", "b"].map(|name| open(temp.path().join(name))).into();
        let found = HashMap::from([(at(0), 0)]);
        let directories = Directories::new(all, found, 1);
        assert_eq!(place(&directories, 0, false).unwrap(), 0);
        assert!(place(&directories, 1, false).is_err());
        assert_eq!(place(&directories, 2, true).unwrap(), 0, "nobody can have it yet");
        assert!(!temp.path().join("a/t-1").exists());
    }
}
