//! `strome log dump`: in the form of Kafka's `kafka-dump-log`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{offset_index, segment, small_files, time_index, txn_index};
use crate::cli::failure::{Failure, complain};

/// The arguments of `strome log dump`.
#[derive(Args)]
pub struct Dump {
    /// Files of a log: *.log, *.index, *.timeindex, *.txnindex, *.snapshot, leader-epoch-checkpoint,
    /// *-offset-checkpoint, partition.metadata
    #[arg(value_name = "FILE", required_unless_present = "files")]
    paths: Vec<PathBuf>,
    /// The files, as in Kafka's tool
    #[arg(long, value_name = "FILE,...", value_delimiter = ',')]
    files: Vec<PathBuf>,
    /// Print keys and values too
    #[arg(long)]
    print_data_log: bool,
    /// Print every record, not only batches; this also decompresses and so checks them
    #[arg(long)]
    deep_iteration: bool,
    /// With --print-data-log: leave out what is not key or value
    #[arg(long)]
    skip_record_metadata: bool,
    /// Of indexes print nothing, but compare them with their segments
    #[arg(long)]
    verify_index_only: bool,
    /// Of indexes check only the form
    #[arg(long)]
    index_sanity_check: bool,
}

/// How to dump: what the arguments come to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct How {
    pub(super) records: bool,
    pub(super) data: bool,
    pub(super) record_metadata: bool,
    pub(super) entries: bool,
    pub(super) compare: bool,
}

/// A place where a file is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// In the file, in bytes from its beginning.
    pub(super) position: u64,
    pub(super) what: String,
}

impl Problem {
    pub(super) fn at(position: u64, what: impl Into<String>) -> Self {
        Self { position, what: what.into() }
    }
}

/// Why a file could not be dumped to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum DumpError {
    #[error("cannot read it: {0}")]
    Read(io::Error),
    #[error(transparent)]
    Print(#[from] io::Error),
    #[error("{0}")]
    Name(&'static str),
}

impl Dump {
    /// Prints the files. Fails if one is damaged or cannot be read.
    pub fn run(self) -> Result<(), Failure> {
        let how = How {
            records: self.deep_iteration || self.print_data_log,
            data: self.print_data_log,
            record_metadata: !self.skip_record_metadata,
            entries: !self.verify_index_only && !self.index_sanity_check,
            compare: !self.index_sanity_check,
        };
        let mut out = io::BufWriter::with_capacity(256 * 1024, io::stdout().lock());
        let mut damaged = false;
        for path in self.paths.iter().chain(&self.files) {
            let found = dump(path, &how, &mut out);
            let shown = path.display();
            match found {
                Ok(problems) => {
                    out.flush()?;
                    for Problem { position, what } in &problems {
                        complain(&format!("{shown}: position {position}: {what}"));
                    }
                    damaged |= !problems.is_empty();
                }
                Err(DumpError::Print(error)) => return Err(Failure::Output(error)),
                Err(error) => {
                    out.flush()?;
                    complain(&format!("{shown}: {error}"));
                    damaged = true;
                }
            }
        }
        out.flush()?;
        if damaged { Err(Failure::Reported) } else { Ok(()) }
    }
}

/// Dumps one file by its name.
fn dump(path: &Path, how: &How, out: &mut impl Write) -> Result<Vec<Problem>, DumpError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let kind = kind(name).ok_or(DumpError::Name(
        "not the name of a log's file; expected .log, .index, .timeindex, .txnindex, .snapshot, \
         leader-epoch-checkpoint, *-offset-checkpoint or partition.metadata",
    ))?;
    writeln!(out, "Dumping {}", path.display())?;
    match kind {
        Kind::Segment => segment::dump(path, how, out),
        Kind::OffsetIndex => offset_index::dump(path, how, out),
        Kind::TimeIndex => time_index::dump(path, how, out),
        Kind::TxnIndex => txn_index::dump(path, how, out),
        Kind::ProducerSnapshot => small_files::producer_snapshot(path, out),
        Kind::LeaderEpochs => small_files::leader_epochs(path, out),
        Kind::OffsetCheckpoint => small_files::offset_checkpoint(path, out),
        Kind::PartitionMetadata => small_files::partition_metadata(path, out),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Segment,
    OffsetIndex,
    TimeIndex,
    TxnIndex,
    ProducerSnapshot,
    LeaderEpochs,
    OffsetCheckpoint,
    PartitionMetadata,
}

fn kind(name: &str) -> Option<Kind> {
    // What is being removed, moved or swapped in has the same content.
    let name =
        [".deleted", ".cleaned", ".swap"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    Some(match name {
        "leader-epoch-checkpoint" => Kind::LeaderEpochs,
        "partition.metadata" => Kind::PartitionMetadata,
        _ if name.ends_with("-offset-checkpoint") => Kind::OffsetCheckpoint,
        _ => match name.rsplit_once('.')?.1 {
            "log" => Kind::Segment,
            "index" => Kind::OffsetIndex,
            "timeindex" => Kind::TimeIndex,
            "txnindex" => Kind::TxnIndex,
            "snapshot" => Kind::ProducerSnapshot,
            _ => return None,
        },
    })
}

/// The offset that a file of a segment is named by.
pub(super) fn base_offset(path: &Path) -> Result<i64, DumpError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let offset = name.split('.').next().and_then(|offset| offset.parse().ok());
    offset.ok_or(DumpError::Name("its name does not begin with the segment's base offset"))
}

/// The entries of an index, `N` bytes each, without the unused ones that a broker may leave at the end, all zero; and
/// what is wrong with their number.
pub(super) fn used_entries<const N: usize>(bytes: &[u8]) -> (&[[u8; N]], Vec<Problem>) {
    let (entries, rest) = bytes.as_chunks::<N>();
    let used = entries.iter().rposition(|entry| *entry != [0; N]).map_or(0, |last| last + 1);
    let cut = Problem::at((bytes.len() - rest.len()) as u64, "the last entry is cut off");
    (&entries[..used], if rest.is_empty() { Vec::new() } else { vec![cut] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        assert_eq!(kind("00000000000000000000.log"), Some(Kind::Segment));
        assert_eq!(kind("00000000000000000000.timeindex.deleted"), Some(Kind::TimeIndex));
        assert_eq!(kind("recovery-point-offset-checkpoint"), Some(Kind::OffsetCheckpoint));
        assert_eq!(kind("meta.properties"), None);
        assert_eq!(base_offset(Path::new("/x/00000000000000000042.index")).unwrap(), 42);
        assert!(base_offset(Path::new("x.index")).is_err());
    }
}
