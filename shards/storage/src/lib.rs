//! The log of a partition: tail, segments, indexes, commit, recovery.
#![forbid(unsafe_code)]
