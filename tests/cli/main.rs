//! The command line against a broker of this build: what it prints, and how it exits.

#[path = "../support/mod.rs"]
mod support;

#[path = "../broker/client.rs"]
mod client;
#[path = "../broker/groups.rs"]
mod groups;

mod group_commands;
mod group_resets;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::Broker;

/// Runs commands against one broker.
struct Cli {
    address: SocketAddr,
}

/// What a command did.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("standard output is text"),
            err: String::from_utf8(output.stderr).expect("standard error is text"),
        }
    }
}

impl Ran {
    /// Its output, if it succeeded.
    fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// What it complained of when it failed.
    fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        self.err
    }

    /// Its output as JSON, if it succeeded.
    fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }
}

fn strome(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
    command.args(args).env_remove("STROME_BOOTSTRAP_SERVER").stdin(Stdio::null());
    command
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

impl Cli {
    fn of(broker: &Broker) -> Self {
        Self { address: broker.address() }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = strome(&words(line));
        command.arg("--bootstrap-server").arg(self.address.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, line: &str) -> Ran {
        self.run_with(line, "")
    }

    /// Runs a command with standard input.
    fn run_with(&self, line: &str, input: &str) -> Ran {
        let mut process = self.command(line).spawn().expect("the command");
        let mut stdin = process.stdin.take().expect("its input");
        let input = input.to_owned();
        // A command that fails early does not read its input.
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let ran = process.wait_with_output().expect("its end").into();
        writer.join().expect("the writer");
        ran
    }
}

#[test]
fn topics_are_created_shown_grown_and_deleted() {
    let broker = Broker::start(&[]);
    let cli = Cli::of(&broker);
    assert_eq!(cli.run("topics list --output json").json(), json!([]));

    let created = cli.run("topics create orders --partitions 3 --config retention.ms=86400000").ok();
    assert_eq!(created, "created topic orders (partitions: 3, replication factor: 1)\n");
    let again = cli.run("topics create --topic orders").failed();
    assert!(again.contains("TOPIC_ALREADY_EXISTS"), "{again}");
    assert_eq!(cli.run("topics create orders --if-not-exists").ok(), "topic orders is there already\n");
    let bad = cli.run("topics create bad --config nonsense=1").failed();
    assert!(bad.contains("INVALID_CONFIG"), "{bad}");
    let checked = cli.run("topics create other --validate-only").ok();
    assert!(checked.starts_with("could create topic other"), "{checked}");
    cli.run("topics create placed --replica-assignment 1,1").ok();

    let listed = cli.run("topics list --output plain").ok();
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(names, ["orders", "placed"]);

    let described = cli.run("topics describe orders --output json").json();
    assert_eq!(described[0]["partitionCount"], 3);
    assert_eq!(described[0]["configs"], json!({ "retention.ms": "86400000" }));
    assert_eq!(described[0]["partitions"][2]["isr"], json!([1]));
    let shown = cli.run("topics describe orders").ok();
    assert!(
        shown.contains("PartitionCount: 3  ReplicationFactor: 1  Configs: retention.ms=86400000"),
        "{shown}"
    );
    assert_eq!(cli.run("topics describe orders --under-replicated-partitions").ok(), "");
    let unknown = cli.run("topics describe nowhere").failed();
    assert!(unknown.contains("there is no topic nowhere") && unknown.contains("topics list"), "{unknown}");

    assert_eq!(cli.run("topics alter orders --partitions 5").ok(), "topic orders has 5 partitions now\n");
    let fewer = cli.run("topics alter orders --partitions 2").failed();
    assert!(fewer.contains("INVALID_PARTITIONS"), "{fewer}");
    let mixed = cli.run("topics delete orders nowhere");
    assert_eq!((mixed.code, mixed.out.as_str()), (Some(1), "deleted topic orders\n"), "{mixed:?}");
    cli.run("topics delete nowhere --if-exists").ok();
    assert_eq!(cli.run("topics list --output json").json()[0]["topic"], "placed");
}

#[test]
fn records_come_back_as_they_went_in() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let cli = Cli::of(&broker);
    cli.run("topics create keyed --partitions 7").ok();
    let lines: String = (0..2000).map(|n| format!("key-{n}:value {n}\n")).collect();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let produced =
            cli.run_with(&format!("produce keyed --key-separator : --compression {codec}"), &lines);
        assert!(produced.err.contains("2000 records acknowledged"), "{produced:?}");
        produced.ok();
        let read = "consume keyed --from-beginning --exit-at-end --print-key --key-separator :";
        assert_eq!(sorted(&cli.run(read).ok()), sorted(&lines), "{codec}");
        cli.run("topics delete keyed").ok();
        cli.run("topics create keyed --partitions 7").ok();
    }

    // Where the Java client puts these keys among seven partitions.
    cli.run_with(
        "produce keyed --property parse.key=true --property key.separator=:",
        "key-0:a\nkey-1:b\nkey-42:c\n",
    )
    .ok();
    let placed = cli.run(r"consume keyed --from-beginning --exit-at-end --format %k:%p\n").ok();
    assert_eq!(sorted(&placed), ["key-0:0", "key-1:5", "key-42:3"]);
    let one = cli.run("consume keyed --from-beginning --exit-at-end --partition 3,5 --quiet");
    assert_eq!((sorted(&one.out), one.err.as_str()), (vec!["b", "c"], ""));

    cli.run("topics create full --partitions 1").ok();
    let acks =
        "produce full --acks 1 --partition 0 --header h=x --null-marker NULL --parse-key --key-separator :";
    cli.run_with(acks, "k:NULL\nNULL:ä\n").ok();
    let read = cli.run("consume full --from-beginning --max-messages 2 --format json").ok();
    let records: Vec<Value> = read.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let parts = |record: &Value| (record["key"].clone(), record["value"].clone(), record["offset"].clone());
    assert_eq!(parts(&records[0]), (json!("k"), json!(null), json!(0)));
    assert_eq!(parts(&records[1]), (json!(null), json!("ä"), json!(1)));
    assert_eq!(records[0]["headers"], json!([{ "key": "h", "value": "x" }]));
    assert_eq!(cli.run("consume full --offset 1 --exit-at-end").ok(), "ä\n");
    assert_eq!(cli.run("consume full --offset @0 --exit-at-end --print-offset").ok().lines().count(), 2);
    assert_eq!(cli.run("consume full --timeout-ms 200").ok(), "", "from now on");

    let offsets = cli.run("offsets full --output json").json();
    assert_eq!(offsets, json!([{ "topic": "full", "partition": 0, "earliest": 0, "latest": 2 }]));
    assert_eq!(cli.run("offsets full --time earliest --output plain").ok(), "full\t0\t0\t\n");
}

