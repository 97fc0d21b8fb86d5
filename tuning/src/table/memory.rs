//! Memory: what may be taken away from the broker, and what the kernel does with pages on its own account.

use super::{INFO, NO_EFFECT, RECOMMENDED, REQUIRED, USUAL, measured, numa};
use crate::change::Change;
use crate::check::{Area, ByProfile, Check, Severity, Want};
use crate::context::{Context, bytes, chosen, one_sysctl, shortened};
use crate::host::Unread;
use crate::limits::Limit;
use crate::outcome::{Gap, Outcome, Seen};
use crate::{cgroup, mounts};

const MEMORY: Check = Check { area: Area::Memory, ..USUAL };

const HUGE_PAGES: &str = "sys/kernel/mm/transparent_hugepage";
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The executor refuses to start with less locked memory for its rings and buffers.
const LOCKED_BYTES_REQUIRED: u64 = 512 * KIB;
/// What systemd gives services by default, enough for the rings of a handful of shards.
const LOCKED_BYTES_MIN: u64 = 8 * MIB;

/// What a broker takes for itself without a setting: this share of the memory within these bounds (`strome.memory.bytes`).
const SHARE_OF_HOST: u64 = 32;
const MEMORY_BYTES_MIN: u64 = 256 * MIB;
const MEMORY_BYTES_MAX: u64 = 8 * 1024 * MIB;
/// Beside its bound a broker takes another quarter of it for reads from disk, and this for everything else.
const MEMORY_BYTES_BESIDE: u64 = 256 * MIB;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "memory.swap",
        title: "swap space",
        reads: &["proc/swaps"],
        wanted: ByProfile::all(Want::Words("none")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "a broker that waits for its memory to be swapped in stops for milliseconds; it is better ended and started again",
        how: "swapoff, and its line in /etc/fstab; or MemorySwapMax=0 in the unit",
        look: swap,
        ..MEMORY
    },
    Check {
        id: "memory.swappiness",
        title: "vm.swappiness",
        reads: &["proc/sys/vm/swappiness", "proc/swaps"],
        wanted: ByProfile::all(Want::AtMost(10)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "the higher, the readier the kernel swaps out memory of processes to keep files cached, which the broker does not need",
        effect: measured("no measurable effect on a virtual machine with one NUMA node and no swap space"),
        how: "sysctl",
        at_start: true,
        look: swappiness,
        ..MEMORY
    },
    Check {
        id: "memory.huge-pages-on-demand",
        title: "transparent huge pages",
        reads: &["sys/kernel/mm/transparent_hugepage/enabled"],
        wanted: ByProfile::all(Want::OneOf(&["madvise", "never"])),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "gathering pages into huge ones stops threads at moments that nobody chose",
        effect: measured(
            "always made no measurable difference on a virtual machine; with never a broker that had just been started took a third less CPU to read from the disk, after some seconds of load no less",
        ),
        how: "write to the file; transparent_hugepage=madvise as kernel parameter",
        at_start: true,
        look: huge_pages_on_demand,
        ..MEMORY
    },
    Check {
        id: "memory.huge-pages-defrag",
        title: "compaction for huge pages",
        reads: &["sys/kernel/mm/transparent_hugepage/defrag"],
        wanted: ByProfile::all(Want::OneOf(&["madvise", "defer+madvise", "defer", "never"])),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "with 'always' a thread that needs a page moves others around first",
        how: "write to the file",
        look: huge_pages_defrag,
        ..MEMORY
    },
    Check {
        id: "memory.overcommit",
        title: "vm.overcommit_memory",
        reads: &["proc/sys/vm/overcommit_memory"],
        wanted: ByProfile::all(Want::AtMost(1)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, RECOMMENDED),
        why: "with 2 address space counts as memory, and an allocator that reserves more than it uses is refused",
        how: "sysctl",
        look: overcommit,
        ..MEMORY
    },
    Check {
        id: "memory.map-count",
        title: "vm.max_map_count",
        reads: &["proc/sys/vm/max_map_count"],
        wanted: ByProfile::all(Want::AtLeast(65530)),
        severity: ByProfile::all(INFO),
        why: "Strome maps no files, unlike Kafka, so the kernel's default is enough; below it the allocator may fail",
        how: "sysctl",
        look: one_sysctl,
        ..MEMORY
    },
    Check {
        id: "memory.dirty-pages",
        title: "dirty pages before write-back",
        reads: &[
            "proc/sys/vm/dirty_background_bytes",
            "proc/sys/vm/dirty_background_ratio",
            "proc/self/mountinfo",
        ],
        wanted: ByProfile::all(Want::Words("background write-back from 5 % on, where writes are buffered")),
        severity: ByProfile::all(INFO),
        why: "Strome writes past the page cache, where these mean nothing; on a file system without O_DIRECT \
              what gathers up is written at once, and commits wait behind it",
        effect: NO_EFFECT,
        how: "sysctl vm.dirty_background_ratio, for file systems without O_DIRECT only",
        look: dirty_pages,
        ..MEMORY
    },
    Check {
        id: "memory.write-back-times",
        title: "age of dirty pages (1/100 s)",
        reads: &[
            "proc/sys/vm/dirty_expire_centisecs",
            "proc/sys/vm/dirty_writeback_centisecs",
            "proc/self/mountinfo",
        ],
        wanted: ByProfile::all(Want::Words("at most 3000, looked at every 500, where writes are buffered")),
        severity: ByProfile::all(INFO),
        why: "as with dirty pages: without meaning under direct I/O, and never what makes a commit durable",
        effect: NO_EFFECT,
        how: "sysctl, for file systems without O_DIRECT only",
        look: write_back_times,
        ..MEMORY
    },
    Check {
        id: "memory.zone-reclaim",
        title: "vm.zone_reclaim_mode",
        reads: &["proc/sys/vm/zone_reclaim_mode"],
        wanted: ByProfile::all(Want::Is(0)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "otherwise a thread frees pages of its own node before it takes one of another, and waits meanwhile",
        effect: measured("no measurable effect on a virtual machine with one NUMA node and no swap space"),
        how: "sysctl",
        look: one_sysctl,
        ..MEMORY
    },
    Check {
        id: "memory.locked",
        title: "limit on locked memory",
        reads: &["proc/self/limits"],
        wanted: ByProfile::all(Want::Words("at least 8 MiB")),
        severity: ByProfile::all(RECOMMENDED),
        why: "buffers of io_uring are locked memory, before Linux 5.12 its rings, too; with less than 512 KiB the broker does not start",
        how: "LimitMEMLOCK=infinity in the unit, ulimit -l unlimited in a shell",
        at_start: true,
        look: locked,
        ..MEMORY
    },
    Check {
        id: "memory.huge-pages",
        title: "reserved huge pages",
        reads: &["proc/meminfo"],
        wanted: ByProfile::all(Want::Words("none that nobody uses")),
        severity: ByProfile::all(INFO),
        why: "Strome does not take reserved huge pages; those that nobody takes are lost to everybody",
        how: "sysctl vm.nr_hugepages, if nobody else needs them",
        look: huge_pages,
        ..MEMORY
    },
    Check {
        id: "memory.oom-score",
        title: "adjustment of the OOM killer's score",
        reads: &["proc/self/oom_score_adj"],
        wanted: ByProfile::each(
            Want::Words("below 0"),
            Want::Words("at most 0"),
            Want::Words("at most 0"),
            Want::Words("below 0"),
            Want::Words("at most 0"),
        ),
        severity: ByProfile::each(INFO, None, None, INFO, None),
        why: "when memory runs out the kernel ends who has most of it, and that is often the broker",
        how: "OOMScoreAdjust=-900 in the unit",
        look: oom_score,
        ..MEMORY
    },
    Check {
        id: "memory.numa-balancing",
        title: "kernel.numa_balancing",
        reads: &["proc/sys/kernel/numa_balancing", "sys/devices/system/node/node*/cpulist"],
        wanted: ByProfile::all(Want::Is(0)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, None, INFO, INFO),
        why: "shards are pinned and their memory is near; the kernel takes page faults to find out what it cannot better",
        effect: measured("no measurable effect on a virtual machine with one NUMA node and no swap space"),
        how: "sysctl",
        look: numa_balancing,
        ..MEMORY
    },
    Check {
        id: "memory.group-limit",
        title: "memory limit of the control group",
        reads: &["proc/self/cgroup", "sys/fs/cgroup/**/{memory.max,memory.limit_in_bytes}", "proc/meminfo"],
        wanted: ByProfile::all(Want::Words("5/4 of strome.memory.bytes and 256 MiB")),
        severity: ByProfile::all(REQUIRED),
        why: "without a setting the broker takes its share of the host's memory, not of the group's, and is ended when it has used it",
        how: "strome.memory.bytes, or a higher limit",
        look: group_limit,
        ..MEMORY
    },
];

/// The devices that are swapped to.
fn swap_devices(context: &Context<'_>) -> Result<Vec<String>, Gap> {
    let text = context.host.text("proc/swaps").map_err(|unread| unread.or("this kernel cannot swap"))?;
    // Below a line of headings there is one line per device.
    let devices = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    Ok(devices.map(shortened).collect())
}

fn swap(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let devices = swap_devices(context)?;
    if devices.is_empty() {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    }
    let change = Change::by_hand(format!("swapoff {}", devices.join(" ")));
    let finding = Outcome::finding(devices.join(", "), check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(change))])
}

