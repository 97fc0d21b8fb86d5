//! Reading partitions of a topic: a long poll at each leader, all at the same time.
//!
//! # Invariants
//! - The records of a partition come in order, each once, from where reading began.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::messages::fetch::{FetchPartition, FetchTopic, PartitionData};
use protocol::messages::{FetchRequest, FetchResponse};
use protocol::{ApiKey, Records, Str, Versions};
use record::RecordError;
use types::{BrokerId, Offset, PartitionIndex};

use super::aborted::Aborted;
use super::connection::Ticket;
use super::error::ClientError;
use super::fetched::Fetched;
use super::node::{Client, pause};
use super::offsets::OffsetTarget;
use super::topic::Topic;

/// From this version on topics are named by their ids.
const VERSION_WITH_TOPIC_IDS: i16 = 13;

/// How often each leader is looked at while several are waited for.
const LOOK: Duration = Duration::from_millis(10);

const OFFSET_OUT_OF_RANGE: i16 = 1;

/// Which records may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// All of them.
    ReadUncommitted,
    /// Only those outside of open and aborted transactions.
    ReadCommitted,
}

impl Isolation {
    pub(super) const fn on_wire(self) -> i8 {
        match self {
            Self::ReadUncommitted => 0,
            Self::ReadCommitted => 1,
        }
    }
}

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerOptions {
    pub isolation: Isolation,
    /// How long a leader may wait for records.
    pub fetch_wait_max: Duration,
    /// Bytes of one answer.
    pub fetch_bytes_max: i32,
    /// Bytes of one partition in an answer.
    pub partition_bytes_max: i32,
}

/// What a poll brought.
#[derive(Debug, Default)]
pub struct Polled {
    pub fetched: Vec<Fetched>,
    /// Partitions whose records were deleted before they could be read: where reading was, and where it goes on.
    pub skipped: Vec<(PartitionIndex, Offset, Offset)>,
}

/// See the module.
#[derive(Debug)]
pub struct Consumer {
    client: Client,
    topic: Topic,
    options: ConsumerOptions,
    /// The next offset to read of each partition.
    positions: BTreeMap<PartitionIndex, Offset>,
    in_flight: BTreeMap<BrokerId, InFlight>,
    /// Since when nothing but errors has come.
    trouble_since: Option<Instant>,
    /// Counts requests: the partitions take turns in being the first.
    turn: usize,
}

/// A long poll.
#[derive(Debug)]
struct InFlight {
    ticket: Ticket,
    asked: BTreeMap<PartitionIndex, Offset>,
}

impl Consumer {
    /// Reads each of the partitions from the given offset on.
    pub fn new(
        client: Client,
        topic: Topic,
        positions: BTreeMap<PartitionIndex, Offset>,
        options: ConsumerOptions,
    ) -> Self {
        let in_flight = BTreeMap::new();
        Self { client, topic, options, positions, in_flight, trouble_since: None, turn: 0 }
    }

    /// The next offset to read, of the partitions that are read.
    pub fn positions(&self) -> &BTreeMap<PartitionIndex, Offset> {
        &self.positions
    }

    /// Reads a partition no longer.
    pub fn leave(&mut self, partition: PartitionIndex) {
        self.positions.remove(&partition);
    }

    /// Waits so long for records. Errors that may pass are ridden out for as long as a request may take.
    pub fn poll(&mut self, wait: Duration) -> Result<Polled, ClientError> {
        let mut polled = Polled::default();
        match self.poll_once(wait, &mut polled) {
            Ok(()) => self.trouble_since = None,
            Err(error) if error.is_retriable() => self.ride_out(error)?,
            Err(error) => return Err(error),
        }
        Ok(polled)
    }

    fn ride_out(&mut self, error: ClientError) -> Result<(), ClientError> {
        let since = *self.trouble_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.client.options().request_timeout {
            return Err(error);
        }
        pause();
        match self.client.topic(&self.topic.name, false) {
            Ok(topic) => self.topic = topic,
            Err(error) if error.is_retriable() => {}
            Err(error) => return Err(error),
        }
        let client = &self.client;
        self.in_flight.retain(|leader, _| client.is_open(*leader));
        Ok(())
    }

    fn poll_once(&mut self, wait: Duration, polled: &mut Polled) -> Result<(), ClientError> {
        self.send_all()?;
        let deadline = Instant::now() + wait;
        loop {
            let mut any = false;
            for leader in self.in_flight.keys().copied().collect::<Vec<_>>() {
                let left = deadline.saturating_duration_since(Instant::now());
                let alone = self.in_flight.len() == 1;
                if self.is_ready(leader, if alone { left } else { left.min(LOOK) })? {
                    any = true;
                    self.receive(leader, polled)?;
                }
            }
            if any || self.in_flight.is_empty() || Instant::now() >= deadline {
                return Ok(());
            }
        }
    }

