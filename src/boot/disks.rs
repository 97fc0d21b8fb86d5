//! What `strome tune disk` has found out of the disks below the log directories, and what the broker makes of it.
//!
//! # Invariants
//! - No profile, and nothing that is wrong with one, keeps the broker from starting: then the defaults count.
//! - Settings of a shard's store, which are for all directories, follow the profiles only if each directory has one.

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reactor::CommitMethod;
use storage::StoreSettings;
use tuning::Host;
use tuning::disk::{Advice, Case, DiskProfile};

/// A profile counts as outdated when a commit takes so many times as long as it says, or as many times less.
const ODD: u32 = 8;

/// What is known of one directory's disk.
pub struct KnownDisk {
    path: PathBuf,
    profile: DiskProfile,
    pub advice: Advice,
}

/// What is known of all directories in use.
#[derive(Default)]
pub struct KnownDisks {
    known: Vec<KnownDisk>,
    /// Whether there is a directory of which nothing is known.
    is_partial: bool,
}

impl KnownDisk {
    /// What is kept in the directory, if it is of use.
    pub fn look(path: &Path) -> Option<Self> {
        match DiskProfile::load(&Host::real(), path) {
            Ok(profile) => profile.map(|profile| {
                let advice = Advice::of(&profile);
                Self { path: path.to_owned(), profile, advice }
            }),
            Err(error) => {
                tracing::warn!("{error}; the broker goes on without it");
                None
            }
        }
    }

    /// Warns if commits do not take as long any more as they did when the profile was made.
    fn confirm(&self, now: CommitMethod) {
        let (Some(then), Some(now)) = (self.profile.of(Case::commit(1)), now.write_and_sync) else { return };
        let is_odd = |long: Duration, short: Duration| long > short.saturating_mul(ODD);
        if is_odd(now, then.p50) || is_odd(then.p50, now) {
            tracing::warn!(
                "a commit in {} takes {} us now, and took {} us when its disk was measured: if this lasts, measure it \
                 again with `strome tune disk`",
                self.path.display(),
                now.as_micros(),
                then.p50.as_micros()
            );
        }
    }
}

impl KnownDisks {
    /// Adds a directory that is in use, in which commits were found to go like this just now.
    pub fn add(&mut self, known: Option<KnownDisk>, commits: CommitMethod) {
        match known {
            Some(known) => {
                known.confirm(commits);
                self.known.push(known);
            }
            None => self.is_partial = true,
        }
    }

    /// The settings of a shard's store, of so many, as suits these disks.
    pub fn suit(&self, settings: StoreSettings, shards: NonZeroU16) -> StoreSettings {
        let Some(advice) = self.advice() else { return settings };
        // The disk's share of a shard, and a piece at least.
        let share = |bytes: u64| usize::try_from(bytes / u64::from(shards.get())).unwrap_or(usize::MAX);
        let piece = Case::READ_BESIDE.0 as usize;
        StoreSettings {
            cold_load_bytes_max: share(advice.cold_bytes.0).max(piece),
            cold_load_bytes_max_committing: share(advice.cold_bytes_committing.0).max(piece),
            write_back_bytes: advice.write_back_bytes.0,
            ..settings
        }
    }

    /// What suits all of them, if all are known.
    fn advice(&self) -> Option<Advice> {
        let advices = self.known.iter().map(|known| known.advice);
        advices.reduce(Advice::and).filter(|_| !self.is_partial)
    }

    /// What is to be said of them at the start.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let each = self.known.iter().map(|known| {
            let commits = known.profile.of(Case::commit(1));
            let commits = commits.map_or_else(String::new, |commits| {
                format!("{:.0} durable commits/s, p99 {} us; ", commits.per_second(), commits.p99.as_micros())
            });
            format!("disk of {} as measured: {commits}{}", known.path.display(), known.advice)
        });
        let rest = self.is_partial && !self.known.is_empty();
        let rest = rest.then(|| {
            "not every log directory has a disk profile: only the way of commits follows those that are there".to_owned()
        });
        each.chain(rest)
    }
}
