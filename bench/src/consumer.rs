//! One consumer: reads its partitions from offset to offset, over fetch sessions as Kafka's own client does (KIP-227).
//!
//! Answers come in, requests go out; it knows neither sockets nor a clock.
//!
//! # Invariants
//! - Records count once per consumer: those before the offset that was asked for, which a broker sends along, do not.
//! - Every batch's checksum is verified, and every record is looked at, as a consumer has to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::messages::fetch::{FetchPartition, FetchTopic, PartitionData};
use protocol::messages::{FetchRequest, FetchResponse};
use record::{RecordError, batches, check_crc, decompress};
use types::{BrokerId, ErrorCode, Offset};

use crate::error::{BenchError, is_retriable};
use crate::moment::{Moment, Timeline};
use crate::payload::{RunId, due_of};
use crate::plan::FetchPlan;
use crate::producer::TopicName;
use crate::tally::{Amount, Tally, counts};

/// After an error that may pass.
const BACKOFF: Duration = Duration::from_millis(50);

/// A batch never decompresses to more; what brokers take is far less.
const DECOMPRESSED_BYTES_MAX: usize = 1 << 30;

const FETCH_SESSION_ID_NOT_FOUND: i16 = ErrorCode::FetchSessionIdNotFound.code();
const INVALID_FETCH_SESSION_EPOCH: i16 = ErrorCode::InvalidFetchSessionEpoch.code();
const FETCH_SESSION_TOPIC_ID_ERROR: i16 = ErrorCode::FetchSessionTopicIdError.code();

/// One partition that a consumer reads.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Index into the run's topics.
    pub(crate) topic: usize,
    pub(crate) partition: i32,
    pub(crate) leader: BrokerId,
    /// What is read next.
    pub(crate) position: Offset,
    /// Where reading ends; `None` where it follows the producers.
    pub(crate) end: Option<Offset>,
    /// Where the log ended before the run: up to here it is backlog.
    pub(crate) backlog_end: Offset,
}

impl Source {
    fn is_done(&self) -> bool {
        self.end.is_some_and(|end| self.position >= end)
    }
}

/// What a broker remembers of the partitions that are asked for.
#[derive(Debug, Default)]
struct Session {
    id: i32,
    epoch: i32,
    /// Sources to be told of in the next request; all of them while the session is new.
    changed: Vec<usize>,
    not_before: Moment,
}

/// What one consumer is made of.
pub(crate) struct ConsumerParts {
    pub(crate) plan: FetchPlan,
    pub(crate) topics: Arc<[TopicName]>,
    pub(crate) sources: Vec<Source>,
    pub(crate) run: RunId,
    pub(crate) timeout: Duration,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Consumer {
    parts: ConsumerParts,
    timeline: Timeline,
    sessions: BTreeMap<BrokerId, Session>,
    /// Sources by topic and partition.
    places: BTreeMap<(usize, i32), usize>,
    first_failure: Option<Moment>,
    /// Sources that still read what was there before the run.
    behind: usize,
    /// When the last of them had it.
    caught_up: Option<Moment>,
    /// Records of this run.
    received: u64,
    /// Sources that have not reached their end.
    unfinished: usize,
}

impl std::fmt::Debug for ConsumerParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConsumerParts({} partitions)", self.sources.len())
    }
}

impl Consumer {
    pub(crate) fn new(parts: ConsumerParts, timeline: Timeline) -> Self {
        let places =
            parts.sources.iter().enumerate().map(|(index, source)| ((source.topic, source.partition), index));
        let places = places.collect();
        let behind = parts.sources.iter().filter(|source| source.position < source.backlog_end).count();
        let unfinished = parts.sources.iter().filter(|source| !source.is_done()).count();
        let mut consumer = Self {
            parts,
            timeline,
            sessions: BTreeMap::new(),
            places,
            first_failure: None,
            behind,
            caught_up: None,
            received: 0,
            unfinished,
        };
        consumer.begin_sessions();
        consumer
    }

    /// Sessions with the brokers that lead its partitions now.
    fn begin_sessions(&mut self) {
        self.sessions.clear();
        for (index, source) in self.parts.sources.iter().enumerate() {
            if !source.is_done() {
                self.sessions.entry(source.leader).or_default().changed.push(index);
            }
        }
    }

    /// The end is to come earlier.
    pub(crate) fn cut_off(&mut self, timeline: Timeline) {
        self.timeline = timeline;
    }

    /// The brokers that lead its partitions.
    pub(crate) fn leaders(&self) -> impl Iterator<Item = BrokerId> {
        self.sessions.keys().copied()
    }

