//! Whether settings of a topic, a group or a broker may be altered so, as Kafka's controller judges it.

use std::collections::BTreeMap;

use super::layers::BrokerLayers;
use super::table::without_listener;
use super::value::{InvalidSetting, Value};
use super::{Setting, TopicSettings, UpdateMode, broker, group, topic};

/// Whose settings are to be altered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerScope {
    /// One broker's.
    One,
    /// Those of all brokers.
    All,
}

/// Checks the whole of a topic's own settings, as they would be after a change.
///
/// # Errors
/// What is wrong, in words for the client.
pub fn validate_topic(own: &BTreeMap<String, String>) -> Result<(), InvalidSetting> {
    for (name, value) in own {
        let unknown = || InvalidSetting::Unknown { kind: "topic", name: name.clone() };
        let parsed = topic(name).ok_or_else(unknown)?.parse(value)?;
        if name == "remote.storage.enable" && parsed == Value::Boolean(true) {
            return Err(InvalidSetting::Conflict(
                "Topic cannot be configured with remote log storage: Strome has no tiered storage".to_owned(),
            ));
        }
    }
    let (min, max) = (own.get("min.compaction.lag.ms"), own.get("max.compaction.lag.ms"));
    let number = |text: Option<&String>, default: i64| {
        text.and_then(|text| text.trim().parse().ok()).unwrap_or(default)
    };
    let (min, max) = (number(min, 0), number(max, i64::MAX));
    if min > max {
        return Err(InvalidSetting::Conflict(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})"
        )));
    }
    TopicSettings::resolve(own, &BrokerLayers::defaults()).map(|_| ())
}

/// Checks the whole of a group's own settings, as they would be after a change, on a broker with these values.
///
/// # Errors
/// What is wrong, in words for the client.
pub fn validate_group(
    own: &BTreeMap<String, String>,
    layers: &BrokerLayers<'_>,
) -> Result<(), InvalidSetting> {
    for (name, value) in own {
        let unknown = || InvalidSetting::Unknown { kind: "group", name: name.clone() };
        if let Value::Int(number) = group(name).ok_or_else(unknown)?.parse(value)? {
            within_bounds(name, number, layers)?;
        }
    }
    Ok(())
}

/// A number that groups of a kind may set lies between two settings of the broker, if there are such:
/// `consumer.session.timeout.ms` between `group.consumer.min.session.timeout.ms` and `group.consumer.max.session.timeout.ms`.
fn within_bounds(name: &str, number: i32, layers: &BrokerLayers<'_>) -> Result<(), InvalidSetting> {
    let Some((kind, rest)) = name.split_once('.') else { return Ok(()) };
    let rest = rest.strip_prefix("num.").unwrap_or(rest);
    let bound = |word: &str| {
        let name = format!("group.{kind}.{word}.{rest}");
        match broker(&name).map(|setting| layers.value(setting.name)).transpose()?.flatten() {
            Some(Value::Int(bound)) => Ok(Some((name, bound))),
            _ => Ok(None),
        }
    };
    let conflict = |words, other| {
        Err(InvalidSetting::Conflict(format!("{name} must be {words} than or equal to {other}")))
    };
    match (bound("min")?, bound("max")?) {
        (Some((min_name, min)), _) if number < min => conflict("greater", min_name),
        (_, Some((max_name, max))) if number > max => conflict("less", max_name),
        _ => Ok(()),
    }
}

/// Checks the whole of the settings that are altered for one broker or for all of them, as they would be after a
/// change. Names that nobody knows are allowed, as Kafka allows them for its plug-ins.
///
/// # Errors
/// What is wrong, in words for the client.
pub fn validate_broker_update(
    altered: &BTreeMap<String, String>,
    scope: BrokerScope,
) -> Result<(), InvalidSetting> {
    let all_that_are = |wanted: fn(&Setting) -> bool| {
        let names = altered.keys().filter(|name| broker(name).is_some_and(wanted));
        names.map(String::as_str).collect::<Vec<_>>()
    };
    let fixed = all_that_are(Setting::is_read_only);
    if !fixed.is_empty() {
        let names = fixed.join(", ");
        return Err(InvalidSetting::Conflict(format!("Cannot update these configs dynamically: [{names}]")));
    }
    if scope == BrokerScope::All {
        let mut names = all_that_are(|setting| setting.update_mode == UpdateMode::PerBroker);
        names.extend(altered.keys().filter(|name| without_listener(name).is_some()).map(String::as_str));
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            let names = names.join(", ");
            return Err(InvalidSetting::Conflict(format!(
                "Cannot update these configs at default cluster level, broker id must be specified: [{names}]"
            )));
        }
    }
    for (name, value) in altered {
        if let Some(setting) = broker(name) {
            setting.parse(value)?;
        }
    }
    Ok(())
}
