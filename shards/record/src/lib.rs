//! Record batch v2: validation, iteration, compression.
#![forbid(unsafe_code)]