#[test]
fn what_a_broker_refuses_fails_and_the_rest_goes_on() {
    let broker = Broker::start(&[]);
    let cli = Cli::of(&broker);
    cli.run("topics create small --config max.message.bytes=2000").ok();
    // Batches beyond the topic's limit are split until they fit; a record beyond it never does.
    let lines: String = (0..5000).map(|n| format!("{n}\n")).collect();
    cli.run_with("produce small", &lines).ok();
    assert_eq!(cli.run("consume small --from-beginning --exit-at-end").ok(), lines);
    let refused = cli.run_with("produce small --linger 0", &format!("a\n{}\nb\n", "x".repeat(4000)));
    assert!(refused.err.contains("MESSAGE_TOO_LARGE"), "{refused:?}");
    assert!(refused.err.contains("2 of 3 records acknowledged"), "{refused:?}");
    refused.failed();
    assert_eq!(cli.run("consume small --offset 5000 --exit-at-end").ok(), "a\nb\n");

    for line in ["produce nowhere", "consume nowhere", "offsets nowhere"] {
        let unknown = cli.run_with(line, "x\n").failed();
        assert!(unknown.contains("there is no topic nowhere"), "{line}: {unknown}");
    }
    let beyond = cli.run("consume small --partition 4").failed();
    assert!(beyond.contains("no partition 4; it has 1"), "{beyond}");
    let unkeyed = cli.run_with("produce small --key-separator :", "a:b\nc\n").failed();
    assert!(unkeyed.contains("line 2: no separator"), "{unkeyed}");
}