    /// The next fetch from a broker; `None` if there is nothing to ask it for now.
    pub(crate) fn request(&mut self, broker: BrokerId, now: Moment) -> Option<FetchRequest> {
        let session = self.sessions.get_mut(&broker)?;
        if session.not_before > now {
            return None;
        }
        let is_new = session.epoch == 0;
        let mut topics: Vec<FetchTopic> = Vec::new();
        let mut forgotten = false;
        let mut changed = std::mem::take(&mut session.changed);
        changed.sort_unstable();
        changed.dedup();
        let mut last_topic = None;
        for index in &changed {
            let source = &self.parts.sources[*index];
            if source.is_done() {
                forgotten = true;
                continue;
            }
            if last_topic != Some(source.topic) {
                last_topic = Some(source.topic);
                let TopicName { name, id } = self.parts.topics[source.topic].clone();
                topics.push(FetchTopic { topic: name, topic_id: id, partitions: Vec::new() });
            }
            if let Some(topic) = topics.last_mut() {
                topic.partitions.push(FetchPartition {
                    partition: source.partition,
                    fetch_offset: source.position.0,
                    partition_max_bytes: self.parts.plan.partition_max_bytes,
                    ..Default::default()
                });
            }
        }
        if forgotten && !is_new {
            // A new session without those that have reached their end, which happens once for each.
            self.renew(broker);
            return self.request(broker, now);
        }
        if is_new && topics.is_empty() {
            self.sessions.remove(&broker);
            return None;
        }
        let plan = &self.parts.plan;
        Some(FetchRequest {
            max_wait_ms: i32::try_from(plan.wait_max.as_millis()).unwrap_or(i32::MAX),
            min_bytes: plan.min_bytes,
            max_bytes: plan.max_bytes,
            session_id: session.id,
            session_epoch: session.epoch,
            topics,
            ..Default::default()
        })
    }

    /// Begins the session with a broker anew: all partitions are told again.
    fn renew(&mut self, broker: BrokerId) {
        let sources = self.parts.sources.iter().enumerate();
        let led = sources.filter(|(_, source)| source.leader == broker && !source.is_done());
        let changed = led.map(|(index, _)| index).collect();
        let before = self.sessions.remove(&broker).unwrap_or_default();
        self.sessions
            .insert(broker, Session { changed, not_before: before.not_before, ..Session::default() });
    }

    /// The connection to a broker is gone, and its session with it.
    pub(crate) fn disconnected(&mut self, broker: BrokerId) {
        if self.sessions.contains_key(&broker) {
            self.renew(broker);
        }
    }

    /// An answer has come to what was asked at `asked`. Returns whether somebody should look for new leaders.
    pub(crate) fn answered(
        &mut self,
        broker: BrokerId,
        response: FetchResponse,
        (asked, now): (Moment, Moment),
        tally: &mut Tally,
    ) -> Result<bool, BenchError> {
        tally.fetch_requests += 1;
        match response.error_code {
            0 => {}
            FETCH_SESSION_ID_NOT_FOUND | INVALID_FETCH_SESSION_EPOCH | FETCH_SESSION_TOPIC_ID_ERROR => {
                tally.retry(response.error_code);
                self.renew(broker);
                return Ok(false);
            }
            code => {
                self.failed(broker, code, "reading", now, tally)?;
                self.renew(broker);
                return Ok(true);
            }
        }
        if let Some(session) = self.sessions.get_mut(&broker) {
            // Without a session everything is told each time.
            session.id = response.session_id;
            session.epoch = if response.session_id == 0 { 0 } else { session.epoch % i32::MAX + 1 };
        }
        let mut got = false;
        let mut look_for_leaders = false;
        for answer in response.responses {
            let topic = self.parts.topics.iter().position(|topic| {
                if answer.topic.is_empty() { topic.id == answer.topic_id } else { topic.name == answer.topic }
            });
            let Some(topic) = topic else { continue };
            for data in answer.partitions {
                let Some(&index) = self.places.get(&(topic, data.partition_index)) else { continue };
                if data.error_code != 0 {
                    let what = format!(
                        "reading {}, partition {}",
                        self.parts.topics[topic].name, data.partition_index
                    );
                    self.failed(broker, data.error_code, &what, now, tally)?;
                    self.changed(broker, index);
                    look_for_leaders = true;
                    continue;
                }
                self.first_failure = None;
                got |= self.take(index, data, now, tally)?;
                self.changed(broker, index);
            }
        }
        if self.sessions.get(&broker).is_some_and(|session| session.epoch == 0) {
            self.renew(broker);
        }
        if got && counts(&self.timeline, asked, now) {
            tally.fetch.record(now.since(asked), 1);
        }
        Ok(look_for_leaders)
    }

