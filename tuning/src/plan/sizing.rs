//! From what a load asks for to the number and size of brokers, and what is the first to run out.

use std::fmt;

use super::demand::Demand;
use super::error::PlanError;
use super::load::Load;
use super::node::Node;
use super::step::{Step, Unit};

/// Something of which a broker has so much and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Cores that shards run on.
    Cores,
    /// What the disks read and write in a second.
    DiskBandwidth,
    /// What they hold.
    DiskSpace,
    /// What the network card takes, in the busier direction.
    Network,
}

/// How much of a resource is used at the peak, with the spare brokers away.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Of what.
    pub resource: Resource,
    /// The share of one broker that the whole load would take.
    pub brokers_worth: f64,
    /// How many brokers that makes when no more than the allowed share is used.
    pub brokers: f64,
    /// What is used of each broker of the plan, as a share of all that it has.
    pub usage: f64,
    /// How that was computed.
    pub formula: String,
}

/// A cluster for a load.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How many, spare ones included.
    pub brokers: u32,
    /// Shards of each.
    pub shards: f64,
    /// Whether the load fits; always, unless the number of brokers was given.
    pub fits: bool,
    /// The resources, the scarcest first.
    pub limits: Vec<Limit>,
    /// The arithmetic.
    pub steps: Vec<Step>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// What one broker bears at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Maximum {
    /// Records in a second.
    pub records_per_second: f64,
    /// What runs out there.
    pub resource: Resource,
}

/// No cluster is larger.
const BROKERS_MAX: u32 = 100_000;
/// A disk that is fuller has no room for a burst, nor for compaction.
const FULL: f64 = 0.85;
/// The cache for consumers is a quarter of `strome.memory.bytes`.
const CACHES: f64 = 4.0;
const MIB: f64 = 1024.0 * 1024.0;
/// `strome.memory.bytes` is never less by default.
const MEMORY_MIN: f64 = 256.0 * MIB;
/// Beyond that setting: a quarter of it for records read from disk; and the process itself with compaction.
const COLD_SHARE: f64 = 0.25;
const PROCESS: f64 = 256.0 * MIB;
/// A partition that is written to holds a chunk of 16 KiB at least, and its indexes' ends.
const PARTITION: f64 = 20.0 * 1024.0;
/// For the kernel and what else runs on the host.
const HOST: f64 = 2048.0 * MIB;

/// A cluster that bears the load; of `brokers`, if their number is given.
///
/// # Errors
/// What is wrong with an input, or that no cluster would do.
pub fn plan(load: &Load, node: &Node, brokers: Option<u32>) -> Result<Plan, PlanError> {
    load.check()?;
    node.check()?;
    if brokers.is_some_and(|brokers| brokers <= u32::from(node.spare)) {
        let what = "with so few brokers none may be spare: there have to be more brokers than spare ones";
        return Err(PlanError::Contradiction(what.to_owned()));
    }
    let demand = Demand::of(load, node);
    let mut limits = limits(&demand, load, node);
    let needed = limits.iter().map(|limit| limit.brokers).fold(1.0, f64::max);
    if needed > f64::from(BROKERS_MAX) {
        let scarcest = limits.iter().max_by(|a, b| a.brokers.total_cmp(&b.brokers));
        let resource = scarcest.map_or("the load", |limit| limit.resource.name());
        return Err(PlanError::TooMany { resource, nodes: needed, most: BROKERS_MAX });
    }
    // Below the bound, so that the conversion keeps the value.
    let needed = (needed as u32 + u32::from(node.spare)).max(u32::from(load.replication_factor));
    let count = brokers.unwrap_or(needed);
    let working = f64::from(count) - f64::from(node.spare);
    for limit in &mut limits {
        limit.usage = limit.brokers_worth / working;
    }
    limits.sort_by(|a, b| b.usage.total_cmp(&a.usage));
    let mut steps = demand.steps.clone();
    steps.extend(of_each(&demand, load, node, f64::from(count), working));
    Ok(Plan {
        brokers: count,
        shards: node.shards(),
        fits: count >= needed,
        notes: notes(&demand, load, node, f64::from(count), working),
        limits,
        steps,
    })
}

/// What one broker bears of a load of this kind when everything may be used to the end.
///
/// # Errors
/// What is wrong with an input.
pub fn maximum(load: &Load, node: &Node) -> Result<Maximum, PlanError> {
    load.check()?;
    let node = Node { utilisation: 1.0, ..node.clone() };
    node.check()?;
    let demand = Demand::of(load, &node);
    // What is kept is a matter of time and not of speed.
    let limits = limits(&demand, load, &node);
    let speed = limits.iter().filter(|limit| limit.resource != Resource::DiskSpace);
    let scarcest = speed.max_by(|a, b| a.brokers_worth.total_cmp(&b.brokers_worth));
    let (resource, worth) =
        scarcest.map_or((Resource::Cores, 1.0), |limit| (limit.resource, limit.brokers_worth));
    Ok(Maximum { records_per_second: demand.records / worth.max(f64::MIN_POSITIVE), resource })
}

