//! `apply`: each change, its old value first.

use std::fs;
use std::path::Path;

use super::files::{Piece, pieces};
use super::state::{Entry, State, Written, replace};
use super::{ApplyError, Deed, Step, Told, boot_id, files, is_setting, same, value};
use crate::Host;
use crate::broker::Broker;
use crate::change::Change;

/// Makes the changes of `steps`, and notes in the file `state` how it was before. With `lasting` files make them last.
///
/// # Errors
/// If the state file is there and cannot be used; nothing was changed then. What fails later is told.
pub fn apply(
    host: &Host,
    broker: &Broker,
    steps: &[Step],
    state: &Path,
    lasting: bool,
    tell: &mut dyn FnMut(Told),
) -> Result<(), ApplyError> {
    let mut apply = Apply { host, state: State::load(state, true)?, boot: boot_id(host) };
    for step in steps {
        let (what, deed) = apply.step(step, lasting);
        tell(Told::new(what, deed));
    }
    if lasting {
        apply.make_last(broker, steps, tell);
    }
    Ok(())
}

struct Apply<'a> {
    host: &'a Host,
    state: State,
    boot: String,
}

impl Apply<'_> {
    fn step(&mut self, step: &Step, lasting: bool) -> (String, Deed) {
        let what = format!("{}: {}", step.check.id, step.change);
        match &step.change {
            Change::Service { unit, runs } => (what, self.service(step, unit, *runs)),
            Change::Unit { .. } | Change::Module { .. } if lasting => (what, Deed::Done),
            Change::Unit { .. } | Change::Module { .. } => (
                what,
                Deed::Left("it counts for a new process or start; --persist writes it down".to_owned()),
            ),
            change => match change.written() {
                Some((path, new)) => self.write(step, &path, new),
                None => (what, Deed::Left("somebody has to do this by hand".to_owned())),
            },
        }
    }

    fn write(&mut self, step: &Step, path: &str, new: &str) -> (String, Deed) {
        let old = match value(self.host, path) {
            Ok(old) => old,
            Err(unread) => {
                return (format!("{}: {}", step.check.id, step.change), Deed::Failed(unread.to_string()));
            }
        };
        let what = format!("{}: /{path} from '{old}' to '{new}'", step.check.id);
        if same(&old, new) {
            return (what, Deed::Nothing("it is so already".to_owned()));
        }
        if !is_setting(path) {
            return (what, Deed::Failed("this is no setting of the kernel".to_owned()));
        }
        let before = self.state.entries.clone();
        self.note(step, path, &old, new);
        if let Err(error) = self.state.save() {
            self.state.entries = before;
            return (what, Deed::Failed(format!("its old value cannot be noted: {error}")));
        }
        if let Err(error) = self.host.overwrite(path, new) {
            // What did not happen need not be taken back; a note too many would do no harm.
            self.state.entries = before;
            let _ = self.state.save();
            return (what, Deed::Failed(refused(&error, new)));
        }
        (what, self.verified(path, new))
    }

    /// The value that the kernel has made of `new` is what `undo` will look for.
    fn verified(&mut self, path: &str, new: &str) -> Deed {
        let found = match value(self.host, path) {
            Ok(found) => found,
            Err(unread) => return Deed::Failed(unread.to_string()),
        };
        if same(&found, new) {
            return Deed::Done;
        }
        if let Some(written) = self.state.written(path) {
            written.new = found.clone();
        }
        match self.state.save() {
            Ok(()) => Deed::Failed(format!("the kernel made '{found}' of it")),
            Err(error) => {
                Deed::Failed(format!("the kernel made '{found}' of it, and that cannot be noted: {error}"))
            }
        }
    }

    /// What was changed before keeps its first old value, unless the host was started anew since and has another one.
    fn note(&mut self, step: &Step, path: &str, old: &str, new: &str) {
        let boot = self.boot.clone();
        let also = companions(self.host, path);
        if let Some(written) = self.state.written(path) {
            if written.boot != boot {
                written.boot = boot;
                written.also = also;
            }
            written.new = new.to_owned();
            return;
        }
        let check = step.check.id.to_owned();
        let (path, old, new) = (path.to_owned(), old.to_owned(), new.to_owned());
        self.state.entries.push(Entry::Write(Written { check, path, old, new, boot, lasts: false, also }));
    }

    fn service(&mut self, step: &Step, unit: &str, runs: bool) -> Deed {
        let before = match service_state(self.host, unit) {
            Ok(before) => before,
            Err(error) => return Deed::Failed(error),
        };
        let wanted = if runs { ("enabled", "active") } else { ("disabled", "inactive") };
        if (before.0.as_str(), before.1.as_str()) == wanted {
            return Deed::Nothing("it is so already".to_owned());
        }
        let is_noted = self
            .state
            .entries
            .iter()
            .any(|entry| matches!(entry, Entry::Service { unit: noted, .. } if noted == unit));
        if !is_noted {
            self.state.entries.push(Entry::Service {
                check: step.check.id.to_owned(),
                unit: unit.to_owned(),
                runs,
                enabled: before.0,
                active: before.1,
            });
            if let Err(error) = self.state.save() {
                self.state.entries.pop();
                return Deed::Failed(format!("its old state cannot be noted: {error}"));
            }
        }
        let verb = if runs { "enable" } else { "disable" };
        match self.host.run("systemctl", &[verb, "--now", unit]) {
            Ok(()) => Deed::Done,
            Err(error) => Deed::Failed(error.to_string()),
        }
    }

    /// Writes the files that make all that was ever applied last.
    fn make_last(&mut self, broker: &Broker, steps: &[Step], tell: &mut dyn FnMut(Told)) {
        let mut lines = files::unit_steps(broker);
        lines.extend(steps.iter().filter(|step| matches!(step.change, Change::Module { .. })).cloned());
        for step in &lines {
            self.note_line(step);
        }
        let all: Vec<Step> = self.state.entries.iter().filter_map(step_of).collect();
        let mut is_complete = true;
        for piece in pieces(&all) {
            let Some(place) = piece.place else { continue };
            let deed = self.install(place, &piece);
            is_complete &= matches!(deed, Deed::Done | Deed::Nothing(_));
            tell(Told::new(format!("/{place}"), deed));
        }
        for entry in &mut self.state.entries {
            if let Entry::Write(written) = entry {
                written.lasts |= is_complete;
            }
        }
        let reload = Told::new("systemd told of new files", reload(self.host));
        match self.state.save() {
            Ok(()) => tell(reload),
            Err(error) => tell(Told::new("the state file", Deed::Failed(error.to_string()))),
        }
    }

    fn note_line(&mut self, step: &Step) {
        let (kind, key, value) = match &step.change {
            Change::Unit { key, value } => ("unit", *key, value),
            Change::Module { name, options } => ("module", *name, options),
            _ => return,
        };
        let is_same = |entry: &Entry| matches!(entry, Entry::Line { kind: k, key: name, .. } if k == kind && name == key);
        self.state.entries.retain(|entry| !is_same(entry));
        let (check, kind) = (step.check.id.to_owned(), kind.to_owned());
        self.state.entries.push(Entry::Line { check, kind, key: key.to_owned(), value: value.clone() });
    }

    fn install(&mut self, place: &str, piece: &Piece) -> Deed {
        let path = self.host.place(place);
        let there = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Deed::Failed(error.to_string()),
        };
        if there.as_deref() == Some(piece.text.as_str()) {
            return Deed::Nothing("it is so already".to_owned());
        }
        let before = self.state.entries.clone();
        let folders = missing_folders(self.host, place);
        let noted = self.state.entries.iter_mut().find_map(|entry| match entry {
            Entry::File { path, new, .. } if path == place => Some(new),
            _ => None,
        });
        match noted {
            Some(new) if there.as_ref() == Some(new) => *new = piece.text.clone(),
            Some(_) => {
                return Deed::Left(
                    "somebody has changed it since; undo first, or mend it by hand".to_owned(),
                );
            }
            None => {
                let (path, new) = (place.to_owned(), piece.text.clone());
                self.state.entries.push(Entry::File { path, old: there, new, folders });
            }
        }
        let written = self
            .state
            .save()
            .and_then(|()| fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))))
            .and_then(|()| replace(&path, &piece.text));
        match written {
            Ok(()) => Deed::Done,
            Err(error) => {
                self.state.entries = before;
                let _ = self.state.save();
                Deed::Failed(error.to_string())
            }
        }
    }
}

