//! The names of directories and files, which are Kafka's.

use std::fmt;
use std::path::{Path, PathBuf};

use types::{Offset, PartitionIndex, TopicName, Uuid};

/// The name of a log: its topic's name and its partition. The directory is called `<topic>-<partition>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName {
    pub topic: TopicName,
    pub partition: PartitionIndex,
}

impl LogName {
    /// The log whose directory has this name, if one can have it.
    #[must_use]
    pub fn from_dir_name(name: &str) -> Option<Self> {
        let (topic, partition) = name.rsplit_once('-')?;
        let index: i32 = partition.parse().ok().filter(|n| *n >= 0)?;
        // "+1", "01" and their like would make two names of one partition.
        if index.to_string() != partition {
            return None;
        }
        Some(Self { topic: TopicName::new(topic).ok()?, partition: PartitionIndex(index) })
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// The files that belong to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// The batches.
    Log,
    /// Where offsets lie.
    Index,
    /// Where timestamps lie.
    TimeIndex,
    /// Which transactions were aborted.
    TxnIndex,
    /// The state of producers at an offset.
    Snapshot,
}

impl FileKind {
    const ALL: [Self; 5] = [Self::Log, Self::Index, Self::TimeIndex, Self::TxnIndex, Self::Snapshot];

    /// Behind the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Index => "index",
            Self::TimeIndex => "timeindex",
            Self::TxnIndex => "txnindex",
            Self::Snapshot => "snapshot",
        }
    }
}

/// Kafka pads offsets in file names to this many digits.
const OFFSET_DIGITS: usize = 20;

/// `00000000000000000042.log` in `dir`.
pub(crate) fn file_path(dir: &Path, base: Offset, kind: FileKind) -> PathBuf {
    dir.join(format!("{:0width$}.{}", base.0, kind.extension(), width = OFFSET_DIGITS))
}

/// What a file of a dropped segment is called until it is deleted.
pub(crate) fn deleted_path(dir: &Path, base: Offset, kind: FileKind) -> PathBuf {
    with_suffix(dir, base, kind, DELETED_SUFFIX)
}

/// What a file of a compacted segment is called while it is written.
pub(crate) fn cleaned_path(dir: &Path, base: Offset, kind: FileKind) -> PathBuf {
    with_suffix(dir, base, kind, CLEANED_SUFFIX)
}

/// What a file of a compacted segment is called until those are gone whose place it takes.
pub(crate) fn swap_path(dir: &Path, base: Offset, kind: FileKind) -> PathBuf {
    with_suffix(dir, base, kind, SWAP_SUFFIX)
}

fn with_suffix(dir: &Path, base: Offset, kind: FileKind, suffix: &str) -> PathBuf {
    let mut path = file_path(dir, base, kind).into_os_string();
    path.push(suffix);
    path.into()
}

/// What a file name in a log's directory says, if it is one of a segment.
pub(crate) fn parse_file_name(name: &str) -> Option<(Offset, FileKind)> {
    let (digits, extension) = name.split_once('.')?;
    let kind = FileKind::ALL.into_iter().find(|kind| kind.extension() == extension)?;
    if digits.len() != OFFSET_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((Offset(digits.parse().ok()?), kind))
}

/// The file into which the next segment is prepared before its base offset is known. Its name ends in none of
/// Kafka's extensions, so Kafka's tools pass over it.
pub(crate) const PREPARED: &str = "next.segment";

/// Kafka's ending for files that are about to be deleted.
pub(crate) const DELETED_SUFFIX: &str = ".deleted";

/// Kafka's endings for the files of a compaction that is under way, and of one that is done and not yet in place.
pub(crate) const CLEANED_SUFFIX: &str = ".cleaned";
pub(crate) const SWAP_SUFFIX: &str = ".swap";

/// `leader-epoch-checkpoint`, in a log's directory.
pub(crate) const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";

const DELETED_DIR_SUFFIX: &str = "-delete";
const STRAY_DIR_SUFFIX: &str = "-stray";
const UNIQUE_DIGITS: usize = 32;
/// The longest name that Linux file systems take.
const FILE_NAME_BYTES_MAX: usize = 255;

/// What a log's directory is called while it is being deleted. Long topic names are cut, as in Kafka.
pub(crate) fn deleted_dir_name(log: &LogName, unique: Uuid) -> String {
    dir_name_aside(log, unique, DELETED_DIR_SUFFIX)
}

/// What a log's directory is called when another topic has its name. As in Kafka.
pub(crate) fn stray_dir_name(log: &LogName, unique: Uuid) -> String {
    dir_name_aside(log, unique, STRAY_DIR_SUFFIX)
}

fn dir_name_aside(log: &LogName, unique: Uuid, suffix: &str) -> String {
    let suffix = format!(".{:032x}{suffix}", u128::from_be_bytes(unique.0));
    let partition = format!("-{}", log.partition);
    let room = FILE_NAME_BYTES_MAX - suffix.len() - partition.len();
    // Topic names are ASCII, so any length is a character boundary.
    let topic: String = log.topic.as_str().chars().take(room).collect();
    format!("{topic}{partition}{suffix}")
}

/// Whether a directory of this name holds a log that was being deleted.
pub(crate) fn is_deleted_dir(name: &str) -> bool {
    let unique = name.strip_suffix(DELETED_DIR_SUFFIX).and_then(|rest| rest.rsplit_once('.'));
    unique.is_some_and(|(_, digits)| {
        digits.len() == UNIQUE_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(topic: &str, partition: i32) -> LogName {
        LogName { topic: TopicName::new(topic).unwrap(), partition: PartitionIndex(partition) }
    }

    #[test]
    fn directory_names_lead_back_to_their_logs() {
        for log in [name("orders", 0), name("a-b.c_d", 17), name("x-1", 2)] {
            assert_eq!(LogName::from_dir_name(&log.to_string()), Some(log));
        }
        for other in ["orders", "orders-", "orders-+1", "orders-01", "-1", ".lock", "orders-0.x-delete"] {
            assert_eq!(LogName::from_dir_name(other), None, "{other}");
        }
    }

    #[test]
    fn file_names_are_kafkas() {
        let path = file_path(Path::new("/d"), Offset(1234), FileKind::TimeIndex);
        assert_eq!(path, Path::new("/d/00000000000000001234.timeindex"));
        assert_eq!(
            parse_file_name("00000000000000001234.timeindex"),
            Some((Offset(1234), FileKind::TimeIndex))
        );
        for other in ["1.log", "00000000000000001234.log.deleted", "0000000000000000123x.log", PREPARED] {
            assert_eq!(parse_file_name(other), None, "{other}");
        }
    }

    #[test]
    fn the_longest_topic_name_can_be_deleted() {
        let log = name(&"t".repeat(TopicName::LEN_MAX), 99_999);
        let deleted = deleted_dir_name(&log, Uuid::from_random([0xab; 16]));
        assert_eq!(deleted.len(), FILE_NAME_BYTES_MAX);
        assert!(is_deleted_dir(&deleted));
        assert_eq!(LogName::from_dir_name(&deleted), None);
    }
}
