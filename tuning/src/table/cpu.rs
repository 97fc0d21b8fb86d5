//! Processors: their clock, their sleep, who else uses them, and where the shards are.

use std::collections::{BTreeMap, BTreeSet};

use super::{INFO, RECOMMENDED, REQUIRED, USUAL};
use crate::change::Change;
use crate::check::{Area, ByProfile, Check, Want};
use crate::context::{CPUS, Context};
use crate::cpu_list::CpuList;
use crate::host::Unread;
use crate::outcome::{Gap, Outcome, Seen};
use crate::{Profile, cgroup};

const CPU: Check = Check { area: Area::Cpu, ..USUAL };

const GOVERNORS: &[&str] = &["performance"];
const CLOCKS: &[&str] = &["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];
/// The largest share of time that a hypervisor may give to others, in per cent.
const STEAL_PERCENT_MAX: f64 = 1.0;
/// For how long the kernel's own default lets a virtual processor look for work before it halts.
const HALT_POLL_NS: u64 = 200_000;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "cpu.governor",
        title: "frequency governor",
        reads: &["sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"],
        wanted: ByProfile::all(Want::OneOf(GOVERNORS)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, INFO, INFO),
        why: "a processor that slows down between requests answers the next one late",
        how: "write the governor's name; `script` makes it last",
        at_start: true,
        look: governor,
        ..CPU
    },
    Check {
        id: "cpu.energy-preference",
        title: "energy preference",
        reads: &["sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference"],
        wanted: ByProfile::all(Want::OneOf(GOVERNORS)),
        severity: ByProfile::each(INFO, RECOMMENDED, None, INFO, None),
        why: "a processor that manages its clock itself takes this as how readily it may slow down",
        how: "write the preference",
        look: energy_preference,
        ..CPU
    },
    Check {
        id: "cpu.frequency-driver",
        title: "frequency driver",
        reads: &["sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"],
        wanted: ByProfile::all(Want::Words("the processor's own: intel_pstate, amd-pstate, cppc_cpufreq")),
        severity: ByProfile::each(INFO, INFO, INFO, INFO, None),
        why: "the firmware's driver knows a few steps only and changes them slowly",
        how: "the kernel parameters intel_pstate=active and amd_pstate=active, and the firmware's setup",
        look: frequency_driver,
        ..CPU
    },
    Check {
        id: "cpu.turbo",
        title: "turbo",
        reads: &["sys/devices/system/cpu/intel_pstate/no_turbo", "sys/devices/system/cpu/cpufreq/boost"],
        wanted: ByProfile::each(
            Want::Words("on"),
            Want::Words("off"),
            Want::Words("on"),
            Want::Words("on"),
            Want::Words("on"),
        ),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "turbo makes single cores faster; its gain depends on temperature and neighbours, so benchmarks repeat better without it",
        how: "write to the file of the driver",
        look: turbo,
        ..CPU
    },
    Check {
        id: "cpu.idle-states",
        title: "time to wake up (us)",
        reads: &[
            "dev/cpu_dma_latency",
            "sys/devices/system/cpu/cpu*/power/pm_qos_resume_latency_us",
            "sys/devices/system/cpu/cpu*/cpuidle/state*/{name,latency,disable}",
        ],
        wanted: ByProfile::each(
            Want::AtMost(100),
            Want::AtMost(10),
            Want::AtMost(1000),
            Want::AtMost(100),
            Want::AtMost(100),
        ),
        severity: ByProfile::each(INFO, RECOMMENDED, None, INFO, None),
        why: "a core in deep sleep takes that long to begin with a request; a shard without work sleeps",
        how: "let the broker ask for it (strome.cpus.awake, the default), which takes write permission for /dev/cpu_dma_latency; or \
              switch deeper states off",
        look: idle_states,
        ..CPU
    },
    Check {
        id: "cpu.halt-poll",
        title: "wait before a halt (ns)",
        reads: &[
            "sys/devices/system/cpu/cpuidle/current_governor",
            "sys/module/haltpoll/parameters/guest_halt_poll_ns",
        ],
        wanted: ByProfile::all(Want::AtLeast(HALT_POLL_NS)),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "a virtual processor that halts leaves its core to the hypervisor and may have to wait for it again; where the broker \
              may not keep it awake (cpu.idle-states), a shard under load mostly sleeps for less than this",
        how: "write the kernel's own default; the kernel parameter haltpoll.guest_halt_poll_ns makes it last, too",
        look: halt_poll,
        ..CPU
    },
    Check {
        id: "cpu.smt",
        title: "shards that share a core",
        reads: &["sys/devices/system/cpu/cpu*/topology/thread_siblings_list"],
        wanted: ByProfile::all(Want::Words("a core for each shard")),
        severity: ByProfile::each(INFO, RECOMMENDED, None, INFO, None),
        why: "two shards on one core share its units and caches, and slow each other down at moments that nobody chose",
        how: "name one CPU of each core in strome.cpus",
        look: smt,
        ..CPU
    },
    Check {
        id: "cpu.isolated",
        title: "isolated CPUs",
        reads: &["sys/devices/system/cpu/isolated", "sys/devices/system/cpu/nohz_full"],
        wanted: ByProfile::all(Want::Words("shards on them, or none")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, INFO, INFO),
        why: "nothing runs on isolated CPUs that does not ask for them, so they lie idle unless strome.cpus names them; \
              nohz_full makes every system call dearer",
        how: "strome.cpus and CPUAffinity of the unit, or the kernel parameters isolcpus and nohz_full",
        look: isolated,
        ..CPU
    },
    Check {
        id: "cpu.numa",
        title: "NUMA node of the shards",
        reads: &[
            "sys/devices/system/node/node*/cpulist",
            "sys/class/net/*/device/numa_node",
            "sys/class/block/*/device/numa_node",
        ],
        wanted: ByProfile::all(Want::Words("that of the network card and the disks")),
        severity: ByProfile::each(INFO, RECOMMENDED, None, INFO, None),
        why: "what a device on another node reads and writes crosses the link between the sockets, which all of them share",
        how: "name CPUs of the devices' node in strome.cpus, or move the card",
        look: super::numa::shards,
        ..CPU
    },
    Check {
        id: "cpu.quota",
        title: "CPU quota",
        reads: &[
            "proc/self/cgroup",
            "sys/fs/cgroup/**/{cpu.max,cpu.stat,cpu.cfs_quota_us,cpu.cfs_period_us}",
        ],
        wanted: ByProfile::all(Want::Words("none, or a whole CPU for each shard")),
        severity: ByProfile::all(RECOMMENDED),
        why: "a group that has used up its quota stands still for the rest of the period, up to 100 ms, whatever waits for it",
        how: "CPUQuota of the unit, --cpus of the container (--cpuset-cpus instead), or fewer shards with strome.shards",
        look: quota,
        ..CPU
    },
    Check {
        id: "cpu.cpuset",
        title: "CPUs that the process may use",
        reads: &["proc/self/status", "sys/devices/system/cpu/online"],
        wanted: ByProfile::all(Want::Words("all that strome.cpus names")),
        severity: ByProfile::all(REQUIRED),
        why: "a shard that may not run on its CPU keeps the broker from starting",
        how: "strome.cpus, CPUAffinity and AllowedCPUs of the unit, --cpuset-cpus of the container",
        look: cpuset,
        ..CPU
    },
    Check {
        id: "cpu.clock-source",
        title: "clock source",
        reads: &[
            "sys/devices/system/clocksource/clocksource0/current_clocksource",
            "sys/devices/system/clocksource/clocksource0/available_clocksource",
        ],
        wanted: ByProfile::all(Want::OneOf(CLOCKS)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "with any other, asking for the time is a system call instead of a look into memory",
        how: "write its name where the kernel offers it; if not, the kernel has found it unstable: see its log",
        look: clock_source,
        ..CPU
    },
    Check {
        id: "cpu.steal",
        title: "stolen time since the start",
        reads: &["proc/stat"],
        wanted: ByProfile::all(Want::Words("at most 1 % of it")),
        severity: ByProfile::each(INFO, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "the hypervisor gave this time to others while a CPU here had something to do",
        how: "dedicated or larger instances, or fewer guests on the host",
        look: steal,
        ..CPU
    },
];

/// What a file of each online CPU says, for those that have it.
fn of_each_cpu(context: &Context<'_>, file: &str) -> Result<BTreeMap<u32, String>, Unread> {
    let mut values = BTreeMap::new();
    for cpu in context.online_cpus()?.0 {
        match context.host.text(&format!("{CPUS}/cpu{cpu}/{file}")) {
            Ok(text) => drop(values.insert(cpu, text)),
            Err(unread) if unread.is_missing() => {}
            Err(unread) => return Err(unread),
        }
    }
    Ok(values)
}

/// A file of each CPU that should say what the table wants.
fn each_cpu(context: &Context<'_>, check: &Check, file: &str, absent: &str) -> Result<Vec<Seen>, Gap> {
    let values = of_each_cpu(context, file)?;
    let Some(usual) = values.values().next() else {
        return Err(Gap::not_applicable(absent));
    };
    let want = check.wanted.of(context.profile);
    let others: Vec<_> = values.iter().filter(|(_, value)| want.suits(value) == Some(false)).collect();
    let Some((_, first)) = others.first() else {
        return Ok(vec![Seen::host(Outcome::fine(usual))]);
    };
    let value = want.to_set().unwrap_or_default();
    let changes = others.iter().map(|(cpu, _)| Change::write(format!("{CPUS}/cpu{cpu}/{file}"), &value));
    let first = crate::context::shortened(first);
    let found = format!("{first} on {} of {} CPUs", others.len(), values.len());
    Ok(vec![Seen::host(Outcome::finding(found, want).changes(changes))])
}

fn governor(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_cpu(context, check, "cpufreq/scaling_governor", "the clock cannot be set from here")
}

fn energy_preference(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_cpu(
        context,
        check,
        "cpufreq/energy_performance_preference",
        "the processor knows no such preference",
    )
}

fn frequency_driver(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const FIRMWARE: &[&str] = &["acpi-cpufreq", "pcc-cpufreq"];
    let path = format!("{CPUS}/cpu0/cpufreq/scaling_driver");
    let driver = context.host.text(&path).map_err(|unread| unread.or("the clock cannot be set from here"))?;
    if !FIRMWARE.contains(&driver.as_str()) {
        return Ok(vec![Seen::host(Outcome::fine(driver))]);
    }
    let processors = context.host.text("proc/cpuinfo").unwrap_or_default();
    let parameter =
        if processors.contains("AuthenticAMD") { "amd_pstate=active" } else { "intel_pstate=active" };
    let finding = Outcome::finding(driver, check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(Change::Boot { parameter: parameter.to_owned() }))])
}