/// Why the kernel does not take a value. The file itself was read before, so what is missing is what the value names, such as a
/// queue discipline in a module.
fn refused(error: &std::io::Error, value: &str) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("this kernel has no '{value}', nor a module with it"),
        _ => error.to_string(),
    }
}

/// What the kernel changes along with a setting, as it was: another scheduler gives a queue another depth, and other bounds for
/// what is written in the background; a congestion control that becomes the default is one that anybody may choose from then on.
fn companions(host: &Host, path: &str) -> Vec<(String, String)> {
    const KNOWN: &[(&str, &[&str])] = &[
        ("scheduler", &["nr_requests", "wbt_lat_usec"]),
        ("tcp_congestion_control", &["tcp_allowed_congestion_control"]),
    ];
    let Some((folder, name)) = path.rsplit_once('/') else { return Vec::new() };
    let known = KNOWN.iter().filter(|(changed, _)| *changed == name).flat_map(|(_, along)| *along);
    let paths = known.map(|name| format!("{folder}/{name}"));
    paths.filter_map(|path| value(host, &path).ok().map(|old| (path, old))).collect()
}

/// What systemd says of a unit: whether it is enabled and whether it is active.
pub(super) fn service_state(host: &Host, unit: &str) -> Result<(String, String), String> {
    let ask = |verb| {
        let text = host.output("systemctl", &[verb, unit]).map_err(|unread| unread.to_string())?;
        Ok::<_, String>(text.lines().next().unwrap_or_default().trim().to_owned())
    };
    Ok((ask("is-enabled")?, ask("is-active")?))
}

