//! Metadata records, the immutable cluster image, settings and placement.
#![forbid(unsafe_code)]
