//! The form of a profile's file: one JSON object with a version.
//!
//! # Invariants
//! - What is read back is in range, so that whoever computes with it meets no absurd number.
//! - Keys that are not known are passed over; another version is refused.

use std::time::Duration;

use serde_json::{Map, Value, json};
use types::{ByteCount, TimestampMs};

use super::case::{Around, Case, Measured, Space, What};
use super::device::{Device, WriteCache};
use super::profile::DiskProfile;

/// The form that this file describes.
const VERSION: u64 = 1;
/// Nobody waits longer for an operation, and nobody measures longer.
const MICROSECONDS_MAX: u64 = 24 * 3600 * 1_000_000;
/// No case is larger.
const BLOCK_BYTES_MAX: u64 = 1 << 30;
/// There are some fifty cases.
const MEASURED_MAX: usize = 1000;
/// Names and identities are short.
const TEXT_BYTES_MAX: usize = 1000;
/// More than any disk does in the time.
const OPERATIONS_MAX: u64 = 1 << 50;

const WHATS: [(What, &str); 4] = [
    (What::Write, "write"),
    (What::Read, "read"),
    (What::Commit, "write-and-fdatasync"),
    (What::InlineCommit, "write-dsync"),
];
const SPACES: [(Space, &str); 2] = [(Space::Prewritten, "prewritten"), (Space::Allocated, "allocated")];
const CACHES: [(WriteCache, &str); 3] = [
    (WriteCache::Through, "write-through"),
    (WriteCache::Back, "write-back"),
    (WriteCache::Unknown, "unknown"),
];
const QUIET: &str = "quiet";
const BUSY_CORES: &str = "busy-cores";
const READS: &str = "reads";

/// The profile as JSON.
pub(super) fn of_profile(profile: &DiskProfile) -> Value {
    let device = &profile.device;
    json!({
        "version": VERSION,
        "measured_at_ms": profile.measured_at.0,
        "strome": profile.strome,
        "device": {
            "filesystem": device.filesystem,
            "name": device.name,
            "identity": device.identity,
            "cache": name(&CACHES, device.cache),
            "fua": device.fua,
            "rotational": device.rotational,
            "virtual": device.is_virtual,
        },
        "direct": profile.is_direct,
        "cpus": profile.cpus,
        "prewritten_bytes": profile.prewritten.0,
        "fresh": of_measured(&profile.fresh),
        "measured": profile.measured.iter().map(of_measured).collect::<Vec<_>>(),
    })
}

fn of_measured(measured: &Measured) -> Value {
    let case = measured.case;
    let (around, reads) = match case.around {
        Around::Quiet => (QUIET, 0),
        Around::BusyCores => (BUSY_CORES, 0),
        Around::Reads(depth) => (READS, depth),
    };
    json!({
        "what": name(&WHATS, case.what),
        "block_bytes": case.block.0,
        "depth": case.depth,
        "space": name(&SPACES, case.space),
        "around": around,
        "reads_beside_depth": reads,
        "operations": measured.operations,
        "elapsed_us": microseconds(measured.elapsed),
        "p50_us": microseconds(measured.p50),
        "p99_us": microseconds(measured.p99),
        "p999_us": microseconds(measured.p999),
        "max_us": microseconds(measured.max),
        "reads_beside": measured.reads_beside,
    })
}

/// The profile that `value` means, or what is wrong with it.
pub(super) fn to_profile(value: &Value) -> Result<DiskProfile, String> {
    let top = Fields::of(value, "it")?;
    let version = top.number("version", u64::MAX)?;
    if version != VERSION {
        return Err(format!("it has version {version}, and this program knows version {VERSION} only"));
    }
    let device = Fields::of(top.get("device")?, "device")?;
    let device_name = match device.get("name")? {
        Value::Null => None,
        _ => Some(device.text("name")?),
    };
    let measured = top.get("measured")?.as_array().ok_or("measured is no list")?;
    if measured.len() > MEASURED_MAX {
        return Err(format!("measured has more than {MEASURED_MAX} entries"));
    }
    Ok(DiskProfile {
        measured_at: TimestampMs(
            i64::try_from(top.number("measured_at_ms", i64::MAX as u64)?).unwrap_or(i64::MAX),
        ),
        strome: top.text("strome")?,
        device: Device {
            filesystem: device.text("filesystem")?,
            name: device_name,
            identity: device.text("identity")?,
            cache: device.one_of("cache", &CACHES)?,
            fua: device.truth("fua")?,
            rotational: device.truth("rotational")?,
            is_virtual: device.truth("virtual")?,
        },
        is_direct: top.truth("direct")?,
        cpus: top.small("cpus")?,
        prewritten: ByteCount(top.number("prewritten_bytes", u64::MAX)?),
        fresh: to_measured(top.get("fresh")?)?,
        measured: measured.iter().map(to_measured).collect::<Result<_, _>>()?,
    })
}

