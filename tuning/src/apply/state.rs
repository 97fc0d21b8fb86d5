//! The file in which `apply` writes down how everything was before.
//!
//! # Invariants
//! - A file that cannot be understood is never overwritten.
//! - It is replaced as a whole, and durable before [`State::save`] returns.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde_json::{Value, json};

use super::ApplyError;

const VERSION: u64 = 1;

/// What was changed and can be taken back, oldest first.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    pub entries: Vec<Entry>,
    /// Held as long as somebody works with the file: the lock of its folder.
    _lock: Option<File>,
}

/// One thing that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A setting of the kernel.
    Write(Written),
    /// A service of systemd.
    Service { check: String, unit: String, runs: bool, enabled: String, active: String },
    /// A line of a file that makes something last; it goes with the file.
    Line { check: String, kind: String, key: String, value: String },
    /// A file that makes something last. `old` is what was there before; `folders` were made for it.
    File { path: String, old: Option<String>, new: String, folders: Vec<String> },
}

/// See [`Entry::Write`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub check: String,
    pub path: String,
    pub old: String,
    pub new: String,
    /// The run of the kernel in which it was changed.
    pub boot: String,
    /// Whether a file makes it last.
    pub lasts: bool,
    /// Settings that the kernel resets when this one is changed, with their old values.
    pub also: Vec<(String, String)>,
}

impl State {
    /// Reads the file; without one there is nothing to take back. With `exclusive` nobody else may work with it.
    pub fn load(path: &Path, exclusive: bool) -> Result<Self, ApplyError> {
        let lock = if exclusive { Some(lock(path)?) } else { None };
        let problem = |problem: String| ApplyError::State { path: path.to_owned(), problem };
        let entries = match fs::read_to_string(path) {
            Ok(text) => parse(&text).ok_or_else(|| problem("it is no state of `strome tune`".to_owned()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(problem(error.to_string())),
        };
        Ok(Self { path: path.to_owned(), entries, _lock: lock })
    }

    /// Writes the file anew, or removes it when there is nothing in it.
    pub fn save(&self) -> io::Result<()> {
        if self.entries.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let entries: Vec<Value> = self.entries.iter().map(Entry::json).collect();
        let text = format!("{:#}\n", json!({ "version": VERSION, "entries": entries }));
        replace(&self.path, &text)
    }

    /// The setting at `path`, if it was changed.
    pub fn written(&mut self, path: &str) -> Option<&mut Written> {
        self.entries.iter_mut().find_map(|entry| match entry {
            Entry::Write(written) if written.path == path => Some(written),
            _ => None,
        })
    }
}

/// Replaces a file by one with this text, durably: either the old or the new one is there after a crash.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = folder.join(format!(".{name}.new"));
    let mut file = File::create(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}

/// Makes the folder of the file if need be, and locks it.
fn lock(path: &Path) -> Result<File, ApplyError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error| ApplyError::Write { path: folder.to_owned(), error };
    fs::create_dir_all(folder).map_err(failed)?;
    let file = File::open(folder).map_err(failed)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(ApplyError::Busy(path.to_owned())),
        Err(error) => Err(failed(error.into())),
    }
}

fn parse(text: &str) -> Option<Vec<Entry>> {
    let value: Value = serde_json::from_str(text).ok()?;
    if value.get("version")?.as_u64()? != VERSION {
        return None;
    }
    value.get("entries")?.as_array()?.iter().map(Entry::parse).collect()
}

impl Entry {
    fn json(&self) -> Value {
        match self {
            Self::Write(Written { check, path, old, new, boot, lasts, also }) => json!({
                "kind": "write", "check": check, "path": path, "old": old, "new": new, "boot": boot, "lasts": lasts,
                "also": also.iter().map(|(path, old)| json!({ "path": path, "old": old })).collect::<Vec<_>>(),
            }),
            Self::Service { check, unit, runs, enabled, active } => json!({
                "kind": "service", "check": check, "unit": unit, "runs": runs, "enabled": enabled, "active": active,
            }),
            Self::Line { check, kind, key, value } => {
                json!({ "kind": "line", "check": check, "of": kind, "key": key, "value": value })
            }
            Self::File { path, old, new, folders } => {
                json!({ "kind": "file", "path": path, "old": old, "new": new, "folders": folders })
            }
        }
    }

    fn parse(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        let flag = |name: &str| value.get(name)?.as_bool();
        Some(match value.get("kind")?.as_str()? {
            "write" => {
                let also = value.get("also")?.as_array()?.iter().map(|pair| {
                    Some((pair.get("path")?.as_str()?.to_owned(), pair.get("old")?.as_str()?.to_owned()))
                });
                Self::Write(Written {
                    check: text("check")?,
                    path: text("path")?,
                    old: text("old")?,
                    new: text("new")?,
                    boot: text("boot")?,
                    lasts: flag("lasts")?,
                    also: also.collect::<Option<_>>()?,
                })
            }
            "service" => Self::Service {
                check: text("check")?,
                unit: text("unit")?,
                runs: flag("runs")?,
                enabled: text("enabled")?,
                active: text("active")?,
            },
            "line" => Self::Line {
                check: text("check")?,
                kind: text("of")?,
                key: text("key")?,
                value: text("value")?,
            },
            "file" => {
                let folders = value.get("folders")?.as_array()?.iter();
                Self::File {
                    path: text("path")?,
                    old: text("old"),
                    new: text("new")?,
                    folders: folders
                        .map(|folder| folder.as_str().map(str::to_owned))
                        .collect::<Option<_>>()?,
                }
            }
            _ => return None,
        })
    }
}
