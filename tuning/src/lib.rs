//! Whether a host lets Strome do its best, and what to do about it: a table of checks, a report, changes that can be
//! undone, and a guide, all made from the same table.
//!
//! A check reads `/proc` and `/sys` of a [`Host`], which in tests is a folder, and says how it is, how it should be, why
//! that matters and what puts it right. What cannot be read is told as such: nothing is guessed.
//!
//! # Invariants
//! - Looking changes nothing, needs no privileges, and never panics, whatever the files say.
//! - Nothing is changed before its old value is durably written down.
//!
//! # Not here
//! Whether the ring works, which the reactor tries out; its result is handed in with the [`Broker`].
#![forbid(unsafe_code)]

mod advice;
mod apply;
mod broker;
mod cgroup;
mod change;
mod check;
mod context;
mod cpu_list;
mod data_dirs;
pub mod disk;
mod guide;
mod host;
mod limits;
mod mounts;
mod nics;
mod outcome;
pub mod plan;
mod processes;
mod profile;
mod program;
mod report;
mod table;

pub use advice::{ADVICE, Advice, Verdict};
pub use apply::{
    ApplyError, Deed, Piece, Step, Told, Undo, apply, pieces, script_steps, steps, undo, unit_steps,
};
pub use broker::{Ability, Broker, IoUring};
pub use change::{Change, how};
pub use check::{Area, ByProfile, Check, Effect, Severity, Want};
pub use cpu_list::CpuList;
pub use guide::guide;
pub use host::{Host, Reason, Space, Unread};
pub use outcome::{Finding, Outcome, Row};
pub use profile::Profile;
pub use report::{Counts, Report};
pub use table::checks;

use context::Context;
use outcome::{Seen, printable};

/// Makes the checks that `chosen` accepts.
#[must_use]
pub fn check(host: &Host, broker: &Broker, profile: Profile, chosen: impl Fn(&Check) -> bool) -> Report {
    look(&Context::new(host, broker, profile), chosen)
}

/// Makes the few checks that matter to a broker which starts, of its own process.
#[must_use]
pub fn check_at_start(host: &Host, broker: &Broker) -> Report {
    let profile = Profile::detect(host);
    look(&Context::of_this_process(host, broker, profile), |check| check.at_start)
}

fn look(context: &Context<'_>, chosen: impl Fn(&Check) -> bool) -> Report {
    let rows = checks().filter(|check| chosen(check)).flat_map(|check| rows(context, check)).collect();
    Report::new(context.profile, rows)
}

/// What one check sees; nothing where its profile does not care.
fn rows(context: &Context<'_>, check: &'static Check) -> Vec<Row> {
    let Some(usual) = check.severity.of(context.profile) else {
        return Vec::new();
    };
    let seen = (check.look)(context, check).unwrap_or_else(|gap| vec![Seen::gap("", gap)]);
    let row = |Seen { subject, mut outcome }| {
        let mut severity = usual;
        if let Outcome::Finding(finding) = &mut outcome {
            severity = finding.severity.unwrap_or(usual);
            if context.profile == Profile::Container {
                finding.changes = finding.changes.drain(..).map(Change::in_container).collect();
            }
        }
        Row { check, subject: printable(&subject), severity, outcome: outcome.printable() }
    };
    seen.into_iter().map(row).collect()
}
