//! What is counted for each topic, of a bounded number of topics.
//!
//! # Invariants
//! - Every shard gives the same topics a place of their own, since all see the same changes in the same order and
//!   decide by nothing else. So what they count for a topic can be summed.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use metadata::{Delta, Image};
use record::BATCH_HEADER_BYTES;
use types::{TopicId, TopicName};

/// So many topics are counted one by one, the oldest of them; the rest together.
pub const TOPICS_MAX: usize = 200;

/// What the rest is called: no topic can have the name.
pub const OTHER_TOPICS: &str = "(other)";

/// What went in and out of a topic's partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicFigures {
    /// Records that producers had appended.
    pub records_in: u64,
    /// Their batches.
    pub batches_in: u64,
    /// The batches' bytes as they are stored.
    pub bytes_in: u64,
    /// Records in answers to fetches, whole batches as they are.
    pub records_out: u64,
    /// Their batches.
    pub batches_out: u64,
    /// The batches' bytes.
    pub bytes_out: u64,
}

/// Where a topic's figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicPlace(u32);

/// The place of all topics that have none of their own.
const OTHER: TopicPlace = TopicPlace(0);

/// The figures of all topics. Lives with a shard's partitions.
#[derive(Clone, Debug)]
pub struct Topics {
    places: HashMap<TopicId, TopicPlace>,
    /// The first one is of the other topics; one without a name is free.
    entries: Vec<(Option<TopicName>, TopicFigures)>,
    free: BTreeSet<u32>,
}

impl Default for Topics {
    fn default() -> Self {
        Self { places: HashMap::new(), entries: vec![(None, TopicFigures::default())], free: BTreeSet::new() }
    }
}

impl Topics {
    /// Topics have come and gone.
    pub fn apply(&mut self, image: &Image, delta: &Delta) {
        for (id, _) in delta.topics.iter().filter(|(_, change)| change.removed) {
            if let Some(place) = self.places.remove(id) {
                self.entries[place.0 as usize] = (None, TopicFigures::default());
                self.free.insert(place.0);
            }
        }
        for (id, _) in delta.topics.iter().filter(|(_, change)| change.created) {
            if let Some(topic) = image.topic_by_id(*id)
                && !self.places.contains_key(id)
            {
                self.give_place(*id, topic.name.clone());
            }
        }
    }

    fn give_place(&mut self, id: TopicId, name: TopicName) {
        let entry = (Some(name), TopicFigures::default());
        if let Some(place) = self.free.pop_first() {
            self.entries[place as usize] = entry;
            self.places.insert(id, TopicPlace(place));
        } else if self.entries.len() <= TOPICS_MAX {
            self.places.insert(id, TopicPlace(self.entries.len() as u32));
            self.entries.push(entry);
        }
    }

    /// Where the topic's partitions count.
    pub fn place_of(&self, topic: TopicId) -> TopicPlace {
        self.places.get(&topic).copied().unwrap_or(OTHER)
    }

    /// The figures of a place.
    pub fn at(&mut self, place: TopicPlace) -> &mut TopicFigures {
        &mut self.entries[place.0 as usize].1
    }

    /// All figures with the names of their topics, [`OTHER_TOPICS`] for those that are counted together.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TopicFigures)> {
        self.entries.iter().enumerate().filter_map(|(place, (name, figures))| match name {
            Some(name) => Some((name.as_str(), figures)),
            None => (place == 0).then_some((OTHER_TOPICS, figures)),
        })
    }
}

impl TopicFigures {
    /// A batch was appended.
    pub fn appended(&mut self, records: u64, bytes: u64) {
        self.records_in += records;
        self.batches_in += 1;
        self.bytes_in += bytes;
    }

