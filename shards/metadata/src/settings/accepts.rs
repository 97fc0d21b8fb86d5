//! The values that a setting may have, as Kafka's validators say.

use std::collections::BTreeSet;

use super::Value;

/// The values that a setting may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Accepts {
    /// Every value of the type.
    Any,
    /// A number of at least this.
    AtLeast(i64),
    /// A number from the first to the second, both included.
    Between(i64, i64),
    /// As `Between`, or the third.
    BetweenOr(i64, i64, i64),
    /// A decimal number from the first to the second, both included.
    Fraction(f64, f64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, in any case of letters.
    OneOfAnyCase(&'static [&'static str]),
    /// `latest`, `earliest`, or `by_duration:` and an ISO 8601 duration such as `PT24H` (KIP-1106).
    AutoOffsetReset,
    /// A text that is not empty.
    NonEmpty,
    /// A list without duplicates, empty or not.
    Distinct,
    /// A list without duplicates that is not empty.
    DistinctNonEmpty,
    /// A list of some of these, without duplicates, empty or not.
    SomeOf(&'static [&'static str]),
    /// A list of some of these, without duplicates and not empty.
    SomeOfNonEmpty(&'static [&'static str]),
    /// A list of `host:port`.
    HostPorts,
    /// A list of `id@host:port`.
    Voters,
    /// `*`, or a list of `partition:broker`.
    ThrottledReplicas,
}

impl Accepts {
    /// What is wrong with `value`, or `None` for a value that is accepted.
    pub(super) fn objection(&self, value: &Value) -> Option<String> {
        match value {
            Value::Boolean(_) => None,
            Value::Short(number) => self.objection_to_integer(i64::from(*number)),
            Value::Int(number) => self.objection_to_integer(i64::from(*number)),
            Value::Long(number) => self.objection_to_integer(*number),
            Value::Double(number) => self.objection_to_double(*number),
            Value::Text(text) => self.objection_to_text(text),
            Value::List(parts) => self.objection_to_list(parts),
        }
    }

    fn objection_to_integer(&self, number: i64) -> Option<String> {
        match *self {
            Self::AtLeast(min) if number < min => Some(format!("Value must be at least {min}")),
            Self::Between(min, _) if number < min => Some(format!("Value must be at least {min}")),
            Self::Between(_, max) if number > max => Some(format!("Value must be no more than {max}")),
            Self::BetweenOr(min, max, other) if number != other && (number < min || number > max) => {
                Some(format!("Value must be between {min} and {max} or equal to {other}"))
            }
            _ => None,
        }
    }

    fn objection_to_double(&self, number: f64) -> Option<String> {
        match *self {
            Self::Fraction(min, _) if number < min => Some(format!("Value must be at least {min}")),
            Self::Fraction(_, max) if number > max => Some(format!("Value must be no more than {max}")),
            _ => None,
        }
    }

    fn objection_to_text(&self, text: &str) -> Option<String> {
        match self {
            Self::NonEmpty if text.is_empty() => Some("String must be non-empty".to_owned()),
            Self::AutoOffsetReset if !is_offset_reset(text) => {
                Some("Must be latest, earliest or by_duration:PnDTnHnMn.nS".to_owned())
            }
            Self::OneOf(texts) if !texts.contains(&text) => {
                Some(format!("String must be one of: {}", texts.join(", ")))
            }
            Self::OneOfAnyCase(texts) if !texts.iter().any(|known| known.eq_ignore_ascii_case(text)) => {
                Some(format!("String must be one of (case insensitive): {}", texts.join(", ")))
            }
            _ => None,
        }
    }

    fn objection_to_list(&self, parts: &[String]) -> Option<String> {
        match self {
            Self::HostPorts => {
                let bad = parts.iter().find(|part| !is_host_and_port(part))?;
                return Some(format!("'{bad}' is not of the form host:port"));
            }
            Self::Voters => {
                let bad = parts.iter().find(|part| !is_voter(part))?;
                return Some(format!("'{bad}' is not of the form id@host:port"));
            }
            Self::ThrottledReplicas => return objection_to_replicas(parts),
            _ => {}
        }
        if parts.is_empty() {
            let refused = matches!(self, Self::DistinctNonEmpty | Self::SomeOfNonEmpty(_));
            return refused.then(|| "List must not be empty".to_owned());
        }
        if has_duplicates(parts) {
            return Some("List must not contain duplicates".to_owned());
        }
        match self {
            Self::SomeOf(texts) | Self::SomeOfNonEmpty(texts)
                if !parts.iter().all(|part| texts.contains(&part.as_str())) =>
            {
                Some(format!("String must be one of: {}", texts.join(", ")))
            }
            _ if parts.iter().any(String::is_empty) => Some("List must not contain empty entries".to_owned()),
            _ => None,
        }
    }
}

fn has_duplicates(parts: &[String]) -> bool {
    let mut seen = BTreeSet::new();
    !parts.iter().all(|part| seen.insert(part))
}

/// The duration is looked at only so far as its letters and digits go.
fn is_offset_reset(text: &str) -> bool {
    match text.strip_prefix("by_duration:") {
        None => matches!(text, "latest" | "earliest"),
        Some(duration) => duration.strip_prefix('P').is_some_and(|parts| {
            parts.len() >= 2
                && parts.chars().all(|c| c.is_ascii_digit() || matches!(c, 'D' | 'T' | 'H' | 'M' | 'S' | '.'))
        }),
    }
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn is_voter(text: &str) -> bool {
    text.split_once('@').is_some_and(|(id, address)| id.parse::<u32>().is_ok() && is_host_and_port(address))
}

fn objection_to_replicas(parts: &[String]) -> Option<String> {
    let is_pair = |part: &String| {
        part.split_once(':').is_some_and(|(partition, broker)| {
            partition.parse::<u32>().is_ok() && broker.parse::<u32>().is_ok()
        })
    };
    let fine = parts.iter().all(is_pair) || matches!(parts, [only] if only == "*");
    (!fine).then(|| "Must be '*' or a list of [partitionId]:[brokerId]".to_owned())
}
