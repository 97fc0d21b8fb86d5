//! The files that make changes last, with the reasons of the table as comments. `apply --persist` installs them,
//! `script` writes them somewhere to be read.

use std::fmt::Write as _;

use super::Step;
use crate::broker::Broker;
use crate::change::Change;
use crate::check::Check;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its name beside the others.
    pub name: &'static str,
    /// Where it belongs, from the root on; `None` for what only a person can put in its place.
    pub place: Option<&'static str>,
    /// What it says.
    pub text: String,
}

/// The kinds of files. Each takes its own kind of changes.
const KINDS: &[Kind] = &[
    Kind {
        name: "90-strome-sysctl.conf",
        place: Some("etc/sysctl.d/90-strome-sysctl.conf"),
        head: "# Settings of the kernel for a Strome broker. Belongs into /etc/sysctl.d; `sysctl --system` applies it.\n",
        line: |change| match change {
            Change::Sysctl { name, value } => Some(format!("{name} = {value}")),
            _ => None,
        },
    },
    Kind {
        name: "90-strome.rules",
        place: Some("etc/udev/rules.d/90-strome.rules"),
        head: "# Settings of disks and network cards for a Strome broker. Belongs into /etc/udev/rules.d;\n\
               # `udevadm control --reload && udevadm trigger` applies it. Disks and cards are called as the kernel calls them today:\n\
               # where that changes from start to start, put ENV{ID_SERIAL}==\"...\" in the place of KERNEL.\n",
        line: udev,
    },
    Kind {
        name: "strome-tmpfiles.conf",
        place: Some("etc/tmpfiles.d/strome-tmpfiles.conf"),
        head: "# What has to be written below /sys and /proc at every start. Belongs into /etc/tmpfiles.d;\n\
               # `systemd-tmpfiles --create` applies it.\n",
        line: |change| match change {
            Change::Write { path, value } if udev(change).is_none() => {
                Some(format!("w /{path} - - - - {value}"))
            }
            _ => None,
        },
    },
    Kind {
        name: "strome.service.d-tune.conf",
        place: Some("etc/systemd/system/strome.service.d/50-tune.conf"),
        head: "# Limits of a Strome broker. Belongs into /etc/systemd/system/strome.service.d;\n\
               # `systemctl daemon-reload` and a restart of the broker apply it.\n[Service]\n",
        line: |change| match change {
            Change::Unit { key, value } => Some(format!("{key}={value}")),
            _ => None,
        },
    },
    Kind {
        name: "strome-modprobe.conf",
        place: Some("etc/modprobe.d/strome-modprobe.conf"),
        head: "# Options of kernel modules for a Strome broker. Belongs into /etc/modprobe.d; they count at the next start.\n",
        line: |change| match change {
            Change::Module { name, options } => Some(format!("options {name} {options}")),
            _ => None,
        },
    },
    Kind {
        name: "kernel-parameters.txt",
        place: None,
        head: "# Parameters of the kernel: add them to GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub\n\
               # (or grub2-mkconfig -o /boot/grub2/grub.cfg) and restart the host.\n",
        line: |change| match change {
            Change::Boot { parameter } => Some(parameter.clone()),
            _ => None,
        },
    },
    Kind {
        name: "fstab.txt",
        place: None,
        head: "# Options of file systems: change them in /etc/fstab, then mount -o remount DIR.\n",
        line: |change| match change {
            Change::Mount { at, advice } => Some(format!("{at}: {advice}")),
            _ => None,
        },
    },
    Kind {
        name: "server.properties.txt",
        place: None,
        head: "# Lines for the broker's settings.\n",
        line: |change| match change {
            Change::Setting { key, value } => Some(format!("{key}={value}")),
            _ => None,
        },
    },
    Kind {
        name: "by-hand.txt",
        place: None,
        head: "# What a program should not decide.\n",
        line: |change| match change {
            Change::ByHand(text) => Some(text.clone()),
            Change::Service { .. } => Some(change.to_string()),
            _ => None,
        },
    },
];

struct Kind {
    name: &'static str,
    place: Option<&'static str>,
    head: &'static str,
    /// The line that a change is there; `None` if it belongs elsewhere.
    line: fn(&Change) -> Option<String>,
}

/// The files for these steps, without empty ones.
#[must_use]
pub fn pieces(steps: &[Step]) -> Vec<Piece> {
    KINDS.iter().filter_map(|kind| kind.piece(steps)).collect()
}

/// What the unit of a broker should say, whatever the limits are of the shell that asks. The CPUs that it names are the
/// broker's.
#[must_use]
pub fn unit_steps(broker: &Broker) -> Vec<Step> {
    let check = |id: &str| crate::table::checks().find(|check| check.id == id);
    let mut lines = vec![
        ("kernel.open-files", "LimitNOFILE", "1048576".to_owned()),
        ("memory.locked", "LimitMEMLOCK", "infinity".to_owned()),
        ("memory.oom-score", "OOMScoreAdjust", "-900".to_owned()),
    ];
    if broker.chosen_cpus.count() > 0 {
        lines.push(("cpu.cpuset", "CPUAffinity", broker.chosen_cpus.to_string().replace(',', " ")));
    }
    let step = |(id, key, value)| Some(Step { check: check(id)?, change: Change::Unit { key, value } });
    lines.into_iter().filter_map(step).collect()
}

/// The steps that a script is made of: those that are proposed, with the unit's own lines in the place of what the limits
/// of this shell propose.
#[must_use]
pub fn script_steps(steps: Vec<Step>, broker: &Broker) -> Vec<Step> {
    let is_of_unit = |step: &Step| matches!(step.change, Change::Unit { .. });
    steps.into_iter().filter(|step| !is_of_unit(step)).chain(unit_steps(broker)).collect()
}

/// Whether a file of Strome's belongs there.
pub(super) fn is_place(place: &str) -> bool {
    KINDS.iter().any(|kind| kind.place == Some(place))
}

impl Kind {
    fn piece(&self, steps: &[Step]) -> Option<Piece> {
        let mut text = self.head.to_owned();
        let mut said: Option<&Check> = None;
        for step in steps {
            let Some(line) = (self.line)(&step.change) else { continue };
            if said.is_none_or(|check| check.id != step.check.id) {
                comment(&mut text, step.check);
                said = Some(step.check);
            }
            text.push_str(&line);
            text.push('\n');
        }
        said.map(|_| Piece { name: self.name, place: self.place, text })
    }
}

fn comment(text: &mut String, check: &Check) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\n# {}: {}", check.id, check.why);
    if let Some(effect) = check.effect {
        let _ = write!(text, "; measured: {}", effect.text);
    }
    text.push('\n');
}

/// The rule for an attribute of a disk or a card. Renaming a card is a move.
fn udev(change: &Change) -> Option<String> {
    let Change::Write { path, value } = change else { return None };
    let (subsystem, actions, rest) = if let Some(rest) = path.strip_prefix("sys/class/block/") {
        ("block", "add|change", rest)
    } else if let Some(rest) = path.strip_prefix("sys/block/") {
        ("block", "add|change", rest)
    } else {
        ("net", "add|change|move", path.strip_prefix("sys/class/net/")?)
    };
    let (device, attribute) = rest.split_once('/')?;
    Some(format!(
        "ACTION==\"{actions}\", SUBSYSTEM==\"{subsystem}\", KERNEL==\"{device}\", ATTR{{{attribute}}}=\"{value}\""
    ))
}
