//! The kernel, what it allows the broker's process, and who else is on the host.

use super::{INFO, RECOMMENDED, REQUIRED, USUAL, measured};
use crate::broker::IoUring;
use crate::change::Change;
use crate::check::{Area, ByProfile, Check, Effect, Severity, Want};
use crate::context::{Context, one_sysctl, shortened};
use crate::host::Unread;
use crate::limits::Limit;
use crate::outcome::{Gap, Outcome, Seen};
use crate::processes;

const KERNEL: Check = Check { area: Area::Kernel, ..USUAL };

/// Before this io_uring cannot do what the broker cannot do without.
const VERSION_REQUIRED: (u32, u32) = (5, 11);
/// From this on it can do all that the broker makes use of.
const VERSION_WANTED: (u32, u32) = (6, 1);

/// A partition in use holds a few files open, and a connection one. 64 Ki are enough for some ten thousand of each.
const OPEN_FILES_MIN: u64 = 64 * 1024;

/// How full the table of open files may be, in per cent.
const FILE_TABLE_PERCENT_MAX: u64 = 80;

/// What keeps the clock right, by the kernel's names of the processes (15 bytes at most).
const CLOCK_KEEPERS: &[&str] = &["chronyd", "ntpd", "ntp-daemon", "systemd-timesyn", "ptp4l", "phc2sys"];

