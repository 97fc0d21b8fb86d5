//! One producer: records become due, gather in batches, go out in requests, and are acknowledged.
//!
//! The time and the answers come in, requests go out; it knows neither sockets nor a clock.
//!
//! # Hot path
//! A record is written once, into the memory of the batch that is sent; a batch's memory is used again.
//!
//! # Invariants
//! - A record's latency begins when it was due. In an open loop that is decided beforehand; records that find the window
//!   full are not made yet, but stay due.
//! - A batch is in one place: gathering, queued, or with whoever took the request, who gives it back.
//!
//! # Not here
//! When the next record is due (`supply.rs`), a batch and its memory (`batch.rs`), where an answer says what (`answers.rs`);
//! how many requests a connection may have unanswered (`worker.rs`).

mod answers;
mod batch;
mod supply;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use protocol::messages::produce::{PartitionProduceData, TopicProduceData};
use protocol::messages::{ProduceRequest, ProduceResponse};
use protocol::{Records, Str};
use record::BatchOptions;
use types::{BrokerId, TimestampMs, TopicId};

use self::answers::Answers;
pub(crate) use self::batch::Batch;
use self::batch::{Dues, Gathering, Spare};
use self::supply::Supply;

use crate::error::{BenchError, is_retriable};
use crate::moment::{Moment, Timeline};
use crate::payload::{Keys, Values};
use crate::plan::{ProducePlan, Spread};
use crate::schedule::Schedule;
use crate::tally::{Amount, Tally, counts};

/// Between two attempts for one partition.
const BACKOFF: Duration = Duration::from_millis(50);

/// Records that gather are made at most so much later than they are due.
const TICK_MAX: Duration = Duration::from_millis(1);

/// What a record takes besides key and value: lengths, deltas and attributes.
const RECORD_OVERHEAD_BYTES: usize = 16;

/// Records of so many bytes are made in one go at most: filling a large window with small ones would be minutes without a look
/// around.
const MADE_BYTES_MAX: usize = 1024 * 1024;

/// A topic, as it is named in requests and answers.
#[derive(Clone, Debug)]
pub(crate) struct TopicName {
    pub(crate) name: Str,
    pub(crate) id: TopicId,
}

/// One partition that a producer writes to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Index into the run's topics.
    pub(crate) topic: usize,
    pub(crate) partition: i32,
    pub(crate) leader: BrokerId,
    /// How many consumers will get each record.
    pub(crate) readers: u64,
}

/// The way of one partition's records: at most one batch gathers, others wait to be sent.
#[derive(Debug)]
struct Lane {
    target: Target,
    queue: VecDeque<Batch>,
    gathering: Option<Gathering>,
    /// Whether its leader's list has it.
    listed: bool,
    /// Not before then, after a failure.
    not_before: Moment,
}

/// What one producer is made of.
pub(crate) struct ProducerParts {
    pub(crate) plan: Arc<ProducePlan>,
    pub(crate) topics: Arc<[TopicName]>,
    /// Grouped by topic.
    pub(crate) targets: Vec<Target>,
    /// Which of them gets the first record without a key.
    pub(crate) first_target: usize,
    pub(crate) values: Values,
    pub(crate) keys: Option<Keys>,
    /// From the origin; none in a closed loop.
    pub(crate) schedule: Option<Schedule>,
    /// Its share of a number of records that ends the run.
    pub(crate) records: Option<u64>,
    pub(crate) timeout: Duration,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Producer {
    plan: Arc<ProducePlan>,
    topics: Arc<[TopicName]>,
    lanes: Vec<Lane>,
    supply: Supply,
    values: Values,
    keys: Option<Keys>,
    timeline: Timeline,
    timeout: Duration,
    /// Where the next record without a key goes.
    next_lane: usize,
    window_used_bytes: usize,
    /// Lanes that gather, by when they began to; entries whose batch is gone are skipped.
    lingering: VecDeque<(Moment, usize)>,
    /// Lanes with something to send, by leader.
    lists: BTreeMap<BrokerId, VecDeque<usize>>,
    /// The first time at which a partition may be tried again.
    retry_at: Moment,
    /// Batches that are queued or with somebody.
    unanswered: usize,
    /// Times the number of readers: what consumers are to get.
    promised: u64,
    spare: Spare,
}

impl Producer {
    pub(crate) fn new(parts: ProducerParts, timeline: Timeline) -> Self {
        let lane = |target| Lane {
            target,
            queue: VecDeque::new(),
            gathering: None,
            listed: false,
            not_before: Moment::ORIGIN,
        };
        Self {
            plan: parts.plan,
            topics: parts.topics,
            lanes: parts.targets.into_iter().map(lane).collect(),
            supply: Supply::new(parts.schedule, parts.records, timeline.start),
            values: parts.values,
            keys: parts.keys,
            timeline,
            timeout: parts.timeout,
            next_lane: parts.first_target,
            window_used_bytes: 0,
            lingering: VecDeque::new(),
            lists: BTreeMap::new(),
            retry_at: Moment::NEVER,
            unanswered: 0,
            promised: 0,
            spare: Spare::default(),
        }
    }

