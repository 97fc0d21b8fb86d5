//! `partition.metadata`: which incarnation of a topic a log belongs to.

use std::path::Path;

use reactor::Disk;
use types::TopicId;

use crate::checkpoint::{read_text, replace};
use crate::error::StorageError;

const FILE: &str = "partition.metadata";

/// The topic id of the log in `dir`, if the file is there.
pub(crate) fn read(disk: &Disk, dir: &Path) -> Result<Option<TopicId>, StorageError> {
    let path = dir.join(FILE);
    let Some(text) = read_text(disk, &path)? else { return Ok(None) };
    let malformed = |what: String| StorageError::Malformed { file: path.clone(), what: what.into() };
    let mut lines = text.lines();
    if lines.next() != Some("version: 0") {
        return Err(malformed("the first line is not \"version: 0\"".to_owned()));
    }
    let id = lines
        .next()
        .and_then(|line| line.strip_prefix("topic_id: "))
        .ok_or_else(|| malformed("the second line does not begin with \"topic_id: \"".to_owned()))?;
    id.parse().map(Some).map_err(|error| malformed(format!("topic_id: {error}")))
}

/// Writes the file, durably.
pub(crate) fn write(disk: &Disk, dir: &Path, topic: TopicId) -> Result<(), StorageError> {
    replace(disk, &dir.join(FILE), format!("version: 0\ntopic_id: {topic}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Uuid;

    #[test]
    fn the_topic_id_reads_back_and_a_broken_file_is_no_missing_file() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::host();
        assert_eq!(read(&disk, dir.path()).unwrap(), None);
        let id = Uuid::from_random([9; 16]);
        write(&disk, dir.path(), id).unwrap();
        assert_eq!(read(&disk, dir.path()).unwrap(), Some(id));
        for bad in ["", "version: 1\ntopic_id: x\n", "version: 0\n", "version: 0\ntopic_id: short\n"] {
            disk.write(&dir.path().join(FILE), bad.as_bytes()).unwrap();
            assert!(read(&disk, dir.path()).is_err(), "{bad:?}");
        }
    }
}
