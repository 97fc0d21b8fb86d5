//! `strome tune plan`: how many brokers a load needs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tuning::disk::{DiskProfile, FILE_NAME};
use tuning::plan::{self, CONSTANTS, Disk, Load, Node, PlanError, Retention};
use types::ByteCount;

use super::units;
use crate::cli::failure::Failure;
use crate::cli::output::{Form, Output};

/// The arguments of `strome tune plan`. Rates are averages.
#[derive(Args)]
pub struct Plan {
    /// Records produced in a second, on average
    #[arg(long, value_name = "N")]
    rate: f64,
    /// Bytes of a record's key, value and headers before compression, such as 200 or 1K
    #[arg(long, value_name = "BYTES", value_parser = units::bytes)]
    record_size: ByteCount,
    /// By how much the busiest time is above the average
    #[arg(long, value_name = "FACTOR", default_value_t = 2.0)]
    peak: f64,
    /// How many times smaller compression makes batches
    #[arg(long, value_name = "RATIO", default_value_t = 1.0)]
    compression: f64,
    /// Bytes of a producer's batch before compression (batch.size, if linger.ms lets it fill)
    #[arg(long, value_name = "BYTES", default_value = "16K", value_parser = units::bytes)]
    batch_size: ByteCount,
    /// How long records are kept (retention.ms), such as 7d or 36h; 7d unless --retention-bytes is given
    #[arg(long, value_name = "TIME", value_parser = units::time)]
    retention: Option<Duration>,
    /// How many bytes each partition keeps (retention.bytes)
    #[arg(long, value_name = "BYTES", value_parser = units::bytes)]
    retention_bytes: Option<ByteCount>,
    /// Copies of each partition
    #[arg(long, value_name = "N", default_value_t = 3)]
    replication_factor: u16,
    /// Consumer groups that read everything
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    consumers: f64,
    /// How far behind consumers may be and still read from memory
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::time)]
    lag: Duration,
    /// Consumer groups that, at a time, read old records from disk, twice as fast as they are produced
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    catching_up: f64,
    /// Partitions of all topics
    #[arg(long, value_name = "N", default_value_t = 100)]
    partitions: u32,
    #[command(flatten)]
    host: HostArgs,
    /// Judge so many brokers instead of saying how many it takes
    #[arg(long, value_name = "N")]
    brokers: Option<u32>,
    #[command(flatten)]
    output: Output,
}

/// What a broker's host has.
#[derive(Args)]
struct HostArgs {
    /// What `strome tune disk` has kept: the file, or its directory; without, a common NVMe disk is assumed
    #[arg(long, value_name = "PATH")]
    disk_profile: Option<PathBuf>,
    /// Cores of a broker
    #[arg(long, value_name = "N", default_value_t = 16.0)]
    cores: f64,
    /// Gigabits in a second of a broker's network card, in each direction
    #[arg(long, value_name = "GBIT", default_value_t = 10.0)]
    network: f64,
    /// Disks of a broker, each one of its log.dirs
    #[arg(long, value_name = "N", default_value_t = 1)]
    disks: u16,
    /// Bytes of each disk
    #[arg(long, value_name = "BYTES", default_value = "2T", value_parser = units::bytes)]
    disk_size: ByteCount,
    /// What share of everything may be used at the peak
    #[arg(long, value_name = "SHARE", default_value_t = 0.7)]
    utilisation: f64,
    /// How many brokers may be away at the peak; 1 with replicas, else 0
    #[arg(long, value_name = "N")]
    spare: Option<u16>,
}

/// What a retention is without an argument, as with Kafka.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

impl Plan {
    /// Computes and shows it.
    pub fn run(self) -> Result<(), Failure> {
        let (load, node) = (self.load(), self.node()?);
        let plan = plan::plan(&load, &node, self.brokers)?;
        let mut out = io::stdout().lock();
        match self.output.form() {
            Form::Json => writeln!(out, "{:#}", to_json(&plan))?,
            Form::Plain => {
                for step in &plan.steps {
                    writeln!(out, "{}\t{}\t{}", step.what, step.value, step.unit.name())?;
                }
            }
            Form::Table => out.write_all(to_text(&plan).as_bytes())?,
        }
        out.flush()?;
        if plan.fits { Ok(()) } else { Err(Failure::Reported) }
    }

    fn load(&self) -> Load {
        let by_default = self.retention_bytes.is_none().then_some(RETENTION);
        Load {
            records_per_second: self.rate,
            record_bytes: self.record_size.0 as f64,
            peak_factor: self.peak,
            compression: self.compression,
            batch_bytes: self.batch_size.0 as f64,
            retention: Retention {
                seconds: self.retention.or(by_default).map(|time| time.as_secs_f64()),
                partition_bytes: self.retention_bytes.map(|bytes| bytes.0 as f64),
            },
            replication_factor: self.replication_factor,
            consumer_groups: self.consumers,
            lag_seconds: self.lag.as_secs_f64(),
            catching_up_groups: self.catching_up,
            partitions: self.partitions,
        }
    }

    fn node(&self) -> Result<Node, Failure> {
        let host = &self.host;
        let disk = match &host.disk_profile {
            None => Disk::assumed(),
            Some(path) => Disk::measured(&profile(path)?),
        };
        Ok(Node {
            cores: host.cores,
            network_bytes_per_second: host.network * 1e9 / 8.0,
            disks: host.disks,
            disk_bytes: host.disk_size.0 as f64,
            disk,
            utilisation: host.utilisation,
            spare: host.spare.unwrap_or(u16::from(self.replication_factor > 1)),
        })
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// The profile in a file, or in a directory.
fn profile(path: &Path) -> Result<DiskProfile, Failure> {
    let file = if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() };
    let found = DiskProfile::read(&file)?;
    found.ok_or_else(|| Failure::Usage(format!("there is no disk profile in {}", file.display())))
}

fn to_text(plan: &plan::Plan) -> String {
    let mut text = format!("{} brokers with {} shards each", plan.brokers, plan.shards);
    if let Some(first) = plan.limits.first() {
        text += &format!(
            "; the first to run out: {}, {:.0} % used at the peak",
            first.resource,
            first.usage * 100.0
        );
    }
    if !plan.fits {
        text += "\nThat is not enough.";
    }
    text += "\n\nWhat is used at the peak, with the spare brokers away:\n";
    for limit in &plan.limits {
        text += &format!("  {:>4.0} %  {}: {}\n", limit.usage * 100.0, limit.resource, limit.formula);
    }
    text += "\nStep by step:\n";
    for step in &plan.steps {
        text += &format!("  {step}\n");
    }
    text += "\nWhere the constants are from:\n";
    for constant in CONSTANTS {
        text += &format!("  {constant}\n");
    }
    text += "\nTo be known:\n";
    for note in &plan.notes {
        text += &format!("  {note}\n");
    }
    text
}

fn to_json(plan: &plan::Plan) -> Value {
    let limits = plan.limits.iter().map(|limit| {
        json!({
            "resource": limit.resource.name(),
            "usage": limit.usage,
            "brokers": limit.brokers,
            "formula": limit.formula,
        })
    });
    let steps = plan.steps.iter().map(|step| {
        json!({ "what": step.what, "formula": step.formula, "value": step.value, "unit": step.unit.name() })
    });
    json!({
        "brokers": plan.brokers,
        "shards": plan.shards,
        "fits": plan.fits,
        "bottleneck": plan.limits.first().map(|limit| limit.resource.name()),
        "limits": limits.collect::<Vec<_>>(),
        "steps": steps.collect::<Vec<_>>(),
        "notes": plan.notes,
    })
}