/// Parts of what the kernel says of mitigations that cost with every system call or interrupt.
const DEAR_MITIGATIONS: &[(&str, &str)] = &[
    ("meltdown", "PTI"),
    ("mds", "Clear CPU buffers"),
    ("mmio_stale_data", "Clear CPU buffers"),
    ("tsx_async_abort", "Clear CPU buffers"),
    ("reg_file_data_sampling", "Clear Register File"),
    ("spectre_v2", "Mitigation: IBRS"),
    ("retbleed", "Mitigation: IBRS"),
    ("retbleed", "untrained return thunk"),
    ("spec_rstack_overflow", "Safe RET"),
    ("spec_rstack_overflow", "IBPB"),
];

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "kernel.version",
        title: "version of Linux",
        reads: &["proc/sys/kernel/osrelease"],
        wanted: ByProfile::all(Want::Words("6.1 or later")),
        severity: ByProfile::all(RECOMMENDED),
        why: "io_uring came to all that Strome makes use of with 6.1; before 5.11 the broker does not start",
        how: "a newer kernel",
        look: version,
        ..KERNEL
    },
    Check {
        id: "kernel.io-uring",
        title: "io_uring",
        reads: &["a ring of this process"],
        wanted: ByProfile::all(Want::Words("yes")),
        severity: ByProfile::all(RECOMMENDED),
        why: "without one of these each request takes more system calls; without io_uring there is no broker",
        how: "a newer kernel; in a container a seccomp profile that allows io_uring",
        look: io_uring,
        ..KERNEL
    },
    Check {
        id: "kernel.io-uring-disabled",
        title: "kernel.io_uring_disabled",
        reads: &["proc/sys/kernel/io_uring_disabled"],
        wanted: ByProfile::all(Want::Is(0)),
        severity: ByProfile::all(REQUIRED),
        why: "all of Strome's input and output goes through io_uring; 1 allows it only to who has CAP_SYS_ADMIN or belongs to kernel.io_uring_group, 2 to nobody",
        how: "sysctl; or 1 and the broker's group in kernel.io_uring_group",
        at_start: true,
        look: io_uring_disabled,
        ..KERNEL
    },
    Check {
        id: "kernel.seccomp",
        title: "seccomp",
        reads: &["proc/self/status"],
        wanted: ByProfile::all(Want::Words("none, or a filter that allows io_uring")),
        severity: ByProfile::each(INFO, INFO, INFO, INFO, RECOMMENDED),
        why: "a filter can forbid io_uring, as the usual ones of container engines do; it costs a little with every system call",
        how: "--security-opt seccomp=PROFILE of the container, SystemCallFilter of the unit",
        look: seccomp,
        ..KERNEL
    },
    Check {
        id: "kernel.open-files",
        title: "limit on open files",
        reads: &["proc/self/limits"],
        wanted: ByProfile::all(Want::AtLeast(OPEN_FILES_MIN)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, RECOMMENDED),
        why: "connections and segments of partitions need one each; the broker raises its limit as far as this hard one",
        how: "LimitNOFILE=1048576 in the unit, ulimit -Hn in a shell",
        at_start: true,
        look: open_files,
        ..KERNEL
    },
    Check {
        id: "kernel.file-table",
        title: "open files of the host",
        reads: &["proc/sys/fs/file-nr"],
        wanted: ByProfile::all(Want::Words("at most 80 % of fs.file-max")),
        severity: ByProfile::all(RECOMMENDED),
        why: "when the host has no more of them nobody but root can open or accept anything",
        how: "sysctl fs.file-max, or find who has them",
        look: file_table,
        ..KERNEL
    },
    Check {
        id: "kernel.aio",
        title: "fs.aio-max-nr",
        reads: &["proc/sys/fs/aio-max-nr"],
        wanted: ByProfile::all(Want::Words("any")),
        severity: ByProfile::all(INFO),
        why: "it bounds Linux's older interface for direct I/O, which Strome does not use",
        how: "nothing to do",
        look: aio,
        ..KERNEL
    },
    Check {
        id: "kernel.core-dumps",
        title: "core dumps",
        reads: &["proc/self/limits", "proc/sys/kernel/core_pattern"],
        wanted: ByProfile::all(Want::Words("none, or to a program or a folder of their own")),
        severity: ByProfile::each(INFO, INFO, None, INFO, INFO),
        why: "a core holds the whole memory with the records in it, and may fill up the disk of the folder that the broker was started in",
        how: "sysctl kernel.core_pattern, or LimitCORE=0 in the unit",
        look: core_dumps,
        ..KERNEL
    },
    Check {
        id: "kernel.time-sync",
        title: "time synchronisation",
        reads: &["proc/*/comm", "run/systemd/timesync/synchronized"],
        wanted: ByProfile::all(Want::Words("chrony, ntpd, timesyncd or PTP")),
        severity: ByProfile::each(RECOMMENDED, INFO, INFO, RECOMMENDED, None),
        why: "timestamps, retention by time and lookups by time go by the clock, and those of several hosts should agree",
        how: "install chrony",
        look: time_sync,
        ..KERNEL
    },
    Check {
        id: "kernel.entropy",
        title: "entropy",
        reads: &["proc/sys/kernel/random/entropy_avail"],
        wanted: ByProfile::all(Want::AtLeast(200)),
        severity: ByProfile::all(INFO),
        why: "a program that asks for random numbers before the kernel has gathered enough waits for it; since Linux 5.18 this is 256 from then on",
        how: "a virtio-rng device for a virtual machine, rng-tools elsewhere",
        look: entropy,
        ..KERNEL
    },
    Check {
        id: "kernel.mitigations",
        title: "dear mitigations",
        reads: &["sys/devices/system/cpu/vulnerabilities/*"],
        wanted: ByProfile::all(Want::Words("none that cost with every system call")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "they make every system call and interrupt dearer, and keep programs on this host from reading each other's memory",
        how: "a processor without the fault; mitigations=off only where all code on the host is trusted",
        look: mitigations,
        ..KERNEL
    },
    Check {
        id: "kernel.second-broker",
        title: "other brokers on the host",
        reads: &["proc/*/comm", "proc/*/cmdline"],
        wanted: ByProfile::all(Want::Words("none")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "two brokers pin their shards to the same CPUs, each of which then waits for the other, and share the disks",
        how: "a host for each, or strome.cpus that do not overlap",
        look: second_broker,
        ..KERNEL
    },
    Check {
        id: "kernel.autogroup",
        title: "kernel.sched_autogroup_enabled",
        reads: &["proc/sys/kernel/sched_autogroup_enabled"],
        wanted: ByProfile::all(Want::Is(0)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, None, RECOMMENDED, INFO),
        why: "processors are shared out between sessions before they are between threads, and beside busy programs of other sessions a pinned shard can wait for seconds; \
              a service whose control group has its own share of the processors is no part of it",
        effect: Some(Effect {
            text: "with three busy programs of other sessions on 2 CPUs a shard waited for its CPU for 1.5 to 3.6 s at the longest, without grouping 0.4 to 0.5 s; the 99th percentile of one program's 100 producers, in spans of ten seconds, was 1.7 to 35 s instead of 0.2 to 3.0 s",
            run: "2026-11-23-intel-xeon-2-cores-24-gib-openmessaging",
        }),
        how: "sysctl",
        look: one_sysctl,
        ..KERNEL
    },
    Check {
        id: "kernel.memory-monitor",
        title: "the kernel's memory monitor (DAMON)",
        reads: &["proc/*/comm", "proc/*/cmdline"],
        wanted: ByProfile::all(Want::Words("not running")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, None, INFO, None),
        why: "again and again it looks at memory, and may page out what nobody has used for a while; a shard on its CPU waits meanwhile, for 1 to 7 ms where it was seen",
        how: "turn off what set it up",
        look: memory_monitor,
        ..KERNEL
    },
    Check {
        id: "kernel.heavy-processes",
        title: "other busy processes",
        reads: &["proc/*/stat", "proc/uptime"],
        wanted: ByProfile::all(Want::Words("none with more than half a CPU")),
        severity: ByProfile::each(INFO, RECOMMENDED, None, INFO, INFO),
        why: "what runs on a shard's CPU makes the shard wait for a time slice of milliseconds",
        effect: measured(
            "with a busy process on each of 2 CPUs the 99th percentile of producers' latency was 20 times as long (14 to 33), the median 1.3 times, and reading ran at two thirds of its rate",
        ),
        how: "move it to another host, or to CPUs without shards (CPUAffinity of its unit)",
        look: heavy_processes,
        ..KERNEL
    },
];

fn version(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "proc/sys/kernel/osrelease";
    let text = context.host.text(PATH)?;
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return Err(Unread::absurd(PATH, &text).into());
    };
    let found = shortened(&text);
    if (major, minor) >= VERSION_WANTED {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    let finding = Outcome::finding(found, check.wanted.of(context.profile))
        .change(Change::by_hand("install a newer kernel"));
    let is_fatal = (major, minor) < VERSION_REQUIRED;
    Ok(vec![Seen::host(if is_fatal { finding.severity(Severity::Required) } else { finding })])
}

fn io_uring(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let want = check.wanted.of(context.profile);
    match &context.broker.io_uring {
        IoUring::NotTried => Err(Gap::Unknown("it was not tried".to_owned())),
        IoUring::Failed(error) => {
            let finding = Outcome::finding(error, "a ring").severity(Severity::Required);
            let change = Change::by_hand(
                "see kernel.version, kernel.io-uring-disabled, kernel.seccomp, memory.locked",
            );
            Ok(vec![Seen::host(finding.change(change))])
        }
        IoUring::Tried(abilities) => Ok(abilities
            .iter()
            .map(|ability| {
                let change = Change::by_hand(format!("Linux {} or later has it", ability.since));
                let missing = || Outcome::finding("no", want).change(change).into();
                let outcome = if ability.is_there { Outcome::fine("yes") } else { missing() };
                Seen::of(ability.name, outcome)
            })
            .collect()),
    }
}

fn io_uring_disabled(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "proc/sys/kernel/io_uring_disabled";
    let found = context.host.value::<u64>(PATH);
    let found = found.map_err(|unread| unread.or("this kernel cannot switch it off"))?;
    let mut outcome = context.judge(check, &found.to_string(), |value| Change::sysctl(PATH, value));
    if let (Outcome::Finding(finding), 1) = (&mut outcome, found) {
        finding.severity = Some(Severity::Recommended);
    }
    Ok(vec![Seen::host(outcome)])
}

fn seccomp(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let mode = context.status("Seccomp").map_err(|_| Gap::not_applicable("this kernel has no seccomp"))?;
    let outcome = match (mode.as_str(), &context.broker.io_uring) {
        ("0", _) => Outcome::fine("none"),
        ("1" | "2", IoUring::Tried(_)) => Outcome::fine("a filter that allows io_uring"),
        ("1" | "2", tried) => {
            let change =
                Change::by_hand("allow io_uring_setup, io_uring_enter and io_uring_register in the profile");
            let finding = Outcome::finding("a filter", check.wanted.of(context.profile)).change(change);
            let is_fatal = matches!(tried, IoUring::Failed(_));
            if is_fatal { finding.severity(Severity::Required).into() } else { finding.into() }
        }
        (other, _) => Outcome::unknown(format!("seccomp mode '{}' is not known", shortened(other))),
    };
    Ok(vec![Seen::host(outcome)])
}

fn open_files(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let outcome = match Limit::read(context, "Max open files")?.hard {
        None => Outcome::fine("unlimited"),
        Some(hard) => context.judge(check, &hard.to_string(), |_| Change::Unit {
            key: "LimitNOFILE",
            value: "1048576".to_owned(),
        }),
    };
    Ok(vec![Seen::host(outcome)])
}

fn file_table(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "proc/sys/fs/file-nr";
    let text = context.host.text(PATH)?;
    let numbers: Vec<u64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [open, free, max] = numbers[..] else {
        return Err(Unread::absurd(PATH, &text).into());
    };
    let open = open.saturating_sub(free);
    let percent = u128::from(open) * 100 / u128::from(max.max(1));
    let found = format!("{open} of {max}");
    if percent <= u128::from(FILE_TABLE_PERCENT_MAX) {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    let change = Change::sysctl("proc/sys/fs/file-max", max.saturating_mul(2));
    Ok(vec![Seen::host(Outcome::finding(found, check.wanted.of(context.profile)).change(change))])
}

fn aio(context: &Context<'_>, _: &Check) -> Result<Vec<Seen>, Gap> {
    let max = context.host.value::<u64>("proc/sys/fs/aio-max-nr");
    let max = max.map_err(|unread| unread.or("this kernel has no such interface"))?;
    Ok(vec![Seen::host(Outcome::fine(format!("{max}, and not used")))])
}

fn core_dumps(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "proc/sys/kernel/core_pattern";
    let limit = Limit::read(context, "Max core file size")?;
    let pattern = context.host.text(PATH)?;
    let shown = shortened(&pattern);
    // A program gets cores whatever the limit is.
    if pattern.starts_with('|') || pattern.starts_with('/') {
        return Ok(vec![Seen::host(Outcome::fine(shown))]);
    }
    if limit.soft == Some(0) || pattern.is_empty() {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    }
    let change = Change::sysctl(PATH, "/var/crash/core.%e.%p");
    let found = format!("'{shown}' in the folder that the broker was started in");
    Ok(vec![Seen::host(Outcome::finding(found, check.wanted.of(context.profile)).change(change))])
}

fn time_sync(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let all = processes::all(context.host);
    if let Some(keeper) = all.iter().find(|process| CLOCK_KEEPERS.contains(&process.name.as_str())) {
        return Ok(vec![Seen::host(Outcome::fine(&keeper.name))]);
    }
    if context.host.has("run/systemd/timesync/synchronized") {
        return Ok(vec![Seen::host(Outcome::fine("systemd-timesyncd"))]);
    }
    if all.is_empty() {
        return Err(Gap::Unknown("no processes can be seen".to_owned()));
    }
    let finding = Outcome::finding("none", check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(Change::by_hand("install chrony and enable its service")))])
}

