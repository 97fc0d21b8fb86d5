//! Record batches as they travel: bytes that this crate does not look into.

use bytes::Bytes;
use std::fmt;

/// Record batches in one or several buffers that follow each other. Cloning and sending copy no records.
#[derive(Clone)]
pub struct Records(Pieces);

#[derive(Clone)]
enum Pieces {
    /// What comes out of a frame is always this, so that decoding allocates nothing.
    One(Bytes),
    Several(Vec<Bytes>),
}

impl Records {
    /// No records.
    pub const EMPTY: Self = Self(Pieces::One(Bytes::new()));

    /// The buffers in their order.
    #[must_use]
    pub fn pieces(&self) -> &[Bytes] {
        match &self.0 {
            Pieces::One(bytes) => std::slice::from_ref(bytes),
            Pieces::Several(pieces) => pieces,
        }
    }

    /// How many bytes all buffers have together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces().iter().map(Bytes::len).sum()
    }

    /// Whether there is no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces().iter().all(Bytes::is_empty)
    }

    /// All bytes in one buffer. Without a copy if there is one already, as in every decoded message.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Pieces::One(bytes) => bytes,
            Pieces::Several(pieces) => pieces.concat().into(),
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self(Pieces::One(bytes))
    }
}

impl From<Vec<Bytes>> for Records {
    fn from(pieces: Vec<Bytes>) -> Self {
        Self(Pieces::Several(pieces))
    }
}

/// Equal bytes are equal records, however they are split.
impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.pieces().iter().flatten().eq(other.pieces().iter().flatten())
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records({} bytes in {} pieces)", self.len(), self.pieces().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_equal_however_they_are_split() {
        let whole = Records::from(Bytes::from_static(b"records"));
        let split =
            Records::from(vec![Bytes::from_static(b"rec"), Bytes::new(), Bytes::from_static(b"ords")]);
        assert_eq!(whole, split);
        assert_eq!(split.clone().into_bytes(), whole.clone().into_bytes());
        assert_ne!(whole, Records::from(Bytes::from_static(b"recordz")));
        assert_eq!((split.len(), split.is_empty()), (7, false));
        assert!(Records::from(vec![Bytes::new()]).is_empty());
    }
}
