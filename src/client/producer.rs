//! Sending records to the partitions of a topic: gathered in batches, one request at a time for each leader.
//!
//! # Invariants
//! - The records of a partition arrive in the order in which they were pushed, save those that are given up.
//! - A record is counted once, as acknowledged or as failed.
//! - Records in memory are bounded by `ProducerOptions::buffer_bytes`, plus one.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bench::Acks;
use protocol::messages::produce::{PartitionProduceData, PartitionProduceResponse, TopicProduceData};
use protocol::messages::{InitProducerIdRequest, ProduceRequest, ProduceResponse};
use protocol::{ApiKey, Str, Versions};
use record::{Compression, ProducerStamp};
use types::{BrokerId, PartitionIndex, ProducerEpoch, ProducerId, Sequence};

use super::connection::{Connection, Ticket};
use super::error::{ClientError, error_name, is_retriable};
use super::node::Client;
use super::partitioner::partition_for_key;
use super::pending::{NextSequence, OutRecord, Pending};
use super::report::Report;
use super::topic::Topic;

/// From this version on topics are named by their ids.
const VERSION_WITH_TOPIC_IDS: i16 = 13;

/// Batches of several partitions go out together up to so many bytes (the Java client's `max.request.size`).
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// Between two attempts to send a batch.
const BACKOFF: Duration = Duration::from_millis(100);

/// How long to look for answers at a time while there is nothing else to do.
const LOOK: Duration = Duration::from_millis(20);

/// The same where several leaders owe answers.
const LOOK_AMONG_MANY: Duration = Duration::from_millis(2);

const MESSAGE_TOO_LARGE: i16 = 10;
const RECORD_LIST_TOO_LARGE: i16 = 18;
const DUPLICATE_SEQUENCE_NUMBER: i16 = 46;

/// How to send.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    pub acks: Acks,
    pub compression: Compression,
    /// Uncompressed bytes of a batch; a larger record goes alone.
    pub batch_bytes: usize,
    /// How long a batch may wait for more records.
    pub linger: Duration,
    /// Bytes of records in memory.
    pub buffer_bytes: usize,
    /// How long it is tried to get a record acknowledged.
    pub delivery_timeout: Duration,
    /// Whether the broker is to recognise repetitions.
    pub idempotent: bool,
    /// Where records go that are all meant for one partition.
    pub partition: Option<PartitionIndex>,
}

/// See the module.
#[derive(Debug)]
pub struct Producer {
    client: Client,
    topic: Topic,
    options: ProducerOptions,
    identity: Option<(ProducerId, ProducerEpoch)>,
    queues: BTreeMap<PartitionIndex, Queue>,
    in_flight: BTreeMap<BrokerId, InFlight>,
    /// Where records without a key go until a batch is full.
    sticky: PartitionIndex,
    buffered_bytes: usize,
    flushing: bool,
    /// Whether sequence numbers were given up.
    gap: bool,
    report: Report,
}

#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<Pending>,
    next_sequence: NextSequence,
    in_flight: bool,
}

#[derive(Debug)]
struct InFlight {
    ticket: Ticket,
    batches: BTreeMap<PartitionIndex, Pending>,
}

impl Producer {
    /// Sends to a topic. `seed` chooses the first partition for records without a key.
    pub fn new(
        mut client: Client,
        topic: Topic,
        options: ProducerOptions,
        seed: u32,
    ) -> Result<Self, ClientError> {
        if let Some(partition) = options.partition {
            topic.partition(partition)?;
        }
        let identity = if options.idempotent { new_identity(&mut client)? } else { None };
        let first = usize::try_from(seed).unwrap_or_default() % topic.partitions.len().max(1);
        let sticky = topic.partitions.keys().nth(first).copied().unwrap_or(PartitionIndex(0));
        Ok(Self {
            client,
            topic,
            options,
            identity,
            queues: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            sticky,
            buffered_bytes: 0,
            flushing: false,
            gap: false,
            report: Report::default(),
        })
    }

    /// What has become of the records so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// When the oldest batch has to go out, if one waits for more records.
    pub fn next_deadline(&self) -> Option<Instant> {
        let waiting = self.queues.values().filter(|queue| !queue.in_flight);
        let front = waiting.filter_map(|queue| queue.batches.front());
        front.map(|batch| batch.not_before.unwrap_or(batch.since + self.options.linger)).min()
    }