fn entropy(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let found = context.host.value::<u64>("proc/sys/kernel/random/entropy_avail")?;
    let by_hand = |_| Change::by_hand("add a virtio-rng device, or install rng-tools");
    Ok(vec![Seen::host(context.judge(check, &found.to_string(), by_hand))])
}

fn mitigations(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const FOLDER: &str = "sys/devices/system/cpu/vulnerabilities";
    let names = context.host.names(FOLDER).map_err(|unread| unread.or("this kernel does not say"))?;
    let is_dear = |name: &String| {
        let text = context.host.text(&format!("{FOLDER}/{name}")).unwrap_or_default();
        DEAR_MITIGATIONS.iter().any(|(of, part)| of == name && text.contains(part))
    };
    let dear: Vec<_> = names.into_iter().filter(is_dear).collect();
    if dear.is_empty() {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    }
    let change =
        Change::by_hand("mitigations=off as kernel parameter, only where all code on the host is trusted");
    let finding = Outcome::finding(dear.join(", "), check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(change))])
}

fn second_broker(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let is_other = |process: &&processes::Process| match process.name.as_str() {
        "strome" => process.id.to_string() != context.process && process.is_strome(context.host),
        "java" => process.command(context.host).contains(" kafka.Kafka"),
        "redpanda" => true,
        _ => false,
    };
    let all = processes::all(context.host);
    let others: Vec<_> =
        all.iter().filter(is_other).map(|process| format!("{} ({})", process.name, process.id)).collect();
    if others.is_empty() {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    }
    let finding = Outcome::finding(others.join(", "), check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(Change::by_hand("give each broker a host, or CPUs of its own")))])
}

