//! What puts a finding right. `apply`, `script` and the printed advice are all made from it.

use std::fmt;

use crate::outcome::printable;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A setting of the kernel below `/proc/sys`, by its name with points.
    Sysctl {
        /// `vm.swappiness`.
        name: String,
        /// What to set.
        value: String,
    },
    /// A file below `/sys` or `/proc`, from the root on without a leading slash.
    Write {
        /// `sys/block/sda/queue/scheduler`.
        path: String,
        /// What to write.
        value: String,
    },
    /// A service or timer of systemd that should run, also after the next boot, or should not.
    Service {
        /// `fstrim.timer`.
        unit: String,
        /// Whether it should run.
        runs: bool,
    },
    /// A line of the broker's unit of systemd: a limit, an affinity.
    Unit {
        /// `LimitNOFILE`.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// A line of the broker's settings.
    Setting {
        /// `strome.cpus`.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// An option of a mounted file system; it belongs into `/etc/fstab`.
    Mount {
        /// Where it is mounted.
        at: String,
        /// What to do with its options.
        advice: String,
    },
    /// A parameter of the kernel's command line.
    Boot {
        /// `mitigations=off`.
        parameter: String,
    },
    /// Options of a kernel module.
    Module {
        /// `nf_conntrack`.
        name: &'static str,
        /// `hashsize=262144`.
        options: String,
    },
    /// What only a person can do: a command with a choice in it, or an act.
    ByHand(String),
}

impl Change {
    /// A sysctl by the path of its file.
    pub(crate) fn sysctl(path: &str, value: impl ToString) -> Self {
        let name = path.trim_start_matches("proc/sys/").replace('/', ".");
        Self::Sysctl { name, value: value.to_string() }
    }

    pub(crate) fn write(path: impl Into<String>, value: impl ToString) -> Self {
        Self::Write { path: path.into(), value: value.to_string() }
    }

    pub(crate) fn by_hand(text: impl Into<String>) -> Self {
        Self::ByHand(text.into())
    }

    /// The file that is written, from the root on, and what is written to it.
    #[must_use]
    pub fn written(&self) -> Option<(String, &str)> {
        match self {
            Self::Sysctl { name, value } => Some((format!("proc/sys/{}", name.replace('.', "/")), value)),
            Self::Write { path, value } => Some((path.clone(), value)),
            _ => None,
        }
    }

    /// What it is in a container, whose kernel is somebody else's.
    pub(crate) fn in_container(self) -> Self {
        match self {
            // These belong to the container's own network.
            Self::Sysctl { name, value } if name.starts_with("net.ipv4.") || name == "net.core.somaxconn" => {
                Self::ByHand(format!("start the container with --sysctl {name}={value}"))
            }
            Self::Unit { key: "LimitNOFILE", value } => {
                Self::ByHand(format!("start the container with --ulimit nofile={value}:{value}"))
            }
            Self::Unit { key: "LimitMEMLOCK", .. } => {
                Self::ByHand("start the container with --ulimit memlock=-1".to_owned())
            }
            Self::Setting { .. } | Self::ByHand(_) => self,
            other => Self::ByHand(format!("on the container's host: {other}")),
        }
    }
}

/// As a command or a line of a file.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sysctl { name, value } if value.contains(' ') => write!(f, "sysctl -w {name}='{value}'"),
            Self::Sysctl { name, value } => write!(f, "sysctl -w {name}={value}"),
            Self::Write { path, value } => write!(f, "echo {value} > /{path}"),
            Self::Service { unit, runs: true } => write!(f, "systemctl enable --now {unit}"),
            Self::Service { unit, runs: false } => write!(f, "systemctl disable --now {unit}"),
            Self::Unit { key, value } => write!(f, "{key}={value} in the systemd unit"),
            Self::Setting { key, value } => write!(f, "{key}={value} in the broker's settings"),
            Self::Mount { at, advice } => write!(f, "{advice} for {at} in /etc/fstab"),
            Self::Boot { parameter } => write!(f, "kernel parameter {parameter}"),
            Self::Module { name, options } => write!(f, "options {name} {options} in /etc/modprobe.d"),
            Self::ByHand(text) => f.write_str(text),
        }
    }
}

/// All changes in one line. Those that write the same to many places are one command.
#[must_use]
pub fn how(changes: &[Change]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = changes;
    while let Some((first, others)) = rest.split_first() {
        let Change::Write { path, value } = first else {
            parts.push(first.to_string());
            rest = others;
            continue;
        };
        let mut pattern = path.clone();
        let mut count = 0;
        for other in others {
            let Change::Write { path, value: same } = other else { break };
            let Some(wider) = (same == value).then(|| pattern_of(&pattern, path)).flatten() else { break };
            pattern = wider;
            count += 1;
        }
        let several = count > 0;
        parts.push(if several { format!("echo {value} | tee /{pattern}") } else { first.to_string() });
        rest = others.get(count..).unwrap_or_default();
    }
    printable(&parts.join("; "))
}

/// What covers both paths, with `*` for a number that differs; `None` if more than numbers differ.
fn pattern_of(pattern: &str, path: &str) -> Option<String> {
    let is_number = |c: char| c.is_ascii_digit() || c == '*';
    let (left, right): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    if left.len() != right.len() {
        return None;
    }
    let parts = left.iter().zip(right).map(|(left, right)| {
        let letters = left.trim_end_matches(is_number);
        if *left == right {
            Some(right.to_owned())
        } else if letters == right.trim_end_matches(is_number) {
            Some(format!("{letters}*"))
        } else {
            None
        }
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_for_many_places_is_one_command() {
        let governor = |cpu| Change::write(format!("sys/cpu/cpu{cpu}/governor"), "performance");
        let changes = [governor(0), governor(1), governor(10), Change::sysctl("proc/sys/vm/swappiness", 1)];
        assert_eq!(how(&changes), "echo performance | tee /sys/cpu/cpu*/governor; sysctl -w vm.swappiness=1");
        assert_eq!(how(&changes[..1]), "echo performance > /sys/cpu/cpu0/governor");
    }
}
