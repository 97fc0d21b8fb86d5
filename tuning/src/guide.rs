//! The guide, made from the table of checks.

use std::fmt::Write as _;

use crate::advice::ADVICE;
use crate::check::{Area, ByProfile, Check, Severity, Want};
use crate::profile::Profile;
use crate::table::checks;

const HEAD: &str = "\
# Tuning a host

Made from the table in `tuning/src/table` by `strome tune guide`, and held to it by a test; change the table, not this page.

## In ten minutes

    strome tune check --config server.properties            # what is not as it should be, and why; changes nothing
    strome tune apply --config server.properties            # what would be changed
    sudo strome tune apply --config server.properties --yes # changes it, each old value noted first
    sudo strome tune undo                                   # everything as it was before

What `apply` sets lasts until the next start of the host; with `--persist` it also writes files for sysctl, udev, tmpfiles, modprobe and the broker's systemd unit,
which `undo` removes. `strome tune script --out DIR` writes the same files to be read and installed by other means, and with them what a program should not
decide: kernel parameters, mount options, lines for the broker's settings.

`apply` makes changes for what is recommended or required; `--all` also for what is only info. `--only disk,cpu.governor` restricts everything to some checks. Old
values are in `/var/lib/strome-tune/state.json` (`--state`), written durably before each change. `undo` leaves alone, and tells, what somebody else has changed since;
`--force` restores that, too. After a restart of the host values are as the host sets them at its start: those that are as before need nothing, those that
files of `--persist` have set again are restored, and any other one is told and left alone.

## Profiles and severities

The profile is what is expected of a host; `check` detects all but `benchmark`, and `--profile` overrides.

| profile | a host that |
| --- | --- |
| `production` | runs a broker and little else: latency and safety before electricity |
| `benchmark` | is to give the same figures again: what varies from run to run is switched off |
| `laptop` | is somebody's own: what costs battery is left alone |
| `vm` | is virtual: what the hypervisor decides is not asked for |
| `container` | shares a kernel that belongs to somebody else: changes are told, not made |

| severity | means | exit code of `check` |
| --- | --- | --- |
| required | the broker does not run, or loses records, like this | 4 |
| recommended | it costs speed or safety, or will fail under load | 3 |
| info | good to know, or worth a try | 0 |

What cannot be read is told as unknown; nothing is guessed. Some findings of a check are more or less severe than the table says: a limit on locked memory with which the broker does
not start is required, a plain scheduler on a flash disk is only info.

Where it says *measured*, a broker was compared with the setting and without it in turns; the run that is named holds the results. Most are by `bench/effects`, which produces and
reads from the disk, says how far measurements of the very same differed, and does so on your machine, too.
";

const ADVICE_HEAD: &str = "
## Advice that does nothing, or harms

What guides for Kafka and for servers in general say, and why it is not above.

| advice | for Strome it | why |
| --- | --- | --- |
";

/// The whole page, in Markdown.
#[must_use]
pub fn guide() -> String {
    let mut text = HEAD.to_owned();
    for area in Area::ALL {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n## {}\n", area.heading());
        for check in checks().filter(|check| check.area == area) {
            text.push_str(&section(check));
        }
    }
    text.push_str(ADVICE_HEAD);
    for advice in ADVICE {
        let _ = write!(text, "| {} | {} | {}", advice.what, advice.verdict.name(), advice.why);
        if let Some(effect) = advice.effect {
            let _ = write!(text, " Measured: {} (`bench/runs/{}`).", effect.text, effect.run);
        }
        text.push_str(" |\n");
    }
    text
}

fn section(check: &Check) -> String {
    let mut text = format!("\n### `{}`: {}\n\n{}.", check.id, check.title, capitalised(check.why));
    if check.at_start {
        text.push_str(" The broker looks at this when it starts.");
    }
    let reads: Vec<_> = check.reads.iter().map(|path| format!("`{}`", shown(path))).collect();
    let _ = write!(
        text,
        "\n\n- wanted: {}\n- severity: {}\n- change: {}\n- read from: {}\n",
        by_profile(&check.wanted, Want::to_string),
        by_profile(&check.severity, severity),
        check.how,
        reads.join(", ")
    );
    if let Some(effect) = check.effect {
        let _ = writeln!(text, "- measured: {} (`bench/runs/{}`)", effect.text, effect.run);
    }
    text
}

fn severity(severity: &Option<Severity>) -> String {
    severity.map_or("not looked at", Severity::name).to_owned()
}

/// What most profiles have, and which have something else.
fn by_profile<T: Copy>(values: &ByProfile<T>, show: impl Fn(&T) -> String) -> String {
    let texts: Vec<(Profile, String)> =
        Profile::ALL.into_iter().map(|profile| (profile, show(&values.of(profile)))).collect();
    let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
    for (profile, text) in &texts {
        match kinds.iter_mut().find(|(kind, _)| kind == text) {
            Some((_, profiles)) => profiles.push(profile.name()),
            None => kinds.push((text, vec![profile.name()])),
        }
    }
    match kinds.as_slice() {
        [(text, _)] => (*text).to_owned(),
        kinds => {
            let parts: Vec<_> =
                kinds.iter().map(|(text, profiles)| format!("{text} ({})", profiles.join(", "))).collect();
            parts.join("; ")
        }
    }
}

/// Files have a slash before them, programs and system calls do not.
fn shown(path: &str) -> String {
    const FOLDERS: &[&str] = &["proc/", "sys/", "dev/", "etc/", "run/"];
    if FOLDERS.iter().any(|folder| path.starts_with(folder)) { format!("/{path}") } else { path.to_owned() }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