/// The kernel has a thread for each monitor that is set up.
fn memory_monitor(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let is_monitor = |process: &&processes::Process| {
        process.name.starts_with("kdamond.") && process.command(context.host).is_empty()
    };
    let all = processes::all(context.host);
    let monitors: Vec<_> =
        all.iter().filter(is_monitor).map(|process| format!("{} ({})", process.name, process.id)).collect();
    if monitors.is_empty() {
        return Ok(vec![Seen::host(Outcome::fine("not running"))]);
    }
    let finding = Outcome::finding(monitors.join(", "), check.wanted.of(context.profile));
    let advice = "turn off the service that set it up, damon_reclaim.enabled or damon_lru_sort.enabled; where a virtual machine came with it, its provider may need it";
    Ok(vec![Seen::host(finding.change(Change::by_hand(advice)))])
}

/// Processes that have taken more than half a CPU since they were started.
fn heavy_processes(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "proc/uptime";
    const SHOWN: usize = 3;
    let text = context.host.text(PATH)?;
    let uptime = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    let uptime = uptime.filter(|time| time.is_finite()).ok_or_else(|| Unread::absurd(PATH, &text))?;
    let own = std::process::id();
    let mut heavy: Vec<(f64, String)> = processes::all(context.host)
        .iter()
        .filter(|process| process.id != own && process.id.to_string() != context.process)
        .filter_map(|process| {
            let share = process.cpu_share(context.host, uptime)?;
            // The kernel's own threads have no command line.
            let is_heavy = share > 0.5 && !process.command(context.host).is_empty();
            is_heavy.then(|| (share, format!("{} ({})", shortened(&process.name), process.id)))
        })
        .collect();
    if heavy.is_empty() {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    }
    heavy.sort_by(|a, b| b.0.total_cmp(&a.0));
    let shown = heavy.iter().take(SHOWN).map(|(share, name)| format!("{name}: {share:.1} CPUs"));
    let found = shown.collect::<Vec<_>>().join(", ");
    let finding = Outcome::finding(found, check.wanted.of(context.profile));
    Ok(vec![Seen::host(
        finding.change(Change::by_hand("move it to another host, or to CPUs without shards")),
    )])
}