    /// Makes the records that are due and find room, as many as go at a time, and lists what is to be sent.
    pub(crate) fn advance(&mut self, now: Moment, timestamp: TimestampMs) -> Result<(), BenchError> {
        let room = self.plan.window_bytes.min(self.window_used_bytes.saturating_add(MADE_BYTES_MAX));
        while self.window_used_bytes < room
            && let Some(due) = self.supply.take(now, self.timeline.end)
        {
            self.make(due, timestamp)?;
        }
        if self.retry_at <= now {
            let pauses = self.lists.values().flatten().map(|lane| self.lanes[*lane].not_before);
            self.retry_at = pauses.filter(|until| *until > now).min().unwrap_or(Moment::NEVER);
        }
        let flush = self.supply.is_over() || !self.has_room();
        while let Some(&(since, lane)) = self.lingering.front() {
            let gathering = self.lanes[lane].gathering.as_mut().filter(|batch| batch.since == since);
            if gathering.is_some() && !flush && since + self.plan.linger > now {
                break;
            }
            self.lingering.pop_front();
            if let Some(batch) = gathering {
                batch.released = true;
                self.list(lane);
            }
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.window_used_bytes < self.plan.window_bytes
    }

    fn make(&mut self, due: Moment, timestamp: TimestampMs) -> Result<(), BenchError> {
        self.values.prepare(due);
        let lane = match &mut self.keys {
            Some(keys) => keys.prepare(self.lanes.len()),
            None => self.next_lane,
        };
        let payload_bytes =
            self.keys.as_ref().map_or(0, |keys| keys.current().len()) + self.values.current().len();
        let takes = payload_bytes + RECORD_OVERHEAD_BYTES;
        // Sizes may differ: this one may be too much where the last one found room.
        self.close_if_full(lane, takes)?;
        self.gather(lane, due, timestamp, payload_bytes)?;
        let filled = self.close_if_full(lane, takes)?;
        if self.keys.is_none() && (filled || self.plan.spread == Spread::RoundRobin) {
            self.next_lane = (lane + 1) % self.lanes.len();
        }
        Ok(())
    }

    /// Puts the record that was prepared into a lane's batch.
    fn gather(
        &mut self,
        index: usize,
        due: Moment,
        timestamp: TimestampMs,
        payload_bytes: usize,
    ) -> Result<(), BenchError> {
        let batch = self.lanes[index].gathering.get_or_insert_with(|| {
            self.lingering.push_back((due, index));
            let options = BatchOptions { compression: self.plan.compression, ..Default::default() };
            Gathering::begin(due, options, &mut self.spare)
        });
        let key = self.keys.as_ref().map(Keys::current);
        batch.push(due, timestamp, (key, self.values.current()))?;
        self.window_used_bytes += payload_bytes;
        Ok(())
    }

    /// Closes the batch that a lane gathers and queues it, if it has no room for so many bytes more.
    fn close_if_full(&mut self, lane: usize, bytes: usize) -> Result<bool, BenchError> {
        let batch_bytes = self.plan.batch_bytes;
        let full = |batch: &mut Gathering| batch.bytes_uncompressed() + bytes > batch_bytes;
        let Some(batch) = self.lanes[lane].gathering.take_if(full) else { return Ok(false) };
        let batch = batch.close(lane)?;
        self.enqueue(batch);
        Ok(true)
    }

    fn enqueue(&mut self, batch: Batch) {
        let lane = batch.lane;
        self.lanes[lane].queue.push_back(batch);
        self.unanswered += 1;
        self.list(lane);
    }

    fn list(&mut self, index: usize) {
        let lane = &mut self.lanes[index];
        if !lane.listed {
            lane.listed = true;
            self.lists.entry(lane.target.leader).or_default().push_back(index);
        }
    }

    /// The batches of the next request to a broker: one of each partition that has any, as far as a request goes.
    pub(crate) fn take_request(&mut self, broker: BrokerId, now: Moment) -> Result<Vec<Batch>, BenchError> {
        let mut batches: Vec<Batch> = Vec::new();
        let mut bytes = 0;
        let Some(mut list) = self.lists.remove(&broker) else { return Ok(batches) };
        let listed = list.len();
        for _ in 0..listed {
            let Some(index) = list.pop_front() else { break };
            if self.lanes[index].not_before > now {
                list.push_back(index);
                continue;
            }
            let Some(batch) = self.next_batch(index, now)? else {
                self.lanes[index].listed = false;
                continue;
            };
            if !batches.is_empty() && bytes + batch.bytes.len() > self.plan.request_bytes_max {
                self.lanes[index].queue.push_front(batch);
                list.push_front(index);
                break;
            }
            bytes += batch.bytes.len();
            batches.push(batch);
            if self.lanes[index].queue.is_empty() && !self.is_ripe(index, now) {
                self.lanes[index].listed = false;
            } else {
                list.push_back(index);
            }
        }
        if !list.is_empty() {
            self.lists.insert(broker, list);
        }
        // Partitions of one topic stand together in a request.
        batches.sort_by_key(|batch| batch.lane);
        Ok(batches)
    }

    /// What of a lane is to be sent next: the first in its queue, or what it gathers if that need not wait.
    fn next_batch(&mut self, index: usize, now: Moment) -> Result<Option<Batch>, BenchError> {
        let is_ripe = self.is_ripe(index, now);
        let lane = &mut self.lanes[index];
        if let Some(batch) = lane.queue.pop_front() {
            return Ok(Some(batch));
        }
        let Some(gathering) = lane.gathering.take_if(|_| is_ripe) else { return Ok(None) };
        self.unanswered += 1;
        self.move_on_from(index);
        gathering.close(index).map(Some)
    }

    /// The next record without a key goes elsewhere once a batch was sent, where it would have gone to the same lane.
    fn move_on_from(&mut self, lane: usize) {
        if self.next_lane == lane && self.plan.spread == Spread::Sticky {
            self.next_lane = (lane + 1) % self.lanes.len();
        }
    }

    /// Whether what a lane gathers need not wait for more.
    fn is_ripe(&self, lane: usize, now: Moment) -> bool {
        let gathering = self.lanes[lane].gathering.as_ref();
        gathering.is_some_and(|batch| {
            batch.released
                || self.supply.is_over()
                || !self.has_room()
                || batch.since + self.plan.linger <= now
        })
    }

    /// The request with these batches.
    pub(crate) fn request(&self, batches: &[Batch]) -> ProduceRequest {
        let mut topic_data: Vec<TopicProduceData> = Vec::new();
        let mut last_topic = None;
        for batch in batches {
            let target = &self.lanes[batch.lane].target;
            if last_topic != Some(target.topic) {
                last_topic = Some(target.topic);
                let TopicName { name, id } = self.topics[target.topic].clone();
                topic_data.push(TopicProduceData { name, topic_id: id, partition_data: Vec::new() });
            }
            if let Some(topic) = topic_data.last_mut() {
                let records = Some(Records::from(batch.bytes.clone()));
                topic.partition_data.push(PartitionProduceData { index: target.partition, records });
            }
        }
        ProduceRequest {
            transactional_id: None,
            acks: self.plan.acks.on_wire(),
            timeout_ms: i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX),
            topic_data,
        }
    }

