//! What the kernel allows this process: open files and locked memory.

use crate::{Finding, Host, Severity};

/// A partition in use holds a few files open, and a connection one. 64 Ki are enough for some ten thousand of each.
const OPEN_FILES_MIN: u64 = 64 * 1024;

/// The executor refuses to start with less for its rings and buffers.
const LOCKED_BYTES_REQUIRED: u64 = 512 * 1024;

/// What systemd gives services by default, enough for the rings of a handful of shards.
const LOCKED_BYTES_MIN: u64 = 8 * 1024 * 1024;

/// The limit on open files.
pub(crate) fn open_files(host: &Host) -> Option<Finding> {
    let limit = Limit::read(host, "Max open files")?;
    limit.is_below(OPEN_FILES_MIN).then(|| Finding {
        what: "the limit on open files".to_owned(),
        found: limit.to_string(),
        wanted: format!("at least {OPEN_FILES_MIN}"),
        why: "connections and segments of partitions need one each",
        remedy: "ulimit -n 1048576, or LimitNOFILE=1048576 in the systemd unit".to_owned(),
        severity: Severity::Warning,
    })
}

/// The limit on memory that stays in RAM.
pub(crate) fn locked_memory(host: &Host) -> Option<Finding> {
    let limit = Limit::read(host, "Max locked memory")?;
    let severity = if limit.is_below(LOCKED_BYTES_REQUIRED) { Severity::Fatal } else { Severity::Warning };
    limit.is_below(LOCKED_BYTES_MIN).then(|| Finding {
        what: "the limit on locked memory".to_owned(),
        found: format!("{limit} bytes"),
        wanted: format!("at least {LOCKED_BYTES_MIN} bytes"),
        why: "the rings of io_uring and their buffers are locked memory",
        remedy: "ulimit -l unlimited, or LimitMEMLOCK=infinity in the systemd unit".to_owned(),
        severity,
    })
}

/// A soft limit: what applies to the process now.
#[derive(Clone, Copy)]
enum Limit {
    Unlimited,
    Of(u64),
}

impl Limit {
    /// The soft limit in the line of `/proc/self/limits` that begins with `name`.
    fn read(host: &Host, name: &str) -> Option<Self> {
        let limits = host.read("proc/self/limits")?;
        let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
        match line.split_whitespace().next()? {
            "unlimited" => Some(Self::Unlimited),
            number => number.parse().ok().map(Self::Of),
        }
    }

    fn is_below(self, min: u64) -> bool {
        matches!(self, Self::Of(limit) if limit < min)
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Of(limit) => limit.fmt(f),
        }
    }
}