fn turbo(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    // The first says what is off, the second what is on.
    let places = [(format!("{CPUS}/intel_pstate/no_turbo"), "0"), (format!("{CPUS}/cpufreq/boost"), "1")];
    let want = check.wanted.of(context.profile);
    for (path, on) in places {
        let found = match context.host.text(&path) {
            Err(unread) if unread.is_missing() => continue,
            found => found?,
        };
        let word = match found.as_str() {
            "0" | "1" => {
                if found == on {
                    "on"
                } else {
                    "off"
                }
            }
            _ => return Err(Unread::absurd(&path, &found).into()),
        };
        if want == Want::Words(word) {
            return Ok(vec![Seen::host(Outcome::fine(word))]);
        }
        let other = if found == "0" { "1" } else { "0" };
        return Ok(vec![Seen::host(Outcome::finding(word, want).change(Change::write(path, other)))]);
    }
    Err(Gap::not_applicable("turbo cannot be set from here"))
}

/// The longest that each CPU may take to wake up: its deepest state that is on, unless somebody has asked for less.
fn idle_states(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let want = check.wanted.of(context.profile);
    let Want::AtMost(limit_us) = want else {
        return Err(Gap::not_applicable("nothing is wanted"));
    };
    if let Some(asked) = context.host.wake_up_us_max().filter(|asked| u64::from(*asked) <= limit_us) {
        return Ok(vec![Seen::host(Outcome::fine(format!("{asked}, which a process has asked for")))]);
    }
    let (mut worst, mut names, mut changes, mut seen) = (0, BTreeSet::new(), Vec::new(), false);
    for cpu in context.online_cpus()?.0 {
        // Of a single CPU 0 means that nobody has asked for less, and n/a that it may not sleep at all.
        let own = context.host.text(&format!("{CPUS}/cpu{cpu}/power/pm_qos_resume_latency_us"));
        let is_bounded = |own: String| match own.parse::<u64>() {
            Ok(own) => own > 0 && own <= limit_us,
            Err(_) => own == "n/a",
        };
        if own.is_ok_and(is_bounded) {
            seen = true;
            continue;
        }
        let folder = format!("{CPUS}/cpu{cpu}/cpuidle");
        for state in context.host.names(&folder).unwrap_or_default() {
            let path = format!("{folder}/{state}");
            let Ok(latency) = context.host.value::<u64>(&format!("{path}/latency")) else { continue };
            seen = true;
            let off = format!("{path}/disable");
            let is_on = context.host.text(&off).is_ok_and(|text| text == "0");
            if latency > limit_us && is_on {
                worst = worst.max(latency);
                names.insert(context.host.text(&format!("{path}/name")).unwrap_or(state));
                changes.push(Change::write(off, 1));
            }
        }
    }
    if !seen {
        return Err(Gap::not_applicable("the idle states cannot be seen from here"));
    }
    if changes.is_empty() {
        return Ok(vec![Seen::host(Outcome::fine(want))]);
    }
    let names: Vec<_> = names.iter().map(|name| crate::context::shortened(name)).collect();
    let found = format!("{worst} from {}", names.join(", "));
    Ok(vec![Seen::host(Outcome::finding(found, want).changes(changes))])
}