    /// An answer has come, or, without acknowledgements, the request is sent (`None`). Returns whether somebody should look
    /// for new leaders.
    pub(crate) fn answered(
        &mut self,
        batches: Vec<Batch>,
        response: Option<&ProduceResponse>,
        now: Moment,
        tally: &mut Tally,
    ) -> Result<bool, BenchError> {
        tally.produce_requests += 1;
        let mut look_for_leaders = false;
        // Every batch is taken back, whatever becomes of one before it.
        let mut taken = Ok(());
        let answers = response.map(Answers::of);
        for (hint, batch) in batches.into_iter().enumerate() {
            let target = &self.lanes[batch.lane].target;
            let (code, message) = answers.as_ref().map_or((0, ""), |answers| {
                answers.of_partition(&self.topics[target.topic], target.partition, hint)
            });
            match code {
                0 => self.acknowledged(batch, now, tally),
                code if is_retriable(code) => {
                    taken = taken.and(self.failed(batch, code, now, tally));
                    look_for_leaders = true;
                }
                code => {
                    let refused =
                        BenchError::Refused { what: self.place(&batch), code, message: message.to_owned() };
                    taken = taken.and(Err(refused));
                    self.lanes[batch.lane].queue.push_front(batch);
                }
            }
        }
        taken.map(|()| look_for_leaders)
    }