#[test]
fn settings_are_changed_and_shown() {
    let broker = Broker::start(&[]);
    let cli = Cli::of(&broker);
    cli.run("topics create orders").ok();
    let altered = cli.run(
        "configs alter --entity-type topics --entity-name orders --add-config cleanup.policy=[compact,delete],retention.ms=5",
    );
    assert_eq!(altered.ok(), "changed the settings of topic orders\n");
    cli.run("configs alter --topic orders --delete-config retention.ms").ok();
    let plain = cli.run("configs describe --topic orders --output plain").ok();
    assert_eq!(plain, "orders\tcleanup.policy\ttopic\tno\tcompact,delete\n");
    let all = cli.run("configs describe --topic orders --all --output json").json();
    let configs = all[0]["configs"].as_array().expect("a list");
    let retention = configs.iter().find(|config| config["name"] == "retention.ms").expect("it");
    assert_eq!((&retention["source"], &retention["value"]), (&json!("default"), &json!("604800000")));

    let bad = cli.run("configs alter --topic orders --add-config retention.ms=soon").failed();
    assert!(bad.contains("INVALID_CONFIG"), "{bad}");
    cli.run("configs alter --entity-type broker-defaults --add-config log.cleaner.threads=2").ok();
    let defaults = cli.run("configs describe --broker-defaults --output plain").ok();
    assert_eq!(defaults, "broker-defaults\tlog.cleaner.threads\tbroker-defaults\tno\t2\n");
    assert!(cli.run("configs describe --broker 1 --all").ok().lines().count() > 100);
    let nobody = cli.run("configs describe --broker 77").failed();
    assert!(nobody.contains("no broker 77"), "{nobody}");
    let directory = &cli.run("log-dirs --output json").json()["brokers"][0]["logDirs"][0];
    assert_eq!(directory["partitions"][0]["partition"], "orders-0");
}

#[test]
fn the_files_of_a_log_are_dumped_and_damage_fails() {
    let mut broker = Broker::start(&[]);
    let cli = Cli::of(&broker);
    cli.run("topics create orders").ok();
    cli.run_with("produce orders --key-separator :", "a:1\nb:2\n").ok();
    assert!(broker.stop().success());
    let dir = broker.data_dir().join("orders-0");
    let log = dir.join("00000000000000000000.log");
    let dump = |args: &[&str]| {
        let path = log.to_str().expect("its name");
        let output = strome(&["log", "dump"]).args(args).arg(path).output().expect("the command");
        Ran::from(output)
    };
    let text = dump(&["--print-data-log"]).ok();
    assert!(text.contains("baseOffset: 0 lastOffset: 1 count: 2"), "{text}");
    assert!(text.contains("keySize: 1 valueSize: 1") && text.contains("key: b payload: 2"), "{text}");

    let mut others: Vec<_> = fs::read_dir(&dir).expect("it").map(|entry| entry.expect("it").path()).collect();
    others.sort();
    let output = strome(&["log", "dump"]).args(&others).output().expect("the command");
    let text = Ran::from(output).ok();
    assert!(text.contains("epoch: 0 startOffset: 0") && text.contains("topicId: "), "{text}");

    let mut bytes = fs::read(&log).expect("it");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("records");
    bytes[last - 1] ^= 1;
    fs::write(&log, &bytes).expect("it");
    let damaged = dump(&[]);
    assert!(damaged.out.contains("isvalid: false"), "{damaged:?}");
    assert!(damaged.failed().contains("position 0: the stored checksum"));
    fs::write(&log, &bytes[..70]).expect("it");
    assert!(dump(&[]).failed().contains("cut off"));
}

