//! `strome produce`: lines of standard input become records.

mod lines;
mod progress;
mod record_form;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bench::Acks;
use bytes::Bytes;
use clap::Args;
use record::Compression;
use types::{PartitionIndex, TimestampMs};

use self::lines::{Lines, read_chunks};
use self::progress::Progress;
use self::record_form::RecordForm;
use super::codec::codec;
use super::connect::{Connect, OneTopic};
use super::failure::{Failure, complain};
use crate::client::{Producer, ProducerOptions};

/// Records in memory while the brokers are slower than the input.
const BUFFER_BYTES: usize = 32 * 1024 * 1024;

/// Pieces of input that may wait to be cut into lines.
const CHUNKS_WAITING: usize = 8;

/// How long to wait for input before looking around.
const IDLE: Duration = Duration::from_millis(100);

/// How long to wait for input while answers are awaited too.
const BUSY: Duration = Duration::from_millis(2);

/// The arguments of `strome produce`.
#[derive(Args)]
pub struct Produce {
    #[command(flatten)]
    topic: OneTopic,
    #[command(flatten)]
    form: RecordForm,
    /// The partition for all records [default: by key, or in turns]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// How to compress batches
    #[arg(long, visible_alias = "compression-codec", value_name = "CODEC", default_value = "none", value_parser = codec())]
    compression: Compression,
    /// Who must have a record before it counts: 0 nobody, 1 the leader, all the replicas in sync
    #[arg(long, visible_alias = "request-required-acks", value_name = "0|1|all", default_value = "all")]
    acks: Acks,
    /// Bytes of a batch, uncompressed
    #[arg(long, value_name = "BYTES", default_value_t = 131_072, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    batch_size: u32,
    /// How long a batch waits for more records
    #[arg(long, value_name = "MS", default_value_t = 10)]
    linger: u64,
    /// How long it is tried to get a record acknowledged
    #[arg(long, value_name = "MS", default_value_t = 60_000)]
    delivery_timeout_ms: u64,
    /// Do without the producer id by which a broker recognises repetitions
    #[arg(long)]
    no_idempotence: bool,
    /// Let the broker create the topic if it is not there and auto.create.topics.enable is set
    #[arg(long)]
    auto_create: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Produce {
    /// Sends everything that standard input gives.
    pub fn run(self) -> Result<(), Failure> {
        let form = self.form.resolve().map_err(Failure::Said)?;
        let mut client = self.connect.client()?;
        let name = self.topic.name().to_owned();
        let topic = client.topic(&name, self.auto_create)?;
        let options = ProducerOptions {
            acks: self.acks,
            compression: self.compression,
            batch_bytes: usize::try_from(self.batch_size).unwrap_or(usize::MAX),
            linger: Duration::from_millis(self.linger),
            buffer_bytes: BUFFER_BYTES,
            delivery_timeout: Duration::from_millis(self.delivery_timeout_ms),
            idempotent: self.acks == Acks::All && !self.no_idempotence,
            partition: self.partition.map(PartitionIndex),
        };
        let mut producer = Producer::new(client, topic, options, getrandom::u32().unwrap_or_default())?;
        let stopped = super::stop_flag();
        let begun = Instant::now();
        let (sender, chunks) = sync_channel(CHUNKS_WAITING);
        // It ends with the input or with the process: nothing can interrupt a read.
        std::thread::spawn(move || read_chunks(std::io::stdin().lock(), &sender));
        let mut sent = Sent { lines: Lines::default(), progress: Progress::new(begun), pushed: 0 };
        let fed = feed(&mut producer, &form, &chunks, &stopped, &mut sent);
        // What was read before is sent all the same.
        let flushed = producer.flush().map_err(Failure::from);
        sent.progress.end();
        conclude(&producer, &name, self.acks, sent.pushed, begun.elapsed());
        fed.and(flushed)?;
        let failed = producer.report().records_failed() > 0;
        if failed || stopped.load(Ordering::Relaxed) { Err(Failure::Reported) } else { Ok(()) }
    }
}

/// How far the input has got.
struct Sent {
    lines: Lines,
    progress: Progress,
    pushed: u64,
}

/// Hands lines to the producer until the input ends or a signal says stop.
fn feed(
    producer: &mut Producer,
    form: &record_form::Resolved,
    chunks: &Receiver<std::io::Result<Bytes>>,
    stopped: &Arc<AtomicBool>,
    sent: &mut Sent,
) -> Result<(), Failure> {
    while !stopped.load(Ordering::Relaxed) {
        let until_due = producer.next_deadline().map_or(IDLE, |due| {
            due.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), IDLE)
        });
        let wait = if producer.is_waiting() { until_due.min(BUSY) } else { until_due };
        let ended = match chunks.recv_timeout(wait) {
            Ok(Ok(chunk)) => {
                sent.lines.add(chunk).map_err(Failure::Said)?;
                false
            }
            Ok(Err(error)) => return Err(Failure::Said(format!("cannot read standard input: {error}"))),
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                sent.lines.end();
                true
            }
        };
        let now = now();
        while let Some((number, line)) = sent.lines.next_line() {
            let record =
                form.record(&line, now).map_err(|why| Failure::Said(format!("line {number}: {why}")))?;
            producer.push(record)?;
            sent.pushed += 1;
        }
        producer.advance(Duration::ZERO)?;
        sent.progress.show(producer.report(), sent.pushed);
        if ended {
            return Ok(());
        }
    }
    Ok(())
}

fn conclude(producer: &Producer, topic: &str, acks: Acks, pushed: u64, took: Duration) {
    let report = producer.report();
    for (why, records) in &report.failures {
        complain(&format!("{records} {} not written: {why}", records_were(*records)));
    }
    let counted = report.records_acknowledged;
    let done = if acks == Acks::None { "sent (nobody was asked)" } else { "acknowledged" };
    let seconds = took.as_secs_f64();
    let rate = if seconds > 0.0 { counted as f64 / seconds } else { 0.0 };
    let of = if counted == pushed { String::new() } else { format!(" of {pushed}") };
    let records = if counted == 1 && of.is_empty() { "record" } else { "records" };
    complain(&format!("{topic}: {counted}{of} {records} {done} in {seconds:.1} s, {rate:.0} records/s"));
}

fn records_were(count: u64) -> &'static str {
    if count == 1 { "record was" } else { "records were" }
}

fn now() -> TimestampMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimestampMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
