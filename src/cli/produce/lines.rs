//! Standard input in pieces, and the lines in them.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::SyncSender;

use bytes::Bytes;

/// How much is read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// No broker takes a larger request unless it is told to, so no longer line can become a record.
const LINE_BYTES_MAX: usize = types::limits::REQUEST_BYTES_MAX;

/// Reads to the end, or until nobody listens.
pub(super) fn read_chunks(mut input: impl Read, chunks: &SyncSender<io::Result<Bytes>>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let chunk = match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(len) => Ok(Bytes::copy_from_slice(buffer.get(..len).unwrap_or_default())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = chunk.is_err();
        if chunks.send(chunk).is_err() || failed {
            return;
        }
    }
}

/// Cuts pieces into lines, without copying those that lie within one piece.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// A line that has begun.
    begun: Vec<u8>,
    /// Pieces not cut yet.
    rest: VecDeque<Bytes>,
    ended: bool,
    /// Lines so far.
    count: u64,
}

impl Lines {
    /// Adds the next piece of the input.
    ///
    /// # Errors
    /// In words, for a line that does not end.
    pub(super) fn add(&mut self, chunk: Bytes) -> Result<(), String> {
        if self.begun.len() + chunk.len() > LINE_BYTES_MAX && !chunk.contains(&b'\n') {
            return Err(format!("line {} is longer than {LINE_BYTES_MAX} bytes", self.count + 1));
        }
        self.rest.push_back(chunk);
        Ok(())
    }

    /// There are no more pieces: what has begun is a line too.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The next line, without its end, and its number from 1 on.
    pub(super) fn next_line(&mut self) -> Option<(u64, Bytes)> {
        while let Some(chunk) = self.rest.front_mut() {
            let Some(at) = chunk.iter().position(|byte| *byte == b'\n') else {
                self.begun.extend_from_slice(chunk);
                self.rest.pop_front();
                continue;
            };
            let mut line = chunk.split_to(at + 1);
            line.truncate(at);
            if !self.begun.is_empty() {
                self.begun.extend_from_slice(&line);
                line = Bytes::from(std::mem::take(&mut self.begun));
            }
            return Some(self.counted(line));
        }
        if self.ended && !self.begun.is_empty() {
            let line = Bytes::from(std::mem::take(&mut self.begun));
            return Some(self.counted(line));
        }
        None
    }

    fn counted(&mut self, mut line: Bytes) -> (u64, Bytes) {
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        self.count += 1;
        (self.count, line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_wherever_the_pieces_are_cut() {
        let text = b"one\n\ntwo\r\nthree\nlast";
        for cut in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.chunks(cut) {
                lines.add(Bytes::copy_from_slice(piece)).unwrap();
                found.extend(std::iter::from_fn(|| lines.next_line()));
            }
            lines.end();
            found.extend(std::iter::from_fn(|| lines.next_line()));
            let found: Vec<_> = found.iter().map(|(number, line)| (*number, &line[..])).collect();
            let wanted: [(u64, &[u8]); 5] = [(1, b"one"), (2, b""), (3, b"two"), (4, b"three"), (5, b"last")];
            assert_eq!(found, wanted, "cut into {cut}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let mut lines = Lines::default();
        let chunk = Bytes::from(vec![b'x'; LINE_BYTES_MAX / 2]);
        for _ in 0..2 {
            lines.add(chunk.clone()).unwrap();
            assert_eq!(lines.next_line(), None);
        }
        assert!(lines.add(chunk).is_err());
    }
}