fn to_measured(value: &Value) -> Result<Measured, String> {
    let fields = Fields::of(value, "an entry of measured")?;
    let around = match fields.text("around")?.as_str() {
        QUIET => Around::Quiet,
        BUSY_CORES => Around::BusyCores,
        READS => Around::Reads(fields.small("reads_beside_depth")?),
        other => return Err(format!("around is {other:?}")),
    };
    let case = Case {
        what: fields.one_of("what", &WHATS)?,
        block: ByteCount(fields.number("block_bytes", BLOCK_BYTES_MAX)?),
        depth: fields.small("depth")?,
        space: fields.one_of("space", &SPACES)?,
        around,
    };
    Ok(Measured {
        case,
        operations: fields.number("operations", OPERATIONS_MAX)?,
        elapsed: fields.duration("elapsed_us")?,
        p50: fields.duration("p50_us")?,
        p99: fields.duration("p99_us")?,
        p999: fields.duration("p999_us")?,
        max: fields.duration("max_us")?,
        reads_beside: fields.number("reads_beside", OPERATIONS_MAX)?,
    })
}

/// An object that is looked into, and its name for complaints.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    name: &'static str,
}

impl<'a> Fields<'a> {
    fn of(value: &'a Value, name: &'static str) -> Result<Self, String> {
        value.as_object().map(|object| Self { object, name }).ok_or_else(|| format!("{name} is no object"))
    }

    fn get(&self, key: &str) -> Result<&'a Value, String> {
        self.object.get(key).ok_or_else(|| format!("{} has no {key}", self.name))
    }

    fn number(&self, key: &str, max: u64) -> Result<u64, String> {
        let number = self.get(key)?.as_u64().filter(|number| *number <= max);
        number.ok_or_else(|| format!("{key} is no whole number from 0 to {max}"))
    }

    /// A number from 1 to 65535, or 0.
    fn small(&self, key: &str) -> Result<u16, String> {
        let number = self.number(key, u64::from(u16::MAX))?;
        u16::try_from(number).map_err(|_| format!("{key} is too large"))
    }

    fn duration(&self, key: &str) -> Result<Duration, String> {
        self.number(key, MICROSECONDS_MAX).map(Duration::from_micros)
    }

    fn truth(&self, key: &str) -> Result<bool, String> {
        self.get(key)?.as_bool().ok_or_else(|| format!("{key} is neither true nor false"))
    }

    fn text(&self, key: &str) -> Result<String, String> {
        let text = self.get(key)?.as_str().filter(|text| text.len() <= TEXT_BYTES_MAX);
        // What is read here is printed: nothing in it may move somebody's cursor.
        let text = text.filter(|text| !text.chars().any(char::is_control));
        text.map(str::to_owned).ok_or_else(|| format!("{key} is no text of {TEXT_BYTES_MAX} bytes at most"))
    }

    fn one_of<T: Copy>(&self, key: &str, names: &[(T, &str)]) -> Result<T, String> {
        let text = self.text(key)?;
        let found = names.iter().find(|(_, name)| *name == text);
        found.map(|(value, _)| *value).ok_or_else(|| format!("{key} is {text:?}"))
    }
}

fn name<T: Copy + PartialEq>(names: &[(T, &'static str)], wanted: T) -> &'static str {
    names.iter().find(|(value, _)| *value == wanted).map_or("", |(_, name)| name)
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(MICROSECONDS_MAX)
}
