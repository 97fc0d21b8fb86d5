//! Record values that tell whose they are, and that nothing in them was changed.

use crate::dice::Dice;

/// What a value says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    pub producer: u32,
    pub partition: i32,
    /// Counts the records of this producer in this partition, from 0.
    pub sequence: u64,
    filler_bytes: u32,
}

impl Value {
    pub fn new(producer: u32, partition: i32, sequence: u64, filler_bytes: u32) -> Self {
        Self { producer, partition, sequence, filler_bytes }
    }

    /// `producer.partition.sequence.bytes.filler`: the filler follows from the rest, and serves as its checksum.
    pub fn text(&self) -> String {
        let Self { producer, partition, sequence, filler_bytes } = self;
        let mut text = format!("{producer}.{partition}.{sequence}.{filler_bytes}.");
        let seed = u64::from(*producer) << 40 ^ (*partition as u64) << 24 ^ *sequence;
        let mut dice = Dice::new(seed);
        let wanted = text.len() + *filler_bytes as usize;
        while text.len() < wanted {
            let mut letters = dice.next();
            for _ in 0..12.min(wanted - text.len()) {
                text.push(char::from(b'a' + (letters % 26) as u8));
                letters /= 26;
            }
        }
        text
    }

    /// Reads a value; `None` if it is not exactly what some producer would write.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(5, '.');
        let value = Self {
            producer: words.next()?.parse().ok()?,
            partition: words.next()?.parse().ok()?,
            sequence: words.next()?.parse().ok()?,
            filler_bytes: words.next()?.parse().ok()?,
        };
        (value.text() == text).then_some(value)
    }
}
