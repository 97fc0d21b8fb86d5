//! One line of arithmetic, as it is shown.

use std::fmt;

/// A quantity with its name, how it was computed with the very numbers, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is.
    pub what: &'static str,
    /// The formula with its figures, such as `100,000/s x 2`.
    pub formula: String,
    /// The value in its base unit.
    pub value: f64,
    /// What the value is counted in.
    pub unit: Unit,
}

/// What a value is counted in, which says how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Things in a second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Bytes in a second.
    BytesPerSecond,
    /// Cores, or seconds of CPU in a second.
    Cores,
    /// Seconds.
    Seconds,
    /// A factor.
    Times,
}

impl Unit {
    /// A value in this unit, for people.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Count => number(value),
            Self::PerSecond => format!("{}/s", number(value)),
            Self::Bytes => bytes(value),
            Self::BytesPerSecond => format!("{}/s", bytes(value)),
            Self::Cores => format!("{} cores", number(value)),
            Self::Seconds => seconds(value),
            Self::Times => number(value),
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::PerSecond => "per_second",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes_per_second",
            Self::Cores => "cores",
            Self::Seconds => "seconds",
            Self::Times => "times",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} = {}", self.what, self.formula, self.unit.show(self.value))
    }
}

/// A number with about four digits that matter, and commas between thousands.
fn number(value: f64) -> String {
    if value >= 1000.0 {
        return crate::disk::grouped(value);
    }
    let digits = match value {
        100.0.. => 1,
        10.0.. => 2,
        1.0.. => 3,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Bytes in decimal units, as disks and networks are sold.
fn bytes(value: f64) -> String {
    let units = [(1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = units.into_iter().find(|(size, _)| value >= *size);
    unit.map_or_else(
        || format!("{} B", number(value)),
        |(size, name)| format!("{} {name}", number(value / size)),
    )
}

fn seconds(value: f64) -> String {
    match value {
        86_400.0.. => format!("{} days", number(value / 86_400.0)),
        3600.0.. => format!("{} h", number(value / 3600.0)),
        1.0.. => format!("{} s", number(value)),
        1e-3.. => format!("{} ms", number(value * 1e3)),
        _ => format!("{} us", number(value * 1e6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_people_read_them() {
        let shown = [
            (Unit::Count, 12.0, "12"),
            (Unit::PerSecond, 1_234_567.0, "1,234,567/s"),
            (Unit::Bytes, 0.0, "0 B"),
            (Unit::Bytes, 1.5e13, "15 TB"),
            (Unit::BytesPerSecond, 999.0, "999 B/s"),
            (Unit::Cores, 0.1234, "0.1234 cores"),
            (Unit::Seconds, 90e-6, "90 us"),
            (Unit::Seconds, 604_800.0, "7 days"),
            (Unit::Times, 1.5, "1.5"),
        ];
        for (unit, value, text) in shown {
            assert_eq!(unit.show(value), text);
        }
    }
}
