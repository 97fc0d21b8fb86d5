//! Numbers with units, as people write them on the command line.

use std::time::Duration;

use types::ByteCount;

/// A number of bytes, with K, M, G or T for powers of 1024.
pub fn bytes(text: &str) -> Result<ByteCount, String> {
    let (number, unit) = split(text);
    let unit = unit.to_ascii_uppercase();
    let shift = match unit.trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("wants a number with K, M, G or T, such as 512M".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "wants a whole number, such as 512M".to_owned())?;
    let bytes = number.checked_mul(1 << shift).filter(|bytes| *bytes > 0);
    bytes.map(ByteCount).ok_or_else(|| "is out of range".to_owned())
}

/// A time, with ms, s, m, h or d.
pub fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("wants a number with ms, s, m, h or d, such as 7d".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "wants a whole number, such as 7d".to_owned())?;
    let time = number.checked_mul(milliseconds).map(Duration::from_millis);
    time.ok_or_else(|| "is out of range".to_owned())
}

/// A number and its unit.
fn split(text: &str) -> (&str, &str) {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    (number, text.get(number.len()..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_bounds() {
        for (text, count) in [("1", 1), ("4K", 4096), ("4kb", 4096), ("2MiB", 2 << 20), ("3g", 3 << 30)] {
            assert_eq!(bytes(text), Ok(ByteCount(count)), "{text}");
        }
        for text in ["", "0", "-1", "M", "1.5G", "4 G", "99999999T", "1X", "1KM"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units_and_bounds() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("2m", 120), ("3h", 10_800), ("7d", 604_800)] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "7", "d", "-1d", "1.5h", "7 d", "9999999999999999d", "1w"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
