//! What a disk can do for a broker: measured in a directory, kept beside its data, and what follows from it.
//!
//! [`measure`] tries the disk as the broker uses it, through the same ring: writes in order, durable commits, reads, and
//! commits beside reads and on busy cores. The outcome is a [`DiskProfile`], which [`DiskProfile::save`] puts into the directory,
//! [`Verdict`] tells in sentences, and [`Advice`] turns into the broker's settings.
//!
//! # Invariants
//! - The test file has lost its name before the first byte is written to it, so that whatever ends the process frees its room.
//! - A part of the free space stays free.
//! - A stored profile is believed only if it is whole and of the very disk that is there now.

mod advice;
mod blocks;
mod case;
mod crew;
mod device;
mod error;
mod fio;
mod flight;
mod json;
mod measure;
mod pages;
mod place;
mod profile;
mod room;
mod runner;
mod verdict;
mod worker;

pub use advice::Advice;
pub use case::{Around, Case, Measured, Space, What};
pub use device::{Device, WriteCache};
pub use error::DiskError;
pub use fio::Comparison;
pub use measure::{Outcome, Plan, Progress, measure};
pub use place::Place;
pub use profile::{DiskProfile, FILE_NAME};
pub use verdict::Verdict;
pub(crate) use verdict::grouped;
