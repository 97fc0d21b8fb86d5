//! Zigzag varints, as inside records: seven bits a byte, least significant first, small magnitudes short.

/// Bytes of the longest varint that stands for 32 bits, and for 64.
pub(crate) const VARINT_BYTES_MAX: u32 = 5;
pub(crate) const VARLONG_BYTES_MAX: u32 = 10;

/// Undoes the zigzag of 32 bits: 0, 1, 2, 3 stand for 0, -1, 1, -2.
pub(crate) const fn unzigzag(bits: u32) -> i32 {
    (bits >> 1) as i32 ^ -((bits & 1) as i32)
}

/// Undoes the zigzag of 64 bits.
pub(crate) const fn unzigzag_long(bits: u64) -> i64 {
    (bits >> 1) as i64 ^ -((bits & 1) as i64)
}

/// Appends `value`.
pub(crate) fn put(out: &mut Vec<u8>, value: i64) {
    let mut bits = zigzag(value);
    while bits > 0x7f {
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

/// Bytes that [`put`] appends for `value`.
pub(crate) const fn len(value: i64) -> usize {
    // At least one bit, so that zero takes a byte.
    let bits = u64::BITS - (zigzag(value) | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_protocol_buffers() {
        let bytes = |value| {
            let mut out = Vec::new();
            put(&mut out, value);
            assert_eq!(out.len(), len(value));
            out
        };
        assert_eq!(bytes(0), [0]);
        assert_eq!(bytes(-1), [1]);
        assert_eq!(bytes(63), [0x7e]);
        assert_eq!(bytes(64), [0x80, 1]);
        assert_eq!(bytes(i64::from(i32::MIN)), [0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert_eq!(bytes(i64::MIN), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    }

    #[test]
    fn zigzag_is_undone() {
        for value in [0, 1, -1, 2, 1 << 40, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag_long(zigzag(value)), value);
        }
        assert_eq!(unzigzag(u32::MAX), i32::MIN);
    }
}
