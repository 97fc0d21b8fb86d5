//! The same cases with fio, in turns, so that somebody who knows fio can believe the figures.
//!
//! fio gets the very same file: under a name in `/proc` that the descriptor gives it, since it has no other.
//!
//! Both get ordinary pages (see `pages.rs`) and hand over each operation by itself, with changed bytes (see `blocks.rs`). A commit
//! with several in flight is as many jobs of fio, as it is as many threads here: one job does not wait for its write before
//! it syncs.
//!
//! # Not here
//! Fresh space, which is fresh once only, and busy cores.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::{self, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use types::ByteCount;

use super::case::{Around, Case, What};
use super::error::DiskError;

/// How often each takes its turn; the median counts. Many short turns see the same of what else goes on.
pub(super) const ROUNDS: usize = 7;
/// How long a turn takes.
pub(super) const TIME: Duration = Duration::from_millis(400);
/// From fio's start to its first operation, for which it is not to blame.
const RAMP: &str = "200ms";

const KIB: u64 = 1024;

/// Operations per second of one case, by this program and by fio.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What was measured.
    pub case: Case,
    ours: Vec<f64>,
    fios: Vec<f64>,
}

impl Comparison {
    pub(super) fn of(case: Case) -> Self {
        Self { case, ours: Vec::new(), fios: Vec::new() }
    }

    pub(super) fn add(&mut self, ours: f64, fios: f64) {
        self.ours.push(ours);
        self.fios.push(fios);
    }

    /// The medians of operations per second, ours first.
    #[must_use]
    pub fn per_second(&self) -> (f64, f64) {
        (median(&self.ours), median(&self.fios))
    }
}

fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// What is compared: something of all that both can measure.
pub(super) fn cases() -> Vec<Case> {
    let write = |kib, depth| Case::write(ByteCount(kib * KIB), depth);
    let mut cases: Vec<_> = Case::DEPTHS.into_iter().map(Case::commit).collect();
    cases.extend([
        Case { block: ByteCount(256 * KIB), ..Case::commit(1) },
        Case::inline_commit(1),
        Case::commit(1).around(Around::Reads(2)),
        write(4, 1),
        write(4, 8),
        write(64, 2),
        write(256, 4),
        write(1024, 1),
        write(1024, 8),
        Case::read(1),
        Case::read(4),
        Case::read(8),
    ]);
    cases
}

/// fio, for one file.
pub(super) struct Fio {
    path: String,
    bytes: ByteCount,
    is_direct: bool,
}

impl Fio {
    /// For the first `bytes` of this file, which has to stay open.
    pub(super) fn new(file: &File, bytes: ByteCount, is_direct: bool) -> Self {
        let path = format!("/proc/{}/fd/{}", process::id(), file.as_raw_fd());
        Self { path, bytes, is_direct }
    }

    /// Operations per second.
    pub(super) fn measure(&self, case: Case) -> Result<f64, DiskError> {
        let output = Command::new("fio").args(self.arguments(case)).stdin(Stdio::null()).output();
        let output = output.map_err(|error| DiskError::Fio(format!("cannot be run: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(DiskError::Fio(said.lines().last().unwrap_or("it failed").to_owned()));
        }
        per_second(&output.stdout, case.what)
    }

    fn arguments(&self, case: Case) -> Vec<String> {
        // What stands before the first job counts for all of them.
        let mut arguments = vec![
            format!("--filename={}", self.path),
            "--allow_file_create=0".to_owned(),
            "--overwrite=1".to_owned(),
            "--thread=1".to_owned(),
            "--group_reporting=1".to_owned(),
            "--ioengine=io_uring".to_owned(),
            format!("--direct={}", u8::from(self.is_direct)),
            "--time_based".to_owned(),
            format!("--ramp_time={RAMP}"),
            format!("--runtime={}ms", TIME.as_millis()),
            "--output-format=json".to_owned(),
        ];
        let jobs = case.threads();
        let depth = case.depth / jobs;
        // What is read beside lies in the other half.
        let half = self.bytes.0 / 2 / Case::READ_BESIDE.0 * Case::READ_BESIDE.0;
        let part = if matches!(case.around, Around::Reads(_)) { half } else { self.bytes.0 };
        let share = ByteCount(part / u64::from(jobs.max(1)) / case.block.0 * case.block.0);
        arguments.extend(job("strome", case.what, case.block, depth, ByteCount(0), share));
        arguments.extend([format!("--numjobs={jobs}"), format!("--offset_increment={}", share.0)]);
        match case.what {
            What::Commit => arguments.push("--fdatasync=1".to_owned()),
            What::InlineCommit => arguments.push("--sync=dsync".to_owned()),
            What::Write | What::Read => {}
        }
        if let Around::Reads(depth) = case.around {
            let rest = ByteCount(self.bytes.0 - half);
            arguments.extend(job("beside", What::Read, Case::READ_BESIDE, depth, ByteCount(half), rest));
            arguments.push("--new_group=1".to_owned());
        }
        arguments
    }
}

/// One job: what follows belongs to it, too.
fn job(name: &str, what: What, block: ByteCount, depth: u16, from: ByteCount, len: ByteCount) -> [String; 6] {
    [
        format!("--name={name}"),
        format!("--rw={}", if what == What::Read { "read" } else { "write" }),
        format!("--bs={}", block.0),
        format!("--iodepth={depth}"),
        format!("--offset={}", from.0),
        format!("--size={}", len.0),
    ]
}

/// What fio says in its JSON.
fn per_second(output: &[u8], what: What) -> Result<f64, DiskError> {
    // Notes of fio may stand before the object.
    let begin = output.iter().position(|byte| *byte == b'{').unwrap_or_default();
    let value: Value = serde_json::from_slice(output.get(begin..).unwrap_or_default())
        .map_err(|error| DiskError::Fio(format!("its output cannot be read: {error}")))?;
    let direction = if what == What::Read { "read" } else { "write" };
    let iops = value.pointer(&format!("/jobs/0/{direction}/iops")).and_then(Value::as_f64);
    iops.ok_or_else(|| DiskError::Fio(format!("its output tells no {direction} iops")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_fio_is_read_also_behind_a_note() {
        let output = b"note: something\n{\"jobs\": [{\"read\": {\"iops\": 12.5}, \"write\": {\"iops\": 7}}]}";
        assert_eq!(per_second(output, What::Read).unwrap(), 12.5);
        assert_eq!(per_second(output, What::Commit).unwrap(), 7.0);
        for garbage in [&b""[..], b"{", b"{}", b"{\"jobs\": []}"] {
            assert!(matches!(per_second(garbage, What::Read), Err(DiskError::Fio(_))));
        }
    }
}