    fn changed(&mut self, broker: BrokerId, index: usize) {
        if let Some(session) = self.sessions.get_mut(&broker) {
            session.changed.push(index);
        }
    }

    fn failed(
        &mut self,
        broker: BrokerId,
        code: i16,
        what: &str,
        now: Moment,
        tally: &mut Tally,
    ) -> Result<(), BenchError> {
        if !is_retriable(code) {
            return Err(BenchError::Refused { what: what.to_owned(), code, message: String::new() });
        }
        tally.retry(code);
        let first = *self.first_failure.get_or_insert(now);
        if now.since(first) > self.parts.timeout {
            return Err(BenchError::Exhausted { what: what.to_owned(), code, after: self.parts.timeout });
        }
        if let Some(session) = self.sessions.get_mut(&broker) {
            session.not_before = now + BACKOFF;
        }
        Ok(())
    }

    /// Takes the records of a partition in; whether there are any.
    fn take(
        &mut self,
        index: usize,
        data: PartitionData,
        now: Moment,
        tally: &mut Tally,
    ) -> Result<bool, BenchError> {
        let Some(records) = data.records.filter(|records| !records.is_empty()) else { return Ok(false) };
        let source = &mut self.parts.sources[index];
        let (was_done, was_behind) = (source.is_done(), source.position < source.backlog_end);
        let bytes: Bytes = records.into_bytes();
        let reading = Reading { run: self.parts.run, timeline: self.timeline, now };
        let (amount, own) = reading.batches(&bytes, source, tally).map_err(|error| BenchError::Records {
            topic: self.parts.topics[source.topic].name.as_str().to_owned(),
            partition: source.partition,
            source: error,
        })?;
        tally.consumed.add(amount);
        self.received += own;
        if was_behind && source.position >= source.backlog_end {
            self.behind -= 1;
            if self.behind == 0 {
                self.caught_up = Some(now);
            }
        }
        if !was_done && source.is_done() {
            self.unfinished -= 1;
        }
        Ok(amount.records > 0)
    }

    /// Leaders as they are now, by topic and partition.
    pub(crate) fn follow_leaders(&mut self, leader_of: impl Fn(usize, i32) -> Option<BrokerId>) {
        let mut moved = false;
        for source in &mut self.parts.sources {
            if let Some(leader) = leader_of(source.topic, source.partition) {
                moved |= std::mem::replace(&mut source.leader, leader) != leader;
            }
        }
        if moved {
            self.begin_sessions();
        }
    }

    /// When a request may be made that was put off.
    pub(crate) fn wake(&self, now: Moment) -> Moment {
        let pauses = self.sessions.values().map(|session| session.not_before);
        pauses.filter(|until| *until > now).min().unwrap_or(Moment::NEVER)
    }

    /// Whether all partitions have an end and it is reached.
    pub(crate) fn is_finished(&self) -> bool {
        self.unfinished == 0
    }

    /// Records of this run that have come.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// When everything had come that was there before the run.
    pub(crate) fn caught_up(&self) -> Option<Moment> {
        self.caught_up
    }
}

/// What a consumer does with the bytes of an answer.
struct Reading {
    run: RunId,
    timeline: Timeline,
    now: Moment,
}

impl Reading {
    /// Reads all whole batches and moves the source's position behind them. Returns what it was, and how many records of
    /// it are of this run.
    fn batches(
        &self,
        bytes: &[u8],
        source: &mut Source,
        tally: &mut Tally,
    ) -> Result<(Amount, u64), RecordError> {
        let (mut amount, mut own) = (Amount::default(), 0);
        for batch in batches(bytes) {
            let (header, batch) = match batch {
                Ok(batch) => batch,
                // The last one is cut off when it no longer fits.
                Err(RecordError::Truncated { .. }) => break,
                Err(error) => return Err(error),
            };
            if header.next_offset() <= source.position {
                continue;
            }
            check_crc(batch)?;
            if !header.is_control() {
                for record in &decompress(batch, DECOMPRESSED_BYTES_MAX)? {
                    let record = record?;
                    if record.offset < source.position {
                        continue;
                    }
                    let value = record.value.unwrap_or_default();
                    amount.records += 1;
                    amount.bytes += (record.key.map_or(0, <[u8]>::len) + value.len()) as u64;
                    if let Some(due) = due_of(value, self.run) {
                        own += 1;
                        if counts(&self.timeline, due, self.now) {
                            tally.end_to_end.record(self.now.since(due), 1);
                        }
                    }
                }
            }
            source.position = header.next_offset();
        }
        Ok((amount, own))
    }
}

#[cfg(test)]
mod tests;
