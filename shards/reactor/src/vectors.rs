//! Scatter/gather lists for the kernel.

/// The kernel takes no more vectors per call (UIO_MAXIOV).
const VECTORS_MAX: usize = 1024;
/// No call moves more bytes; a power of two, so that a direct write that is cut here stays aligned. The kernel's own
/// limit is just below 2 GiB.
const BYTES_MAX: usize = 1 << 30;

/// The part of a list of buffers that the next call is about. Its pointers are valid as long as the buffers are.
pub(crate) struct Vectors {
    vectors: Vec<libc::iovec>,
    bytes: usize,
}

impl Vectors {
    pub(crate) fn new() -> Self {
        Self { vectors: Vec::new(), bytes: 0 }
    }

    /// Points at what follows the first `done` bytes of `buffers`, as far as one call can go.
    pub(crate) fn point_at(&mut self, buffers: impl Iterator<Item = (*const u8, usize)>, done: usize) {
        self.vectors.clear();
        self.bytes = 0;
        let mut skip = done;
        for (start, len) in buffers {
            let left = len - skip.min(len);
            let offset = len - left;
            skip -= offset;
            let len = left.min(BYTES_MAX - self.bytes);
            if len == 0 {
                continue;
            }
            // Within or one past the end of the buffer, without touching it.
            let start = start.wrapping_add(offset);
            self.vectors.push(libc::iovec { iov_base: start.cast_mut().cast(), iov_len: len });
            self.bytes += len;
            if self.vectors.len() == VECTORS_MAX || self.bytes == BYTES_MAX {
                break;
            }
        }
    }

    /// The one buffer, if it is one: the kernel has a shorter way for it.
    pub(crate) fn single(&self) -> Option<(*const u8, u32)> {
        match self.vectors.as_slice() {
            [only] => Some((only.iov_base.cast_const().cast(), only.iov_len as u32)),
            _ => None,
        }
    }

    pub(crate) fn as_slice(&self) -> &[libc::iovec] {
        &self.vectors
    }

    /// How many bytes the next call is about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

const _: () = assert!(BYTES_MAX.is_multiple_of(crate::aligned::ALIGNMENT) && BYTES_MAX < i32::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(buffers: &[&[u8]], done: usize) -> Vec<usize> {
        let mut vectors = Vectors::new();
        vectors.point_at(buffers.iter().map(|b| (b.as_ptr(), b.len())), done);
        assert_eq!(vectors.bytes(), vectors.as_slice().iter().map(|v| v.iov_len).sum());
        vectors.as_slice().iter().map(|v| v.iov_len).collect()
    }

    #[test]
    fn what_is_done_is_skipped() {
        let buffers: &[&[u8]] = &[b"abc", b"", b"defg", b"h"];
        assert_eq!(lengths(buffers, 0), [3, 4, 1]);
        assert_eq!(lengths(buffers, 2), [1, 4, 1]);
        assert_eq!(lengths(buffers, 3), [4, 1]);
        assert_eq!(lengths(buffers, 5), [2, 1]);
        assert_eq!(lengths(buffers, 8), [0; 0]);
    }

    #[test]
    fn a_call_takes_no_more_vectors_than_the_kernel() {
        let buffers: Vec<&[u8]> = vec![b"x"; 3000];
        assert_eq!(lengths(&buffers, 0).len(), VECTORS_MAX);
        assert_eq!(lengths(&buffers, 2500).len(), 500);
    }
}