/// Only where the kernel waits at all: others than haltpoll halt at once, or sleep as the processor lets them.
fn halt_poll(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "sys/module/haltpoll/parameters/guest_halt_poll_ns";
    let governor = context.host.text(&format!("{CPUS}/cpuidle/current_governor")).unwrap_or_default();
    if governor != "haltpoll" {
        return Err(Gap::not_applicable("the idle governor is not haltpoll, that of virtual machines"));
    }
    let found: u64 = context.host.value(PATH)?;
    if found >= HALT_POLL_NS {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    let finding = Outcome::finding(found, check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(Change::write(PATH, HALT_POLL_NS)))])
}

fn smt(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let shards = context.shard_cpus()?;
    let siblings = of_each_cpu(context, "topology/thread_siblings_list")?;
    if siblings.is_empty() {
        return Err(Gap::not_applicable("the host does not say which CPUs share a core"));
    }
    let cores: BTreeSet<BTreeSet<u32>> =
        siblings.values().filter_map(|text| CpuList::parse(text)).map(|list| list.0).collect();
    let crowded: Vec<CpuList> = cores
        .iter()
        .map(|core| CpuList(core.clone()).shared_with(&shards))
        .filter(|shared| shared.count() > 1)
        .collect();
    let Some(first) = crowded.first() else {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    };
    let firsts: CpuList =
        cores.iter().filter_map(|core| core.intersection(&shards.0).next().copied()).collect();
    let value = firsts.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let found = format!("{} cores with several, such as CPUs {first}", crowded.len());
    let finding = Outcome::finding(found, check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(Change::Setting { key: "strome.cpus", value }))])
}

