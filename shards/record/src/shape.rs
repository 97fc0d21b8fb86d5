//! One record's layout, read field by field from any cursor. This is the only place that knows it.
//!
//! ```text
//! length          varint   bytes after this field
//! attributes      i8       unused
//! timestamp delta varlong
//! offset delta    varint
//! key length      varint   negative: no key          key
//! value length    varint   negative: no value        value
//! header count    varint   then for each: key length, key, value length (negative: no value), value
//! ```

use std::ops::Range;

use crate::cursor::{Cursor, Stop};

/// The least bytes of a header: two lengths.
const HEADER_BYTES_MIN: usize = 2;

/// Where the parts of a record lie, as positions of the cursor that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) key: Option<Range<usize>>,
    pub(crate) value: Option<Range<usize>>,
    pub(crate) header_count: i32,
    pub(crate) headers: Range<usize>,
}

/// Why there is no record here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Stopped(Stop),
    Malformed(&'static str),
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Varint => Self::Malformed("a varint is too long"),
            other => Self::Stopped(other),
        }
    }
}

impl Shape {
    /// Reads one record, which must fill the length that it claims exactly.
    #[inline(always)]
    pub(crate) fn read(cursor: &mut impl Cursor) -> Result<Self, Fault> {
        let body =
            usize::try_from(cursor.varint()?).map_err(|_| Fault::Malformed("its length is negative"))?;
        let end = cursor.position() + body;
        cursor.skip(1)?;
        let timestamp_delta = cursor.varlong()?;
        let offset_delta = cursor.varint()?;
        let key = nullable(cursor, end)?;
        let value = nullable(cursor, end)?;
        let header_count = cursor.varint()?;
        let headers_at = cursor.position();
        if header_count != 0 {
            skip_headers(cursor, header_count, end)?;
        }
        let headers = headers_at..cursor.position();
        if headers.end != end {
            return Err(Fault::Malformed("its fields do not fill its length"));
        }
        Ok(Self { timestamp_delta, offset_delta, key, value, header_count, headers })
    }
}

/// Reads a length and skips so many bytes, which must end at `end` or before. A negative length is none.
#[inline(always)]
pub(crate) fn nullable(cursor: &mut impl Cursor, end: usize) -> Result<Option<Range<usize>>, Fault> {
    let Ok(len) = usize::try_from(cursor.varint()?) else { return Ok(None) };
    let start = cursor.position();
    if start + len > end {
        return Err(Fault::Malformed("a field is longer than the record"));
    }
    cursor.skip(len)?;
    Ok(Some(start..start + len))
}

fn skip_headers(cursor: &mut impl Cursor, count: i32, end: usize) -> Result<(), Fault> {
    let count = usize::try_from(count).map_err(|_| Fault::Malformed("its number of headers is negative"))?;
    if count > end.saturating_sub(cursor.position()) / HEADER_BYTES_MIN {
        return Err(Fault::Malformed("it has no room for so many headers"));
    }
    for _ in 0..count {
        nullable(cursor, end)?.ok_or(Fault::Malformed("a header has no key"))?;
        nullable(cursor, end)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Slice;

    #[test]
    fn a_record_must_fill_its_length_exactly() {
        // Length 7: attributes, timestamp delta 0, offset delta 0, key of 1, no value, no headers.
        let good = [14, 0, 0, 0, 2, b'k', 1, 0];
        assert_eq!(Shape::read(&mut Slice::new(&good)).unwrap().key, Some(5..6));
        for (at, byte, why) in [
            (0, 12, "its fields do not fill its length"),
            (0, 16, "its fields do not fill its length"),
            (0, 1, "its length is negative"),
            (4, 20, "a field is longer than the record"),
            (7, 2, "it has no room for so many headers"),
            (7, 1, "its number of headers is negative"),
        ] {
            let mut bad = good;
            bad[at] = byte;
            assert_eq!(Shape::read(&mut Slice::new(&bad)), Err(Fault::Malformed(why)), "byte {at} is {byte}");
        }
        for len in 0..good.len() {
            assert_eq!(Shape::read(&mut Slice::new(&good[..len])), Err(Fault::Stopped(Stop::End)));
        }
    }

    #[test]
    fn a_header_needs_a_key_but_no_value() {
        let with = |key_len: u8| [20, 0, 0, 0, 1, 1, 2, key_len, b'h', 1, 0];
        assert_eq!(
            Shape::read(&mut Slice::new(&with(2)[..])).map(|s| s.header_count),
            Err(Fault::Malformed("its fields do not fill its length"))
        );
        let exact = [18, 0, 0, 0, 1, 1, 2, 2, b'h', 1];
        assert_eq!(Shape::read(&mut Slice::new(&exact)).unwrap().headers, 7..10);
        let keyless = [16, 0, 0, 0, 1, 1, 2, 1, 1];
        assert_eq!(Shape::read(&mut Slice::new(&keyless)), Err(Fault::Malformed("a header has no key")));
    }
}
