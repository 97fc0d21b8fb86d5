//! Cuts what comes from a broker into frames.
//!
//! # Hot path
//! Bytes are copied once, out of the ring's buffers into the frame; a frame's memory is used again.

use bytes::{Bytes, BytesMut};

const LENGTH_BYTES: usize = 4;

/// No answer is longer: a Fetch answer holds at most the bytes that were asked for, or one batch.
const FRAME_BYTES_MAX: usize = 1 << 30;

/// Memory that is made room for because a peer claims a length; the rest grows with the bytes that come.
const TRUSTED_BYTES: usize = 64 << 20;

/// The frames of one connection.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    length: Vec<u8>,
    body: BytesMut,
    /// Of the frame that is being put together, if its length is known.
    wanted: Option<usize>,
}

/// A length that no frame has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadLength(pub(crate) i32);

impl Frames {
    /// Takes bytes from `input` up to the end of the next frame, and gives it if it is whole.
    pub(crate) fn take(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, BadLength> {
        let wanted = match self.wanted {
            Some(wanted) => wanted,
            None => {
                let (head, rest) = input.split_at(input.len().min(LENGTH_BYTES - self.length.len()));
                self.length.extend_from_slice(head);
                *input = rest;
                let Some(length) = self.length.first_chunk() else { return Ok(None) };
                let length = i32::from_be_bytes(*length);
                self.length.clear();
                let wanted = usize::try_from(length)
                    .ok()
                    .filter(|wanted| (LENGTH_BYTES..=FRAME_BYTES_MAX).contains(wanted));
                let wanted = wanted.ok_or(BadLength(length))?;
                self.body.reserve(wanted.min(TRUSTED_BYTES));
                self.wanted = Some(wanted);
                wanted
            }
        };
        let (part, rest) = input.split_at(input.len().min(wanted - self.body.len()));
        self.body.extend_from_slice(part);
        *input = rest;
        if self.body.len() < wanted {
            return Ok(None);
        }
        self.wanted = None;
        Ok(Some(std::mem::take(&mut self.body).freeze()))
    }

    /// Takes a frame's memory back, if nobody else has a part of it.
    pub(crate) fn give_back(&mut self, frame: Bytes) {
        if self.body.is_empty()
            && let Ok(mut memory) = frame.try_into_mut()
            && memory.capacity() > self.body.capacity()
        {
            memory.clear();
            self.body = memory;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        [&(body.len() as i32).to_be_bytes()[..], body].concat()
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let stream = [frame(b"first"), frame(b"the second one"), frame(&[7; 1000])].concat();
        for piece in [1, 2, 3, 5, 64, stream.len()] {
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            for mut input in stream.chunks(piece) {
                while !input.is_empty() {
                    if let Some(frame) = frames.take(&mut input).unwrap() {
                        found.push(frame.to_vec());
                        frames.give_back(frame);
                    }
                }
            }
            assert_eq!(found, [b"first".to_vec(), b"the second one".to_vec(), vec![7; 1000]], "{piece}");
        }
    }

    #[test]
    fn the_memory_of_a_frame_is_used_again() {
        let (mut frames, body) = (Frames::default(), frame(&[1; 5000]));
        let first = frames.take(&mut &body[..]).unwrap().unwrap();
        let address = first.as_ptr();
        frames.give_back(first);
        assert_eq!(frames.take(&mut &body[..]).unwrap().unwrap().as_ptr(), address);
    }

    #[test]
    fn a_length_that_no_frame_has_is_an_error() {
        for length in [-1, 0, 3, i32::MAX] {
            assert_eq!(Frames::default().take(&mut &length.to_be_bytes()[..]), Err(BadLength(length)));
        }
    }
}