fn swappiness(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    if swap_devices(context)?.is_empty() {
        return Err(Gap::not_applicable("there is no swap space"));
    }
    one_sysctl(context, check)
}

/// A file in which the kernel marks its choice.
fn choice(context: &Context<'_>, check: &Check, name: &str) -> Result<Vec<Seen>, Gap> {
    let path = format!("{HUGE_PAGES}/{name}");
    let text = context.host.text(&path).map_err(|unread| unread.or("this kernel has no such pages"))?;
    let word = chosen(&text).ok_or_else(|| Unread::absurd(&path, &text))?;
    Ok(vec![Seen::host(context.judge(check, word, |value| Change::write(&path, value)))])
}

fn huge_pages_on_demand(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    choice(context, check, "enabled")
}

fn huge_pages_defrag(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    choice(context, check, "defrag")
}

/// What is set is 0, the kernel's default, although 1 would do, too.
fn overcommit(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "proc/sys/vm/overcommit_memory";
    let found = context.host.value::<u64>(PATH)?;
    Ok(vec![Seen::host(context.judge(check, &found.to_string(), |_| Change::sysctl(PATH, 0)))])
}

/// Whether some directory of data lies on a file system whose writes go through the page cache.
fn has_buffered_dir(context: &Context<'_>) -> Result<bool, Gap> {
    let mounts = mounts::all(context.host)?;
    let dirs = context.broker.log_dirs.iter().map(|dir| context.host.absolute(dir));
    Ok(dirs.filter_map(|dir| mounts::of(&mounts, &dir)).any(mounts::Mount::is_buffered))
}

