//! An index of aborted transactions, `.txnindex`.
//!
//! ```text
//!  0  version             i16  0
//!  2  producer id         i64
//! 10  first offset        i64  of the transaction
//! 18  last offset         i64  its marker's
//! 26  last stable offset  i64  when it was aborted
//! ```

use std::io::Write;
use std::path::Path;

use super::dump::{DumpError, How, Problem};

const ENTRY_BYTES: usize = 34;

/// Prints an index and says what is wrong with it.
pub(super) fn dump(path: &Path, how: &How, out: &mut impl Write) -> Result<Vec<Problem>, DumpError> {
    let bytes = std::fs::read(path).map_err(DumpError::Read)?;
    let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    let mut problems = Vec::new();
    let mut before = i64::MIN;
    for (number, entry) in entries.iter().enumerate() {
        let at = (number * ENTRY_BYTES) as u64;
        let (version, numbers) = entry
            .split_first_chunk::<2>()
            .map_or((-1, &[][..]), |(version, rest)| (i16::from_be_bytes(*version), rest));
        let numbers: Vec<i64> = numbers.as_chunks::<8>().0.iter().map(|n| i64::from_be_bytes(*n)).collect();
        let [producer, first, last, stable] = numbers[..] else { continue };
        if how.entries {
            writeln!(
                out,
                "version: {version} producerId: {producer} firstOffset: {first} lastOffset: {last} \
                 lastStableOffset: {stable}"
            )?;
        }
        if version != 0 {
            problems.push(Problem::at(at, format!("version {version} is unknown")));
        } else if first > last || last < before {
            problems.push(Problem::at(at, format!("offsets {first} to {last} do not ascend")));
        }
        before = last;
    }
    if !rest.is_empty() {
        problems.push(Problem::at((bytes.len() - rest.len()) as u64, "the last entry is cut off"));
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_printed_and_a_cut_one_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("00000000000000000000.txnindex");
        let entry: Vec<u8> =
            [&[0, 0][..], &[1_i64, 0, 3, 4].map(i64::to_be_bytes).concat(), &[0, 0, 0]].concat();
        std::fs::write(&path, entry).unwrap();
        let mut out = Vec::new();
        let how = How { entries: true, ..Default::default() };
        let problems = dump(&path, &how, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "version: 0 producerId: 1 firstOffset: 0 lastOffset: 3 lastStableOffset: 4\n");
        assert_eq!(problems.iter().map(|problem| problem.position).collect::<Vec<_>>(), [34]);
    }
}
