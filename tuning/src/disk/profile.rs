//! What was found out of a disk, as it is kept beside the data.
//!
//! # Not here
//! The form of the file (`json.rs`); what follows from it (`advice.rs`, `verdict.rs`).

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use types::{ByteCount, TimestampMs};

use super::case::{Case, Measured, What};
use super::device::Device;
use super::error::DiskError;
use super::json;
use crate::Host;

/// The profile's name in a log directory. Kafka and Strome take only directories there for logs, and this is a file.
pub const FILE_NAME: &str = "strome-disk-profile.json";
/// Its name until it is whole.
pub(super) const UNFINISHED_NAME: &str = "strome-disk-profile.json.tmp";
/// No profile is larger; a larger file is something else.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskProfile {
    /// When it was measured.
    pub measured_at: TimestampMs,
    /// The version of Strome that did it.
    pub strome: String,
    /// On what.
    pub device: Device,
    /// Whether files passed by the page cache.
    pub is_direct: bool,
    /// How many CPUs the process could use, which is how many were kept busy.
    pub cpus: u16,
    /// How much of the file was prewritten.
    pub prewritten: ByteCount,
    /// Writing that first time, in order: the rate of fresh space.
    pub fresh: Measured,
    /// Everything else, in the order in which it was measured.
    pub measured: Vec<Measured>,
}

impl DiskProfile {
    /// What came out of a case, if it was measured.
    #[must_use]
    pub fn of(&self, case: Case) -> Option<&Measured> {
        self.measured.iter().find(|measured| measured.case == case)
    }

    /// The outcomes of all quiet cases of a kind.
    pub fn quiet(&self, what: What) -> impl Iterator<Item = &Measured> {
        let sort = Case::read(1);
        self.measured.iter().filter(move |measured| {
            let case = measured.case;
            case.what == what && case.space == sort.space && case.around == sort.around
        })
    }

    /// The most bytes per second of a kind, however it is reached; 0 if it was not measured.
    #[must_use]
    pub fn best_bytes_per_second(&self, what: What) -> f64 {
        self.quiet(what).map(Measured::bytes_per_second).fold(0.0, f64::max)
    }

    /// The profile as it stands in its file.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        json::of_profile(self)
    }

    /// Puts the profile into `dir`, whole or not at all.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn save(&self, dir: &Path) -> Result<(), DiskError> {
        let (unfinished, path) = (dir.join(UNFINISHED_NAME), dir.join(FILE_NAME));
        let text = format!("{:#}\n", self.to_json());
        let write = || -> io::Result<()> {
            let mut file = File::create(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(dir)?.sync_all()
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&unfinished);
            DiskError::io("write", &path)(error)
        })
    }

    /// The profile in the file at `path`; `None` if there is no file.
    ///
    /// # Errors
    /// `Malformed` if it is no profile, or errors of the operating system.
    pub fn read(path: &Path) -> Result<Option<Self>, DiskError> {
        let malformed = |what: String| DiskError::Malformed { path: path.to_owned(), what };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DiskError::io("open", path)(error)),
        };
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(DiskError::io("read", path))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(malformed(format!("it is larger than {} KiB", FILE_BYTES_MAX / 1024)));
        }
        let value =
            serde_json::from_slice(&bytes).map_err(|error| malformed(format!("it is no JSON: {error}")))?;
        json::to_profile(&value).map(Some).map_err(malformed)
    }

    /// The profile kept in `dir`, if it is of the disk that `dir` lies on now.
    ///
    /// # Errors
    /// As for [`Self::read`], and `Malformed` for another disk's.
    pub fn load(host: &Host, dir: &Path) -> Result<Option<Self>, DiskError> {
        let path = dir.join(FILE_NAME);
        let Some(profile) = Self::read(&path)? else { return Ok(None) };
        let now = Device::below(host, dir).map_err(DiskError::io("look at", dir))?;
        if profile.device.identity != now.identity {
            let what = format!(
                "it was measured on another disk ({}, not {}); measure this one with `strome tune disk`",
                profile.device.identity, now.identity
            );
            return Err(DiskError::Malformed { path, what });
        }
        Ok(Some(profile))
    }
}