    /// Whether an answer is awaited.
    pub fn is_waiting(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Takes a record; waits while the memory for records is used up.
    pub fn push(&mut self, record: OutRecord) -> Result<(), ClientError> {
        while self.buffered_bytes >= self.options.buffer_bytes {
            self.advance(LOOK)?;
        }
        let bytes = record.bytes();
        let partition = self.partition_of(&record);
        let queue = self.queues.entry(partition).or_default();
        let limit = self.options.batch_bytes;
        let fits = |batch: &&mut Pending| batch.stamp.is_none() && batch.bytes + bytes <= limit;
        match queue.batches.back_mut().filter(fits) {
            Some(batch) => batch.push(record),
            None => {
                let mut batch = Pending::new(Instant::now());
                batch.push(record);
                queue.batches.push_back(batch);
            }
        }
        self.buffered_bytes += bytes;
        Ok(())
    }

    /// Sends what is due and takes in answers, waiting for them at most so long.
    pub fn advance(&mut self, wait: Duration) -> Result<(), ClientError> {
        self.send_due()?;
        let deadline = Instant::now() + wait;
        loop {
            let mut any = false;
            for leader in self.in_flight.keys().copied().collect::<Vec<_>>() {
                let left = deadline.saturating_duration_since(Instant::now());
                let alone = self.in_flight.len() == 1;
                any |= self.look(leader, if alone { left } else { left.min(LOOK_AMONG_MANY) })?;
            }
            if any {
                return self.send_due();
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(());
            }
            if self.in_flight.is_empty() {
                // Everything waits for its time.
                std::thread::sleep(deadline - now);
            }
        }
    }

    /// Waits until every record is acknowledged or given up.
    pub fn flush(&mut self) -> Result<(), ClientError> {
        self.flushing = true;
        while self.buffered_bytes > 0 {
            self.advance(LOOK)?;
        }
        self.flushing = false;
        Ok(())
    }

    fn partition_of(&mut self, record: &OutRecord) -> PartitionIndex {
        if let Some(partition) = self.options.partition {
            return partition;
        }
        let partitions = i32::try_from(self.topic.partitions.len()).unwrap_or(i32::MAX);
        if let Some(key) = &record.key {
            return partition_for_key(key, partitions.max(1));
        }
        let open = self.queues.get(&self.sticky).and_then(|queue| queue.batches.back());
        // Full, or on its way: the next batch goes to the next partition that has a leader.
        let begun = open.is_some_and(|batch| batch.bytes + record.bytes() <= self.options.batch_bytes);
        if !begun {
            let led = |(_, p): &(&PartitionIndex, &super::topic::Partition)| p.leader.is_some();
            let after = |(index, _): &(&PartitionIndex, &super::topic::Partition)| **index > self.sticky;
            let mut led = self.topic.partitions.iter().filter(led);
            let first = led.clone().next().map(|(index, _)| *index);
            self.sticky = led.find(after).map(|(index, _)| *index).or(first).unwrap_or(self.sticky);
        }
        self.sticky
    }

    /// Sends the batches that are full or have waited long enough to the leaders that owe no answer.
    fn send_due(&mut self) -> Result<(), ClientError> {
        if self.gap {
            self.start_anew();
        }
        let now = Instant::now();
        let mut due: BTreeMap<BrokerId, Vec<PartitionIndex>> = BTreeMap::new();
        let mut leaderless = Vec::new();
        for (partition, queue) in &self.queues {
            if queue.in_flight || !is_due(queue, &self.options, self.flushing, now) {
                continue;
            }
            match self.topic.leader(*partition) {
                Ok(leader) if self.in_flight.contains_key(&leader) => {}
                Ok(leader) => due.entry(leader).or_default().push(*partition),
                Err(_) => leaderless.push(*partition),
            }
        }
        for partition in leaderless {
            let Some(batch) = self.take_front(partition) else { continue };
            self.again(partition, batch, "the partition has no leader");
            self.refresh();
        }
        for (leader, partitions) in due {
            self.send(leader, &partitions)?;
        }
        Ok(())
    }

    fn take_front(&mut self, partition: PartitionIndex) -> Option<Pending> {
        self.queues.get_mut(&partition)?.batches.pop_front()
    }

    fn send(&mut self, leader: BrokerId, partitions: &[PartitionIndex]) -> Result<(), ClientError> {
        let mut batches = BTreeMap::new();
        let mut data = Vec::new();
        let mut bytes = 0;
        for partition in partitions {
            let Some(queue) = self.queues.get_mut(partition) else { continue };
            let next = queue.batches.front().map_or(0, |batch| batch.bytes);
            if bytes > 0 && bytes + next > REQUEST_BYTES_MAX {
                continue;
            }
            let Some(mut batch) = queue.batches.pop_front() else { continue };
            if let (None, Some((id, epoch))) = (batch.stamp, self.identity) {
                let base_sequence = queue.next_sequence.take(batch.sequences());
                batch.stamp = Some(ProducerStamp { id, epoch, base_sequence });
            }
            let records = batch.build(self.options.compression).map_err(ClientError::Batch)?;
            bytes += batch.bytes;
            queue.in_flight = true;
            batches.insert(*partition, batch);
            data.push(PartitionProduceData { index: partition.0, records: Some(records.into()) });
        }
        if batches.is_empty() {
            return Ok(());
        }
        let topic = TopicProduceData {
            name: Str::from(self.topic.name.as_str()),
            topic_id: self.topic.id,
            partition_data: data,
        };
        let timeout = self.client.options().request_timeout.as_millis();
        let request = ProduceRequest {
            transactional_id: None,
            acks: self.options.acks.on_wire(),
            timeout_ms: i32::try_from(timeout).unwrap_or(i32::MAX),
            topic_data: vec![topic],
        };
        let versions = if self.topic.id.is_zero() {
            Versions::between(0, VERSION_WITH_TOPIC_IDS - 1)
        } else {
            Versions::since(0)
        };
        match self.client.connection(leader).and_then(|open| post(open, &request, versions)) {
            Ok(_) if self.options.acks == Acks::None => batches.into_iter().for_each(|(partition, batch)| {
                self.settle(partition, &batch, None);
            }),
            Ok(ticket) => {
                self.in_flight.insert(leader, InFlight { ticket, batches });
            }
            Err(error) if error.is_retriable() => self.lost(leader, batches, &error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes in the answer of a leader if it has come within `wait`.
    fn look(&mut self, leader: BrokerId, wait: Duration) -> Result<bool, ClientError> {
        let Some(in_flight) = self.in_flight.get(&leader) else { return Ok(false) };
        let ticket = in_flight.ticket;
        let answer = self.client.connection(leader).and_then(|open| answer(open, ticket, wait));
        if matches!(answer, Ok(None)) {
            return Ok(false);
        }
        let Some(InFlight { mut batches, .. }) = self.in_flight.remove(&leader) else { return Ok(false) };
        let response = match answer {
            Ok(response) => response.unwrap_or_default(),
            Err(error) if error.is_connection() => {
                self.lost(leader, batches, &error);
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        for partition in response.responses.into_iter().flat_map(|topic| topic.partition_responses) {
            let index = PartitionIndex(partition.index);
            if let Some(batch) = batches.remove(&index) {
                self.answered(index, batch, &partition);
            }
        }
        for (partition, batch) in batches {
            self.settle(partition, &batch, Some("the broker's answer leaves the partition out".to_owned()));
        }
        Ok(true)
    }

    fn answered(&mut self, index: PartitionIndex, batch: Pending, answer: &PartitionProduceResponse) {
        match answer.error_code {
            0 | DUPLICATE_SEQUENCE_NUMBER => self.settle(index, &batch, None),
            MESSAGE_TOO_LARGE | RECORD_LIST_TOO_LARGE if batch.records.len() > 1 => self.halve(index, batch),
            code if is_retriable(code) => {
                self.refresh();
                self.again(index, batch, &error_name(code));
            }
            code => {
                let first = answer.record_errors.first();
                let detail = first.and_then(|record| record.batch_index_error_message.as_ref());
                let message = answer.error_message.as_ref().or(detail);
                let why = match message {
                    None if code == MESSAGE_TOO_LARGE => {
                        format!("larger than the topic's max.message.bytes ({})", error_name(code))
                    }
                    Some(message) => format!("{message} ({})", error_name(code)),
                    None => error_name(code),
                };
                self.settle(index, &batch, Some(why));
            }
        }
    }

    /// Sends what is too large for the topic in two parts.
    fn halve(&mut self, partition: PartitionIndex, batch: Pending) {
        let Some(queue) = self.queues.get_mut(&partition) else { return };
        queue.in_flight = false;
        let current = self.identity.map(|(id, _)| id);
        if let Some(stamp) = batch.stamp.filter(|stamp| Some(stamp.id) == current) {
            queue.next_sequence.give_back(stamp.base_sequence);
        }
        if let Some((first, second)) = batch.split() {
            queue.batches.push_front(second);
            queue.batches.push_front(first);
        }
    }

    /// After records were given up, the broker would take the next ones for a gap: so another producer goes on.
    fn start_anew(&mut self) {
        if let (Some(_), Ok(identity)) = (self.identity, new_identity(&mut self.client)) {
            self.identity = identity;
            self.gap = false;
            for queue in self.queues.values_mut() {
                queue.next_sequence.give_back(Sequence::ZERO);
            }
        }
    }

    /// The connection broke: nobody knows what became of these.
    fn lost(&mut self, leader: BrokerId, batches: BTreeMap<PartitionIndex, Pending>, error: &ClientError) {
        self.client.forget(leader);
        for (partition, batch) in batches {
            self.again(partition, batch, &error.to_string());
        }
        self.refresh();
    }

    /// Puts a batch back to be sent again, unless its time is over.
    fn again(&mut self, partition: PartitionIndex, mut batch: Pending, why: &str) {
        if batch.since.elapsed() >= self.options.delivery_timeout {
            let waited = self.options.delivery_timeout.as_millis();
            self.settle(partition, &batch, Some(format!("not acknowledged within {waited} ms: {why}")));
            return;
        }
        batch.not_before = Some(Instant::now() + BACKOFF);
        if let Some(queue) = self.queues.get_mut(&partition) {
            queue.in_flight = false;
            queue.batches.push_front(batch);
        }
    }

    /// Counts a batch and forgets it.
    fn settle(&mut self, partition: PartitionIndex, batch: &Pending, failure: Option<String>) {
        if let Some(queue) = self.queues.get_mut(&partition) {
            queue.in_flight = false;
        }
        self.buffered_bytes -= batch.bytes;
        let records = batch.records.len() as u64;
        match failure {
            Some(why) => {
                *self.report.failures.entry(why).or_default() += records;
                self.gap = self.identity.is_some();
            }
            None => {
                self.report.records_acknowledged += records;
                self.report.bytes_acknowledged += batch.bytes as u64;
            }
        }
    }

    /// Asks who leads now. If that fails the next attempt asks again.
    fn refresh(&mut self) {
        if let Ok(topic) = self.client.topic(&self.topic.name, false) {
            self.topic = topic;
        }
    }
}

fn is_due(queue: &Queue, options: &ProducerOptions, flushing: bool, now: Instant) -> bool {
    let Some(front) = queue.batches.front() else { return false };
    match front.not_before {
        Some(time) => now >= time,
        None => {
            let full = queue.batches.len() > 1 || front.bytes >= options.batch_bytes;
            full || flushing || now >= front.since + options.linger
        }
    }
}

fn post(open: &mut Connection, request: &ProduceRequest, versions: Versions) -> Result<Ticket, ClientError> {
    let version = open.version::<ProduceRequest>(versions)?;
    open.send(request, version)
}

/// The answer, if it has come within `wait`.
fn answer(
    open: &mut Connection,
    ticket: Ticket,
    wait: Duration,
) -> Result<Option<ProduceResponse>, ClientError> {
    if open.is_ready(wait)? {
        return open.receive::<ProduceRequest>(ticket).map(Some);
    }
    if open.is_overdue(ticket) { Err(open.timeout(ApiKey::Produce)) } else { Ok(None) }
}

/// A producer id, or none from a broker that gives none.
fn new_identity(client: &mut Client) -> Result<Option<(ProducerId, ProducerEpoch)>, ClientError> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..Default::default()
    };
    match client.ask(&request) {
        Ok(response) if response.error_code == 0 => {
            Ok(Some((ProducerId(response.producer_id), ProducerEpoch(response.producer_epoch))))
        }
        // Not offered, or not allowed: then without, as it was before.
        Ok(_) | Err(ClientError::Unsupported { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
