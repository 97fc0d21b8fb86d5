//! Who else runs on the host.

use crate::Host;

/// The folder below `/proc` of the process that asks.
pub(crate) const SELF: &str = "self";

/// More processes than this are not looked at.
const PROCESSES_MAX: usize = 100_000;

/// The unit of times that the kernel shows to programs, on every architecture that Strome runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A younger process has not shown yet what it will do.
const AGE_SECONDS_MIN: f64 = 60.0;

/// A process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub id: u32,
    /// What the kernel calls it: the first 15 bytes of its program's name.
    pub name: String,
}

impl Process {
    /// Its command line, with blanks between the arguments; empty for the kernel's own threads.
    pub(crate) fn command(&self, host: &Host) -> String {
        let bytes = host.bytes(&format!("proc/{}/cmdline", self.id)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned()
    }

    /// How many CPUs it has used on average since it was started; `None` if that was too short ago to tell.
    pub(crate) fn cpu_share(&self, host: &Host, uptime_seconds: f64) -> Option<f64> {
        let text = host.text(&format!("proc/{}/stat", self.id)).ok()?;
        // The name, in parentheses, may hold anything. Behind it come the state and numbers.
        let (_, behind) = text.rsplit_once(')')?;
        let number = |index: usize| behind.split_whitespace().nth(index)?.parse::<u64>().ok();
        let (user, system, start) = (number(11)?, number(12)?, number(19)?);
        let age = uptime_seconds - start as f64 / TICKS_PER_SECOND;
        (age > AGE_SECONDS_MIN).then(|| (user as f64 + system as f64) / TICKS_PER_SECOND / age)
    }

    /// Whether it is a broker of ours.
    pub(crate) fn is_strome(&self, host: &Host) -> bool {
        self.name == "strome" && self.command(host).split(' ').nth(1) == Some("serve")
    }
}

/// All processes that can be seen.
pub(crate) fn all(host: &Host) -> Vec<Process> {
    let names = host.names("proc").unwrap_or_default();
    let ids = names.iter().filter_map(|name| name.parse::<u32>().ok()).take(PROCESSES_MAX);
    ids.filter_map(|id| Some(Process { id, name: host.text(&format!("proc/{id}/comm")).ok()? })).collect()
}

/// The id of a broker that runs, if there is one.
pub(crate) fn broker(host: &Host) -> Option<String> {
    all(host).iter().find(|process| process.is_strome(host)).map(|process| process.id.to_string())
}
