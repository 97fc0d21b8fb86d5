//! An offset index, `.index`: entries of a relative offset and a position, four bytes each.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use super::dump::{DumpError, How, Problem, base_offset, used_entries};
use super::segment::{Step, Walk};

const ENTRY_BYTES: usize = 8;

/// Prints an index and says what is wrong with it, alone and beside its segment.
pub(super) fn dump(path: &Path, how: &How, out: &mut impl Write) -> Result<Vec<Problem>, DumpError> {
    let base = base_offset(path)?;
    let bytes = std::fs::read(path).map_err(DumpError::Read)?;
    let (entries, mut problems) = used_entries::<ENTRY_BYTES>(&bytes);
    let batches = if how.compare { Some(last_offsets(&path.with_extension("log"))?) } else { None };
    let mut before: Option<(u32, u32)> = None;
    for (number, entry) in entries.iter().enumerate() {
        let at = (number * ENTRY_BYTES) as u64;
        let [a, b, c, d, e, f, g, h] = *entry;
        let (delta, position) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        let offset = base.wrapping_add(i64::from(delta));
        if how.entries {
            writeln!(out, "offset: {offset} position: {position}")?;
        }
        if before.is_some_and(|before| delta <= before.0 || position <= before.1) {
            problems.push(Problem::at(at, format!("offset {offset} at {position} does not ascend")));
        }
        before = Some((delta, position));
        if let Some(batches) = &batches {
            match batches.get(&u64::from(position)) {
                None => problems
                    .push(Problem::at(at, format!("no batch begins at position {position} of the segment"))),
                Some(last) if *last != offset => problems.push(Problem::at(
                    at,
                    format!("index offset {offset}, but the batch at {position} ends with offset {last}"),
                )),
                Some(_) => {}
            }
        }
    }
    if problems.is_empty() && !how.entries {
        writeln!(out, "{} passed the check: {} entries", path.display(), entries.len())?;
    }
    Ok(problems)
}

/// The last offset of each batch of a segment, by the batch's position.
fn last_offsets(segment: &Path) -> Result<BTreeMap<u64, i64>, DumpError> {
    let mut walk = Walk::open(segment).map_err(DumpError::Read)?;
    let mut found = BTreeMap::new();
    while let Step::Batch(at, header, _) = walk.next().map_err(DumpError::Read)? {
        found.insert(at, header.last_offset().0);
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
        let index = dir.path().join("00000000000000000010.index");
        let mut log = Vec::new();
        for base in [10, 11] {
            let options = BatchOptions { base_offset: Offset(base), ..Default::default() };
            let mut builder = BatchBuilder::new(options);
            builder.push(TimestampMs(7), None, None, &[]).unwrap();
            log.extend(builder.build().unwrap());
        }
        std::fs::write(index.with_extension("log"), &log).unwrap();
        let second = (log.len() / 2) as u8;
        let how = How { entries: true, compare: true, ..Default::default() };
        let dumped = |bytes: &[u8]| {
            std::fs::write(&index, bytes).unwrap();
            let mut out = Vec::new();
            let problems = dump(&index, &how, &mut out).unwrap();
            (String::from_utf8(out).unwrap(), problems)
        };
        let good = [0, 0, 0, 1, 0, 0, 0, second];
        let with_zeros = [&good[..], &[0; 80]].concat();
        assert_eq!(dumped(&with_zeros), (format!("offset: 11 position: {second}\n"), vec![]));
        assert_eq!(dumped(&[0, 0, 0, 2, 0, 0, 0, second]).1.len(), 1, "another offset");
        assert_eq!(dumped(&[0, 0, 0, 1, 0, 0, 0, second + 1]).1.len(), 1, "no batch there");
        assert_eq!(dumped(&[&good[..], &good].concat()).1[0].position, 8, "not ascending");
        assert_eq!(dumped(&good[..7]).1.len(), 1, "cut");
    }
}
