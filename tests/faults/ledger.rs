//! What producers sent, what they were told, and whether a broker still has it.
//!
//! # Invariants that are checked
//! - Every record that was acknowledged as durable is there, at the offset that was told.
//! - What else was acknowledged is there or lies behind the log's end: a log loses nothing but its end.
//! - Every record was sent by somebody, to this partition, and is what was sent.
//! - The records of one producer are in the order in which they were sent, without gaps and without repetitions.
//! - What a broker has shown after a start stays.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use crate::client::Client;
use crate::topics::{list, try_read_all};
use crate::value::Value;

const EARLIEST: i64 = -2;
const OFFSET_OUT_OF_RANGE: i16 = 1;

/// A topic as this ledger knows it.
#[derive(Clone, Debug)]
pub struct Topic {
    pub name: String,
    pub partitions: i32,
    /// Whether an acknowledgement of `acks=all` promises durability: `flush.messages=1`.
    pub is_durable: bool,
}

/// An acknowledged batch.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub partition: i32,
    pub producer: u32,
    /// The sequence of its first record.
    pub first: u64,
    pub count: u64,
    pub offset: i64,
    pub is_durable: bool,
    pub at: Instant,
}

/// All topics of a case.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    accounts: BTreeMap<(String, i32), Account>,
    /// Records of batches that were acknowledged.
    pub acknowledged: u64,
}

#[derive(Clone, Debug, Default)]
struct Account {
    told: Vec<Told>,
    /// How many records each producer has sent.
    sent: HashMap<u32, u64>,
    /// Everything below was seen, and has to stay.
    seen: i64,
}

impl Ledger {
    /// So many records were sent in all by a producer.
    pub fn sent(&mut self, topic: &str, partition: i32, producer: u32, records: u64) {
        let sent = self.account(topic, partition).sent.entry(producer).or_default();
        *sent = records.max(*sent);
    }

    pub fn told(&mut self, topic: &str, told: Told) {
        self.acknowledged += told.count;
        self.account(topic, told.partition).told.push(told);
    }

    /// Somebody saw that records up to `end` are there for good.
    pub fn seen(&mut self, topic: &str, partition: i32, end: i64) {
        let account = self.account(topic, partition);
        account.seen = account.seen.max(end);
    }

    /// The topic is deleted: nothing is expected of its records.
    pub fn forget(&mut self, topic: &str) {
        self.accounts.retain(|(name, _), _| name != topic);
    }

    /// What is expected after a power failure at that moment: what was told durable before. What was seen before counts
    /// where it is durable to be seen.
    pub fn after_power_failure(&self, moment: Instant, topics: &[Topic]) -> Self {
        let mut expected = self.clone();
        for ((name, _), account) in &mut expected.accounts {
            if !topics.iter().any(|topic| topic.name == *name && topic.is_durable) {
                account.seen = 0;
            }
            for told in &mut account.told {
                told.is_durable &= told.at < moment;
            }
        }
        expected
    }

    fn account(&mut self, topic: &str, partition: i32) -> &mut Account {
        self.accounts.entry((topic.to_owned(), partition)).or_default()
    }

    /// Reads every partition of a topic to its end, and compares. What was found is expected from now on.
    pub fn check(&mut self, client: &mut Client, topic: &Topic) {
        for partition in 0..topic.partitions {
            let (start, texts) = read_from_start(client, &topic.name, partition).expect("it is readable");
            let place = format!("{}-{partition}", topic.name);
            self.account(&topic.name, partition).check(&place, partition, start, &texts);
        }
    }
}

/// All records of a partition, and the offset of the first one; or an error code.
pub fn read_from_start(client: &mut Client, topic: &str, partition: i32) -> Result<(i64, Vec<String>), i16> {
    loop {
        let start = list(client, topic, partition, EARLIEST);
        if start.error_code != 0 {
            return Err(start.error_code);
        }
        match try_read_all(client, topic, partition, start.offset) {
            Ok(texts) => return Ok((start.offset, texts)),
            // Retention was faster.
            Err(OFFSET_OUT_OF_RANGE) => {}
            Err(error) => return Err(error),
        }
    }
}

impl Account {
    fn check(&mut self, place: &str, partition: i32, start: i64, texts: &[String]) {
        let end = start + texts.len() as i64;
        assert!(end >= self.seen, "{place} ends at {end}, but was seen up to {}", self.seen);
        let values = self.check_records(place, partition, start, texts);
        for told in &self.told {
            let told_end = told.offset + told.count as i64;
            assert!(
                !told.is_durable || end >= told_end,
                "{place} ends at {end} before durable records: {told:?}"
            );
            let offsets = told.offset..told_end;
            for (offset, sequence) in offsets.zip(told.first..).filter(|(offset, _)| *offset >= start) {
                let Some(value) = values.get((offset - start) as usize) else { continue };
                assert_eq!(
                    (value.producer, value.sequence),
                    (told.producer, sequence),
                    "{place}: offset {offset} of a log from {start} to {end} holds another record than was told"
                );
            }
        }
        // Offsets that were lost are given again.
        self.told.retain(|told| told.offset >= start && told.offset + told.count as i64 <= end);
        self.seen = end;
    }

    /// Checks what the records say of themselves.
    fn check_records(&self, place: &str, partition: i32, start: i64, texts: &[String]) -> Vec<Value> {
        let mut next: HashMap<u32, u64> = HashMap::new();
        let mut values = Vec::with_capacity(texts.len());
        for (text, offset) in texts.iter().zip(start..) {
            let Some(value) = Value::parse(text) else {
                panic!("{place}: nobody wrote what is at offset {offset}: {text:?}");
            };
            let sent = self.sent.get(&value.producer).copied().unwrap_or(0);
            assert!(
                value.partition == partition && value.sequence < sent,
                "{place}: nobody sent what is at offset {offset}: {value:?}, {sent} were sent"
            );
            // Of a log that has lost its beginning any record may be a producer's first one.
            let first = if start == 0 { 0 } else { value.sequence };
            let expected = next.entry(value.producer).or_insert(first);
            assert_eq!(
                value.sequence, *expected,
                "{place}: the order of a producer at offset {offset}: {value:?}"
            );
            *expected += 1;
            values.push(value);
        }
        values
    }
}