fn dirty_pages(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const BYTES: &str = "proc/sys/vm/dirty_background_bytes";
    const RATIO: &str = "proc/sys/vm/dirty_background_ratio";
    const PERCENT_MAX: u64 = 5;
    if !has_buffered_dir(context)? {
        return Err(Gap::not_applicable("the data is written past the page cache"));
    }
    // Of the two the one that was set last counts; the other one is 0.
    let absolute = context.host.value::<u64>(BYTES)?;
    let percent = context.host.value::<u64>(RATIO)?;
    if absolute > 0 {
        return Ok(vec![Seen::host(Outcome::fine(bytes(absolute)))]);
    }
    let found = format!("{percent} %");
    if percent <= PERCENT_MAX {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    let change = Change::sysctl(RATIO, PERCENT_MAX);
    Ok(vec![Seen::host(Outcome::finding(found, check.wanted.of(context.profile)).change(change))])
}

fn write_back_times(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    // Each with the kernel's default.
    const TIMES: [(&str, u64); 2] =
        [("proc/sys/vm/dirty_expire_centisecs", 3000), ("proc/sys/vm/dirty_writeback_centisecs", 500)];
    if !has_buffered_dir(context)? {
        return Err(Gap::not_applicable("the data is written past the page cache"));
    }
    let (mut found, mut changes) = (Vec::new(), Vec::new());
    for (path, max) in TIMES {
        let time = context.host.value::<u64>(path)?;
        found.push(time.to_string());
        // 0 switches the regular write-back off.
        if time > max || time == 0 {
            changes.push(Change::sysctl(path, max));
        }
    }
    let found = found.join(", looked at every ");
    if changes.is_empty() {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    Ok(vec![Seen::host(Outcome::finding(found, check.wanted.of(context.profile)).changes(changes))])
}

fn locked(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let limit = Limit::read(context, "Max locked memory")?.soft;
    let found = limit.map_or_else(|| "unlimited".to_owned(), bytes);
    let Some(limit) = limit.filter(|limit| *limit < LOCKED_BYTES_MIN) else {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    };
    let change = Change::Unit { key: "LimitMEMLOCK", value: "infinity".to_owned() };
    let finding = Outcome::finding(found, check.wanted.of(context.profile)).change(change);
    let is_fatal = limit < LOCKED_BYTES_REQUIRED;
    Ok(vec![Seen::host(if is_fatal { finding.severity(Severity::Required) } else { finding })])
}

/// A line of `/proc/meminfo`, in its own unit.
fn meminfo(context: &Context<'_>, name: &str) -> Result<u64, Unread> {
    const PATH: &str = "proc/meminfo";
    let text = context.host.text(PATH)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| Unread::absurd(PATH, &text))
}

fn huge_pages(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let Ok(total) = meminfo(context, "HugePages_Total") else {
        return Err(Gap::not_applicable("this kernel has no such pages"));
    };
    let free = meminfo(context, "HugePages_Free")?;
    let page = meminfo(context, "Hugepagesize")?.saturating_mul(KIB);
    if free == 0 {
        return Ok(vec![Seen::host(Outcome::fine(if total == 0 { "none" } else { "all in use" }))]);
    }
    let found = format!("{} unused", bytes(free.saturating_mul(page)));
    let used = total.saturating_sub(free);
    let change =
        Change::by_hand(format!("sysctl -w vm.nr_hugepages={used}, if nobody else is about to use them"));
    Ok(vec![Seen::host(Outcome::finding(found, check.wanted.of(context.profile)).change(change))])
}

fn oom_score(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let path = format!("proc/{}/oom_score_adj", context.process);
    let found = context.host.value::<i32>(&path)?;
    let want = check.wanted.of(context.profile);
    if found < 0 || (found == 0 && want != Want::Words("below 0")) {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    let change = Change::Unit { key: "OOMScoreAdjust", value: "-900".to_owned() };
    Ok(vec![Seen::host(Outcome::finding(found, want).change(change))])
}

fn numa_balancing(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    if numa::nodes(context).len() < 2 {
        return Err(Gap::not_applicable("the host has one NUMA node"));
    }
    one_sysctl(context, check)
}

fn group_limit(context: &Context<'_>, _: &Check) -> Result<Vec<Seen>, Gap> {
    let Some(limit) = cgroup::memory_bytes(context.host, &context.process) else {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    };
    let host = meminfo(context, "MemTotal")?.saturating_mul(KIB);
    let usual = (host / SHARE_OF_HOST).clamp(MEMORY_BYTES_MIN, MEMORY_BYTES_MAX);
    let bound = context.broker.memory.map_or(usual, |memory| memory.0);
    let needed = bound.saturating_add(bound / 4).saturating_add(MEMORY_BYTES_BESIDE);
    if limit >= needed {
        return Ok(vec![Seen::host(Outcome::fine(bytes(limit)))]);
    }
    let fitting = limit.saturating_sub(MEMORY_BYTES_BESIDE) / 5 * 4 / MIB * MIB;
    let change = if fitting == 0 {
        Change::by_hand(format!("raise the limit to {}", bytes(needed)))
    } else {
        Change::Setting { key: "strome.memory.bytes", value: fitting.to_string() }
    };
    let wanted = format!("at least {} for a bound of {}", bytes(needed), bytes(bound));
    Ok(vec![Seen::host(Outcome::finding(bytes(limit), wanted).change(change))])
}
