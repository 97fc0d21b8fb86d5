//! The sources together: precedence, places of problems, warnings.

use super::listeners::Advertised;
use super::*;

/// The settings of a file with this text, with these variables and overrides.
fn config(text: &str, variables: &[(&str, &str)], overrides: &[&str]) -> Result<Config, ConfigError> {
    let mut collected = Collected::default();
    collected.add_file(Path::new("server.properties"), text);
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    collected.add_environment(&variables);
    let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
    collected.add_overrides(&overrides);
    collected.finish(|| "this.host".to_owned())
}

fn problems(text: &str, variables: &[(&str, &str)], overrides: &[&str]) -> Vec<String> {
    config(text, variables, overrides).unwrap_err().to_string().lines().map(str::to_owned).collect()
}

fn warnings(text: &str) -> Vec<String> {
    config(text, &[], &[]).unwrap().warnings.iter().map(Warning::to_string).collect()
}

#[test]
fn nothing_has_to_be_set() {
    let config = config("", &[], &[]).unwrap();
    assert_eq!(config.broker.node_id.0, 1);
    assert_eq!(config.broker.log_dirs, ["strome-data"]);
    assert_eq!(config.listeners.len(), 1);
    assert!(config.fixed.is_empty() && config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn the_command_line_beats_the_environment_and_that_the_file() {
    let partitions = |variables: &[_], overrides: &[_]| {
        config("num.partitions=2", variables, overrides).unwrap().broker.topics.partitions
    };
    let variable = ("STROME_NUM_PARTITIONS", "3");
    assert_eq!(partitions(&[], &[]), 2);
    assert_eq!(partitions(&[variable], &[]), 3);
    assert_eq!(partitions(&[variable], &["num.partitions=4"]), 4);
}

#[test]
fn wrong_listeners_are_named_beside_wrong_values() {
    let found = problems("num.partitions=x\nlisteners=PLAINTEXT:9092\n", &[], &[]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[1].starts_with("server.properties:2: ") && found[1].contains("NAME://host:port"),
        "{found:?}"
    );
}

#[test]
fn every_problem_is_named_by_its_place() {
    let found = problems(
        "# a\nnum.partitions=x\nlog.segment.bytes=1\n",
        &[("STROME_SHARDS", "300")],
        &["fetch.max.bytes=", "oops"],
    );
    let expected = [
        "--override: 'oops' is not of the form key=value",
        "--override: Invalid value '' for configuration fetch.max.bytes: Not a number of type INT",
        "server.properties:3: Invalid value '1' for configuration log.segment.bytes: Value must be at least 1048576",
        "server.properties:2: Invalid value 'x' for configuration num.partitions: Not a number of type INT",
        "STROME_SHARDS: Invalid value '300' for configuration strome.shards: Value must be no more than 255",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_value_that_only_fails_as_a_topics_is_found_at_the_brokers_setting() {
    let found = problems("\nlog.roll.ms=0", &[], &[]);
    assert_eq!(
        found,
        ["server.properties:2: Invalid value '0' for configuration segment.ms: Value must be at least 1"]
    );
}

#[test]
fn problems_of_listeners_have_their_place_too() {
    let found = problems("\n\nlisteners=SSL://:9092", &[], &[]);
    assert!(
        found[0].starts_with("listener.security.protocol.map: the listener SSL asks for SSL"),
        "{found:?}"
    );
    let found = problems("\n\nlisteners=nonsense", &[], &[]);
    assert!(found[0].starts_with("server.properties:3: listeners: 'nonsense'"), "{found:?}");
}

#[test]
fn unknown_retired_and_double_names_are_warned_about() {
    let found = warnings("num.partitons=2\nzookeeper.connect=z:2181\nretention.ms=1\nnode.id=1\nnode.id=2\n");
    let expected = [
        "server.properties:5: 'node.id' is set in line 4 already; the later one counts",
        "server.properties:1: unknown setting 'num.partitons'; did you mean 'num.partitions'?",
        "server.properties:3: unknown setting 'retention.ms'; did you mean 'log.retention.ms'?",
        "server.properties:2: 'zookeeper.connect' has no effect: there is no ZooKeeper",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_kafka_knows_and_strome_ignores_is_named_in_one_line() {
    let found = warnings("num.io.threads=8\nssl.protocol=TLSv1.3\nnum.partitions=1\n");
    assert_eq!(found, ["accepted, but without effect in Strome: num.io.threads, ssl.protocol"]);
}

#[test]
fn a_file_as_kafka_ships_it_is_understood() {
    let text = "process.roles=broker,controller\nnode.id=7\ncontroller.quorum.bootstrap.servers=localhost:9093\n\
        listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n\
        advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\ncontroller.listener.names=CONTROLLER\n\
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n\
        num.network.threads=3\nnum.io.threads=8\nsocket.send.buffer.bytes=102400\nsocket.receive.buffer.bytes=102400\n\
        socket.request.max.bytes=104857600\nlog.dirs=/tmp/kraft-combined-logs\nnum.partitions=1\n\
        offsets.topic.replication.factor=1\nlog.retention.hours=168\nlog.segment.bytes=1073741824\n";
    let config = config(text, &[], &[]).unwrap();
    assert_eq!(config.broker.node_id.0, 7);
    assert_eq!(config.fixed.get("broker.id").map(String::as_str), Some("7"));
    assert_eq!(config.listeners.len(), 1);
    assert_eq!(config.listeners[0].advertised, Advertised { host: "localhost".to_owned(), port: 9092 });
    assert_eq!(config.warnings.len(), 3, "{:?}", config.warnings);
}

#[test]
fn the_old_name_of_the_node_id_counts_and_must_not_contradict() {
    assert_eq!(config("broker.id=5", &[], &[]).unwrap().broker.node_id.0, 5);
    assert_eq!(problems("broker.id=5\nnode.id=6", &[], &[]).len(), 1);
}

#[test]
fn access_control_is_refused_rather_than_ignored() {
    let found =
        problems("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", &[], &[]);
    assert!(found[0].starts_with("server.properties:1: 'authorizer.class.name' asks for access control"));
    assert!(config("authorizer.class.name=", &[], &[]).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let sources = Sources { file: Some("/nowhere/server.properties".into()), ..Sources::default() };
    let error = Config::load(&sources).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/server.properties: "), "{error}");
}

#[test]
fn file_environment_and_command_line_are_read_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.properties");
    std::fs::write(&file, "node.id=3\nnum.partitions=2\nlisteners=PLAINTEXT://127.0.0.1:0\n").unwrap();
    let sources = Sources {
        file: Some(file),
        environment: vec![
            ("STROME_NUM_PARTITIONS".to_owned(), "4".to_owned()),
            ("HOME".to_owned(), "/".to_owned()),
        ],
        overrides: vec!["strome.shards=2".to_owned()],
    };
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.broker.node_id.0, 3);
    assert_eq!(config.broker.topics.partitions, 4);
    assert_eq!(config.broker.strome.shards, Some(2));
    assert_eq!(config.listeners[0].host.as_deref(), Some("127.0.0.1"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}
