//! Settings from the environment: `STROME_LOG_DIRS` is `log.dirs`, `STROME_SHARDS` is `strome.shards`, and
//! `STROME_LISTENER_NAME_INTERNAL_SSL_KEYSTORE_LOCATION` is `listener.name.internal.ssl.keystore.location`.
//!
//! A variable is found by writing every known setting as a variable, since an underscore may stand for a dot, a dash or
//! itself.

use metadata::settings;

/// What variables begin with.
pub const PREFIX: &str = "STROME_";

/// What Strome's own settings begin with; variables may leave it out.
const OWN_PREFIX: &str = "strome.";

/// Variables that are no settings: where the file is, and what is logged.
const RESERVED: &[&str] = &["STROME_CONFIG", "STROME_LOG"];

/// SASL mechanisms, which may stand between a listener's name and a setting.
const MECHANISMS: &[&str] = &["gssapi", "oauthbearer", "plain", "scram-sha-256", "scram-sha-512"];

/// What a variable of the environment is to Strome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// Nothing.
    Foreign,
    /// The setting of this name.
    Setting(String),
    /// It is called like a setting of Strome's, and there is none; if it were, this would be its name.
    Unknown(String),
}

/// What the variable of this name is.
pub fn variable(name: &str) -> Variable {
    let Some(written) = name.strip_prefix(PREFIX) else {
        return Variable::Foreign;
    };
    if RESERVED.contains(&name) {
        return Variable::Foreign;
    }
    match known(written).or_else(|| of_a_listener(written)) {
        Some(name) => Variable::Setting(name),
        None => Variable::Unknown(written.to_ascii_lowercase().replace('_', ".")),
    }
}

/// The setting `written`, if there is one.
fn known(written: &str) -> Option<String> {
    let short = |name: &str| name.strip_prefix(OWN_PREFIX).is_some_and(|short| as_variable(short) == written);
    let found = settings::broker_settings()
        .chain(settings::strome_settings())
        .find(|setting| as_variable(setting.name) == written || short(setting.name));
    let dotted = written.to_ascii_lowercase().replace('_', ".");
    let hidden = || settings::broker(&dotted).filter(|setting| setting.name == dotted);
    found.or_else(hidden).map(|setting| setting.name.to_owned())
}

/// The setting of one listener that is `written`, if there is one: the longest setting at the end of it counts.
fn of_a_listener(written: &str) -> Option<String> {
    let rest = written.strip_prefix("LISTENER_NAME_")?;
    let behind = |name: &str| {
        let listener = rest.strip_suffix(&as_variable(name))?.strip_suffix('_')?;
        (!listener.is_empty()).then(|| (listener.to_ascii_lowercase(), name.to_owned()))
    };
    let (listener, setting) = settings::broker_settings()
        .filter_map(|setting| behind(setting.name))
        .max_by_key(|(_, setting)| setting.len())?;
    let with_mechanism = setting.starts_with("sasl.").then(|| {
        MECHANISMS.iter().find_map(|mechanism| {
            let listener = listener.strip_suffix(&mechanism.replace('-', "_"))?.strip_suffix('_')?;
            Some(format!("listener.name.{listener}.{mechanism}.{setting}"))
        })
    });
    Some(with_mechanism.flatten().unwrap_or_else(|| format!("listener.name.{listener}.{setting}")))
}

fn as_variable(name: &str) -> String {
    name.to_ascii_uppercase().replace(['.', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str) -> Variable {
        Variable::Setting(name.to_owned())
    }

    #[test]
    fn every_setting_has_a_variable_of_its_own() {
        let mut seen = std::collections::BTreeMap::new();
        for known in settings::broker_settings().chain(settings::strome_settings()) {
            let name = format!("{PREFIX}{}", as_variable(known.name));
            assert_eq!(variable(&name), setting(known.name));
            assert_eq!(seen.insert(name, known.name), None);
        }
    }

    #[test]
    fn stromes_own_settings_may_leave_out_the_prefix() {
        assert_eq!(variable("STROME_SHARDS"), setting("strome.shards"));
        assert_eq!(variable("STROME_STROME_SHARDS"), setting("strome.shards"));
    }

    #[test]
    fn a_listeners_own_setting_is_found_behind_the_listener() {
        let found = variable("STROME_LISTENER_NAME_SASL_SSL_SSL_KEYSTORE_LOCATION");
        assert_eq!(found, setting("listener.name.sasl_ssl.ssl.keystore.location"));
        let found = variable("STROME_LISTENER_NAME_INTERNAL_SCRAM_SHA_256_SASL_JAAS_CONFIG");
        assert_eq!(found, setting("listener.name.internal.scram-sha-256.sasl.jaas.config"));
        // `log.dir` is a setting too, but then the listener would be called `x_metadata`.
        assert_eq!(
            variable("STROME_LISTENER_NAME_X_METADATA_LOG_DIR"),
            setting("listener.name.x.metadata.log.dir")
        );
    }

    #[test]
    fn other_variables_are_left_alone_and_unknown_ones_named() {
        assert_eq!(variable("PATH"), Variable::Foreign);
        assert_eq!(variable("STROME_LOG"), Variable::Foreign);
        assert_eq!(variable("STROME_LOG_DIRZ"), Variable::Unknown("log.dirz".to_owned()));
    }
}
