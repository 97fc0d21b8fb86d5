//! The disks of the directories of data, from the file system down to the device.

use super::{RECOMMENDED, REQUIRED, USUAL};
use crate::change::Change;
use crate::check::{Area, ByProfile, Check, Severity, Want};
use crate::context::{Context, shortened};
use crate::mounts::{self, Suitability};
use crate::outcome::{Gap, Outcome, Seen};

const DISK: Check = Check { area: Area::Disk, ..USUAL };

pub(super) const CHECKS: &[Check] = &[Check {
    id: "disk.file-system",
    title: "file system",
    reads: &["proc/self/mountinfo"],
    wanted: ByProfile::all(Want::Words("ext4 or xfs on a local disk")),
    severity: ByProfile::each(REQUIRED, RECOMMENDED, RECOMMENDED, REQUIRED, REQUIRED),
    why: "memory is gone when the host stops, another host's promise is not this one's, \
          and a container's own layer goes with the container",
    how: "put log.dirs on a local disk, in a container as a volume",
    at_start: true,
    look: file_system,
    ..DISK
}];

fn file_system(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let mounts = mounts::all(context.host)?;
    let seen = context.broker.log_dirs.iter().map(|dir| {
        let Some(mount) = mounts::of(&mounts, &context.host.absolute(dir)) else {
            return Seen::of(dir.display(), Outcome::unknown("nothing is mounted there"));
        };
        let kind = shortened(&mount.kind);
        let finding = |words: &str| {
            let finding = Outcome::finding(format!("{kind}, {words}"), check.wanted.of(context.profile));
            finding.change(Change::by_hand("put log.dirs on a local disk, in a container as a volume"))
        };
        let lighter = |words: &str, severity| finding(words).severity(severity).into();
        let outcome = match mount.suitability() {
            Suitability::Good => Outcome::fine(kind),
            Suitability::InMemory => finding("which is memory").into(),
            Suitability::Remote => finding("which lies on another host").into(),
            Suitability::Layered => finding("which goes with the container").into(),
            Suitability::Copying => lighter("which writes everything to a new place", Severity::Recommended),
            Suitability::Untried => lighter("which nobody has tried", Severity::Info),
        };
        Seen::of(dir.display(), outcome)
    });
    Ok(seen.collect())
}