    fn acknowledged(&mut self, batch: Batch, now: Moment, tally: &mut Tally) {
        for (due, count) in &batch.dues {
            if counts(&self.timeline, *due, now) {
                tally.produce.record(now.since(*due), u64::from(*count));
            }
        }
        let records = u64::from(batch.records);
        tally.produced.add(Amount { records, bytes: batch.payload_bytes as u64 });
        self.promised += records * self.lanes[batch.lane].target.readers;
        self.window_used_bytes -= batch.payload_bytes;
        self.unanswered -= 1;
        self.spare.keep(batch);
    }

    /// A batch comes back with an error that may pass, or because its connection is gone. It is an error if that has gone on
    /// for too long.
    pub(crate) fn failed(
        &mut self,
        mut batch: Batch,
        code: i16,
        now: Moment,
        tally: &mut Tally,
    ) -> Result<(), BenchError> {
        tally.retry(code);
        let first = *batch.first_failure.get_or_insert(now);
        let is_late = now.since(first) > self.timeout;
        let late =
            is_late.then(|| BenchError::Exhausted { what: self.place(&batch), code, after: self.timeout });
        let index = batch.lane;
        let lane = &mut self.lanes[index];
        lane.not_before = now + BACKOFF;
        self.retry_at = self.retry_at.min(lane.not_before);
        lane.queue.push_front(batch);
        self.list(index);
        late.map_or(Ok(()), Err)
    }

    fn place(&self, batch: &Batch) -> String {
        let target = &self.lanes[batch.lane].target;
        format!("writing to {}, partition {}", self.topics[target.topic].name, target.partition)
    }

    /// Leaders as they are now, by topic and partition.
    pub(crate) fn follow_leaders(&mut self, leader_of: impl Fn(usize, i32) -> Option<BrokerId>) {
        for index in 0..self.lanes.len() {
            let lane = &mut self.lanes[index];
            let Some(leader) = leader_of(lane.target.topic, lane.target.partition) else { continue };
            let before = std::mem::replace(&mut lane.target.leader, leader);
            if before != leader && std::mem::take(&mut lane.listed) {
                if let Some(list) = self.lists.get_mut(&before) {
                    list.retain(|listed| *listed != index);
                }
                self.list(index);
            }
        }
    }

    /// The end is to come earlier.
    pub(crate) fn cut_off(&mut self, timeline: Timeline) {
        self.timeline = timeline;
    }

    /// The brokers that lead its partitions.
    pub(crate) fn leaders(&self) -> impl Iterator<Item = BrokerId> {
        self.lanes.iter().map(|lane| lane.target.leader)
    }

    /// When [`advance`](Self::advance) has something to do without an answer coming.
    pub(crate) fn wake(&self, now: Moment) -> Moment {
        let lingers = self.lingering.front().map_or(Moment::NEVER, |(since, _)| *since + self.plan.linger);
        // Records that gather anyway need not each be made at once.
        let tick = (self.plan.linger / 8).min(TICK_MAX);
        let due = if self.has_room() { self.supply.wake(now, tick) } else { Moment::NEVER };
        lingers.min(due).min(self.retry_at)
    }

    /// Whether no more records come and all are answered.
    pub(crate) fn is_finished(&self) -> bool {
        self.supply.is_over()
            && self.unanswered == 0
            && self.lanes.iter().all(|lane| lane.gathering.is_none())
    }

    /// Records that consumers are to get because they were acknowledged.
    pub(crate) fn promised(&self) -> u64 {
        self.promised
    }

    /// Gives up on all that is not acknowledged; `in_flight` are the batches that are with somebody. Their latency is at
    /// least the time until now, and so is that of the records that were due and never made.
    pub(crate) fn give_up(&mut self, in_flight: Vec<Batch>, now: Moment, tally: &mut Tally) {
        let mut dues: Dues = in_flight.into_iter().flat_map(|batch| batch.dues).collect();
        for lane in &mut self.lanes {
            dues.extend(lane.queue.drain(..).flat_map(|batch| batch.dues));
            dues.extend(lane.gathering.take().into_iter().flat_map(Gathering::into_dues));
        }
        let mut lost = |due: Moment, count: u64| {
            if counts(&self.timeline, due, now) {
                tally.produce.record(now.since(due), count);
                tally.unacknowledged += count;
            }
        };
        dues.into_iter().for_each(|(due, count)| lost(due, u64::from(count)));
        self.supply.give_up(&self.timeline, now, lost);
        self.unanswered = 0;
        self.lists.clear();
    }
}

#[cfg(test)]
mod tests;
