//! The devices below the file systems of the data: queues, caches, arrays, wear.

use serde_json::Value;

use super::disk::DISK;
use super::{INFO, NO_EFFECT, RECOMMENDED};
use crate::Profile;
use crate::change::Change;
use crate::check::{ByProfile, Check, Severity, Want};
use crate::context::{Context, chosen, shortened};
use crate::data_dirs::{self, BLOCK, DataDir};
use crate::host::Unread;
use crate::outcome::{Finding, Gap, Outcome, Seen};

/// The unit in which the kernel tells where partitions begin, whatever the disk's own is.
const SECTOR_BYTES: u64 = 512;
/// How much of its life a flash disk may have used up, in per cent.
const WEAR_PERCENT_MAX: u64 = 80;
/// The kinds of arrays that cut their data into stripes.
const STRIPED: &[&str] = &["raid0", "raid4", "raid5", "raid6", "raid10"];

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "disk.scheduler",
        title: "I/O scheduler",
        reads: &["sys/class/block/*/queue/scheduler", "sys/class/block/*/queue/rotational"],
        wanted: ByProfile::all(Want::Words("none; mq-deadline for a disk that turns")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "a scheduler sorts for a moving arm, and takes time for every request of a disk that has none; bfq costs most",
        effect: NO_EFFECT,
        how: "write to the file; a udev rule makes it last",
        look: scheduler,
        ..DISK
    },
    Check {
        id: "disk.merges",
        title: "looking for requests to merge (nomerges)",
        reads: &["sys/class/block/*/queue/nomerges"],
        wanted: ByProfile::all(Want::Is(2)),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "Strome's writes are large already, and each is compared with those that wait for nothing",
        effect: NO_EFFECT,
        how: "write 2 to the file; a udev rule makes it last",
        look: merges,
        ..DISK
    },
    Check {
        id: "disk.queue-depth",
        title: "requests in the queue (nr_requests)",
        reads: &["sys/class/block/*/queue/nr_requests"],
        wanted: ByProfile::all(Want::AtLeast(64)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, None),
        why: "each shard keeps up to 8 writes and as many reads in flight; with less room they wait before the disk sees them",
        effect: NO_EFFECT,
        how: "write to the file; a udev rule makes it last",
        look: queue_depth,
        ..DISK
    },
    Check {
        id: "disk.read-ahead",
        title: "read-ahead (KiB)",
        reads: &["sys/class/block/*/queue/read_ahead_kb", "proc/self/mountinfo"],
        wanted: ByProfile::all(Want::AtMost(1024)),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "Strome reads past the page cache and does its own read-ahead; on a file system without O_DIRECT a small read loads all of this",
        effect: NO_EFFECT,
        how: "write to the file, for file systems without O_DIRECT only",
        look: read_ahead,
        ..DISK
    },
    Check {
        id: "disk.write-cache",
        title: "write cache",
        reads: &["sys/class/block/*/queue/write_cache", "sys/class/block/*/device/scsi_disk/*/cache_type"],
        wanted: ByProfile::all(Want::Words("write through: power-loss protection, or no cache")),
        severity: ByProfile::each(RECOMMENDED, INFO, INFO, INFO, INFO),
        why: "a cache that loses its contents with the power has to be emptied for every commit; a disk with power-loss \
              protection answers as soon as the record is in its cache",
        how: "a disk with power-loss protection; `strome tune disk` measures what a commit takes",
        look: write_cache,
        ..DISK
    },
    Check {
        id: "disk.fua",
        title: "write through the cache (FUA)",
        reads: &["sys/class/block/*/queue/fua", "sys/class/block/*/queue/write_cache"],
        wanted: ByProfile::all(Want::Words("yes, where there is a cache to write through")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "with it a write that carries its sync makes its own blocks durable; without, and for each fdatasync, the disk has to empty its whole cache",
        how: "for SATA libata.fua=1 as kernel parameter, if the disk is known to do it right",
        look: fua,
        ..DISK
    },
    Check {
        id: "disk.rotational",
        title: "disk that turns",
        reads: &["sys/class/block/*/queue/rotational"],
        wanted: ByProfile::all(Want::Words("no")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, INFO, INFO),
        why: "a commit waits for the disk to come round: half a turn on average, 4 ms at 7,200 turns a minute",
        how: "a flash disk; in a virtual machine this is what the hypervisor says, which is often wrong",
        look: rotational,
        ..DISK
    },
    Check {
        id: "disk.raid",
        title: "array",
        reads: &["sys/class/block/*/md/{level,degraded,sync_action}"],
        wanted: ByProfile::all(Want::Words("none, RAID 1 or RAID 10, complete")),
        severity: ByProfile::all(RECOMMENDED),
        why: "with parity every small commit reads and writes the other disks' blocks, too; with RAID 0 one disk's end is the end of all",
        how: "a log directory for each disk (a failing one takes its own partitions offline only), or RAID 10",
        look: raid,
        ..DISK
    },
    Check {
        id: "disk.alignment",
        title: "alignment",
        reads: &[
            "sys/class/block/*/{start,alignment_offset}",
            "sys/class/block/*/queue/{physical_block_size,optimal_io_size}",
            "proc/self/mountinfo",
        ],
        wanted: ByProfile::all(Want::Words("on the disk's blocks and the array's stripes")),
        severity: ByProfile::all(RECOMMENDED),
        why: "a write that covers a block or a stripe in part makes the disk or the array read the rest of it first",
        how: "partitions from 1 MiB on; su and sw of mkfs.xfs, stride and stripe-width of mkfs.ext4",
        look: alignment,
        ..DISK
    },
    Check {
        id: "disk.encryption",
        title: "encryption",
        reads: &["sys/class/block/*/dm/uuid"],
        wanted: ByProfile::all(Want::Words("none, or dm-crypt without its work queues")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "dm-crypt hands every request to another thread, which has to be woken, and waits when cores are busy",
        how: "cryptsetup refresh NAME --perf-no_read_workqueue --perf-no_write_workqueue; with --persistent for LUKS2, and with --allow-discards where that is on, for refresh takes back what it is not told",
        look: encryption,
        ..DISK
    },
    Check {
        id: "disk.shared",
        title: "directories on one disk",
        reads: &["proc/self/mountinfo", "sys/class/block/*/slaves"],
        wanted: ByProfile::all(Want::Words("one")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, INFO, INFO),
        why: "each directory has journals of its own; on one disk they only make each other wait, and fail together",
        how: "one entry of log.dirs for each disk",
        look: shared,
        ..DISK
    },
    Check {
        id: "disk.wear",
        title: "health",
        reads: &["smartctl --json --all"],
        wanted: ByProfile::all(Want::Words("passed, less than 80 % of its life used, no media errors")),
        severity: ByProfile::each(RECOMMENDED, INFO, INFO, None, None),
        why: "a disk at the end of its life gets slow before it fails",
        how: "replace the disk in time",
        look: wear,
        ..DISK
    },
];

/// Looks at each disk of the data; the path is that of its description.
fn each_disk(
    context: &Context<'_>,
    look: impl Fn(&str, &str) -> Result<Outcome, Gap>,
) -> Result<Vec<Seen>, Gap> {
    let dirs = data_dirs::dirs(context)?;
    let by_disk = data_dirs::by_disk(&dirs);
    if by_disk.is_empty() {
        return Err(Gap::not_applicable("the data lies on no disk that can be seen"));
    }
    let seen = by_disk.keys().map(|disk| match look(disk, &format!("{BLOCK}/{disk}")) {
        Ok(outcome) => Seen::of(disk, outcome),
        Err(gap) => Seen::gap(disk, gap),
    });
    Ok(seen.collect())
}

/// Whether a file of a queue says 1.
fn flag(context: &Context<'_>, path: &str) -> Result<bool, Unread> {
    let text = context.host.text(path)?;
    match text.as_str() {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(Unread::absurd(path, &text)),
    }
}

fn scheduler(context: &Context<'_>, _: &Check) -> Result<Vec<Seen>, Gap> {
    each_disk(context, |disk, folder| {
        let path = format!("{folder}/queue/scheduler");
        let text = context.host.text(&path)?;
        let found = chosen(&text).unwrap_or(&text);
        // What the hypervisor calls a disk that turns is sorted below, if anywhere.
        let turns = !data_dirs::is_virtual(context.host, disk)
            && context.profile != Profile::Vm
            && flag(context, &format!("{folder}/queue/rotational")).unwrap_or(false);
        let wanted = if turns { "mq-deadline" } else { "none" };
        if found == wanted {
            return Ok(Outcome::fine(found));
        }
        let is_known = ["none", "mq-deadline", "kyber", "bfq"].contains(&found);
        if !is_known {
            return Err(Unread::absurd(&path, &text).into());
        }
        let finding = Outcome::finding(found, wanted).change(Change::write(path, wanted));
        Ok(if found == "bfq" || turns { finding } else { finding.severity(Severity::Info) }.into())
    })
}

/// A number of each disk's queue.
fn queue_number(context: &Context<'_>, check: &Check, name: &str) -> Result<Vec<Seen>, Gap> {
    each_disk(context, |_, folder| {
        let path = format!("{folder}/queue/{name}");
        let found = context.host.value::<u64>(&path)?;
        Ok(context.judge(check, &found.to_string(), |value| Change::write(&path, value)))
    })
}

fn merges(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    queue_number(context, check, "nomerges")
}

fn queue_depth(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    queue_number(context, check, "nr_requests")
}

fn read_ahead(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    if !data_dirs::dirs(context)?.iter().any(|dir| dir.mount.is_buffered()) {
        return Err(Gap::not_applicable("the data is read past the page cache"));
    }
    queue_number(context, check, "read_ahead_kb")
}

/// What the block layer believes of a disk's cache: whether it has to be emptied.
fn has_volatile_cache(context: &Context<'_>, folder: &str) -> Result<bool, Unread> {
    let path = format!("{folder}/queue/write_cache");
    let text = context.host.text(&path)?;
    match text.as_str() {
        "write back" => Ok(true),
        "write through" => Ok(false),
        _ => Err(Unread::absurd(&path, &text)),
    }
}

/// What a SCSI or SATA disk itself says of its cache.
fn own_cache_type(context: &Context<'_>, folder: &str) -> Option<String> {
    let folder = format!("{folder}/device/scsi_disk");
    let name = context.host.names(&folder).ok()?.into_iter().next()?;
    context.host.text(&format!("{folder}/{name}/cache_type")).ok()
}

fn write_cache(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let want = check.wanted.of(context.profile);
    each_disk(context, |disk, folder| {
        let own = own_cache_type(context, folder);
        if has_volatile_cache(context, folder)? {
            let words = "write back: a volatile cache, no power-loss protection as far as the disk says";
            let change =
                Change::by_hand("a disk with power-loss protection; `strome tune disk` measures this one");
            return Ok(Outcome::finding(words, want).change(change).into());
        }
        if own.is_some_and(|own| own.starts_with("write back")) {
            let words = "set to write through, but the disk has a volatile cache that is now never emptied";
            let change = Change::write(format!("sys/block/{disk}/queue/write_cache"), "write back");
            return Ok(Outcome::finding(words, "write back")
                .severity(Severity::Required)
                .change(change)
                .into());
        }
        Ok(Outcome::fine("write through"))
    })
}

fn fua(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_disk(context, |disk, folder| {
        if !has_volatile_cache(context, folder)? {
            return Err(Gap::not_applicable("there is no cache to write through"));
        }
        if flag(context, &format!("{folder}/queue/fua"))? {
            return Ok(Outcome::fine("yes"));
        }
        let finding = Outcome::finding("no", check.wanted.of(context.profile));
        let is_sata = disk.starts_with("sd");
        Ok(if is_sata {
            finding.change(Change::by_hand(
                "libata.fua=1 as kernel parameter, if the disk is known to do it right",
            ))
        } else {
            finding
        }
        .into())
    })
}

fn rotational(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_disk(context, |disk, folder| {
        if !flag(context, &format!("{folder}/queue/rotational"))? {
            return Ok(Outcome::fine("no"));
        }
        let is_made_up = data_dirs::is_virtual(context.host, disk);
        let found = if is_made_up { "yes, as the hypervisor says" } else { "yes" };
        let finding = Outcome::finding(found, check.wanted.of(context.profile));
        Ok(if is_made_up { finding.severity(Severity::Info) } else { finding }.into())
    })
}

/// Looks at each layer of a directory that `is` of the kind that is asked for.
fn each_layer(
    context: &Context<'_>,
    absent: &str,
    look: impl Fn(&str, &str) -> Option<Result<Outcome, Gap>>,
) -> Result<Vec<Seen>, Gap> {
    let mut layers: Vec<String> = data_dirs::dirs(context)?.into_iter().flat_map(|dir| dir.layers).collect();
    layers.sort();
    layers.dedup();
    let seen: Vec<_> = layers
        .iter()
        .filter_map(|layer| {
            Some(match look(layer, &format!("{BLOCK}/{layer}"))? {
                Ok(outcome) => Seen::of(layer, outcome),
                Err(gap) => Seen::gap(layer, gap),
            })
        })
        .collect();
    if seen.is_empty() { Err(Gap::not_applicable(absent)) } else { Ok(seen) }
}

/// The level of a software array; `None` if the device is none.
fn raid_level(context: &Context<'_>, device: &str) -> Option<Result<String, Unread>> {
    let path = format!("{BLOCK}/{device}/md/level");
    context.host.has(&path).then(|| context.host.text(&path))
}

fn raid(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let want = check.wanted.of(context.profile);
    each_layer(context, "the data lies on no software array", |device, folder| {
        let level = match raid_level(context, device)? {
            Ok(level) => level,
            Err(unread) => return Some(Err(unread.into())),
        };
        let missing = context.host.value::<u64>(&format!("{folder}/md/degraded")).unwrap_or_default();
        let action = context.host.text(&format!("{folder}/md/sync_action")).unwrap_or_default();
        let found = if missing > 0 {
            format!("{level}, {missing} disks missing")
        } else if matches!(action.as_str(), "resync" | "recover" | "check" | "repair" | "reshape") {
            format!("{level}, busy with '{action}'")
        } else {
            level.clone()
        };
        let finding = |text: &str| Outcome::finding(&found, want).change(Change::by_hand(text));
        Some(Ok(match level.as_str() {
            _ if missing > 0 => finding("replace the disk that is missing").into(),
            "raid4" | "raid5" | "raid6" => finding("a log directory for each disk, or RAID 10").into(),
            "raid0" => finding("a log directory for each disk").severity(Severity::Info).into(),
            "raid1" | "raid10" | "linear" if found != level => {
                finding("wait until that is done").severity(Severity::Info).into()
            }
            "raid1" | "raid10" | "linear" => Outcome::fine(found),
            _ => return Some(Err(Unread::absurd(&format!("{folder}/md/level"), &level).into())),
        }))
    })
}

fn alignment(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let dirs = data_dirs::dirs(context)?;
    let seen: Vec<_> = dirs
        .iter()
        .filter_map(|dir| {
            let device = dir.device.as_ref()?;
            Some(match aligned(context, dir, device) {
                Ok(None) => Seen::of(dir.path.display(), Outcome::fine("on its blocks")),
                Ok(Some(finding)) => {
                    let finding = Finding { wanted: check.wanted.of(context.profile).to_string(), ..finding };
                    Seen::of(dir.path.display(), finding)
                }
                Err(unread) => Seen::gap(dir.path.display(), unread.into()),
            })
        })
        .collect();
    if seen.is_empty() {
        Err(Gap::not_applicable("the data lies on no disk that can be seen"))
    } else {
        Ok(seen)
    }
}

/// What is amiss with the place of a directory's file system on its device.
fn aligned(context: &Context<'_>, dir: &DataDir, device: &str) -> Result<Option<Finding>, Unread> {
    let folder = format!("{BLOCK}/{device}");
    let again = || Change::by_hand("make the partition anew from 1 MiB on");
    let offset = context.host.value::<i64>(&format!("{folder}/alignment_offset")).unwrap_or_default();
    if offset != 0 {
        return Ok(Some(
            Outcome::finding(format!("{device} is off its disk's blocks by {offset} bytes"), "")
                .change(again()),
        ));
    }
    let whole = data_dirs::whole_disk(context.host, device);
    let queue = format!("{BLOCK}/{}/queue", whole.as_deref().unwrap_or(device));
    let physical = context.host.value::<u64>(&format!("{queue}/physical_block_size"))?.max(SECTOR_BYTES);
    let optimal = context.host.value::<u64>(&format!("{queue}/optimal_io_size")).unwrap_or_default();
    if whole.is_some() {
        let start = context.host.value::<u64>(&format!("{folder}/start"))?.saturating_mul(SECTOR_BYTES);
        if !start.is_multiple_of(physical) {
            let found = format!("{device} begins at byte {start}, within a block of {physical}");
            return Ok(Some(Outcome::finding(found, "").change(again())));
        }
        // Some disks name sizes that have nothing to do with their blocks.
        if optimal > 0 && optimal.is_multiple_of(physical) && !start.is_multiple_of(optimal) {
            let found = format!("{device} begins at byte {start}, within a stripe of {optimal}");
            return Ok(Some(Outcome::finding(found, "").severity(Severity::Info).change(again())));
        }
    }
    let level = dir.layers.iter().find_map(|layer| raid_level(context, layer)).and_then(Result::ok);
    let is_striped = level.is_some_and(|level| STRIPED.contains(&level.as_str()));
    let knows = dir
        .mount
        .super_options
        .iter()
        .any(|option| option.starts_with("sunit=") || option.starts_with("stripe="));
    if is_striped && !knows {
        let found = format!("{} does not know the array's stripes", shortened(&dir.mount.kind));
        let change = Change::by_hand("su and sw of mkfs.xfs, stride and stripe-width of mkfs.ext4");
        return Ok(Some(Outcome::finding(found, "").severity(Severity::Info).change(change)));
    }
    Ok(None)
}

fn encryption(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_layer(context, "the data lies on no dm-crypt device", |_, folder| {
        let uuid = context.host.text(&format!("{folder}/dm/uuid")).ok()?;
        if !uuid.starts_with("CRYPT-") {
            return None;
        }
        let name = context.host.text(&format!("{folder}/dm/name")).unwrap_or_default();
        let finding = Outcome::finding("dm-crypt", check.wanted.of(context.profile));
        let change = Change::by_hand(format!(
            "cryptsetup refresh {} --perf-no_read_workqueue --perf-no_write_workqueue; with --persistent for LUKS2, and \
             with --allow-discards where that is on, for refresh takes back what it is not told",
            shortened(&name)
        ));
        Some(Ok(finding.change(change).into()))
    })
}

fn shared(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let dirs = data_dirs::dirs(context)?;
    if dirs.len() < 2 {
        return Err(Gap::not_applicable("there are no two directories"));
    }
    let by_disk = data_dirs::by_disk(&dirs);
    if by_disk.is_empty() {
        return Err(Gap::not_applicable("the data lies on no disk that can be seen"));
    }
    let seen = by_disk.iter().map(|(disk, dirs)| {
        let names: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
        if names.len() == 1 {
            return Seen::of(disk, Outcome::fine(names.join(", ")));
        }
        let finding = Outcome::finding(names.join(", "), check.wanted.of(context.profile));
        Seen::of(disk, finding.change(Change::by_hand("one entry of log.dirs for each disk")))
    });
    Ok(seen.collect())
}

fn wear(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_disk(context, |disk, _| {
        if data_dirs::is_virtual(context.host, disk) {
            return Err(Gap::not_applicable("a virtual disk does not wear out"));
        }
        let text = context.host.output("smartctl", &["--json", "--all", &format!("/dev/{disk}")]);
        let text = text.map_err(|unread| {
            if unread.is_missing() {
                Gap::Unknown("smartctl is not installed".to_owned())
            } else {
                unread.into()
            }
        })?;
        let report: Value = serde_json::from_str(&text)
            .map_err(|_| Gap::Unknown("smartctl prints something else than JSON".to_owned()))?;
        let Some(passed) = report.pointer("/smart_status/passed").and_then(Value::as_bool) else {
            return Err(Gap::Unknown("smartctl may not read it, or the disk does not say".to_owned()));
        };
        let number = |name: &str| {
            report.pointer(&format!("/nvme_smart_health_information_log/{name}")).and_then(Value::as_u64)
        };
        let used = number("percentage_used").unwrap_or_default();
        let errors = number("media_errors").unwrap_or_default();
        let warning = number("critical_warning").unwrap_or_default();
        let word = if passed && warning == 0 { "passed" } else { "FAILING" };
        let found = format!("{word}, {used} % of its life used, {errors} media errors");
        if word == "passed" && used < WEAR_PERCENT_MAX && errors == 0 {
            return Ok(Outcome::fine(found));
        }
        let finding = Outcome::finding(found, check.wanted.of(context.profile));
        Ok(finding.change(Change::by_hand("replace the disk in time")).into())
    })
}
