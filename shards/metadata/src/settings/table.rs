//! The tables themselves, and finding a setting in them.
//!
//! A row reads: name, type, default, what it accepts, importance, update mode, effect, meaning.
//! Whoever makes Strome act on a setting reads it in a typed view and writes `Acts` or `AtStart` for `Ignored` in its row; a test
//! compares the two.

mod coordinators;
mod group;
mod hidden;
mod log;
mod network;
mod operations;
mod quorum;
mod remote;
mod replication;
mod sasl;
mod server;
mod ssl;
mod strome;
mod topic;
mod transaction;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Setting;

/// Makes a table of settings out of rows.
macro_rules! settings {
    ($($name:literal $value_type:ident $default:expr, $accepts:expr, $importance:ident $mode:ident $effect:ident,
       $meaning:literal;)*) => {
        #[allow(clippy::enum_glob_use, unused_imports, reason = "not every table uses every way of accepting")]
        use $crate::settings::Accepts::*;

        pub(super) static TABLE: &[$crate::settings::Setting] = &[$($crate::settings::Setting {
            name: $name,
            value_type: $crate::settings::ValueType::$value_type,
            default: $default,
            accepts: $accepts,
            importance: $crate::settings::Importance::$importance,
            update_mode: $crate::settings::UpdateMode::$mode,
            effect: $crate::settings::Effect::$effect,
            meaning: $meaning,
        },)*];
    };
}
use settings;

/// Kafka's settings of a broker, by what they are about.
static BROKER: &[&[Setting]] = &[
    coordinators::TABLE,
    log::TABLE,
    network::TABLE,
    operations::TABLE,
    quorum::TABLE,
    remote::TABLE,
    replication::TABLE,
    sasl::TABLE,
    server::TABLE,
    ssl::TABLE,
    transaction::TABLE,
];

/// Every broker setting by its name: a start resolves the settings of many topics, each by way of the broker's.
static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Setting>> = LazyLock::new(|| {
    let all = broker_settings().chain(strome_settings()).chain(hidden_settings());
    all.map(|setting| (setting.name, setting)).collect()
});

/// What listener-prefixed names of broker settings begin with.
const LISTENER_PREFIX: &str = "listener.name.";

/// The settings of a topic, in the order of their names.
pub fn topic_settings() -> impl Iterator<Item = &'static Setting> {
    topic::TABLE.iter()
}

/// The settings of a group, in the order of their names.
pub fn group_settings() -> impl Iterator<Item = &'static Setting> {
    group::TABLE.iter()
}

/// Kafka's settings of a broker, without those that Kafka itself does not show.
pub fn broker_settings() -> impl Iterator<Item = &'static Setting> {
    BROKER.iter().copied().flatten()
}

/// Strome's own settings of a broker; their names begin with `strome.`.
pub fn strome_settings() -> impl Iterator<Item = &'static Setting> {
    strome::TABLE.iter()
}

/// Settings of a broker that Kafka takes and does not show.
pub(super) fn hidden_settings() -> impl Iterator<Item = &'static Setting> {
    hidden::TABLE.iter()
}

/// The topic setting of this name.
#[must_use]
pub fn topic(name: &str) -> Option<&'static Setting> {
    topic_settings().find(|setting| setting.name == name)
}

/// The group setting of this name.
#[must_use]
pub fn group(name: &str) -> Option<&'static Setting> {
    group_settings().find(|setting| setting.name == name)
}

/// The broker setting of this name: Kafka's, shown or not, or Strome's own. A name such as
/// `listener.name.internal.ssl.keystore.location` finds the setting that it is for one listener.
#[must_use]
pub fn broker(name: &str) -> Option<&'static Setting> {
    exactly(name).or_else(|| exactly(without_listener(name)?))
}

fn exactly(name: &str) -> Option<&'static Setting> {
    BY_NAME.get(name).copied()
}

/// The part of a listener-prefixed name that names a setting: behind the listener, and behind the SASL mechanism where
/// there is one (`listener.name.internal.plain.sasl.jaas.config`).
pub(super) fn without_listener(name: &str) -> Option<&str> {
    let (_listener, rest) = name.strip_prefix(LISTENER_PREFIX)?.split_once('.')?;
    if exactly(rest).is_some() {
        return Some(rest);
    }
    let (_mechanism, behind) = rest.split_once('.')?;
    behind.starts_with("sasl.").then_some(behind)
}
