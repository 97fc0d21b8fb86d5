//! What a broker does best on a disk with this profile.
//!
//! # Invariants
//! - Every figure lies between a lower and an upper bound, whatever the profile says.

use std::fmt;

use types::ByteCount;

use super::case::{Around, Case, Measured, Space, What};
use super::profile::DiskProfile;

/// Beside cold reads a commit may take so many times as long as without, in the median.
const SLOWDOWN_MAX: f64 = 2.0;
/// More in flight, or larger pieces, have to bring more than the rest to this share of the best.
const SHARE_OF_BEST: f64 = 0.9;

const KIB: u64 = 1024;
/// Pieces in which what the journal holds is written to segments.
const WRITE_BACK_MIN: u64 = 256 * KIB;
const WRITE_BACK_MAX: u64 = 1024 * KIB;

/// See the module. Prints as one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Whether a commit's write carries its sync (RWF_DSYNC), instead of an fdatasync after it.
    pub inline_commits: bool,
    /// How many bytes of cold reads the disk gets at once, from all shards together.
    pub cold_bytes: ByteCount,
    /// The same while there are commits.
    pub cold_bytes_committing: ByteCount,
    /// In what pieces segments are written whose records are durable already: no larger than it takes to use the disk,
    /// since a commit may have to wait for one.
    pub write_back_bytes: ByteCount,
}

impl Advice {
    /// What follows from the profile.
    #[must_use]
    pub fn of(profile: &DiskProfile) -> Self {
        let read_depth = enough(profile.quiet(What::Read), |case| u64::from(case.depth)).unwrap_or(4);
        let write_back = enough(profile.quiet(What::Write), |case| case.block.0).unwrap_or(WRITE_BACK_MAX);
        let committing = Case::READ_BESIDE.0 * u64::from(reads_beside_commits(profile).unwrap_or(2));
        let cold = Case::READ.0 * read_depth.min(u64::from(DEPTH_MAX));
        Self {
            inline_commits: inline_is_better(profile),
            cold_bytes: ByteCount(cold.max(committing)),
            cold_bytes_committing: ByteCount(committing),
            write_back_bytes: ByteCount(write_back.clamp(WRITE_BACK_MIN, WRITE_BACK_MAX)),
        }
    }

    /// What suits both disks, where one setting is for several.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            inline_commits: self.inline_commits && other.inline_commits,
            cold_bytes: self.cold_bytes.min(other.cold_bytes),
            cold_bytes_committing: self.cold_bytes_committing.min(other.cold_bytes_committing),
            write_back_bytes: self.write_back_bytes.max(other.write_back_bytes),
        }
    }
}

/// No profile makes for more in flight.
const DEPTH_MAX: u16 = Case::DEPTHS[Case::DEPTHS.len() - 1];

/// Whether a write that carries its sync is faster, and stays so when cores are busy, at which the kernel's worker
/// for it may have to wait where a disk cannot write through its cache.
fn inline_is_better(profile: &DiskProfile) -> bool {
    let faster = |around: Around| {
        let linked = profile.of(Case::commit(1).around(around))?;
        let inline = profile.of(Case::inline_commit(1).around(around))?;
        Some(inline.p50 < linked.p50 && inline.p99 <= linked.p99)
    };
    profile.is_direct && faster(Around::Quiet) == Some(true) && faster(Around::BusyCores) == Some(true)
}

/// The smallest value of `of` with which nearly the best rate is reached, and at most the bound of the cases.
fn enough<'a>(measured: impl Iterator<Item = &'a Measured>, of: impl Fn(Case) -> u64) -> Option<u64> {
    let all: Vec<_> = measured.collect();
    let best = all.iter().map(|measured| measured.bytes_per_second()).fold(0.0, f64::max);
    let good = all.iter().filter(|measured| measured.bytes_per_second() >= SHARE_OF_BEST * best);
    good.map(|measured| of(measured.case)).min()
}

/// How many pieces may be read beside commits without making them too slow.
fn reads_beside_commits(profile: &DiskProfile) -> Option<u16> {
    let alone = profile.of(Case::commit(1))?.p50.as_secs_f64();
    let beside = profile.measured.iter().filter_map(|measured| match measured.case {
        Case { what: What::Commit, space: Space::Prewritten, around: Around::Reads(depth), .. } => {
            Some((depth.clamp(1, DEPTH_MAX), measured.p50.as_secs_f64()))
        }
        _ => None,
    });
    let mut beside: Vec<_> = beside.collect();
    beside.sort_unstable_by_key(|(depth, _)| *depth);
    let first = beside.first()?.0;
    let bearable = beside.iter().take_while(|(_, p50)| *p50 <= SLOWDOWN_MAX * alone);
    Some(bearable.last().map_or(first, |(depth, _)| *depth))
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.inline_commits {
            "commits with RWF_DSYNC"
        } else {
            "commits with write and fdatasync"
        })?;
        write!(
            f,
            ", segments written in pieces of {} KiB, cold reads of {} KiB at once and {} KiB beside commits",
            self.write_back_bytes.0 / KIB,
            self.cold_bytes.0 / KIB,
            self.cold_bytes_committing.0 / KIB
        )
    }
}