fn isolated(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let list = |name: &str| match context.cpu_list(&format!("{CPUS}/{name}")) {
        Err(unread) if unread.is_missing() => Ok(CpuList::default()),
        list => list,
    };
    let (isolated, without_ticks) = (list("isolated")?, list("nohz_full")?);
    let shards = context.shard_cpus()?;
    let want = check.wanted.of(context.profile);
    let idle = isolated.without(&shards);
    if idle.count() > 0 {
        let all: Vec<_> = isolated.0.iter().map(ToString::to_string).collect();
        let change = Change::Setting { key: "strome.cpus", value: all.join(",") };
        // A process may not use them unless its affinity names them.
        let affinity = Change::Unit { key: "CPUAffinity", value: all.join(" ") };
        let finding =
            Outcome::finding(format!("{idle} without a shard"), want).change(change).change(affinity);
        return Ok(vec![Seen::host(finding)]);
    }
    let dear = without_ticks.shared_with(&shards);
    if dear.count() > 0 {
        let finding = Outcome::finding(format!("shards on CPUs {dear} with nohz_full"), want)
            .severity(crate::Severity::Info)
            .change(Change::by_hand("leave nohz_full out of the kernel's parameters"));
        return Ok(vec![Seen::host(finding)]);
    }
    let found = if isolated.count() == 0 { "none".to_owned() } else { format!("{isolated}, with shards") };
    Ok(vec![Seen::host(Outcome::fine(found))])
}

