//! Small files that are replaced as a whole: Kafka's checkpoints of an offset per partition, and how any file is
//! replaced so that a crash leaves the old or the new one.
//!
//! ```text
//! 0                      the version
//! 2                      how many lines follow
//! orders 0 1234          topic, partition, offset
//! orders 1 99
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use reactor::{Disk, OpenOptions};
use types::{FilePosition, Offset, PartitionIndex, TopicName};

use crate::error::{Context, StorageError};
use crate::layout::LogName;

/// An offset for each log.
pub(crate) type Offsets = BTreeMap<LogName, Offset>;

const VERSION: &str = "0";

/// Whether a segment that is followed by one at `next` was closed, durably, before the recovery point came to `point`. Where
/// both are equal, the point may be that of a segment that ended there and was still the last one, with room ahead.
pub(crate) fn was_closed(next: Offset, point: Offset) -> bool {
    next < point
}

/// The text of a checkpoint.
pub(crate) fn encode(offsets: &Offsets) -> String {
    let mut text = format!("{VERSION}\n{}\n", offsets.len());
    for (name, offset) in offsets {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {} {}", name.topic, name.partition, offset);
    }
    text
}

/// Reads the text of a checkpoint; the error says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Offsets, String> {
    let mut lines = text.lines();
    if lines.next() != Some(VERSION) {
        return Err("the first line is not the version 0".to_owned());
    }
    let count: usize =
        lines.next().and_then(|line| line.parse().ok()).ok_or("the second line is not a number")?;
    let mut offsets = Offsets::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, offset) = parse_line(line).ok_or_else(|| format!("cannot read the line {line:?}"))?;
        offsets.insert(name, offset);
    }
    if offsets.len() != count {
        return Err(format!("there are {} lines instead of {count}", offsets.len()));
    }
    Ok(offsets)
}

fn parse_line(line: &str) -> Option<(LogName, Offset)> {
    let mut words = line.split_whitespace();
    let topic = TopicName::new(words.next()?).ok()?;
    let partition = PartitionIndex(words.next()?.parse().ok().filter(|index: &i32| *index >= 0)?);
    let offset = Offset(words.next()?.parse().ok().filter(|offset: &i64| *offset >= 0)?);
    if words.next().is_some() {
        return None;
    }
    Some((LogName { topic, partition }, offset))
}

/// Puts `bytes` into the place of the file at `path`: durably, and so that a crash leaves either the old or the new
/// content.
pub(crate) fn replace(disk: &Disk, path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let draft = path.with_file_name(name);
    let file = disk.open(&draft, OpenOptions::REPLACE.buffered()).context("create", &draft)?;
    file.write_all_at(bytes, FilePosition::ZERO).context("write", &draft)?;
    file.sync_all().context("sync", &draft)?;
    disk.rename(&draft, path).context("rename", &draft)?;
    sync_dir(disk, path.parent().unwrap_or(Path::new(".")))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(disk: &Disk, dir: &Path) -> Result<(), StorageError> {
    disk.sync_dir(dir).context("sync", dir)
}

/// The content of a text file, `None` if there is none. What is no text in it makes the file malformed, for the caller to
/// find out.
pub(crate) fn read_text(disk: &Disk, path: &Path) -> Result<Option<String>, StorageError> {
    match disk.read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::io("read", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(topic: &str, partition: i32) -> LogName {
        LogName { topic: TopicName::new(topic).unwrap(), partition: PartitionIndex(partition) }
    }

    #[test]
    fn a_checkpoint_reads_as_kafka_writes_it() {
        let text = "0\n2\norders 0 1234\n__consumer_offsets 49 7\n";
        let offsets = parse(text).unwrap();
        assert_eq!(offsets[&name("orders", 0)], Offset(1234));
        assert_eq!(offsets[&name("__consumer_offsets", 49)], Offset(7));
        assert_eq!(encode(&offsets), "0\n2\n__consumer_offsets 49 7\norders 0 1234\n");
    }

    #[test]
    fn a_checkpoint_that_was_cut_or_changed_is_refused() {
        for bad in [
            "",
            "1\n0\n",
            "0\n",
            "0\nx\n",
            "0\n2\na 0 1\n",
            "0\n1\na 0\n",
            "0\n1\na 0 -4\n",
            "0\n1\na 0 1 2\n",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn replacing_leaves_no_draft() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let disk = Disk::host();
        replace(&disk, &path, b"one").unwrap();
        replace(&disk, &path, b"two").unwrap();
        assert_eq!(read_text(&disk, &path).unwrap().as_deref(), Some("two"));
        assert_eq!(disk.list(dir.path()).unwrap().len(), 1);
        assert_eq!(read_text(&disk, &dir.path().join("none")).unwrap(), None);
    }
}
