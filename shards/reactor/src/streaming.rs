//! Copies of much to where this core does not look again soon: past its caches.
//!
//! A usual copy fetches every line of its target into the cache before it overwrites it, and later pushes out what was there.
//! For bytes whose next reader is the disk that is work for nothing, about a third of what such a copy costs.

/// From so many bytes on a copy goes past the caches: what is shorter may well be read again while it is there.
const STREAMED_BYTES_MIN: usize = 256 * 1024;

/// Copies `source` to `target`, which its next reader fetches from memory if it is long.
///
/// # Panics
/// When their lengths differ.
pub fn copy_for_disk(target: &mut [u8], source: &[u8]) {
    assert!(target.len() == source.len(), "a copy is as long as what it is made of");
    if source.len() < STREAMED_BYTES_MIN {
        return target.copy_from_slice(source);
    }
    stream(target, source);
}

#[cfg(not(target_arch = "x86_64"))]
fn stream(target: &mut [u8], source: &[u8]) {
    target.copy_from_slice(source);
}

#[cfg(target_arch = "x86_64")]
fn stream(target: &mut [u8], source: &[u8]) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128};

    /// What the processor writes in one go.
    const LINE_BYTES: usize = 64;
    const WORDS: usize = LINE_BYTES / size_of::<__m128i>();

    let (ahead, behind) = source.split_at(target.as_ptr().align_offset(LINE_BYTES).min(source.len()));
    let (target_ahead, target) = target.split_at_mut(ahead.len());
    target_ahead.copy_from_slice(ahead);
    let mut lines = target.chunks_exact_mut(LINE_BYTES);
    let mut sources = behind.chunks_exact(LINE_BYTES);
    for (line, source) in lines.by_ref().zip(sources.by_ref()) {
        let (line, source) = (line.as_mut_ptr().cast::<__m128i>(), source.as_ptr().cast::<__m128i>());
        // SAFETY: every x86-64 processor has SSE2. Both are LINE_BYTES long; `line` is aligned to them, because what lies before
        // its alignment was cut off and every chunk before it was as long; `source` need not be aligned. Nobody
        // reads what is written here before the fence below.
        unsafe {
            let words: [__m128i; WORDS] = std::array::from_fn(|at| _mm_loadu_si128(source.add(at)));
            for (at, word) in words.into_iter().enumerate() {
                _mm_stream_si128(line.add(at), word);
            }
        }
    }
    // SAFETY: a fence touches no memory. Whoever sees that the copy was made sees its bytes.
    unsafe { _mm_sfence() };
    lines.into_remainder().copy_from_slice(sources.remainder());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_copied_and_none_beside_wherever_both_begin() {
        const LEN: usize = STREAMED_BYTES_MIN + 1000;
        let source: Vec<u8> = (0..LEN + 64).map(|at| (at * 7 + at / 251) as u8).collect();
        let mut target = vec![0xaa; LEN + 200];
        for (from, to, len) in
            [(0, 0, LEN), (1, 64, LEN - 1), (7, 63, LEN - 65), (63, 1, STREAMED_BYTES_MIN), (5, 9, 100)]
        {
            target.fill(0xaa);
            copy_for_disk(&mut target[to..to + len], &source[from..from + len]);
            assert!(target[to..to + len] == source[from..from + len], "{from}, {to}, {len}");
            let beside = target[..to].iter().chain(&target[to + len..]);
            assert!(beside.copied().all(|byte| byte == 0xaa), "{from}, {to}, {len}");
        }
    }
}