#[test]
fn a_data_directory_is_checked_once_its_broker_is_stopped() {
    let mut broker = Broker::start(&[]);
    let cli = Cli::of(&broker);
    cli.run("topics create orders --partitions 2").ok();
    cli.run_with("produce orders --key-separator :", "a:1\nb:2\n").ok();
    let dir = broker.data_dir();
    let check = |args: &[&str]| {
        let output = strome(&["log", "verify"]).args(args).arg(&dir).output().expect("the command");
        Ran::from(output)
    };
    let running = check(&[]);
    assert_eq!(running.code, Some(2), "{running:?}");
    assert!(running.err.contains("a broker is running on it"), "{running:?}");
    assert_eq!(check(&["--online"]).code, Some(2));
    assert!(broker.stop().success());
    let sound = check(&["--output", "json"]).json();
    assert_eq!((&sound["sound"], &sound["records"]), (&json!(true), &json!(2)), "{sound:#}");
    assert_eq!((&sound["partitions"], &sound["findings"]), (&json!(2), &json!([])), "{sound:#}");

    let segment = ["orders-0", "orders-1"].map(|name| dir.join(name).join("00000000000000000000.log"));
    let segment = segment.iter().find(|path| fs::metadata(path).expect("it").len() > 0).expect("records");
    let mut bytes = fs::read(segment).expect("it");
    bytes[75] ^= 1;
    fs::write(segment, &bytes).expect("it");
    let entries = dir.join("strome-metadata/00000000000000000001.entries");
    let mut metadata = fs::read(&entries).expect("it");
    metadata[100] ^= 1;
    fs::write(&entries, &metadata).expect("it");
    let damaged = check(&[]);
    assert_eq!(damaged.code, Some(1), "{damaged:?}");
    let place = |path: &std::path::Path, position| {
        let path = path.canonicalize().expect("it");
        format!("problem: {}: position {position}: ", path.display())
    };
    assert!(damaged.out.contains(&place(segment, 0)), "{damaged:?}");
    assert!(damaged.out.contains(": position 32: the checksum of a frame is wrong"), "{damaged:?}");
    assert!(damaged.out.contains("2 problems"), "{damaged:?}");
    assert_eq!(fs::read(segment).expect("it"), bytes, "it was changed");
    assert_eq!(fs::read(&entries).expect("it"), metadata, "it was changed");
    assert_eq!(Ran::from(strome(&["log", "verify", "/nowhere"]).output().expect("it")).code, Some(2));
}

#[test]
fn a_consumer_follows_until_nobody_reads_any_more() {
    let broker = Broker::start(&[]);
    let cli = Cli::of(&broker);
    cli.run("topics create live --partitions 2").ok();
    let mut consumer = cli.command("consume live --from-beginning").spawn().expect("the consumer");
    let mut lines = BufReader::new(consumer.stdout.take().expect("its output")).lines();
    for text in ["one", "two"] {
        cli.run_with("produce live", &format!("{text}\n")).ok();
        assert_eq!(lines.next().expect("a line").expect("text"), text);
    }
    drop(lines);
    let deadline = Instant::now() + support::PATIENCE;
    let status = loop {
        if let Some(status) = consumer.try_wait().expect("the consumer") {
            break status;
        }
        assert!(Instant::now() < deadline, "it goes on though nobody reads");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(0));
}

#[test]
fn addresses_that_lead_nowhere_are_named() {
    // Taken, but nobody listens there any more.
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let output = strome(&["topics", "list", "--bootstrap-server", &closed.to_string()]).output();
    let said = Ran::from(output.expect("the command")).failed();
    assert!(said.contains(&closed.to_string()) && said.contains("check that it runs"), "{said}");

    // Somebody takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("its address").to_string();
    let output = strome(&["topics", "list", "--request-timeout-ms", "200"])
        .env("STROME_BOOTSTRAP_SERVER", &address)
        .output();
    let said = Ran::from(output.expect("the command")).failed();
    assert!(said.contains("did not answer ApiVersions within 200 ms"), "{said}");

    // A variable that is empty is none; whether somebody listens at the usual place is nothing that is known here.
    let output = strome(&["topics", "list", "--request-timeout-ms", "200"])
        .env("STROME_BOOTSTRAP_SERVER", "")
        .output();
    let ran = Ran::from(output.expect("the command"));
    assert!(!ran.err.contains("no address is given"), "{ran:?}");

    for usage in
        [&["topics", "create"][..], &["consume", "a", "--offset", "x"], &["produce", "a", "--acks", "2"]]
    {
        let ran = Ran::from(strome(usage).output().expect("the command"));
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
}
