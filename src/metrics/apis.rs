//! What is counted for each API.

/// Keys of Kafka's APIs lie below; those of Strome's own time are below 100.
const KEYS: usize = 128;

/// What was asked through one API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiFigures {
    /// Requests that were taken up.
    pub requests: u64,
    /// Their bytes, without the lengths before them.
    pub request_bytes: u64,
    /// Error codes in answers: of a request for many partitions each may have one.
    pub errors: u64,
    /// Requests that could not be served at all; their connections were closed.
    pub refused: u64,
}

/// The figures of all APIs. Lives on a shard.
#[derive(Clone, Debug)]
pub struct Apis {
    by_key: Vec<ApiFigures>,
}

impl Default for Apis {
    fn default() -> Self {
        Self { by_key: vec![ApiFigures::default(); KEYS] }
    }
}

impl Apis {
    /// The figures of the API with this key. All keys that are none of Kafka's share the last place.
    pub fn of(&mut self, key: i16) -> &mut ApiFigures {
        let place = usize::try_from(key).unwrap_or(KEYS).min(KEYS - 1);
        &mut self.by_key[place]
    }

    /// Those that were used, by key.
    pub fn used(&self) -> impl Iterator<Item = (i16, &ApiFigures)> {
        let all = self.by_key.iter().enumerate();
        all.filter(|(_, figures)| figures.requests + figures.refused > 0)
            .map(|(key, figures)| (key as i16, figures))
    }
}
