//! What a record costs: constants that were measured, each with its source.
//!
//! From the medians of a quiet machine (`bench/runs/2026-11-22-intel-xeon-2-cores-24-gib`): a million records of 1,000 bytes
//! took the broker 1.17 CPU seconds to take in, of 100 bytes 0.20, in batches of up to 256 KiB. Two equations for a cost of each
//! record and of each byte on the wire, where a record has 7 bytes more than its content: 1.17e-6 = r + 1007 b and
//! 0.20e-6 = r + 107 b, so b = 1.08e-9 and r = 0.085e-6. The kernel's part for sockets and disks is in them.

use std::fmt;

/// A figure, and where it is from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    /// What it is.
    pub name: &'static str,
    /// In its unit.
    pub value: f64,
    /// Seconds, bytes or a factor.
    pub unit: &'static str,
    /// Where it is from.
    pub source: &'static str,
}

impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, unit, source } = self;
        match value {
            // A time that no reader should have to count zeros for.
            ..1e-3 => write!(f, "{name}: {value:e} {unit} ({source})"),
            _ => write!(f, "{name}: {value} {unit} ({source})"),
        }
    }
}

const QUIET: &str = "bench/runs/2026-11-22-intel-xeon-2-cores-24-gib";

/// CPU for each record produced.
pub(super) const PRODUCE_RECORD: Constant =
    Constant { name: "CPU per record produced", value: 0.085e-6, unit: "s", source: QUIET };
/// CPU for each byte produced, as it comes over the wire.
pub(super) const PRODUCE_BYTE: Constant =
    Constant { name: "CPU per byte produced", value: 1.08e-9, unit: "s", source: QUIET };
/// CPU for each batch produced: its part of requests, appends and commits.
pub(super) const PRODUCE_BATCH: Constant = Constant {
    name: "CPU per batch produced",
    value: 10e-6,
    unit: "s",
    source: "bench/runs/2026-11-22-intel-xeon-2-cores-24-gib-busy/small_batches.txt",
};
/// CPU for each byte consumed; records are not looked at one by one.
pub(super) const CONSUME_BYTE: Constant =
    Constant { name: "CPU per byte consumed", value: 0.31e-9, unit: "s", source: QUIET };
/// What the format adds to a record in a batch.
pub(super) const RECORD_OVERHEAD: Constant = Constant {
    name: "bytes that the format adds to a record",
    value: 7.0,
    unit: "bytes",
    source: "the record batch format: lengths and deltas of a record of less than 8 KiB",
};
/// What the format adds to a batch.
pub(super) const BATCH_OVERHEAD: Constant = Constant {
    name: "bytes of a batch's header",
    value: 61.0,
    unit: "bytes",
    source: "the record batch format, version 2",
};
/// From so many bytes of a partition at once on, a commit goes past the journal.
pub(super) const DIRECT: Constant = Constant {
    name: "bytes of a partition that pass by the journal",
    value: 131_072.0,
    unit: "bytes",
    source: "docs/adr/0007-shard-journal.md",
};
/// How fast who catches up reads, against what is produced.
pub(super) const CATCH_UP: Constant = Constant {
    name: "times the rate of producing at which a group catches up",
    value: 2.0,
    unit: "times",
    source: "a choice: a group gains a second in each second",
};
/// Segments are deleted as a whole, and deleted files stay a minute.
pub(super) const RETENTION_SLACK: Constant = Constant {
    name: "disk space beyond the retention",
    value: 1.1,
    unit: "times",
    source: "a choice: the active segment, indexes (0.4 %), files that wait for their deletion",
};

/// All of them, for the page that shows the arithmetic.
pub const CONSTANTS: &[Constant] = &[
    PRODUCE_RECORD,
    PRODUCE_BYTE,
    PRODUCE_BATCH,
    CONSUME_BYTE,
    RECORD_OVERHEAD,
    BATCH_OVERHEAD,
    DIRECT,
    CATCH_UP,
    RETENTION_SLACK,
];