/// Tells systemd that its files have changed, where it runs.
pub(super) fn reload(host: &Host) -> Deed {
    if !host.has("run/systemd/system") {
        return Deed::Nothing("systemd does not run here".to_owned());
    }
    match host.run("systemctl", &["daemon-reload"]) {
        Ok(()) => Deed::Done,
        Err(error) => Deed::Failed(error.to_string()),
    }
}

/// The folders that have to be made for a file, the outermost first.
fn missing_folders(host: &Host, place: &str) -> Vec<String> {
    let mut folders = Vec::new();
    let mut path = place;
    while let Some((folder, _)) = path.rsplit_once('/') {
        if host.has(folder) {
            break;
        }
        folders.push(folder.to_owned());
        path = folder;
    }
    folders.reverse();
    folders
}

/// The step that an entry of the state came from.
fn step_of(entry: &Entry) -> Option<Step> {
    let (check, change) = match entry {
        Entry::Write(written) => {
            let change = match written.path.strip_prefix("proc/sys/") {
                Some(_) => Change::sysctl(&written.path, &written.new),
                None => Change::write(&written.path, &written.new),
            };
            (&written.check, change)
        }
        Entry::Line { check, kind, key, value } => {
            let change = match (kind.as_str(), key.as_str()) {
                ("unit", "LimitNOFILE") => Change::Unit { key: "LimitNOFILE", value: value.clone() },
                ("unit", "LimitMEMLOCK") => Change::Unit { key: "LimitMEMLOCK", value: value.clone() },
                ("unit", "OOMScoreAdjust") => Change::Unit { key: "OOMScoreAdjust", value: value.clone() },
                ("unit", "CPUAffinity") => Change::Unit { key: "CPUAffinity", value: value.clone() },
                ("module", "nf_conntrack") => Change::Module { name: "nf_conntrack", options: value.clone() },
                _ => return None,
            };
            (check, change)
        }
        Entry::Service { .. } | Entry::File { .. } => return None,
    };
    let check = crate::table::checks().find(|known| known.id == check)?;
    Some(Step { check, change })
}
