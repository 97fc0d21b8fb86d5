//! The file systems of the directories of data. The devices below are in `device.rs`.

use super::{INFO, RECOMMENDED, REQUIRED, USUAL};
use crate::change::Change;
use crate::check::{Area, ByProfile, Check, Severity, Want};
use crate::context::{Context, bytes, shortened};
use crate::data_dirs::{self, DataDir};
use crate::mounts::Suitability;
use crate::outcome::{Gap, Outcome, Seen};

pub(super) const DISK: Check = Check { area: Area::Disk, ..USUAL };

/// What a write has to be a multiple of so that no file system and no disk has to read first.
const BLOCK_BYTES: u64 = 4096;
/// How much of a file system should be free, in per cent; below it ext4 and xfs find no long runs any more.
const FREE_PERCENT_MIN: u64 = 10;
/// The same of the files that may still be made.
const FREE_FILES_PERCENT_MIN: u64 = 5;
/// How much may be kept for root, in per cent and if it is worth anything.
const RESERVED_PERCENT_MAX: u64 = 1;
const RESERVED_BYTES_MIN: u64 = 1 << 30;

pub(super) const CHECKS: &[Check] = &[
    Check {
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
    },
    Check {
        id: "disk.writable",
        title: "writable",
        reads: &["proc/self/mountinfo"],
        wanted: ByProfile::all(Want::Words("yes")),
        severity: ByProfile::all(REQUIRED),
        why: "a file system that is mounted read-only takes no records; the kernel makes it so when it finds damage",
        how: "see the kernel's log, check the file system, mount it again",
        look: writable,
        ..DISK
    },
    Check {
        id: "disk.barriers",
        title: "barriers",
        reads: &["proc/self/mountinfo"],
        wanted: ByProfile::all(Want::Words("on")),
        severity: ByProfile::all(REQUIRED),
        why: "without them a sync does not empty the disk's cache: a power failure loses records that were acknowledged",
        how: "take nobarrier and barrier=0 out of the options",
        look: barriers,
        ..DISK
    },
    Check {
        id: "disk.journal-mode",
        title: "journal mode",
        reads: &["proc/self/mountinfo"],
        wanted: ByProfile::all(Want::Words("data=ordered")),
        severity: ByProfile::all(RECOMMENDED),
        why: "data=journal switches direct I/O off and writes everything twice; \
              data=writeback can show a file's old blocks after a crash",
        how: "take the option out; ext4's default is data=ordered",
        look: journal_mode,
        ..DISK
    },
    Check {
        id: "disk.atime",
        title: "times of access",
        reads: &["proc/self/mountinfo"],
        wanted: ByProfile::all(Want::Words("noatime")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "noting when a file was read is a write of its inode; relatime does so once a day and after each change, strictatime every time",
        how: "the option noatime",
        look: atime,
        ..DISK
    },
    Check {
        id: "disk.discard",
        title: "discard when files are deleted",
        reads: &["proc/self/mountinfo"],
        wanted: ByProfile::all(Want::Words("off, and fstrim.timer instead")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, None, INFO, None),
        why: "with the option discard, deleting segments sends the disk commands that commits wait behind",
        how: "take the option discard out, and enable fstrim.timer",
        look: discard,
        ..DISK
    },
    Check {
        id: "disk.trim-timer",
        title: "regular trim",
        reads: &[
            "etc/systemd/system/timers.target.wants/fstrim.timer",
            "sys/class/block/*/queue/discard_max_bytes",
        ],
        wanted: ByProfile::all(Want::Words("fstrim.timer")),
        severity: ByProfile::each(RECOMMENDED, INFO, INFO, INFO, None),
        why: "a flash disk that is not told what is free gets slower and wears out sooner",
        how: "systemctl enable --now fstrim.timer",
        look: trim_timer,
        ..DISK
    },
    Check {
        id: "disk.block-size",
        title: "block size",
        reads: &["statvfs"],
        wanted: ByProfile::all(Want::AtLeast(BLOCK_BYTES)),
        severity: ByProfile::all(RECOMMENDED),
        why: "Strome writes in multiples of 4 KiB; smaller blocks mean more of them to find and to note",
        how: "make the file system anew: mkfs.ext4 -b 4096, mkfs.xfs -b size=4096",
        look: block_size,
        ..DISK
    },
    Check {
        id: "disk.free-space",
        title: "free space",
        reads: &["statvfs"],
        wanted: ByProfile::all(Want::Words("10 % of the space and 5 % of the files")),
        severity: ByProfile::all(RECOMMENDED),
        why: "a full disk refuses records, and a nearly full one finds no long runs of blocks for segments",
        how: "retention.bytes, more disks",
        look: free_space,
        ..DISK
    },
    Check {
        id: "disk.reserved-blocks",
        title: "reserved for root",
        reads: &["statvfs"],
        wanted: ByProfile::all(Want::Words("at most 1 %")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "ext4 keeps 5 % for root, which a disk of records has no use for",
        how: "tune2fs -m 0 DEVICE",
        look: reserved_blocks,
        ..DISK
    },
];

/// Looks at each directory of data.
fn each_dir(
    context: &Context<'_>,
    look: impl Fn(&DataDir) -> Result<Outcome, Gap>,
) -> Result<Vec<Seen>, Gap> {
    let dirs = data_dirs::dirs(context)?;
    if dirs.is_empty() {
        return Err(Gap::not_applicable("no directories of data are known"));
    }
    Ok(dirs
        .iter()
        .map(|dir| match look(dir) {
            Ok(outcome) => Seen::of(dir.path.display(), outcome),
            Err(gap) => Seen::gap(dir.path.display(), gap),
        })
        .collect())
}

/// The advice to change the mount options of a directory.
fn remount(dir: &DataDir, advice: &str) -> Change {
    Change::Mount { at: dir.mount.at.display().to_string(), advice: advice.to_owned() }
}

fn file_system(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_dir(context, |dir| {
        let kind = shortened(&dir.mount.kind);
        let finding = |words: &str| {
            let finding = Outcome::finding(format!("{kind}, {words}"), check.wanted.of(context.profile));
            finding.change(Change::by_hand("put log.dirs on a local disk, in a container as a volume"))
        };
        let lighter = |words: &str, severity| finding(words).severity(severity).into();
        Ok(match dir.mount.suitability() {
            Suitability::Good => Outcome::fine(&kind),
            Suitability::InMemory => finding("which is memory").into(),
            Suitability::Remote => finding("which lies on another host").into(),
            Suitability::Layered => finding("which goes with the container").into(),
            Suitability::Copying => lighter("which writes everything to a new place", Severity::Recommended),
            Suitability::Untried => lighter("which nobody has tried", Severity::Info),
        })
    })
}

fn writable(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_dir(context, |dir| {
        if !dir.mount.has("ro") {
            return Ok(Outcome::fine("yes"));
        }
        let finding = Outcome::finding("mounted read-only", check.wanted.of(context.profile));
        Ok(finding.change(Change::by_hand("see the kernel's log for why")).into())
    })
}

fn barriers(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_dir(context, |dir| {
        let off = ["nobarrier", "barrier=0"].into_iter().find(|option| dir.mount.has(option));
        let Some(option) = off else {
            return Ok(Outcome::fine("on"));
        };
        let finding = Outcome::finding(format!("off ({option})"), check.wanted.of(context.profile));
        Ok(finding.change(remount(dir, &format!("take {option} out of the options"))).into())
    })
}

fn journal_mode(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_dir(context, |dir| {
        if dir.mount.kind != "ext4" {
            return Err(Gap::not_applicable("only ext4 has such modes"));
        }
        let other = ["data=journal", "data=writeback"].into_iter().find(|option| dir.mount.has(option));
        let Some(option) = other else {
            return Ok(Outcome::fine("data=ordered"));
        };
        let finding = Outcome::finding(option, check.wanted.of(context.profile))
            .change(remount(dir, &format!("take {option} out of the options")));
        Ok(if option == "data=writeback" { finding.severity(Severity::Info) } else { finding }.into())
    })
}

fn atime(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_dir(context, |dir| {
        if dir.mount.has("noatime") {
            return Ok(Outcome::fine("noatime"));
        }
        if dir.mount.suitability() == Suitability::Remote {
            return Err(Gap::not_applicable("the host that has the files notes their times"));
        }
        // Without either it is strict: relatime is shown when it is on.
        let is_lazy = dir.mount.has("relatime");
        let found = if is_lazy { "relatime" } else { "strictatime" };
        let change = match dir.mount.kind.as_str() {
            "zfs" => Change::by_hand(format!("zfs set atime=off {}", shortened(&dir.mount.source))),
            _ => remount(dir, "add the option noatime"),
        };
        let finding = Outcome::finding(found, check.wanted.of(context.profile)).change(change);
        Ok(if is_lazy { finding } else { finding.severity(Severity::Recommended) }.into())
    })
}

fn discard(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_dir(context, |dir| {
        if !dir.mount.has("discard") {
            return Ok(Outcome::fine("off"));
        }
        let finding = Outcome::finding("on", check.wanted.of(context.profile));
        Ok(finding.change(remount(dir, "take discard out of the options")).into())
    })
}

fn trim_timer(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const REGULAR: &[&str] = &[
        "etc/systemd/system/timers.target.wants/fstrim.timer",
        "usr/lib/systemd/system/timers.target.wants/fstrim.timer",
        "etc/cron.weekly/fstrim",
        "etc/cron.daily/fstrim",
    ];
    let dirs = data_dirs::dirs(context)?;
    let can_trim = |disk: &&str| {
        let max = context.host.value::<u64>(&format!("{}/{disk}/queue/discard_max_bytes", data_dirs::BLOCK));
        max.is_ok_and(|max| max > 0)
    };
    let by_disk = data_dirs::by_disk(&dirs);
    if by_disk.keys().filter(|disk| can_trim(disk)).count() == 0 {
        return Err(Gap::not_applicable("no disk of the data wants to know what is free"));
    }
    if let Some(regular) = REGULAR.iter().find(|path| context.host.has(path)) {
        return Ok(vec![Seen::host(Outcome::fine(regular.rsplit('/').next().unwrap_or_default()))]);
    }
    if dirs.iter().all(|dir| dir.mount.has("discard")) {
        return Err(Gap::not_applicable("the file systems tell it at once; see disk.discard"));
    }
    let change = Change::Service { unit: "fstrim.timer".to_owned(), runs: true };
    Ok(vec![Seen::host(Outcome::finding("none", check.wanted.of(context.profile)).change(change))])
}

fn block_size(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_dir(context, |dir| {
        let found = context.host.space(&dir.path)?.block_bytes.to_string();
        let by_hand = |_| Change::by_hand("make the file system anew with blocks of 4 KiB");
        Ok(context.judge(check, &found, by_hand))
    })
}

/// A part of a whole in per cent; all of it if there is no whole.
fn percent(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

fn free_space(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_dir(context, |dir| {
        let space = context.host.space(&dir.path)?;
        let free = percent(space.blocks_available, space.blocks);
        let files = if space.files == 0 { 100 } else { percent(space.files_free, space.files) };
        let size = bytes(space.blocks_available.saturating_mul(space.block_bytes));
        let found = format!("{size}, {free} %; {files} % of the files");
        if free >= FREE_PERCENT_MIN && files >= FREE_FILES_PERCENT_MIN {
            return Ok(Outcome::fine(found));
        }
        let finding = Outcome::finding(found, check.wanted.of(context.profile));
        Ok(finding.change(Change::by_hand("lower retention.bytes or retention.ms, or add a disk")).into())
    })
}

fn reserved_blocks(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_dir(context, |dir| {
        if dir.mount.kind != "ext4" {
            return Err(Gap::not_applicable("only ext4 keeps blocks for root"));
        }
        let space = context.host.space(&dir.path)?;
        let reserved = space.blocks_free.saturating_sub(space.blocks_available);
        let size = reserved.saturating_mul(space.block_bytes);
        let found = format!("{}, {} %", bytes(size), percent(reserved, space.blocks));
        if percent(reserved, space.blocks) <= RESERVED_PERCENT_MAX || size < RESERVED_BYTES_MIN {
            return Ok(Outcome::fine(found));
        }
        let device = shortened(&dir.mount.source);
        let finding = Outcome::finding(found, check.wanted.of(context.profile));
        Ok(finding.change(Change::by_hand(format!("tune2fs -m 0 {device}"))).into())
    })
}
