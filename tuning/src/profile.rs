//! What kind of host it is, and so what is expected of it.

use std::fmt;

use crate::Host;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A host of its own: latency and safety before electricity.
    Production,
    /// The same, and in addition repeatable: what varies from run to run is switched off.
    Benchmark,
    /// A developer's machine: what costs battery is left alone.
    Laptop,
    /// A virtual machine: what the hypervisor decides is not asked for.
    Vm,
    /// A container: the kernel belongs to somebody else.
    Container,
}

/// What systems that run containers write into the names of the first process' control groups.
const CONTAINER_GROUPS: &[&str] = &["docker", "kubepods", "containerd", "lxc", "libpod", "garden"];

/// Kinds of cases in which a computer is carried about, by the SMBIOS specification: portable, laptop, notebook, hand
/// held, sub notebook, tablet, convertible, detachable.
const PORTABLE_CASES: &[u32] = &[8, 9, 10, 11, 14, 30, 31, 32];

impl Profile {
    /// How many there are.
    pub(crate) const COUNT: usize = 5;

    /// All of them.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Production, Self::Benchmark, Self::Laptop, Self::Vm, Self::Container];

    /// The profile that suits the host best. Nothing tells that a host is for benchmarks.
    #[must_use]
    pub fn detect(host: &Host) -> Self {
        if is_container(host) {
            Self::Container
        } else if is_virtual(host) {
            Self::Vm
        } else if is_portable(host) {
            Self::Laptop
        } else {
            Self::Production
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Benchmark => "benchmark",
            Self::Laptop => "laptop",
            Self::Vm => "vm",
            Self::Container => "container",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn is_container(host: &Host) -> bool {
    const MARKS: &[&str] = &[".dockerenv", "run/.containerenv", "run/systemd/container"];
    let groups = host.text("proc/1/cgroup").unwrap_or_default();
    let environment = host.bytes("proc/1/environ").unwrap_or_default();
    let is_told = |variable: &[u8]| variable.starts_with(b"container=");
    // Images keep such files also where a machine of its own is started from them.
    (MARKS.iter().any(|mark| host.has(mark)) && !has_all_namespaces(host))
        || CONTAINER_GROUPS.iter().any(|name| groups.contains(name))
        || environment.split(|byte| *byte == 0).any(is_told)
}

/// Whether the process is in the namespaces that the kernel started with, whose numbers are always the same: containers share
/// some of them with their host, but hardly all.
fn has_all_namespaces(host: &Host) -> bool {
    const FIRST: &[(&str, u32)] =
        &[("cgroup", 0xefff_fffb), ("ipc", 0xefff_ffff), ("pid", 0xefff_fffc), ("uts", 0xefff_fffe)];
    FIRST.iter().all(|(kind, number)| {
        host.link(&format!("proc/self/ns/{kind}")).is_some_and(|link| link == format!("{kind}:[{number}]"))
    })
}

/// Processors of x86 tell their guests; for others there is the name of the machine.
fn is_virtual(host: &Host) -> bool {
    const MACHINES: &[&str] =
        &["KVM", "QEMU", "VMware", "VirtualBox", "Virtual Machine", "Bochs", "Xen", "HVM domU"];
    let processors = host.text("proc/cpuinfo").unwrap_or_default();
    let flags = processors.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let machine = ["sys_vendor", "product_name"]
        .map(|name| host.text(&format!("sys/class/dmi/id/{name}")).unwrap_or_default());
    flags.split_whitespace().any(|flag| flag == "hypervisor")
        || host.has("sys/hypervisor/type")
        || MACHINES.iter().any(|name| machine.iter().any(|text| text.contains(name)))
}

fn is_portable(host: &Host) -> bool {
    let case = host.value::<u32>("sys/class/dmi/id/chassis_type");
    case.is_ok_and(|case| PORTABLE_CASES.contains(&case))
        || host.names("sys/class/power_supply").unwrap_or_default().iter().any(|name| name.starts_with("BAT"))
}
