//! Names that users give, checked once.

use std::fmt;
use std::sync::Arc;

/// A topic's name that has passed Kafka's rules: 1 to 249 characters of `a-z A-Z 0-9 . _ -`, and neither `.` nor `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// Why a text cannot name a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTopicName(String);

impl TopicName {
    /// Kafka's limit: with `-<partition>` and a suffix for deletion it still fits into a file name.
    pub const LEN_MAX: usize = 249;

    /// Checks `text` against Kafka's rules (`org.apache.kafka.common.internals.Topic`).
    pub fn new(text: &str) -> Result<Self, InvalidTopicName> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let problem = if text.is_empty() {
            "the empty string is not allowed".to_owned()
        } else if text == "." || text == ".." {
            format!("'{text}' is not allowed")
        } else if text.len() > Self::LEN_MAX {
            format!("the length of '{text}' is longer than the max allowed length {}", Self::LEN_MAX)
        } else if !text.chars().all(legal) {
            format!(
                "'{text}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
            )
        } else {
            return Ok(Self(text.into()));
        };
        Err(InvalidTopicName(problem))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with `.` and `_` made one: two topics that agree in it would share metric names, so Kafka refuses
    /// the second.
    #[must_use]
    pub fn collision_key(&self) -> String {
        self.0.replace('.', "_")
    }

    /// Whether the name is one of Kafka's internal topics.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(&*self.0, "__consumer_offsets" | "__transaction_state" | "__share_group_state")
    }
}

impl std::borrow::Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicName({:?})", &*self.0)
    }
}

impl fmt::Display for InvalidTopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic name is invalid: {}", self.0)
    }
}

impl std::error::Error for InvalidTopicName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_outside_kafkas_rules_are_refused() {
        for bad in ["", ".", "..", "a b", "a/b", "ä", &"x".repeat(250)] {
            assert!(TopicName::new(bad).is_err(), "{bad}");
        }
        for good in ["a", "A.b_c-9", "...", &"x".repeat(249)] {
            assert!(TopicName::new(good).is_ok(), "{good}");
        }
    }
}
