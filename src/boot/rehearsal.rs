//! What a start with these settings would run into on this host, found out without starting.
//!
//! # Invariants
//! - Nothing is left behind: no directory is made, no file written. Ports are opened for a moment, and closed again.
//!
//! # Not here
//! Whether the settings make sense (`config`); whether the host is a good one (`strome tune check`).

use std::io;
use std::path::{Path, PathBuf};

use metadata::BrokerSettings;
use reactor::Disk;
use rustix::fs::{Access, access};
use storage::{DirLock, DirView, StorageError};

use super::cores::Cores;
use super::{bind, bind_admin};
use crate::config::Config;

/// Where the log directories are set.
const LOG_DIRS: &str = "log.dirs";

/// Something that a start would run into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The setting that leads there, if it is one.
    pub setting: Option<&'static str>,
    /// What it is, and what to do.
    pub what: String,
    /// Whether the broker would not start because of it.
    pub is_fatal: bool,
}

impl Obstacle {
    fn fatal(setting: impl Into<Option<&'static str>>, what: impl ToString) -> Self {
        Self { setting: setting.into(), what: what.to_string(), is_fatal: true }
    }

    fn minor(setting: impl Into<Option<&'static str>>, what: impl ToString) -> Self {
        Self { is_fatal: false, ..Self::fatal(setting, what) }
    }
}

/// All that a start would run into, as far as it shows before anything is changed. It is judged as who runs this: what
/// one user may do another may not.
pub fn rehearse(config: &Config) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    if let Err(error) = reactor::probe() {
        obstacles.push(Obstacle::fatal(None, error));
    }
    let shards = match Cores::choose(&config.broker.strome) {
        Ok(cores) => Some(cores.shards),
        Err(error) => {
            obstacles.push(Obstacle::fatal("strome.cpus", error));
            None
        }
    };
    let is_running = look_at_directories(&config.broker, &mut obstacles);
    if is_running {
        // The ports are its own, then, and it would have to end before another start anyway.
        return obstacles;
    }
    if let Some(shards) = shards
        && let Err(error) = bind(config, shards)
    {
        obstacles.push(Obstacle::fatal("listeners", error));
    }
    if let Err(error) = bind_admin(&config.broker.strome.admin_listener) {
        obstacles.push(Obstacle::fatal("strome.admin.listener", error));
    }
    obstacles
}

/// Whether a broker runs on one of the directories.
fn look_at_directories(settings: &BrokerSettings, obstacles: &mut Vec<Obstacle>) -> bool {
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut clusters: Vec<String> = Vec::new();
    let mut is_running = false;
    for (index, path) in settings.log_dirs.iter().map(Path::new).enumerate() {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let shown = path.display();
        if seen.contains(&real) {
            obstacles
                .push(Obstacle::fatal(LOG_DIRS, format!("{shown} is there twice; name each directory once")));
            continue;
        }
        seen.push(real);
        match look_at_directory(path, settings) {
            Ok(cluster) => clusters.extend(cluster),
            Err(Unusable::Running) => {
                is_running = true;
                let what =
                    format!("a broker runs on {shown} now; directories and ports are not checked further");
                obstacles.push(Obstacle::minor(LOG_DIRS, what));
            }
            Err(Unusable::NotOurs(what)) => obstacles.push(Obstacle::fatal(LOG_DIRS, what)),
            Err(Unusable::Broken(why)) if index == 0 => {
                obstacles.push(Obstacle::fatal(LOG_DIRS, why));
            }
            Err(Unusable::Broken(why)) => {
                let what = format!("{why}. The broker would start without {shown} and the partitions in it");
                obstacles.push(Obstacle::minor(LOG_DIRS, what));
            }
        }
    }
    clusters.dedup();
    if clusters.len() > 1 {
        let what = format!("the directories belong to different clusters: {}", clusters.join(", "));
        obstacles.push(Obstacle::fatal(LOG_DIRS, what));
    }
    is_running
}

/// Why a directory cannot be used.
enum Unusable {
    /// A broker has it locked.
    Running,
    /// It belongs to somebody else.
    NotOurs(String),
    /// The operating system does not let it be used.
    Broken(String),
}

/// The cluster that the directory belongs to, if it was used before.
fn look_at_directory(path: &Path, settings: &BrokerSettings) -> Result<Option<String>, Unusable> {
    if !is_there_and_usable(path)? {
        return Ok(None);
    }
    let disk = Disk::host();
    let of = |error: StorageError| match error {
        StorageError::Locked(_) => Unusable::Running,
        StorageError::Io { .. } => Unusable::Broken(error.to_string()),
        other => Unusable::NotOurs(other.to_string()),
    };
    let _lock = DirLock::take(&disk, path).map_err(of)?;
    let Some(meta) = DirView::look(&disk, path).map_err(of)?.meta else { return Ok(None) };
    if meta.node_id != settings.node_id {
        return Err(Unusable::NotOurs(format!(
            "{} belongs to node {}, but this is node {}; set node.id={} or use another directory",
            path.display(),
            meta.node_id,
            settings.node_id,
            meta.node_id
        )));
    }
    Ok(Some(meta.cluster_id))
}

/// Whether the directory is there; if it is not, it can be made.
fn is_there_and_usable(path: &Path) -> Result<bool, Unusable> {
    // A relative path counts from the working directory, whose parents are all there.
    let nearest = path.ancestors().map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir });
    for (index, dir) in nearest.enumerate() {
        let shown = dir.display();
        match dir.metadata() {
            Ok(found) if !found.is_dir() => {
                return Err(Unusable::Broken(format!("{shown} is not a directory; name another one")));
            }
            Ok(_) => {
                access(dir, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
                    let deed = if index == 0 { "used" } else { "given a directory for logs" };
                    let error = io::Error::from(error);
                    Unusable::Broken(format!(
                        "{shown} cannot be {deed}: {error}; give it to the user that the broker runs as"
                    ))
                })?;
                return Ok(index == 0);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Unusable::Broken(format!("{shown} cannot be looked at: {error}"))),
        }
    }
    Ok(false)
}
