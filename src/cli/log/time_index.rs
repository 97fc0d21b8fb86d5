//! A time index, `.timeindex`: entries of a timestamp and the relative offset of the batch that has it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use super::dump::{DumpError, How, Problem, base_offset, used_entries};
use super::segment::{Step, Walk};

const ENTRY_BYTES: usize = 12;

/// Prints an index and says what is wrong with it, alone and beside its segment.
pub(super) fn dump(path: &Path, how: &How, out: &mut impl Write) -> Result<Vec<Problem>, DumpError> {
    let base = base_offset(path)?;
    let bytes = std::fs::read(path).map_err(DumpError::Read)?;
    let (entries, mut problems) = used_entries::<ENTRY_BYTES>(&bytes);
    let batches = if how.compare { Some(timestamps(&path.with_extension("log"))?) } else { None };
    let mut before: Option<(i64, u32)> = None;
    for (number, entry) in entries.iter().enumerate() {
        let at = (number * ENTRY_BYTES) as u64;
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *entry;
        let timestamp = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let delta = u32::from_be_bytes([i, j, k, l]);
        let offset = base.wrapping_add(i64::from(delta));
        if how.entries {
            writeln!(out, "timestamp: {timestamp} offset: {offset}")?;
        }
        if before.is_some_and(|before| timestamp <= before.0 || delta < before.1) {
            problems.push(Problem::at(at, format!("timestamp {timestamp}, offset {offset} do not ascend")));
        }
        before = Some((timestamp, delta));
        let Some(batches) = &batches else { continue };
        match batches.range(offset..).next() {
            None => {
                problems
                    .push(Problem::at(at, format!("offset {offset} lies behind the segment's last batch")));
            }
            Some((last, newest)) if *newest != timestamp => problems.push(Problem::at(
                at,
                format!("index timestamp {timestamp}, but the batch that ends with {last} has {newest}"),
            )),
            Some(_) => {}
        }
    }
    if problems.is_empty() && !how.entries {
        writeln!(out, "{} passed the check: {} entries", path.display(), entries.len())?;
    }
    Ok(problems)
}

/// The largest timestamp of each batch of a segment, by the batch's last offset.
fn timestamps(segment: &Path) -> Result<BTreeMap<i64, i64>, DumpError> {
    let mut walk = Walk::open(segment).map_err(DumpError::Read)?;
    let mut found = BTreeMap::new();
    while let Step::Batch(_, header, _) = walk.next().map_err(DumpError::Read)? {
        found.insert(header.last_offset().0, header.max_timestamp.0);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchBuilder, BatchOptions};
    use types::{Offset, TimestampMs};

    #[test]
    fn an_index_is_held_against_its_segment() {
        let dir = tempfile::tempdir().unwrap();
        let index = dir.path().join("00000000000000000010.timeindex");
        let options = BatchOptions { base_offset: Offset(10), ..Default::default() };
        let mut builder = BatchBuilder::new(options);
        builder.push(TimestampMs(7), None, None, &[]).unwrap();
        builder.push(TimestampMs(9), None, None, &[]).unwrap();
        std::fs::write(index.with_extension("log"), builder.build().unwrap()).unwrap();
        let how = How { entries: true, compare: true, ..Default::default() };
        let dumped = |timestamp: i64, delta: u32| {
            let entry = [&timestamp.to_be_bytes()[..], &delta.to_be_bytes(), &[0; 24]].concat();
            std::fs::write(&index, entry).unwrap();
            let mut out = Vec::new();
            let problems = dump(&index, &how, &mut out).unwrap();
            (String::from_utf8(out).unwrap(), problems.len())
        };
        assert_eq!(dumped(9, 1), ("timestamp: 9 offset: 11\n".to_owned(), 0));
        assert_eq!(dumped(8, 1).1, 1, "another timestamp");
        assert_eq!(dumped(9, 2).1, 1, "behind the end");
    }
}
