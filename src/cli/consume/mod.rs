//! `strome consume`: prints the records of a topic.

mod form;
mod start;
mod template;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use types::{Offset, PartitionIndex};

use self::form::{FormArgs, RecordWriter};
use self::start::StartArgs;
pub use self::start::partition_list;
use super::connect::{Connect, OneTopic};
use super::failure::{Failure, complain};
use crate::client::{
    Client, ClientError, Consumer, ConsumerOptions, Fetched, Isolation, OffsetTarget, Topic,
};

/// How long a leader may wait for records.
const FETCH_WAIT: Duration = Duration::from_millis(500);

/// How long to wait before looking at signals and limits.
const LOOK: Duration = Duration::from_millis(100);

/// Bytes of an answer, and of a partition in it: the Java client's defaults.
const FETCH_BYTES_MAX: i32 = 50 * 1024 * 1024;
const PARTITION_BYTES_MAX: i32 = 1024 * 1024;

/// The arguments of `strome consume`.
#[derive(Args)]
pub struct Consume {
    #[command(flatten)]
    topic: OneTopic,
    #[command(flatten)]
    start: StartArgs,
    /// The partitions to read: 0,2,5-7 [default: all]
    #[arg(long, value_name = "LIST", value_parser = partition_list)]
    partition: Option<std::vec::Vec<i32>>,
    /// Stop after so many records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_messages: Option<u64>,
    /// Stop when no record has come for so long
    #[arg(long, value_name = "MS")]
    timeout_ms: Option<u64>,
    /// Stop at the end that the partitions have now
    #[arg(long)]
    exit_at_end: bool,
    /// Whether to read records of open and aborted transactions
    #[arg(long, value_enum, default_value_t = IsolationLevel::ReadUncommitted)]
    isolation_level: IsolationLevel,
    #[command(flatten)]
    form: FormArgs,
    /// Do not say how many records there were
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    connect: Connect,
}

/// An isolation level as Kafka writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum IsolationLevel {
    #[value(name = "read_uncommitted", alias = "read-uncommitted")]
    ReadUncommitted,
    #[value(name = "read_committed", alias = "read-committed")]
    ReadCommitted,
}

impl From<IsolationLevel> for Isolation {
    fn from(level: IsolationLevel) -> Self {
        match level {
            IsolationLevel::ReadUncommitted => Self::ReadUncommitted,
            IsolationLevel::ReadCommitted => Self::ReadCommitted,
        }
    }
}

impl Consume {
    /// Prints records until a limit is reached, standard output is closed or a signal says stop.
    pub fn run(self) -> Result<(), Failure> {
        let writer = self.form.writer().map_err(Failure::Said)?;
        let mut client = self.connect.client()?;
        let mut topic = client.topic(self.topic.name(), false)?;
        let partitions = self.partitions(&topic)?;
        let isolation = Isolation::from(self.isolation_level);
        let positions = self.start.positions(&mut client, &mut topic, &partitions, isolation)?;
        let ends = self.ends(&mut client, &mut topic, &partitions)?;
        let options = ConsumerOptions {
            isolation,
            fetch_wait_max: FETCH_WAIT,
            fetch_bytes_max: FETCH_BYTES_MAX,
            partition_bytes_max: PARTITION_BYTES_MAX,
        };
        let name = topic.name.clone();
        let mut printer = Printer {
            topic: &name,
            writer,
            out: io::BufWriter::with_capacity(256 * 1024, io::stdout().lock()),
            line: Vec::new(),
            count: 0,
            count_max: self.max_messages.unwrap_or(u64::MAX),
            ends,
        };
        let mut consumer = Consumer::new(client, topic, positions, options);
        let printed = self.print_all(&mut consumer, &mut printer);
        let flushed = printer.out.flush();
        if !self.quiet {
            let count = printer.count;
            complain(&format!("{count} {} of {name}", if count == 1 { "record" } else { "records" }));
        }
        printed?;
        Ok(flushed?)
    }

    fn partitions(&self, topic: &Topic) -> Result<Vec<PartitionIndex>, ClientError> {
        let Some(chosen) = &self.partition else { return Ok(topic.partitions.keys().copied().collect()) };
        let chosen: Vec<PartitionIndex> = chosen.iter().copied().map(PartitionIndex).collect();
        for partition in &chosen {
            topic.partition(*partition)?;
        }
        Ok(chosen)
    }

    /// Where to stop, if that is asked for.
    fn ends(
        &self,
        client: &mut Client,
        topic: &mut Topic,
        partitions: &[PartitionIndex],
    ) -> Result<Option<BTreeMap<PartitionIndex, Offset>>, ClientError> {
        if !self.exit_at_end {
            return Ok(None);
        }
        let isolation = self.isolation_level.into();
        let found = client.offsets(topic, partitions, OffsetTarget::Latest, isolation)?;
        Ok(Some(found.into_iter().map(|(partition, found)| (partition, found.offset)).collect()))
    }

    fn print_all<W: Write>(
        &self,
        consumer: &mut Consumer,
        printer: &mut Printer<'_, W>,
    ) -> Result<(), Failure> {
        let stopped = super::stop_flag();
        let patience = self.timeout_ms.map(Duration::from_millis);
        let mut last = Instant::now();
        loop {
            printer.leave_finished(consumer);
            let over = consumer.positions().is_empty() || printer.count >= printer.count_max;
            let impatient = patience.is_some_and(|patience| last.elapsed() >= patience);
            if over || impatient || stopped.load(Ordering::Relaxed) || !super::output::is_read() {
                return Ok(());
            }
            let polled = consumer.poll(patience.map_or(LOOK, |patience| patience.min(LOOK)))?;
            for (partition, from, to) in polled.skipped {
                let topic = printer.topic;
                complain(&format!(
                    "{topic}-{partition}: offset {from} is not there any more; going on at {to}"
                ));
            }
            for fetched in polled.fetched {
                last = Instant::now();
                printer.print(fetched)?;
            }
            printer.out.flush()?;
        }
    }
}

/// Prints records and counts them.
struct Printer<'a, W: Write> {
    topic: &'a str,
    writer: RecordWriter,
    out: W,
    line: Vec<u8>,
    count: u64,
    count_max: u64,
    ends: Option<BTreeMap<PartitionIndex, Offset>>,
}

impl<W: Write> Printer<'_, W> {
    fn print(&mut self, fetched: Fetched) -> Result<(), Failure> {
        let partition = fetched.partition;
        let end = self.ends.as_ref().and_then(|ends| ends.get(&partition)).copied();
        let mut written = Ok(());
        let shown = fetched.each(|header, record| {
            if self.count >= self.count_max || end.is_some_and(|end| record.offset >= end) {
                return ControlFlow::Break(());
            }
            self.line.clear();
            self.writer.write(&mut self.line, self.topic, partition, header, record);
            self.count += 1;
            written = self.out.write_all(&self.line);
            if written.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        written?;
        shown.map_err(|(offset, source)| {
            let topic = self.topic.to_owned();
            Failure::Client(ClientError::Records { topic, partition, offset, source })
        })
    }

    /// Partitions that were read to the end need not be asked again.
    fn leave_finished(&self, consumer: &mut Consumer) {
        let Some(ends) = &self.ends else { return };
        for (partition, end) in ends {
            if consumer.positions().get(partition).is_some_and(|position| position >= end) {
                consumer.leave(*partition);
            }
        }
    }
}
