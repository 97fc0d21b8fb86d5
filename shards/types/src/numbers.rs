//! Numbers of the log that must not be mixed up: offsets, epochs, sequences, sizes, times.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl $name {
            pub const ZERO: Self = Self(0);

            /// This number and `count` more.
            #[must_use]
            pub const fn plus(self, count: $inner) -> Self {
                Self(self.0 + count)
            }

            /// The next number.
            #[must_use]
            pub const fn next(self) -> Self {
                self.plus(1)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The position of a record in its partition. Negative values are Kafka's wire conventions
    /// (-1 unknown or latest, -2 earliest) and never positions.
    Offset(i64)
}
number! {
    /// Counts the leaderships of a partition. -1 stands for "none" on the wire.
    LeaderEpoch(i32)
}
number! {
    /// The sequence number of a producer's record in one partition; wraps from `i32::MAX` to 0.
    Sequence(i32)
}
number! {
    /// Milliseconds since the Unix epoch. -1 stands for "none" on the wire.
    TimestampMs(i64)
}
number! {
    /// A size in bytes.
    ByteCount(u64)
}
number! {
    /// A position in a file, in bytes from its beginning.
    FilePosition(u64)
}

impl Offset {
    /// Kafka's "no offset".
    pub const NONE: Self = Self(-1);
}

impl LeaderEpoch {
    /// Kafka's "no leader epoch".
    pub const NONE: Self = Self(-1);
}

impl TimestampMs {
    /// Kafka's "no timestamp".
    pub const NONE: Self = Self(-1);
}

impl Sequence {
    /// Kafka's "no sequence", in batches of producers that are not idempotent.
    pub const NONE: Self = Self(-1);

    /// The sequence `count` records later; after `i32::MAX` comes 0 (as in Kafka's `DefaultRecordBatch`).
    #[must_use]
    pub const fn wrapping_plus(self, count: i32) -> Self {
        Self(((self.0 as i64 + count as i64) % (i32::MAX as i64 + 1)) as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_wraps_to_zero_after_the_largest() {
        assert_eq!(Sequence(i32::MAX).wrapping_plus(1), Sequence(0));
        assert_eq!(Sequence(i32::MAX - 1).wrapping_plus(3), Sequence(1));
        assert_eq!(Sequence(7).wrapping_plus(0), Sequence(7));
    }
}