    /// Whole batches were read for a client, in pieces that may end anywhere.
    pub fn fetched(&mut self, pieces: &[Bytes]) {
        let mut skip = 0;
        let mut header = ([0; BATCH_HEADER_BYTES], 0);
        for piece in pieces {
            self.bytes_out += piece.len() as u64;
            let mut rest: &[u8] = piece;
            while !rest.is_empty() {
                let skipped = rest.len().min(skip);
                rest = rest.split_at(skipped).1;
                skip -= skipped;
                let batch = match skip {
                    0 => next_header(&mut rest, &mut header),
                    _ => None,
                };
                if let Some((rest_of_batch, records)) = batch {
                    self.records_out += records;
                    self.batches_out += 1;
                    skip = rest_of_batch;
                }
            }
        }
    }

    /// Adds another shard's figures of the same topic.
    pub fn add(&mut self, other: &Self) {
        self.records_in += other.records_in;
        self.batches_in += other.batches_in;
        self.bytes_in += other.bytes_in;
        self.records_out += other.records_out;
        self.batches_out += other.batches_out;
        self.bytes_out += other.bytes_out;
    }
}

/// Takes a batch's header off the front of `rest`; `partial` keeps what there is of one. Returns how much of the batch is
/// left, and the number of its records.
fn next_header(
    rest: &mut &[u8],
    (partial, have): &mut ([u8; BATCH_HEADER_BYTES], usize),
) -> Option<(usize, u64)> {
    let missing = partial.get_mut(*have..).unwrap_or_default();
    let taken = missing.len().min(rest.len());
    let (now, later) = rest.split_at(taken);
    missing.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
    *rest = later;
    *have += taken;
    if *have < BATCH_HEADER_BYTES {
        return None;
    }
    *have = 0;
    let (len, records) = record::len_and_records(partial)?;
    Some((len - BATCH_HEADER_BYTES, records))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> TopicName {
        TopicName::new(&format!("t{number}")).unwrap()
    }

    fn id(number: usize) -> TopicId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        types::Uuid(bytes)
    }

    fn removed(number: usize) -> Delta {
        let change = metadata::TopicDelta { removed: true, ..Default::default() };
        Delta { topics: [(id(number), change)].into(), ..Default::default() }
    }

    #[test]
    fn batches_are_counted_wherever_the_pieces_of_an_answer_end() {
        let batch = |len: usize, records: i32| {
            let mut bytes = vec![9; len];
            bytes[8..12].copy_from_slice(&(len as i32 - 12).to_be_bytes());
            bytes[57..61].copy_from_slice(&records.to_be_bytes());
            bytes
        };
        let whole = Bytes::from([batch(61, 1), batch(200, 20), batch(75, 300)].concat());
        for first in 0..=whole.len() {
            for second in first..=whole.len() {
                let mut figures = TopicFigures::default();
                figures.fetched(&[whole.slice(..first), whole.slice(first..second), whole.slice(second..)]);
                let counted = (figures.records_out, figures.batches_out, figures.bytes_out);
                assert_eq!(counted, (321, 3, 336), "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn topics_beyond_the_bound_are_counted_together_until_one_goes() {
        let mut topics = Topics::default();
        for number in 0..TOPICS_MAX + 10 {
            topics.give_place(id(number), name(number));
            let place = topics.place_of(id(number));
            topics.at(place).appended(1, 10);
        }
        let figures: HashMap<_, _> = topics.iter().collect();
        assert_eq!(figures.len(), TOPICS_MAX + 1);
        assert_eq!(figures[OTHER_TOPICS].records_in, 10);
        assert_eq!(figures["t0"].bytes_in, 10);
        let node = metadata::NodeSettings { id: types::BrokerId(1), file: Default::default() };
        topics.apply(&Image::new(node).unwrap(), &removed(3));
        assert_eq!(topics.iter().count(), TOPICS_MAX);
        topics.give_place(id(1000), name(1000));
        let figures: HashMap<_, _> = topics.iter().collect();
        assert_eq!(figures["t1000"], &TopicFigures::default(), "it begins anew");
    }
}
