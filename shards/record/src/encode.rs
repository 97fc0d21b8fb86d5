//! Writing one record, which is where its layout (`shape.rs`) is followed the other way round.

use crate::records::Header;
use crate::varint;

/// What stands in front of a record's headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
}

impl Fields<'_> {
    /// Bytes of the record with `headers` bytes of headers behind their number, without the length in front.
    pub(crate) fn body_bytes(&self, header_count: usize, header_bytes: usize) -> usize {
        1 + varint::len(self.timestamp_delta)
            + varint::len(i64::from(self.offset_delta))
            + field_bytes(self.key)
            + field_bytes(self.value)
            + varint::len(header_count as i64)
            + header_bytes
    }

    /// Appends the record up to the number of its headers. `body_bytes` is what [`Self::body_bytes`] said.
    pub(crate) fn put(&self, out: &mut Vec<u8>, body_bytes: usize, header_count: usize) {
        varint::put(out, body_bytes as i64);
        out.push(0);
        varint::put(out, self.timestamp_delta);
        varint::put(out, i64::from(self.offset_delta));
        put_field(out, self.key);
        put_field(out, self.value);
        varint::put(out, header_count as i64);
    }
}

/// Bytes of a header.
pub(crate) fn header_bytes(header: &Header<'_>) -> usize {
    field_bytes(Some(header.key)) + field_bytes(header.value)
}

/// Appends a header.
pub(crate) fn put_header(out: &mut Vec<u8>, header: &Header<'_>) {
    put_field(out, Some(header.key));
    put_field(out, header.value);
}

fn put_field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => varint::put(out, -1),
        Some(bytes) => {
            varint::put(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
    }
}

fn field_bytes(field: Option<&[u8]>) -> usize {
    field.map_or(varint::len(-1), |bytes| varint::len(bytes.len() as i64) + bytes.len())
}
