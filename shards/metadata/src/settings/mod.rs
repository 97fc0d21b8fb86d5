//! Every setting of topics, brokers and groups that Kafka 4.3 knows, and Strome's own: name, type, default, range,
//! how it may be changed, and whether Strome acts on it.
//!
//! The tables ([`table`]) are constants; values are parsed and judged in [`value`]; where a value comes from is
//! [`layers`]; the answers of DescribeConfigs are made in [`describe`]; [`TopicSettings`] and [`BrokerSettings`] are
//! what the rest of the broker reads.
//!
//! # Invariants
//! - A default is a valid value of its setting, written as Kafka writes it.
//! - [`Effect`] says the truth: a setting has one exactly if a typed view reads it.
//!
//! # Not here
//! Files, environment and command line (the binary's `config`); which values were altered ([`crate::Image`]).

mod accepts;
mod broker;
mod describe;
mod groups;
mod layers;
mod synonyms;
mod table;
mod topic;
mod update;
mod value;

pub use accepts::Accepts;
pub use broker::{
    AdminListener, BrokerSettings, CleanerSettings, ConnectionLimits, InternalTopicSettings, InternalTopics,
    NetworkSettings, StromeSettings, TopicCreation,
};
pub use describe::{Described, describe_all_brokers, describe_broker, describe_group, describe_topic};
pub use groups::{Bounded, ClassicGroupSettings, ConsumerGroupSettings, GroupSettings, OffsetSettings};
pub use layers::BrokerLayers;
pub use synonyms::{Synonym, synonym_of_group, synonyms_of_broker, synonyms_of_topic};
pub use table::{broker, broker_settings, group, group_settings, strome_settings, topic, topic_settings};
pub use topic::{CleanupPolicy, CompactionRules, CompressionPolicy, TimestampSource, TopicSettings};
pub use update::{BrokerScope, validate_broker_update, validate_group, validate_topic};
pub use value::{InvalidSetting, Value};

/// The type of a setting's value, by Kafka's numbers (`DescribeConfigsResponse.ConfigType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ValueType {
    /// `true` or `false`, in any case of letters.
    Boolean = 1,
    /// Any text; blanks around it are dropped.
    String = 2,
    /// 32 bits.
    Int = 3,
    /// 16 bits.
    Short = 4,
    /// 64 bits.
    Long = 5,
    /// A decimal number.
    Double = 6,
    /// Texts separated by commas.
    List = 7,
    /// The name of a Java class.
    Class = 8,
    /// A text that is never shown.
    Password = 9,
}

impl ValueType {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// How much a setting matters, in Kafka's judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    High,
    Medium,
    Low,
}

/// How a setting of a broker may be changed (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// Only in the file, with a restart.
    ReadOnly,
    /// While running, for one broker.
    PerBroker,
    /// While running, for one broker or for all of them.
    ClusterWide,
}

/// Whether Strome acts on a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does, and on changes while running where Kafka does.
    Acts,
    /// It does when it starts. Kafka also takes changes while running; Strome refuses them rather than ignore them.
    AtStart,
    /// It does not: the setting is accepted, checked, kept and shown, and changes nothing.
    Ignored,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Kafka's name for it.
    pub name: &'static str,
    /// The type of its value.
    pub value_type: ValueType,
    /// The value when it is not set; `None` for none.
    pub default: Option<&'static str>,
    /// The values it may have.
    pub accepts: Accepts,
    /// How much it matters.
    pub importance: Importance,
    /// How it may be changed. Settings of topics and groups are always changed while running.
    pub update_mode: UpdateMode,
    /// Whether Strome acts on it.
    pub effect: Effect,
    /// What it is about.
    meaning: &'static str,
}

impl Setting {
    /// Whether its value is a secret, which no answer and no log may contain.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.value_type == ValueType::Password
    }

    /// The documentation to show to a user: what the setting is about, and whether Strome acts on it.
    #[must_use]
    pub fn documentation(&self) -> String {
        let note = match self.effect {
            Effect::Acts => return self.meaning.to_owned(),
            Effect::AtStart => "Strome reads it when it starts, so it cannot be altered while running.",
            Effect::Ignored => "Accepted for compatibility; Strome does not act on it.",
        };
        format!("{} {note}", self.meaning)
    }

    /// Whether Strome refuses to alter it while running.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.update_mode == UpdateMode::ReadOnly || self.effect == Effect::AtStart
    }

    /// The value that `text` stands for.
    ///
    /// # Errors
    /// If `text` is not of the setting's type or outside of what it accepts.
    pub fn parse(&self, text: &str) -> Result<Value, InvalidSetting> {
        value::parse(self, text)
    }

    /// `text` in the form in which Kafka shows the value: blanks dropped, `TRUE` as `true`, and so on.
    ///
    /// # Errors
    /// As [`Setting::parse`].
    pub fn normalise(&self, text: &str) -> Result<String, InvalidSetting> {
        self.parse(text).map(|value| value.to_string())
    }
}

#[cfg(test)]
mod tests;
