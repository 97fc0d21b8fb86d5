//! Numbers as people like to read them.

use std::time::Duration;

/// A number with commas between its thousands.
#[must_use]
pub fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in the unit that suits it, with three digits.
#[must_use]
pub fn micros(micros: f64) -> String {
    let time = Duration::from_secs_f64(micros.max(0.0) / 1e6);
    let (number, unit) = match time.as_nanos() {
        0..1_000_000 => (micros, "µs"),
        1_000_000..1_000_000_000 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let decimals = if number >= 99.95 {
        0
    } else if number >= 9.995 {
        1
    } else {
        2
    };
    format!("{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_easy_to_read() {
        assert_eq!(
            (count(0.0), count(999.4), count(1_234_567.0)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        let told = [0.0, 42.34, 999.0, 1_234.0, 56_789.0, 2.5e6, 1.5e8].map(micros);
        assert_eq!(told, ["0.00 µs", "42.3 µs", "999 µs", "1.23 ms", "56.8 ms", "2.50 s", "150 s"]);
    }
}
