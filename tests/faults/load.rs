//! Producers that remember what they sent and what they were told.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use protocol::messages::{InitProducerIdRequest, ProduceRequest};
use record::BatchOptions;

use crate::client::{Client, newest};
use crate::dice::Dice;
use crate::ledger::{Ledger, Told, Topic};
use crate::topics::{ALL, PRODUCE, batch_of, idempotent, produce_request};
use crate::value::Value;

/// A producer may have so many batches under way for its repetitions to be recognised.
const IDEMPOTENT_UNDER_WAY: usize = 5;

/// How a producer works.
#[derive(Clone, Debug)]
pub struct Manner {
    pub topic: Topic,
    pub partitions: Vec<i32>,
    pub acks: i16,
    pub is_idempotent: bool,
    /// The most records in a batch, and bytes in a record.
    pub records_max: u64,
    pub value_bytes_max: u64,
    /// How many requests may wait for their answers.
    pub under_way: usize,
    /// Error codes after which the producer ends quietly.
    pub ends_at: &'static [i16],
    /// Error codes after which an idempotent producer sends the same once more.
    pub repeats_at: &'static [i16],
}

/// How long a request may take that can be repeated: what waits for space on a full disk waits for ever.
const REPEATED_AFTER_MS: i32 = 5_000;

impl Manner {
    /// Any manner of producing to `topic`.
    pub fn any(topic: &Topic, dice: &mut Dice) -> Self {
        let is_idempotent = dice.once_in(2);
        let acks = if is_idempotent || !dice.once_in(3) { ALL } else { 1 };
        let large = dice.once_in(5);
        let under_way = dice.one_of(&[1, 3, 5, 10, 30]);
        Self {
            topic: topic.clone(),
            partitions: (0..topic.partitions).collect(),
            acks,
            is_idempotent,
            records_max: dice.one_of(if large { &[20, 100] } else { &[1, 1, 5] }),
            value_bytes_max: if large { 2000 } else { dice.one_of(&[10, 100, 1000]) },
            under_way: if is_idempotent { under_way.min(IDEMPOTENT_UNDER_WAY) } else { under_way },
            ends_at: &[],
            repeats_at: &[],
        }
    }

    /// Whether nothing of what it was told may get lost, so that it can go on after a crash.
    fn outlives_crashes(&self) -> bool {
        self.is_idempotent && self.acks == ALL && self.topic.is_durable
    }
}

/// What all producers of a case share.
#[derive(Debug, Default)]
pub struct Tally {
    /// Batches acknowledged.
    pub batches: AtomicU64,
    /// Producers shall end.
    pub over: AtomicBool,
    /// Answers with one of the errors that make a producer repeat.
    pub refused: AtomicU64,
}

/// One producer. It ends with its broker, or goes on with the next one where that makes sense.
#[derive(Debug)]
pub struct Producer {
    number: u32,
    manner: Manner,
    dice: Dice,
    /// The producer id, once it has one.
    id: Option<i64>,
    /// How many records were made for each partition.
    made: BTreeMap<i32, u64>,
    /// Batches without an answer, in the order in which they were sent.
    unanswered: VecDeque<Sent>,
    told: Vec<Told>,
}

#[derive(Debug)]
struct Sent {
    partition: i32,
    first: u64,
    count: u64,
    batch: Bytes,
}

impl Producer {
    pub fn new(number: u32, manner: Manner, dice: Dice) -> Self {
        let (made, unanswered, told) = Default::default();
        Self { number, manner, dice, id: None, made, unanswered, told }
    }

    /// Produces until the broker is gone, or the case is over.
    pub fn start(mut self, address: SocketAddr, tally: &Arc<Tally>) -> JoinHandle<Self> {
        let tally = tally.clone();
        thread::spawn(move || {
            self.run(address, &tally);
            self
        })
    }

    /// Hands over what it was told; itself, if it is to go on with the next broker.
    pub fn settle(mut self, ledger: &mut Ledger) -> Option<Self> {
        let topic = &self.manner.topic.name;
        for (partition, records) in &self.made {
            ledger.sent(topic, *partition, self.number, *records);
        }
        self.told.drain(..).for_each(|told| ledger.told(topic, told));
        self.manner.outlives_crashes().then_some(self)
    }

