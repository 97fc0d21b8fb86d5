//! What a line of the table of checks consists of. The guide, the printed findings, `apply` and `script` are all made
//! from it, so that they cannot disagree.

use std::fmt;

use crate::context::Context;
use crate::outcome::{Gap, Seen};
use crate::profile::Profile;

/// One thing that is looked at.
#[derive(Debug)]
pub struct Check {
    /// The area and a name, by which it is chosen: `cpu.governor`.
    pub id: &'static str,
    /// Where it belongs.
    pub area: Area,
    /// What is looked at, in a few words.
    pub title: &'static str,
    /// The files (from the root on, `*` for any name) and programs that are read.
    pub reads: &'static [&'static str],
    /// How it should be.
    pub wanted: ByProfile<Want>,
    /// How bad it is if it is not so; `None` where it does not matter.
    pub severity: ByProfile<Option<Severity>>,
    /// What follows from it.
    pub why: &'static str,
    /// What it was measured to be worth.
    pub effect: Option<Effect>,
    /// How it is changed, for the guide; a finding says it exactly.
    pub how: &'static str,
    /// Whether a broker looks at it when it starts.
    pub at_start: bool,
    /// Looks at it.
    pub(crate) look: Look,
}

/// Looks at something; what is seen is one or more of the same kind, such as disks.
pub(crate) type Look = fn(&Context<'_>, &Check) -> Result<Vec<Seen>, Gap>;

/// What a setting was measured to be worth.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    /// In a sentence.
    pub text: &'static str,
    /// Where the raw results are kept, below `bench/runs`.
    pub run: &'static str,
}

/// Where a check belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Processors and their time.
    Cpu,
    /// Memory.
    Memory,
    /// The disks of the directories of data.
    Disk,
    /// The network.
    Network,
    /// The kernel and what it allows the process.
    Kernel,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know, or worth a try.
    Info,
    /// It costs speed or safety, or will fail under load.
    Recommended,
    /// The broker does not run, or loses records, like this.
    Required,
}

/// Something for each profile.
#[derive(Clone, Copy, Debug)]
pub struct ByProfile<T>([T; Profile::COUNT]);

/// How something should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A number, this or more.
    AtLeast(u64),
    /// A number, this or less.
    AtMost(u64),
    /// This number.
    Is(u64),
    /// One of these words; the first is what is set.
    OneOf(&'static [&'static str]),
    /// What the check itself judges, in words.
    Words(&'static str),
}

impl Area {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Memory, Self::Disk, Self::Network, Self::Kernel];

    /// The word before the point of its checks' ids.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Kernel => "kernel",
        }
    }

    /// As a heading.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Cpu => "Processors",
            Self::Memory => "Memory",
            Self::Disk => "Disks",
            Self::Network => "Network",
            Self::Kernel => "Kernel and process",
        }
    }
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Recommended => "recommended",
            Self::Required => "required",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl<T: Copy> ByProfile<T> {
    /// The same for all.
    pub(crate) const fn all(value: T) -> Self {
        Self([value; Profile::COUNT])
    }

    /// In this order, which is that of [`Profile::ALL`].
    pub(crate) const fn each(production: T, benchmark: T, laptop: T, vm: T, container: T) -> Self {
        Self([production, benchmark, laptop, vm, container])
    }

    /// That of one profile.
    #[must_use]
    pub fn of(&self, profile: Profile) -> T {
        let Self([production, benchmark, laptop, vm, container]) = *self;
        match profile {
            Profile::Production => production,
            Profile::Benchmark => benchmark,
            Profile::Laptop => laptop,
            Profile::Vm => vm,
            Profile::Container => container,
        }
    }
}

impl Want {
    /// Whether what was found is so; `None` if it is none of what can be judged.
    pub(crate) fn suits(self, found: &str) -> Option<bool> {
        let number = || found.parse::<u64>().ok();
        match self {
            Self::AtLeast(min) => number().map(|found| found >= min),
            Self::AtMost(max) => number().map(|found| found <= max),
            Self::Is(wanted) => number().map(|found| found == wanted),
            Self::OneOf(words) => Some(words.contains(&found)),
            Self::Words(_) => None,
        }
    }

    /// What to set so that it is.
    pub(crate) fn to_set(self) -> Option<String> {
        match self {
            Self::AtLeast(number) | Self::AtMost(number) | Self::Is(number) => Some(number.to_string()),
            Self::OneOf(words) => words.first().map(|word| (*word).to_owned()),
            Self::Words(_) => None,
        }
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(number) => write!(f, "at least {number}"),
            Self::AtMost(number) => write!(f, "at most {number}"),
            Self::Is(number) => number.fmt(f),
            Self::OneOf(words) => f.write_str(&words.join(" or ")),
            Self::Words(words) => f.write_str(words),
        }
    }
}