    /// Asks every leader that is not asked yet.
    fn send_all(&mut self) -> Result<(), ClientError> {
        let mut by_leader: BTreeMap<BrokerId, BTreeMap<PartitionIndex, Offset>> = BTreeMap::new();
        for (partition, offset) in &self.positions {
            let leader = self.topic.leader(*partition)?;
            by_leader.entry(leader).or_default().insert(*partition, *offset);
        }
        for (leader, asked) in by_leader {
            if !self.in_flight.contains_key(&leader) {
                let sent = self.send(leader, asked);
                self.drop_if_broken(leader, sent)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, leader: BrokerId, asked: BTreeMap<PartitionIndex, Offset>) -> Result<(), ClientError> {
        self.turn = self.turn.wrapping_add(1);
        let mut partitions: Vec<FetchPartition> = asked
            .iter()
            .map(|(partition, offset)| FetchPartition {
                partition: partition.0,
                fetch_offset: offset.0,
                partition_max_bytes: self.options.partition_bytes_max,
                ..Default::default()
            })
            .collect();
        let first = self.turn % partitions.len().max(1);
        partitions.rotate_left(first);
        let topic =
            FetchTopic { topic: Str::from(self.topic.name.as_str()), topic_id: self.topic.id, partitions };
        let request = FetchRequest {
            max_wait_ms: i32::try_from(self.options.fetch_wait_max.as_millis()).unwrap_or(i32::MAX),
            min_bytes: 1,
            max_bytes: self.options.fetch_bytes_max,
            isolation_level: self.options.isolation.on_wire(),
            topics: vec![topic],
            ..Default::default()
        };
        let wanted = if self.topic.id.is_zero() {
            Versions::between(0, VERSION_WITH_TOPIC_IDS - 1)
        } else {
            Versions::since(0)
        };
        let connection = self.client.connection(leader)?;
        let version = connection.version::<FetchRequest>(wanted)?;
        let ticket = connection.send(&request, version)?;
        self.in_flight.insert(leader, InFlight { ticket, asked });
        Ok(())
    }

    fn is_ready(&mut self, leader: BrokerId, wait: Duration) -> Result<bool, ClientError> {
        let ready = self.look(leader, wait);
        self.drop_if_broken(leader, ready)
    }

    fn look(&mut self, leader: BrokerId, wait: Duration) -> Result<bool, ClientError> {
        let Some(in_flight) = self.in_flight.get(&leader) else { return Ok(false) };
        let ticket = in_flight.ticket;
        let connection = self.client.connection(leader)?;
        let ready = connection.is_ready(wait)?;
        if !ready && connection.is_overdue(ticket) {
            return Err(connection.timeout(ApiKey::Fetch));
        }
        Ok(ready)
    }

    fn receive(&mut self, leader: BrokerId, polled: &mut Polled) -> Result<(), ClientError> {
        let Some(InFlight { ticket, asked }) = self.in_flight.remove(&leader) else { return Ok(()) };
        let received = self.client.connection(leader).and_then(|open| open.receive::<FetchRequest>(ticket));
        let response: FetchResponse = self.drop_if_broken(leader, received)?;
        let what = || format!("reading {}", self.topic.name);
        ClientError::check(response.error_code, None, what)?;
        let mut failed = None;
        for partition in response.responses.into_iter().flat_map(|topic| topic.partitions) {
            let index = PartitionIndex(partition.partition_index);
            let from = asked.get(&index).copied();
            // An answer that a former leader owed is stale once another one has been read.
            if from.is_none() || from != self.positions.get(&index).copied() {
                continue;
            }
            if let Err(error) = self.take_in(index, from.unwrap_or_default(), partition, polled) {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn take_in(
        &mut self,
        index: PartitionIndex,
        from: Offset,
        partition: PartitionData,
        polled: &mut Polled,
    ) -> Result<(), ClientError> {
        match partition.error_code {
            0 => {}
            OFFSET_OUT_OF_RANGE => {
                let found = self.client.offsets(
                    &mut self.topic,
                    &[index],
                    OffsetTarget::Earliest,
                    self.options.isolation,
                )?;
                let start = found.get(&index).map_or(from, |found| found.offset);
                // Not before the log's start, so it must lie behind its end: records were lost.
                if start <= from {
                    let what = format!("reading partition {index} of {} at offset {from}", self.topic.name);
                    return ClientError::check(OFFSET_OUT_OF_RANGE, None, || what);
                }
                polled.skipped.push((index, from, start));
                self.positions.insert(index, start);
                return Ok(());
            }
            code => {
                let what = || format!("reading partition {index} of {}", self.topic.name);
                return ClientError::check(code, None, what);
            }
        }
        let records = partition.records.map(Records::into_bytes).unwrap_or_default();
        if records.is_empty() {
            return Ok(());
        }
        let available = records.len();
        let aborted = Aborted::new(partition.aborted_transactions.unwrap_or_default());
        let fetched = Fetched::new(index, from, records, aborted);
        match fetched.next_offset() {
            Some(next) => {
                self.positions.insert(index, next.max(from));
                polled.fetched.push(fetched);
                Ok(())
            }
            None => Err(self.unreadable(fetched, available)),
        }
    }

    /// The error of an answer in which there is not one whole batch.
    fn unreadable(&self, fetched: Fetched, available: usize) -> ClientError {
        let partition = fetched.partition;
        let whole = RecordError::Truncated { needed: available + 1, available };
        let failed = fetched.each(|_, _| std::ops::ControlFlow::Continue(()));
        let (offset, source) = failed.err().unwrap_or((Offset::NONE, whole));
        ClientError::Records { topic: self.topic.name.clone(), partition, offset, source }
    }

    fn drop_if_broken<T>(
        &mut self,
        leader: BrokerId,
        result: Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        if let Err(error) = &result
            && !matches!(error, ClientError::Refused { .. })
        {
            self.in_flight.remove(&leader);
            self.client.forget(leader);
        }
        result
    }
}
