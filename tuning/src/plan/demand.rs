//! What a load asks of the whole cluster, whatever it consists of.

use super::cost;
use super::load::Load;
use super::node::Node;
use super::step::{Step, Unit};

/// See the module; at the peak, in base units.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Demand {
    pub(super) records: f64,
    pub(super) batches: f64,
    /// Bytes produced.
    pub(super) produced: f64,
    pub(super) network_in: f64,
    pub(super) network_out: f64,
    pub(super) disk_written: f64,
    pub(super) disk_read: f64,
    pub(super) disk_space: f64,
    pub(super) cpu: f64,
    /// Records kept in memory for consumers.
    pub(super) cache: f64,
    pub(super) steps: Vec<Step>,
}

impl Demand {
    /// Computes it, step by step. `node` tells how long a commit takes, and so how much one holds.
    pub(super) fn of(load: &Load, node: &Node) -> Self {
        let mut demand = Self::default();
        let wire = demand.traffic(load);
        demand.disks(load, node, wire);
        demand.processors(load);
        demand.cache = demand.step(
            "records kept in memory for consumers",
            format!("{} x {}", bytes_per_second(demand.produced), Unit::Seconds.show(load.lag_seconds)),
            demand.produced * load.lag_seconds,
            Unit::Bytes,
        );
        demand
    }

    /// Records and bytes; returns the bytes of a record on the wire.
    fn traffic(&mut self, load: &Load) -> f64 {
        let (rate, peak) = (load.records_per_second, load.peak_factor);
        let formula = format!("{} x {}", Unit::PerSecond.show(rate), Unit::Times.show(peak));
        self.records = self.step("records at the peak", formula, rate * peak, Unit::PerSecond);
        let per_batch = (load.batch_bytes / load.record_bytes).max(1.0);
        let formula = format!(
            "{} / {}, 1 at least",
            Unit::Bytes.show(load.batch_bytes),
            Unit::Bytes.show(load.record_bytes)
        );
        let per_batch = self.step("records in a batch", formula, per_batch, Unit::Count);
        let formula = format!("{} / {}", Unit::PerSecond.show(self.records), Unit::Count.show(per_batch));
        self.batches = self.step("batches at the peak", formula, self.records / per_batch, Unit::PerSecond);
        let (overhead, header) = (cost::RECORD_OVERHEAD.value, cost::BATCH_OVERHEAD.value);
        let wire = (load.record_bytes + overhead) / load.compression + header / per_batch;
        let formula = format!(
            "({} + {overhead} B) / {} + {header} B / {}",
            Unit::Bytes.show(load.record_bytes),
            Unit::Times.show(load.compression),
            Unit::Count.show(per_batch)
        );
        let wire = self.step("bytes of a record as stored and sent", formula, wire, Unit::Bytes);
        let formula = format!("{} x {}", Unit::PerSecond.show(self.records), Unit::Bytes.show(wire));
        self.produced = self.step("produced at the peak", formula, self.records * wire, Unit::BytesPerSecond);
        self.networks(load, wire);
        wire
    }

    fn networks(&mut self, load: &Load, wire: f64) {
        let copies = f64::from(load.replication_factor) - 1.0;
        let produced = bytes_per_second(self.produced);
        let formula = format!("{produced} x {copies} other replicas");
        let replicated = self.step("replicated", formula, self.produced * copies, Unit::BytesPerSecond);
        let formula = format!(
            "{} x {} x {} x {} groups",
            Unit::PerSecond.show(load.records_per_second),
            Unit::Bytes.show(wire),
            cost::CATCH_UP.value,
            Unit::Count.show(load.catching_up_groups)
        );
        let catching_up = load.records_per_second * wire * cost::CATCH_UP.value * load.catching_up_groups;
        self.disk_read =
            self.step("read from disk by who catches up", formula, catching_up, Unit::BytesPerSecond);
        let formula = format!("{produced} + {}", bytes_per_second(replicated));
        self.network_in = self.step("network in", formula, self.produced + replicated, Unit::BytesPerSecond);
        let formula = format!(
            "{produced} x {} groups + {} + {}",
            Unit::Count.show(load.consumer_groups),
            bytes_per_second(replicated),
            bytes_per_second(self.disk_read)
        );
        let out = self.produced * load.consumer_groups + replicated + self.disk_read;
        self.network_out = self.step("network out", formula, out, Unit::BytesPerSecond);
    }

