//! Names that files written for Kafka contain and that are no settings of its brokers today.

/// Why a name that no table knows is nothing to warn about, or `None` for an unknown name.
pub fn reason(name: &str) -> Option<&'static str> {
    if name.starts_with("zookeeper.") {
        return Some("there is no ZooKeeper");
    }
    if RETIRED.contains(&name) {
        return Some("Kafka 4 does not have it any more");
    }
    PLUG_INS.iter().any(|prefix| name.starts_with(prefix)).then_some("it belongs to a plug-in of Kafka")
}

/// What plug-ins of Kafka call their settings.
const PLUG_INS: &[&str] =
    &["allow.everyone.if.no.acl.found", "config.providers.", "rlmm.config.", "rsm.config.", "super.users"];

/// Settings that older brokers had.
const RETIRED: &[&str] = &[
    "advertised.host.name",
    "advertised.port",
    "auto.include.jmx.reporter",
    "broker.id.generation.enable",
    "control.plane.listener.name",
    "controlled.shutdown.max.retries",
    "controlled.shutdown.retry.backoff.ms",
    "delegation.token.master.key",
    "group.coordinator.new.enable",
    "host.name",
    "inter.broker.protocol.version",
    "leader.imbalance.per.broker.percentage",
    "log.message.downconversion.enable",
    "log.message.format.version",
    "log.message.timestamp.difference.max.ms",
    "offsets.commit.required.acks",
    "password.encoder.cipher.algorithm",
    "password.encoder.iterations",
    "password.encoder.key.length",
    "password.encoder.keyfactory.algorithm",
    "password.encoder.old.secret",
    "password.encoder.secret",
    "port",
    "quota.consumer.default",
    "quota.producer.default",
    "reserved.broker.max.id",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_of_today_is_called_retired() {
        for setting in metadata::settings::broker_settings() {
            assert_eq!(reason(setting.name), None, "{}", setting.name);
        }
    }

    #[test]
    fn names_from_older_files_have_a_reason() {
        assert!(reason("zookeeper.connect").is_some());
        assert!(reason("log.message.format.version").is_some());
        assert!(reason("super.users").is_some());
        assert!(reason("log.segmnet.bytes").is_none());
    }
}
