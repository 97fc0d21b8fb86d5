//! What DescribeConfigs answers about topics, groups and brokers: every known setting with its value, where that comes from,
//! and everything else that speaks for it. As Kafka's `ConfigHelper`.

use std::collections::BTreeMap;

use super::layers::BrokerLayers;
use super::{
    Setting, broker, broker_settings, group_settings, strome_settings, synonym_of_group, synonyms_of_broker,
    synonyms_of_topic, topic_settings,
};
use crate::{ConfigValue, ConfigValueSource};

/// One setting of a topic, a group or a broker, as it is shown.
#[derive(Clone, Debug)]
pub struct Described {
    /// The name under which it is shown; for a listener's own setting with the listener's prefix.
    pub name: String,
    /// What is known of it; `None` for a name that nobody knows, whose value is then kept secret.
    pub setting: Option<&'static Setting>,
    /// The value in force; `None` if there is none, and for secrets.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigValueSource,
    /// Everything that speaks for the setting, the most specific first. Values of secrets are left out.
    pub synonyms: Vec<ConfigValue>,
    /// Whether it cannot be altered while running.
    pub read_only: bool,
}

impl Described {
    /// A setting that can be altered while running, with everything that speaks for it.
    fn alterable(setting: &'static Setting, value: Option<String>, synonyms: Vec<ConfigValue>) -> Self {
        Self {
            name: setting.name.to_owned(),
            setting: Some(setting),
            value,
            source: synonyms.first().map_or(ConfigValueSource::Default, |first| first.source),
            synonyms,
            read_only: false,
        }
        .hide_secrets()
    }

    /// Whether the value is a secret.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.setting.is_none_or(Setting::is_sensitive)
    }

    fn hide_secrets(mut self) -> Self {
        if self.is_sensitive() {
            self.value = None;
            for synonym in &mut self.synonyms {
                synonym.value = None;
            }
        }
        self
    }
}

/// Every setting of a topic with these settings of its own, on a broker with those.
#[must_use]
pub fn describe_topic(own: &BTreeMap<String, String>, layers: &BrokerLayers<'_>) -> Vec<Described> {
    topic_settings().map(|setting| topic_setting(setting, own, layers)).collect()
}

fn topic_setting(
    setting: &'static Setting,
    own: &BTreeMap<String, String>,
    layers: &BrokerLayers<'_>,
) -> Described {
    let own = own.get(setting.name).map(|text| said(setting, text, ConfigValueSource::DynamicTopic));
    let inherited = || layers.for_topics(setting).ok().flatten().map(|value| value.to_string());
    let value = own.as_ref().and_then(|own| own.value.clone()).or_else(inherited);
    let synonym = synonyms_of_topic(setting.name).first();
    let synonyms = own.into_iter().chain(synonym.into_iter().flat_map(|synonym| layers.values(synonym.name)));
    Described::alterable(setting, value, synonyms.collect())
}

/// What somebody says of a setting, in its normal form.
fn said(setting: &'static Setting, text: &str, source: ConfigValueSource) -> ConfigValue {
    let normal = setting.normalise(text).unwrap_or_else(|_| text.to_owned());
    ConfigValue { name: setting.name.to_owned(), value: Some(normal), source }
}

/// Every setting of a group with these settings of its own, on a broker with those. A group need not exist to have settings.
#[must_use]
pub fn describe_group(own: &BTreeMap<String, String>, layers: &BrokerLayers<'_>) -> Vec<Described> {
    group_settings().map(|setting| group_setting(setting, own, layers)).collect()
}

fn group_setting(
    setting: &'static Setting,
    own: &BTreeMap<String, String>,
    layers: &BrokerLayers<'_>,
) -> Described {
    let own = own.get(setting.name).map(|text| said(setting, text, ConfigValueSource::Group));
    let inherited = match synonym_of_group(setting.name) {
        Some(synonym) => layers.values(synonym.name),
        None => {
            setting.default.map(|text| said(setting, text, ConfigValueSource::Default)).into_iter().collect()
        }
    };
    let synonyms: Vec<_> = own.into_iter().chain(inherited).collect();
    Described::alterable(setting, synonyms.first().and_then(|first| first.value.clone()), synonyms)
}

/// Every setting of a broker with these values: Kafka's, Strome's own, and whatever else was set.
#[must_use]
pub fn describe_broker(layers: &BrokerLayers<'_>) -> Vec<Described> {
    let mut described: BTreeMap<&str, Described> = BTreeMap::new();
    for setting in broker_settings().chain(strome_settings()) {
        described.insert(setting.name, broker_setting(setting.name, layers));
    }
    for name in
        [layers.fixed, layers.dynamic_default, layers.dynamic_broker].into_iter().flat_map(BTreeMap::keys)
    {
        described.entry(name).or_insert_with(|| broker_setting(name, layers));
    }
    described.into_values().collect()
}

/// What was altered for all brokers; Kafka shows nothing else of them.
#[must_use]
pub fn describe_all_brokers(altered: &BTreeMap<String, String>) -> Vec<Described> {
    let layers = BrokerLayers { dynamic_default: altered, ..BrokerLayers::defaults() };
    let shown = altered.keys().map(|name| {
        let mut described = broker_setting(name, &layers);
        described.synonyms.retain(|synonym| synonym.source == ConfigValueSource::DynamicDefaultBroker);
        described
    });
    shown.collect()
}

fn broker_setting(name: &str, layers: &BrokerLayers<'_>) -> Described {
    let setting = broker(name);
    let mut synonyms = layers.values(name);
    let prefixed = setting.filter(|setting| setting.name != name);
    if let Some(setting) = prefixed {
        synonyms.extend(layers.values(setting.name));
    }
    let value = layers.get(name).map(|text| {
        let normal = setting.and_then(|setting| setting.normalise(text).ok());
        normal.unwrap_or_else(|| text.to_owned())
    });
    Described {
        name: name.to_owned(),
        setting,
        value,
        source: synonyms.first().map_or(ConfigValueSource::Default, |first| first.source),
        read_only: !setting.is_some_and(can_be_altered),
        synonyms,
    }
    .hide_secrets()
}

/// Whether the setting, or the same one in another unit, may be altered while running.
fn can_be_altered(setting: &Setting) -> bool {
    let mut others = synonyms_of_broker(setting.name).iter().filter_map(|name| broker(name));
    !setting.is_read_only() || others.any(|other| !other.is_read_only())
}