    fn disks(&mut self, load: &Load, node: &Node, wire: f64) {
        let (partitions, copies) = (f64::from(load.partitions), f64::from(load.replication_factor));
        let arriving = self.produced / partitions * node.disk.commit_seconds;
        let batch = (load.batch_bytes / load.compression).max(wire);
        let formula = format!(
            "the larger of a batch, {}, and {} / {} partitions x {}",
            Unit::Bytes.show(batch),
            bytes_per_second(self.produced),
            Unit::Count.show(partitions),
            Unit::Seconds.show(node.disk.commit_seconds)
        );
        let at_once =
            self.step("bytes of a partition in one commit", formula, arriving.max(batch), Unit::Bytes);
        let is_direct = at_once >= cost::DIRECT.value;
        let times = if is_direct { 1.0 } else { 2.0 };
        let direct = Unit::Bytes.show(cost::DIRECT.value);
        let formula = if is_direct {
            format!("straight to segments, from {direct} on")
        } else {
            format!("journal and segment, below {direct}")
        };
        let times = self.step("times each byte is written", formula, times, Unit::Times);
        let formula = format!("{} x {copies} replicas x {times}", bytes_per_second(self.produced));
        let written = self.produced * copies * times;
        self.disk_written = self.step("written to disk", formula, written, Unit::BytesPerSecond);
        self.space(load, wire, copies);
    }

    fn space(&mut self, load: &Load, wire: f64, copies: f64) {
        let average = load.records_per_second * wire;
        let by_time = load.retention.seconds.map(|seconds| average * seconds);
        let by_size = load.retention.partition_bytes.map(|bytes| bytes * f64::from(load.partitions));
        let time = |seconds: f64| {
            format!("{} on average x {}", bytes_per_second(average), Unit::Seconds.show(seconds))
        };
        let size = |bytes: f64| format!("{} x {} partitions", Unit::Bytes.show(bytes), load.partitions);
        let (formula, kept) = match (by_time, by_size) {
            (Some(by_time), Some(by_size)) if by_size < by_time => {
                (load.retention.partition_bytes.map(size), by_size)
            }
            (Some(by_time), _) => (load.retention.seconds.map(time), by_time),
            (None, by_size) => (load.retention.partition_bytes.map(size), by_size.unwrap_or_default()),
        };
        let kept = self.step("kept of each replica", formula.unwrap_or_default(), kept, Unit::Bytes);
        let slack = cost::RETENTION_SLACK.value;
        let formula = format!("{} x {copies} replicas x {slack}", Unit::Bytes.show(kept));
        self.disk_space = self.step("disk space", formula, kept * copies * slack, Unit::Bytes);
    }

    fn processors(&mut self, load: &Load) {
        let us = |seconds: f64| format!("{} us", Unit::Times.show(seconds * 1e6));
        let ns = |seconds: f64| format!("{} ns", Unit::Times.show(seconds * 1e9));
        let (record, byte) = (cost::PRODUCE_RECORD.value, cost::PRODUCE_BYTE.value);
        let (batch, sent) = (cost::PRODUCE_BATCH.value, cost::CONSUME_BYTE.value);
        let formula = format!(
            "{} x {} + {} x {} + {} x {}",
            Unit::PerSecond.show(self.records),
            us(record),
            bytes_per_second(self.produced),
            ns(byte),
            Unit::PerSecond.show(self.batches),
            us(batch)
        );
        let produce = self.records * record + self.produced * byte + self.batches * batch;
        let produce = self.step("CPU for producers", formula, produce, Unit::Cores);
        let copies = f64::from(load.replication_factor) - 1.0;
        let formula = format!("{} x {}", bytes_per_second(self.network_out), ns(sent));
        let send =
            self.step("CPU for consumers and followers", formula, self.network_out * sent, Unit::Cores);
        let formula = format!("{} x {copies} other replicas", Unit::Cores.show(produce));
        let follow = self.step("CPU of followers, as for producers", formula, produce * copies, Unit::Cores);
        let formula = [produce, send, follow].map(|part| Unit::Cores.show(part)).join(" + ");
        self.cpu = self.step("CPU", formula, produce + send + follow, Unit::Cores);
    }

    /// Notes a step and returns its value.
    fn step(&mut self, what: &'static str, formula: String, value: f64, unit: Unit) -> f64 {
        self.steps.push(Step { what, formula, value, unit });
        value
    }
}

fn bytes_per_second(value: f64) -> String {
    Unit::BytesPerSecond.show(value)
}
