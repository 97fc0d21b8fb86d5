//! What the checks of one run have in common.

use crate::broker::Broker;
use crate::change::Change;
use crate::check::{Check, Want};
use crate::cpu_list::CpuList;
use crate::host::Unread;
use crate::outcome::{Gap, Outcome, Seen};
use crate::profile::Profile;
use crate::{Host, processes};

/// See the module.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) host: &'a Host,
    pub(crate) broker: &'a Broker,
    pub(crate) profile: Profile,
    /// The process whose limits count, as a folder's name below `/proc`: a broker that runs, or else this one.
    pub(crate) process: String,
}

/// The numbers and states of processors.
pub(crate) const CPUS: &str = "sys/devices/system/cpu";

impl<'a> Context<'a> {
    /// For checks of a host on which a broker may run already.
    pub(crate) fn new(host: &'a Host, broker: &'a Broker, profile: Profile) -> Self {
        let process = processes::broker(host).unwrap_or_else(|| processes::SELF.to_owned());
        Self { host, broker, profile, process }
    }

    /// For checks that a broker makes of itself.
    pub(crate) fn of_this_process(host: &'a Host, broker: &'a Broker, profile: Profile) -> Self {
        Self { host, broker, profile, process: processes::SELF.to_owned() }
    }

    /// What the process' `status` says under this name.
    pub(crate) fn status(&self, name: &str) -> Result<String, Unread> {
        let path = format!("proc/{}/status", self.process);
        let text = self.host.text(&path)?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(|value| value.trim().to_owned()).ok_or_else(|| Unread::absurd(&path, &text))
    }

    /// The CPUs that are in use by the host.
    pub(crate) fn online_cpus(&self) -> Result<CpuList, Unread> {
        let path = format!("{CPUS}/online");
        self.cpu_list(&path)
    }

    /// The CPUs that the process may run on.
    pub(crate) fn allowed_cpus(&self) -> Result<CpuList, Unread> {
        let text = self.status("Cpus_allowed_list")?;
        CpuList::parse(&text).ok_or_else(|| Unread::absurd(&format!("proc/{}/status", self.process), &text))
    }

    /// The CPUs that shards run on: as the broker says, or else all that the process may use.
    pub(crate) fn shard_cpus(&self) -> Result<CpuList, Unread> {
        if self.broker.shard_cpus.count() > 0 {
            return Ok(self.broker.shard_cpus.clone());
        }
        self.allowed_cpus().or_else(|_| self.online_cpus())
    }

    /// The list of CPUs at `path`.
    pub(crate) fn cpu_list(&self, path: &str) -> Result<CpuList, Unread> {
        let text = self.host.text(path)?;
        CpuList::parse(&text).ok_or_else(|| Unread::absurd(path, &text))
    }

    /// Compares what was found with what the table wants; `change` makes of the wanted value what sets it.
    pub(crate) fn judge(&self, check: &Check, found: &str, change: impl Fn(String) -> Change) -> Outcome {
        let want = check.wanted.of(self.profile);
        match want.suits(found) {
            Some(true) => Outcome::fine(found),
            Some(false) => Outcome::finding(found, want).changes(want.to_set().map(change)).into(),
            None => Outcome::unknown(format!("'{}' makes no sense here", shortened(found))),
        }
    }

    /// A sysctl that is wanted as the table says; `path` is below `proc/sys`.
    pub(crate) fn sysctl(&self, check: &Check, path: &str) -> Result<Outcome, Unread> {
        let found = self.host.text(path)?;
        // Absurd contents are better told with their place.
        if matches!(check.wanted.of(self.profile), Want::AtLeast(_) | Want::AtMost(_) | Want::Is(_))
            && found.parse::<u64>().is_err()
        {
            return Err(Unread::absurd(path, &found));
        }
        Ok(self.judge(check, &found, |value| Change::sysctl(path, value)))
    }
}

/// Looks at the one sysctl that the check reads. Kernels that do not have it are told as such.
pub(crate) fn one_sysctl(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let Some(path) = check.reads.first() else {
        return Err(Gap::not_applicable("there is nothing to read"));
    };
    let outcome =
        context.sysctl(check, path).map_err(|unread| unread.or("this kernel has no such setting"))?;
    Ok(vec![Seen::host(outcome)])
}

/// Text of a file as it can be shown within a line.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN_CHARS: usize = 40;
    in_line(text, SHOWN_CHARS)
}

/// The first characters of a text, without any that would do something to a terminal.
pub(crate) fn in_line(text: &str, chars_max: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(chars_max).collect();
    line.trim().to_owned()
}

/// The word in brackets, with which the kernel marks a choice: `madvise` of `always [madvise] never`.
pub(crate) fn chosen(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word)
}

/// Bytes as a person reads them.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = count as f64;
    let mut unit = "bytes";
    for larger in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if value.fract() < 0.05 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}