    fn run(&mut self, address: SocketAddr, tally: &Tally) {
        let Some(mut client) = Client::try_connect(address) else { return };
        if self.manner.is_idempotent && self.id.is_none() {
            self.id = try_producer_id(&mut client);
            if self.id.is_none() {
                return;
            }
        }
        // Sent again, as a producer does that does not know what became of it.
        for at in 0..self.unanswered.len() {
            if !self.write(&mut client, at) {
                return;
            }
        }
        loop {
            let over = tally.over.load(Ordering::Relaxed);
            while !over && self.unanswered.len() < self.manner.under_way {
                let sent = self.make();
                self.unanswered.push_back(sent);
                if !self.write(&mut client, self.unanswered.len() - 1) {
                    return;
                }
            }
            if self.unanswered.is_empty() || !self.take_answer(&mut client, tally) {
                return;
            }
        }
    }

    /// Makes the next batch, for any partition.
    fn make(&mut self) -> Sent {
        let partition = self.dice.one_of(&self.manner.partitions);
        let count = self.dice.between(1, self.manner.records_max);
        let made = self.made.entry(partition).or_default();
        let first = *made;
        *made += count;
        let values: Vec<String> = (first..first + count)
            .map(|sequence| {
                let filler = self.dice.between(0, self.manner.value_bytes_max) as u32;
                Value::new(self.number, partition, sequence, filler).text()
            })
            .collect();
        let batch = match self.id {
            Some(id) => idempotent(id, 0, first as i32, &values),
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis() as i64;
                batch_of(BatchOptions::default(), now, None, &values)
            }
        };
        Sent { partition, first, count, batch }
    }

    fn write(&mut self, client: &mut Client, at: usize) -> bool {
        let sent = &self.unanswered[at];
        let mut request =
            produce_request(&self.manner.topic.name, sent.partition, self.manner.acks, sent.batch.clone());
        if !self.manner.repeats_at.is_empty() {
            request.timeout_ms = REPEATED_AFTER_MS;
        }
        let frame = client.frame::<ProduceRequest>(PRODUCE, &request);
        client.try_write(&frame)
    }

    /// Takes the next answer; false when there are no more.
    fn take_answer(&mut self, client: &mut Client, tally: &Tally) -> bool {
        let Some(frame) = client.receive_frame() else { return false };
        let (_, response) = protocol::decode_response::<ProduceRequest>(&frame, PRODUCE).expect("a response");
        let answer = &response.responses[0].partition_responses[0];
        let sent = self.unanswered.pop_front().expect("one was sent");
        assert_eq!(answer.index, sent.partition, "answers come in the order of requests");
        if self.manner.repeats_at.contains(&answer.error_code) {
            tally.refused.fetch_add(1, Ordering::Relaxed);
            self.unanswered.push_front(sent);
            assert_eq!(self.unanswered.len(), 1, "only a producer that waits for each answer can repeat");
            thread::sleep(std::time::Duration::from_millis(20));
            return !tally.over.load(Ordering::Relaxed) && self.write(client, 0);
        }
        if self.manner.ends_at.contains(&answer.error_code) {
            return false;
        }
        assert_eq!(answer.error_code, 0, "{:?} to {:?}", answer.error_message, self.manner);
        self.told.push(Told {
            partition: sent.partition,
            producer: self.number,
            first: sent.first,
            count: sent.count,
            offset: answer.base_offset,
            is_durable: self.manner.acks == ALL && self.manner.topic.is_durable,
            at: Instant::now(),
        });
        tally.batches.fetch_add(1, Ordering::Relaxed);
        true
    }
}

/// A new producer id; `None` at the connection's end.
fn try_producer_id(client: &mut Client) -> Option<i64> {
    let version = newest::<InitProducerIdRequest>();
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let frame = client.frame(version, &request);
    let answer = client.try_write(&frame).then(|| client.receive_frame()).flatten()?;
    let (_, response) =
        protocol::decode_response::<InitProducerIdRequest>(&answer, version).expect("a response");
    assert_eq!(response.error_code, 0);
    Some(response.producer_id)
}
