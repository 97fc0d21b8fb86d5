//! How large records are: all the same, or evenly spread between two bounds.

use std::fmt;
use std::str::FromStr;

use crate::random::Random;

/// No record is larger: a batch holds at most 2 GiB, and brokers refuse far less than this.
const RECORD_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The sizes of records' values, in bytes; written `1000`, `64KiB` or `100..1000`, where both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    min: usize,
    max: usize,
}

impl Sizes {
    /// Always this many bytes.
    #[must_use]
    pub const fn fixed(bytes: usize) -> Self {
        Self { min: bytes, max: bytes }
    }

    /// The smallest and the largest.
    #[must_use]
    pub const fn bounds(self) -> (usize, usize) {
        (self.min, self.max)
    }

    /// What they are on average.
    #[must_use]
    pub fn mean(self) -> f64 {
        (self.min as f64 + self.max as f64) / 2.0
    }

    /// The next one.
    pub fn draw(self, random: &mut Random) -> usize {
        if self.min == self.max {
            return self.min;
        }
        self.min + random.below((self.max - self.min + 1) as u64) as usize
    }
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let bound = |text: &str| -> Result<usize, String> {
            let bytes = parse_bytes(text)?;
            if bytes > RECORD_BYTES_MAX {
                return Err(format!("{text:?} is more than a record can have"));
            }
            Ok(bytes as usize)
        };
        let (min, max) = (bound(min)?, bound(max.trim_start_matches('='))?);
        if min > max {
            return Err(format!("{text:?} begins above its end"));
        }
        Ok(Self { min, max })
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max { write!(f, "{}", self.min) } else { write!(f, "{}..{}", self.min, self.max) }
    }
}

/// Reads a number of bytes: `1000`, `64KiB`, `1MB`.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text.get(digits.len()..).unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(format!("{text:?}: expected bytes, such as 1000, 64KiB or 1MB")),
    };
    let number: u64 = digits
        .trim()
        .replace('_', "")
        .parse()
        .map_err(|_| format!("{text:?}: expected bytes, such as 1000, 64KiB or 1MB"))?;
    number.checked_mul(unit).ok_or_else(|| format!("{text:?} is too much"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, min, max) in
            [("1000", 1000, 1000), ("64KiB", 65_536, 65_536), ("100..1kb", 100, 1000), ("0..=1", 0, 1)]
        {
            assert_eq!(text.parse(), Ok(Sizes { min, max }), "{text}");
        }
        let units =
            ["7", "7b", "7k", "7KiB", "7kB", "7m", "7MiB", "7MB", "7g", "7GiB", "7GB"].map(parse_bytes);
        let factors =
            [1, 1, 1 << 10, 1 << 10, 1_000, 1 << 20, 1 << 20, 1_000_000, 1 << 30, 1 << 30, 1_000_000_000];
        assert_eq!(units, factors.map(|factor| Ok(7 * factor)));
        assert!("256MiB".parse::<Sizes>().is_ok() && "268435457".parse::<Sizes>().is_err());
        assert!(parse_bytes("99999999999GiB").is_err_and(|why| why.contains("too much")));
        for bad in ["", "x", "5..4", "-1", "1GiB", "1 stone", "99999999999999999999GiB"] {
            assert!(bad.parse::<Sizes>().is_err(), "{bad}");
        }
        assert_eq!(Sizes { min: 1, max: 2 }.to_string(), "1..2");
    }

    #[test]
    fn sizes_between_bounds_are_spread_evenly_and_reach_both() {
        let sizes: Sizes = "10..19".parse().unwrap();
        let mut random = Random::new(3);
        let mut counts = [0; 10];
        (0..10_000).for_each(|_| counts[sizes.draw(&mut random) - 10] += 1);
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        assert_eq!(Sizes::fixed(5).draw(&mut random), 5);
    }
}
