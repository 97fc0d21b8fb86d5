//! `undo`: everything that `apply` has changed as it was before, the last change first.
//!
//! A value that is neither as `apply` made it nor as it was before belongs to somebody else by now: it is told and left
//! alone unless that is forced. After a restart of the host the same holds for values that nothing of ours has set again.

use std::fs;
use std::path::Path;

use super::make::{reload, service_state};
use super::state::{Entry, State, Written, replace};
use super::{ApplyError, Deed, Told, boot_id, is_setting, same, value};
use crate::Host;

/// How to go about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Undo {
    /// Restore what somebody else has changed since, too.
    pub force: bool,
    /// Only tell what would be done.
    pub dry_run: bool,
}

/// Takes back what the file `state` tells of. What could not be taken back stays in the file.
///
/// # Errors
/// If the state file cannot be used; nothing was changed then. What fails later is told.
pub fn undo(host: &Host, state: &Path, how: Undo, tell: &mut dyn FnMut(Told)) -> Result<(), ApplyError> {
    let mut state = State::load(state, !how.dry_run)?;
    let boot = boot_id(host);
    let has_files = state.entries.iter().any(|entry| matches!(entry, Entry::File { .. }));
    for index in (0..state.entries.len()).rev() {
        let Some(entry) = state.entries.get(index).cloned() else { continue };
        let Some(told) = taken_back(host, &entry, &boot, how) else {
            // A line goes with its file.
            state.entries.remove(index);
            continue;
        };
        let is_over = matches!(told.deed, Deed::Done | Deed::Nothing(_));
        tell(told);
        if is_over && !how.dry_run {
            state.entries.remove(index);
            save(&state, tell);
        }
    }
    if !how.dry_run {
        save(&state, tell);
        if has_files {
            tell(Told::new("systemd told of the files", reload(host)));
        }
    }
    Ok(())
}

fn save(state: &State, tell: &mut dyn FnMut(Told)) {
    if let Err(error) = state.save() {
        tell(Told::new("the state file", Deed::Failed(error.to_string())));
    }
}

fn taken_back(host: &Host, entry: &Entry, boot: &str, how: Undo) -> Option<Told> {
    Some(match entry {
        Entry::Write(written) => write(host, written, boot, how),
        Entry::Service { unit, enabled, active, runs, .. } => Told::new(
            format!("{unit} {enabled} and {active}"),
            service(host, unit, *runs, enabled, active, how),
        ),
        Entry::File { path, old, new, folders } => {
            Told::new(format!("/{path}"), file(host, path, old.as_deref(), new, folders, how))
        }
        Entry::Line { .. } => return None,
    })
}

fn write(host: &Host, written: &Written, boot: &str, how: Undo) -> Told {
    let Written { path, old, new, .. } = written;
    let told = |deed| Told::new(format!("/{path} back to '{old}'"), deed);
    if !is_setting(path) {
        return told(Deed::Failed("this is no setting of the kernel".to_owned()));
    }
    let found = match value(host, path) {
        Ok(found) => found,
        Err(unread) if unread.is_missing() && how.force => return told(Deed::Nothing(unread.to_string())),
        Err(unread) if unread.is_missing() => {
            return told(Deed::Left(format!("{unread}: the device may be gone; --force forgets it")));
        }
        Err(unread) => return told(Deed::Failed(unread.to_string())),
    };
    let was_restarted = boot != written.boot;
    if same(&found, old) {
        let since = if was_restarted { "since the host was restarted" } else { "already" };
        return told(companions(host, written, how).unwrap_or(Deed::Nothing(format!("it is so {since}"))));
    }
    // After a restart only what our own files set again is ours.
    let is_ours = same(&found, new) && (!was_restarted || written.lasts);
    if !is_ours && !how.force {
        let since = if was_restarted {
            "the host was restarted, and it"
        } else {
            "somebody has changed it since: it"
        };
        return told(Deed::Left(format!("{since} is '{found}'; --force restores it")));
    }
    if how.dry_run {
        return told(Deed::Done);
    }
    if let Err(error) = host.overwrite(path, old) {
        return told(Deed::Failed(error.to_string()));
    }
    match value(host, path) {
        Ok(now) if same(&now, old) => told(companions(host, written, how).unwrap_or(Deed::Done)),
        Ok(now) => told(Deed::Failed(format!("the kernel made '{now}' of it"))),
        Err(unread) => told(Deed::Failed(unread.to_string())),
    }
}

/// Restores what the kernel has changed along with a setting; a deed only if that fails.
fn companions(host: &Host, written: &Written, how: Undo) -> Option<Deed> {
    for (path, old) in &written.also {
        let differs = value(host, path).is_ok_and(|found| !same(&found, old));
        if differs
            && is_setting(path)
            && !how.dry_run
            && let Err(error) = host.overwrite(path, old)
        {
            return Some(Deed::Failed(format!("/{path} back to '{old}': {error}")));
        }
    }
    None
}

fn service(host: &Host, unit: &str, runs: bool, enabled: &str, active: &str, how: Undo) -> Deed {
    let (is_enabled, is_active) = match service_state(host, unit) {
        Ok(state) => state,
        Err(error) => return Deed::Failed(error),
    };
    if is_enabled == enabled && is_active == active {
        return Deed::Nothing("it is so already".to_owned());
    }
    let as_made = is_enabled == if runs { "enabled" } else { "disabled" };
    if !as_made && !how.force {
        return Deed::Left(format!("somebody has changed it since: it is {is_enabled}; --force restores it"));
    }
    if how.dry_run {
        return Deed::Done;
    }
    let mut verbs = Vec::new();
    if is_enabled != enabled {
        verbs.push(if enabled == "enabled" { "enable" } else { "disable" });
    }
    if is_active != active {
        verbs.push(if active == "active" { "start" } else { "stop" });
    }
    for verb in verbs {
        if let Err(error) = host.run("systemctl", &[verb, unit]) {
            return Deed::Failed(error.to_string());
        }
    }
    Deed::Done
}

fn file(host: &Host, place: &str, old: Option<&str>, new: &str, folders: &[String], how: Undo) -> Deed {
    let is_own = super::files::is_place(place);
    if !is_own {
        return Deed::Failed("this is none of Strome's files".to_owned());
    }
    let path = host.place(place);
    let found = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Deed::Failed(error.to_string()),
    };
    if found.as_deref() == old {
        return Deed::Nothing("it is so already".to_owned());
    }
    if found.as_deref() != Some(new) && !how.force {
        return Deed::Left("somebody has changed it since; --force restores it".to_owned());
    }
    if how.dry_run {
        return Deed::Done;
    }
    let restored = match old {
        Some(text) => replace(&path, text),
        None => fs::remove_file(&path),
    };
    if let Err(error) = restored {
        return Deed::Failed(error.to_string());
    }
    for folder in folders.iter().rev().filter(|folder| place.starts_with(folder.as_str())) {
        // One that somebody else has put something into stays.
        let _ = fs::remove_dir(host.place(folder));
    }
    Deed::Done
}
