//! The machine that a run was made on, as far as it matters, and how busy it was.

use std::collections::BTreeSet;
use std::fs;

use crate::process::number_after;

/// What is known of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// The processor's name.
    pub cpu: String,
    /// Processors that this process may use, and those that there are.
    pub cpus_usable: usize,
    /// See above.
    pub cpus: usize,
    /// Whether a hypervisor is below it.
    pub is_virtual: bool,
    /// Of memory.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The frequency governor of the first processor, where there is one.
    pub governor: Option<String>,
    /// How many microseconds a processor may take to wake up, if some process has asked the kernel for that and this one may know.
    pub wake_up_us_max: Option<u32>,
    /// Whether the kernel shares processors out between sessions before it does between threads (`sched_autogroup_enabled`).
    pub autogroup: Option<bool>,
}

impl Host {
    /// This one.
    #[must_use]
    pub fn this() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let uname = rustix::system::uname();
        let governor = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").ok();
        let autogroup = fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled").ok();
        Self {
            cpu: field(&cpuinfo, "model name").unwrap_or(uname.machine().to_string_lossy().into_owned()),
            cpus_usable: reactor::cores().len(),
            cpus: cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
            is_virtual: field(&cpuinfo, "flags")
                .is_some_and(|flags| flags.split(' ').collect::<BTreeSet<_>>().contains("hypervisor")),
            memory_bytes: number_after(&meminfo, "MemTotal:").unwrap_or_default() * 1024,
            kernel: uname.release().to_string_lossy().into_owned(),
            governor: governor.map(|governor| governor.trim().to_owned()),
            wake_up_us_max: tuning::Host::real().wake_up_us_max(),
            autogroup: autogroup.map(|enabled| enabled.trim() != "0"),
        }
    }
}

/// What programs of this machine have written and the kernel has yet to bring to the disks. It does so when it sees fit, for
/// half a minute and longer, and whoever writes to the same disk meanwhile waits for it.
pub(crate) fn unwritten_bytes() -> u64 {
    unwritten_in(&fs::read_to_string("/proc/meminfo").unwrap_or_default())
}

fn unwritten_in(meminfo: &str) -> u64 {
    let kib = |name| number_after(meminfo, name).unwrap_or_default();
    (kib("Dirty:") + kib("Writeback:")) * 1024
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let (_, value) = line.split_once(':')?;
    Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// CPU time of the whole machine since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct MachineTime {
    /// Anything that ran here.
    pub(crate) busy_seconds: f64,
    /// What the hypervisor gave to others while something here wanted to run.
    pub(crate) stolen_seconds: f64,
}

impl MachineTime {
    pub(crate) fn now() -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    fn parse(stat: &str) -> Self {
        let line = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        // user, nice, system, idle, iowait, irq, softirq, steal
        let sum = |places: &[usize]| places.iter().filter_map(|place| ticks.get(*place)).sum::<u64>() as f64;
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        Self { busy_seconds: sum(&[0, 1, 2, 5, 6]) / per_second, stolen_seconds: sum(&[7]) / per_second }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_processor_memory_and_a_kernel() {
        let host = Host::this();
        assert!(host.cpus >= host.cpus_usable && host.cpus_usable > 0, "{host:?}");
        assert!(host.memory_bytes > 1 << 20 && !host.kernel.is_empty() && !host.cpu.is_empty(), "{host:?}");
    }

    #[test]
    fn what_is_dirty_and_what_is_on_its_way_to_the_disk_is_unwritten() {
        let meminfo =
            "Dirty:              1000 kB\nWriteback:            24 kB\nWritebackTmp:       500 kB\n";
        assert_eq!(unwritten_in(meminfo), 1024 * 1024);
    }

    #[test]
    fn waiting_for_the_disk_and_idling_are_not_being_busy() {
        let time = MachineTime::parse("cpu  100 10 200 5000 700 30 60 25 0 0\ncpu0 1 2 3\n");
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!(time.busy_seconds * per_second, 400.0);
        assert_eq!(time.stolen_seconds * per_second, 25.0);
    }
}