fn quota(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let Some(quota) = cgroup::quota(context.host, &context.process) else {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    };
    let shards = context.shard_cpus()?.count();
    let throttled =
        if quota.throttled == 0 { String::new() } else { format!(", used up {} times", quota.throttled) };
    let found = format!("{:.1} CPUs for {shards} shards{throttled}", quota.cpus);
    if quota.cpus >= shards as f64 {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    let fitting = (quota.cpus.floor() as usize).max(1);
    let change = Change::Setting { key: "strome.shards", value: fitting.to_string() };
    Ok(vec![Seen::host(Outcome::finding(found, check.wanted.of(context.profile)).change(change))])
}

fn cpuset(context: &Context<'_>, _: &Check) -> Result<Vec<Seen>, Gap> {
    let allowed = context.allowed_cpus()?;
    let missing = context.broker.chosen_cpus.without(&allowed);
    if missing.count() > 0 {
        let usable: Vec<_> = allowed.0.iter().map(ToString::to_string).collect();
        let change = Change::Setting { key: "strome.cpus", value: usable.join(",") };
        let finding = Outcome::finding(allowed, format!("also {missing}, which strome.cpus names"));
        return Ok(vec![Seen::host(finding.change(change))]);
    }
    let others = context.online_cpus().map(|online| online.without(&allowed)).unwrap_or_default();
    let found =
        if others.count() == 0 { allowed.to_string() } else { format!("{allowed}, and not {others}") };
    Ok(vec![Seen::host(Outcome::fine(found))])
}

fn clock_source(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const FOLDER: &str = "sys/devices/system/clocksource/clocksource0";
    let path = format!("{FOLDER}/current_clocksource");
    let current = context.host.text(&path)?;
    if CLOCKS.contains(&current.as_str()) {
        return Ok(vec![Seen::host(Outcome::fine(current))]);
    }
    let offered = context.host.text(&format!("{FOLDER}/available_clocksource")).unwrap_or_default();
    let better = CLOCKS.iter().find(|clock| offered.split_whitespace().any(|name| name == **clock));
    let change = match better {
        Some(clock) => Change::write(path, clock),
        None => Change::by_hand("see the kernel's log for why it does not offer a better one"),
    };
    let found = crate::context::shortened(&current);
    Ok(vec![Seen::host(Outcome::finding(found, check.wanted.of(context.profile)).change(change))])
}

fn steal(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "proc/stat";
    /// User, nice, system, idle, waiting, interrupts, soft interrupts, stolen; guests are counted as users, too.
    const STATES: usize = 8;
    let text = context.host.text(PATH)?;
    let absurd = || Unread::absurd(PATH, &text);
    let line = text.lines().find_map(|line| line.strip_prefix("cpu ")).ok_or_else(absurd)?;
    let times: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).take(STATES).collect();
    let (Some(stolen), true) = (times.last(), times.len() == STATES) else {
        return Err(absurd().into());
    };
    let total: f64 = times.iter().map(|time| *time as f64).sum();
    let percent = if total > 0.0 { *stolen as f64 * 100.0 / total } else { 0.0 };
    let found = format!("{percent:.1} %");
    if percent <= STEAL_PERCENT_MAX {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    let place = if context.profile == Profile::Container { "host" } else { "hypervisor" };
    let change = Change::by_hand(format!("ask who runs the {place} for dedicated CPUs"));
    Ok(vec![Seen::host(Outcome::finding(found, check.wanted.of(context.profile)).change(change))])
}