/// What each resource asks for; `usage` is not known yet.
fn limits(demand: &Demand, load: &Load, node: &Node) -> Vec<Limit> {
    // A partition is one shard's, so that no more cores work than there are replicas.
    let replicas = f64::from(load.partitions) * f64::from(load.replication_factor);
    let cores = node.shard_cores().min(replicas);
    let disks = f64::from(node.disks);
    let (write, read) = (node.disk.write_bytes_per_second * disks, node.disk.read_bytes_per_second * disks);
    let network = demand.network_in.max(demand.network_out);
    let space = node.disk_bytes * disks;
    let (rate, bytes) = (|value| Unit::BytesPerSecond.show(value), |value| Unit::Bytes.show(value));
    let of = |resource, worth: f64, share: f64, formula: String| Limit {
        resource,
        brokers_worth: worth,
        brokers: (worth / share).ceil().max(1.0),
        usage: 0.0,
        formula: format!(
            "{formula} = {} brokers, of which {:.0} % may be used",
            Unit::Times.show(worth),
            share * 100.0
        ),
    };
    let used = node.utilisation;
    vec![
        of(
            Resource::Cores,
            demand.cpu / cores,
            used,
            format!("{} / {} of shards", Unit::Cores.show(demand.cpu), Unit::Cores.show(cores)),
        ),
        of(
            Resource::DiskBandwidth,
            demand.disk_written / write + demand.disk_read / read,
            used,
            format!(
                "{} written / {} + {} read / {}",
                rate(demand.disk_written),
                rate(write),
                rate(demand.disk_read),
                rate(read)
            ),
        ),
        of(
            Resource::DiskSpace,
            demand.disk_space / space,
            FULL,
            format!("{} / ({} disks x {})", bytes(demand.disk_space), disks, bytes(node.disk_bytes)),
        ),
        of(
            Resource::Network,
            network / node.network_bytes_per_second,
            used,
            format!("{} in the busier direction / {}", rate(network), rate(node.network_bytes_per_second)),
        ),
    ]
}

/// What falls to each broker.
fn of_each(demand: &Demand, load: &Load, node: &Node, count: f64, working: f64) -> Vec<Step> {
    let replicas = f64::from(load.partitions) * f64::from(load.replication_factor);
    let shards = node.shards();
    let each = |what, whole: f64, unit: Unit| Step {
        what,
        formula: format!("{} / {working} brokers", unit.show(whole)),
        value: whole / working,
        unit,
    };
    let cache = demand.cache / working;
    let setting = (cache * CACHES).max(MEMORY_MIN);
    let partitions = replicas / count;
    let asked = demand.batches * f64::from(load.replication_factor) / working;
    let possible = shards * f64::from(node.disks) / node.disk.commit_seconds;
    let most = possible.min(node.disk.commits_per_second * f64::from(node.disks));
    vec![
        each("CPU of a broker", demand.cpu, Unit::Cores),
        each("network in of a broker", demand.network_in, Unit::BytesPerSecond),
        each("network out of a broker", demand.network_out, Unit::BytesPerSecond),
        each("written to the disks of a broker", demand.disk_written, Unit::BytesPerSecond),
        each("read from the disks of a broker", demand.disk_read, Unit::BytesPerSecond),
        Step {
            what: "disk space of a broker",
            formula: format!("{} / {working} brokers / {FULL}", Unit::Bytes.show(demand.disk_space)),
            value: demand.disk_space / working / FULL,
            unit: Unit::Bytes,
        },
        Step {
            what: "partitions of a shard",
            formula: format!("{replicas} replicas / {count} brokers / {shards} shards"),
            value: partitions / shards,
            unit: Unit::Count,
        },
        Step {
            what: "commits of a broker",
            formula: format!(
                "batches that come, {}, but no more than the disks' {}: the others join",
                Unit::PerSecond.show(asked),
                Unit::PerSecond.show(most)
            ),
            value: asked.min(most),
            unit: Unit::PerSecond,
        },
        Step {
            what: "strome.memory.bytes",
            formula: format!(
                "{} of cache x {CACHES}, {} at least",
                Unit::Bytes.show(cache),
                Unit::Bytes.show(MEMORY_MIN)
            ),
            value: setting,
            unit: Unit::Bytes,
        },
        Step {
            what: "memory of a host",
            formula: format!(
                "{} x {} + {} partitions x {} + {} + {} for the host",
                Unit::Bytes.show(setting),
                1.0 + COLD_SHARE,
                Unit::Count.show(partitions),
                Unit::Bytes.show(PARTITION),
                Unit::Bytes.show(PROCESS),
                Unit::Bytes.show(HOST)
            ),
            value: setting * (1.0 + COLD_SHARE) + partitions * PARTITION + PROCESS + HOST,
            unit: Unit::Bytes,
        },
    ]
}

/// What numbers alone do not say.
fn notes(demand: &Demand, load: &Load, node: &Node, count: f64, working: f64) -> Vec<String> {
    let mut notes = vec![format!("disks: {}", node.disk.source)];
    if load.replication_factor > 1 || count > 1.0 {
        notes.push(
            "this release runs single nodes: what followers cost is taken from producers and consumers, not measured"
                .to_owned(),
        );
    }
    if load.replication_factor > 1 && working < f64::from(load.replication_factor) {
        notes.push(format!(
            "while {} brokers are away, {working} are left for {} replicas: with min.insync.replicas of more than \
             {working} producers would wait",
            node.spare, load.replication_factor
        ));
    }
    let replicas = f64::from(load.partitions) * f64::from(load.replication_factor);
    let shards = working * node.shards();
    if replicas < shards {
        notes.push(format!(
            "{replicas} replicas cannot occupy {shards} shards: a partition is one shard's; more partitions would"
        ));
    }
    let of_one = demand.cpu / replicas;
    if of_one > node.utilisation {
        notes.push(format!(
            "one replica would take {} of its shard: no number of brokers helps, at least {} partitions do",
            Unit::Cores.show(of_one),
            Unit::Count.show((demand.cpu / f64::from(load.replication_factor) / node.utilisation).ceil())
        ));
    }
    notes
}

impl Resource {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cores => "cores",
            Self::DiskBandwidth => "disk bandwidth",
            Self::DiskSpace => "disk space",
            Self::Network => "network",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
