//! Where the value of a broker setting comes from: altered for the broker, altered for all brokers, its file, default.

use std::collections::BTreeMap;

use super::value::InvalidSetting;
use super::{Setting, Synonym, Value, broker, synonyms_of_broker, synonyms_of_topic};
use crate::{ConfigValue, ConfigValueSource};

/// Nothing set.
static NONE: BTreeMap<String, String> = BTreeMap::new();

/// The values of a broker's settings, the most specific first. Borrowed: the first two belong to the image, the last
/// to the broker's start.
#[derive(Clone, Copy, Debug)]
pub struct BrokerLayers<'a> {
    /// Altered for this broker.
    pub dynamic_broker: &'a BTreeMap<String, String>,
    /// Altered for all brokers.
    pub dynamic_default: &'a BTreeMap<String, String>,
    /// From file, environment and command line.
    pub fixed: &'a BTreeMap<String, String>,
}

impl BrokerLayers<'static> {
    /// Nothing but defaults.
    #[must_use]
    pub fn defaults() -> Self {
        Self { dynamic_broker: &NONE, dynamic_default: &NONE, fixed: &NONE }
    }
}

impl<'a> BrokerLayers<'a> {
    /// Nothing altered while running.
    #[must_use]
    pub fn fixed(fixed: &'a BTreeMap<String, String>) -> Self {
        Self { dynamic_broker: &NONE, dynamic_default: &NONE, fixed }
    }

    /// The value that was set for `name`, as it was written, whoever set it.
    #[must_use]
    pub fn explicit(&self, name: &str) -> Option<&'a str> {
        self.layers().into_iter().find_map(|(layer, _)| layer.get(name)).map(String::as_str)
    }

    /// The value in force for `name` alone, as it was written: what was set, or the default. Other units of the same
    /// setting are left out; see [`BrokerLayers::for_topics`].
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.explicit(name).or_else(|| broker(name)?.default)
    }

    /// The value in force for `name`, parsed; `None` for a setting that is unset.
    ///
    /// # Errors
    /// If there is no such setting, or it has a value that it may not have.
    pub fn value(&self, name: &str) -> Result<Option<Value>, InvalidSetting> {
        let setting =
            broker(name).ok_or_else(|| InvalidSetting::Unknown { kind: "broker", name: name.to_owned() })?;
        self.get(name).map(|text| setting.parse(text)).transpose()
    }

    /// The value in force for topics that do not set the topic setting `name`: that of the first broker setting
    /// behind it that has one, in the topic setting's own unit.
    ///
    /// # Errors
    /// If a broker setting has a value that it may not have.
    pub fn for_topics(&self, topic_setting: &Setting) -> Result<Option<Value>, InvalidSetting> {
        let synonyms = synonyms_of_topic(topic_setting.name);
        let set = synonyms.iter().find(|synonym| self.explicit(synonym.name).is_some());
        let by_default = || synonyms.iter().find(|synonym| self.get(synonym.name).is_some());
        let Some(synonym) = set.or_else(by_default) else {
            return topic_setting.default.map(|text| topic_setting.parse(text)).transpose();
        };
        self.value(synonym.name)?.map(|value| in_unit(topic_setting, synonym, value)).transpose()
    }

    /// Everything that speaks for `name`, the most specific first and the default last, as DescribeConfigs lists it:
    /// what only other units of the same setting say, and that before the first mention of `name`, is left out.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<ConfigValue> {
        let alone = [name];
        let names = match synonyms_of_broker(name) {
            [] => alone.as_slice(),
            names => names,
        };
        let mut values = Vec::new();
        for (layer, source) in self.layers() {
            for name in names {
                if let Some(value) = layer.get(*name) {
                    values.push(ConfigValue { name: (*name).to_owned(), value: Some(value.clone()), source });
                }
            }
        }
        let source = ConfigValueSource::Default;
        for name in names {
            if let Some(value) = broker(name).and_then(|setting| setting.default) {
                values.push(ConfigValue { name: (*name).to_owned(), value: Some(value.to_owned()), source });
            }
        }
        let first = values.iter().position(|value| value.name == name).unwrap_or(values.len());
        values.split_off(first)
    }

    fn layers(&self) -> [(&'a BTreeMap<String, String>, ConfigValueSource); 3] {
        [
            (self.dynamic_broker, ConfigValueSource::DynamicBroker),
            (self.dynamic_default, ConfigValueSource::DynamicDefaultBroker),
            (self.fixed, ConfigValueSource::StaticBroker),
        ]
    }
}

/// A broker setting's value as the topic setting's: hours become milliseconds, and every negative time "no limit".
fn in_unit(topic_setting: &Setting, synonym: &Synonym, value: Value) -> Result<Value, InvalidSetting> {
    let number = match value {
        Value::Int(number) if synonym.unit != 1 => i64::from(number),
        Value::Long(number) if synonym.unit != 1 => number,
        other => return topic_setting.parse(&other.to_string()),
    };
    let converted = if number < 0 { -1 } else { number.saturating_mul(synonym.unit) };
    topic_setting.parse(&converted.to_string())
}
