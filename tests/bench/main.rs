//! `strome bench` against a broker of this build: what it measures, and what it makes of it. Nothing here depends on how
//! fast the machine is.

#[path = "../support/mod.rs"]
mod support;

mod groups;
mod refusals;
mod trouble;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;
use support::Broker;

fn begin(broker: &Broker, line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
    command.arg("bench").args(line.split_whitespace());
    command.arg("--bootstrap-server").arg(broker.address().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the command")
}

fn end(process: Child) -> Value {
    let output = process.wait_with_output().expect("its end");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", output.status);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn measure(broker: &Broker, line: &str) -> Value {
    end(begin(broker, &format!("{line} --quiet --output json")))
}

fn number(result: &Value, path: &str) -> f64 {
    let found = path.split('.').try_fold(result, |value, key| value.get(key));
    found.and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} is no number in {result:#}"))
}

/// `strome topics list`, or that of something else.
fn list(broker: &Broker, what: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
    command.args([what, "list", "--output", "plain", "--bootstrap-server"]).arg(broker.address().to_string());
    String::from_utf8(command.output().expect("the command").stdout).expect("text")
}

/// Waits for a line with these words; what is told after it is there at the end.
fn await_line(process: &mut Child, words: &str) -> JoinHandle<String> {
    let mut told = BufReader::new(process.stderr.take().expect("what it tells"));
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(told.read_line(&mut line).expect("a line") > 0, "it never said {words:?}");
    }
    // Whether or not somebody waits for it, it must be able to go on telling.
    std::thread::spawn(move || {
        let mut rest = String::new();
        told.read_to_string(&mut rest).expect("text");
        rest
    })
}

/// Waits until a second of the run is over.
fn await_first_second(process: &mut Child) -> JoinHandle<String> {
    await_line(process, "measure")
}

/// As Ctrl-C does.
fn interrupt(process: &Child) {
    let sent = Command::new("kill").args(["-INT", &process.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

#[test]
fn a_number_of_records_is_produced_and_everything_that_matters_is_told() {
    let broker = Broker::start(&[]);
    let result =
        measure(&broker, "produce --records 100000 --record-size 100..300 --partitions 3 --producers 2");
    assert_eq!(number(&result, "produce.records"), 100_000.0);
    assert_eq!(number(&result, "produce.latency.count"), 100_000.0);
    let bytes = number(&result, "produce.bytes");
    assert!((10e6..=30e6).contains(&bytes), "{bytes}");
    let [p50, p99, max] =
        ["p50_us", "p99_us", "max_us"].map(|p| number(&result, &format!("produce.latency.{p}")));
    assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{p50} {p99} {max}");
    assert_eq!(result["mode"], "produce");
    assert_eq!(result["plan"]["loop"], "closed");
    assert_eq!(number(&result, "topics.partitions"), 3.0);
    assert_eq!(result["plan"]["record_bytes"], "100..300");
    assert_eq!(result["durability"]["topic_settings"]["flush.messages"], "1");
    assert_eq!(result["durability"]["meaning"], "acknowledged when on the disk of all replicas in sync");
    assert_eq!(result["brokers"][0]["pid"], broker.pid());
    // The system counts CPU time in hundredths of a second; so many records take several.
    assert!(
        number(&result, "broker_cpu_us_per_record") > 0.0
            && number(&result, "client.cpu_us_per_record") > 0.0
    );
    assert!(number(&result["brokers"][0], "rss_peak_bytes") > 0.0);
    let disk = &result["brokers"][0]["disks"][0];
    assert!(disk["filesystem"].as_str().is_some_and(|kind| !kind.is_empty()), "{disk}");
    for told in ["cpu", "kernel"] {
        assert!(!result["host"][told].as_str().unwrap().is_empty());
    }
    assert!(!result["series"].as_array().unwrap().is_empty());
    // The topics of the run are gone again.
    assert_eq!(list(&broker, "topics"), "");
}

#[test]
fn a_result_that_cannot_be_kept_is_shown_all_the_same() {
    let broker = Broker::start(&[]);
    let process = begin(&broker, "produce --records 10 --save /dev/full --quiet --output json");
    let output = process.wait_with_output().expect("its end");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && told.contains("/dev/full"), "{told}");
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(number(&result, "produce.records"), 10.0);
}

#[test]
fn without_acknowledgements_sent_is_all_that_is_known() {
    let broker = Broker::start(&[]);
    let result = measure(&broker, "produce --records 3000 --acks 0 --batch-size 10KiB --linger 0");
    assert_eq!(number(&result, "produce.records"), 3_000.0);
    assert_eq!(result["durability"]["meaning"], "not acknowledged: sent is all that is known");
}

#[test]
fn an_open_loop_keeps_its_rate_and_says_so_every_second() {
    let broker = Broker::start(&[]);
    let result =
        measure(&broker, "produce --rate 500 --seconds 2 --warm-up 1 --keys 50 --partitions 4 --keep-topics");
    assert_eq!(result["plan"]["loop"], "open");
    // As many as were due in two seconds, however slow the machine is: latency is counted for those that were due.
    assert_eq!(number(&result, "produce.latency.count"), 1_000.0);
    assert_eq!(number(&result, "seconds"), 2.0);
    let seconds: Vec<f64> = result["series"].as_array().unwrap().iter().map(|p| number(p, "at_s")).collect();
    assert!(seconds.starts_with(&[0.0, 1.0, 2.0]), "{seconds:?}");
    assert_eq!(list(&broker, "topics").lines().count(), 1);
}

#[test]
fn a_backlog_is_read_to_its_end() {
    let broker = Broker::start(&[]);
    for codec in ["none", "lz4"] {
        let line = format!(
            "consume --backlog 2MB --record-size 500 --partitions 3 --consumers 2 --compression {codec}"
        );
        let result = measure(&broker, &line);
        assert_eq!(number(&result, "consume.records"), 4_000.0);
        assert_eq!(number(&result, "consume.bytes"), 2_000_000.0);
        assert!(result.get("produce").is_none());
    }
}

#[test]
fn every_acknowledged_record_reaches_every_reader() {
    let broker = Broker::start(&[]);
    // More consumers than partitions: two read the first one, which gets half of the records.
    let line =
        "end-to-end --rate 300 --seconds 2 --warm-up 0 --partitions 2 --consumers 3 --spread round-robin";
    let result = measure(&broker, line);
    assert_eq!(number(&result, "produce.latency.count"), 600.0);
    assert_eq!(number(&result, "end_to_end.latency.count"), 900.0);
    assert_eq!(number(&result, "end_to_end.missing_records"), 0.0);
    assert!(number(&result, "end_to_end.latency.p50_us") > 0.0);
}

#[test]
fn consumers_catch_up_while_producers_write_on() {
    let broker = Broker::start(&[]);
    let result = measure(
        &broker,
        "mixed --rate 200 --seconds 2 --warm-up 1 --backlog 3MB --partitions 2 --consumers 2",
    );
    // They begin when the warm-up is over: what reading does to writing is what is to be measured.
    let warm_up = &result["series"][0];
    assert_eq!((number(warm_up, "at_s"), number(warm_up, "consumed_records")), (0.0, 0.0));
    assert!(number(warm_up, "produced_records") > 0.0);
    assert!(number(&result, "consume.records") >= 3_000.0);
    assert!(number(&result, "consume.caught_up_s") > 0.0);
    assert_eq!(number(&result, "produce.latency.count"), 400.0);
    assert_eq!(number(&result, "end_to_end.latency.count"), 400.0);
}

#[test]
fn pages_are_made_of_saved_results_and_need_nothing_else() {
    let broker = Broker::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (first, second, single) = (file("first.json"), file("second.json"), file("single.html"));
    let _ = measure(
        &broker,
        &format!("produce --rate 200 --seconds 2 --warm-up 0 --save {first} --html {single}"),
    );
    let _ = measure(&broker, &format!("run 100b-100p --rate 200 --seconds 2 --warm-up 0 --save {second}"));
    let both = file("both.html");
    let report = Command::new(env!("CARGO_BIN_EXE_strome"))
        .args(["bench", "report", &first, &second, "--out", &both])
        .output()
        .unwrap();
    assert!(report.status.success(), "{report:?}");
    for path in [&single, &both] {
        let page = std::fs::read_to_string(path).unwrap();
        assert!(page.contains("<svg") && page.contains("Produce latency by percentile"));
        for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<script"] {
            assert!(!page.contains(outside), "{path}: {outside}");
        }
    }
    let page = std::fs::read_to_string(&both).unwrap();
    assert!(page.contains("produce (first)") && page.contains("100b-100p (second)"));
}

#[test]
fn a_run_is_explained_by_the_metrics_of_its_broker() {
    let broker = Broker::start(&[("strome.admin.listener", "127.0.0.1:0")]);
    let line = format!(
        "end-to-end --rate 200 --seconds 2 --warm-up 1 --linger 0 --explain --admin {}",
        broker.admin_address()
    );
    let result = measure(&broker, &line);
    assert_eq!(result["explain"]["admin"], broker.admin_address().to_string());
    for api in ["Produce", "Fetch"] {
        let of = |path: &str| number(&result, &format!("explain.apis.{api}.{path}"));
        let stages = result["explain"]["apis"][api]["stages"].as_object().expect("stages");
        assert_eq!(stages.len(), 8, "{stages:?}");
        let sum: f64 = stages.values().map(|stage| number(stage, "mean_us")).sum();
        // The stages are the whole, and the parts of the whole are all of it.
        assert!((sum / of("mean_us") - 1.0).abs() < 0.001, "{sum} of {}", of("mean_us"));
        let shares: f64 = stages.values().map(|stage| number(stage, "share")).sum();
        assert!((shares - 1.0).abs() < 0.001, "{shares}");
        assert!(of("p99_at_most_us") > 0.0);
        let sentence = result["explain"]["apis"][api]["sentence"].as_str().expect("a sentence");
        let named = result["explain"]["apis"][api]["largest_stage"].as_str().expect("a stage");
        assert!(sentence.contains(named), "{sentence}");
    }
    // The 200 records of the warm-up are not among them, but one or the other that was under way may be.
    let told = number(&result, "explain.apis.Produce.requests");
    assert!(told > 0.0 && told <= number(&result, "produce.requests") + 100.0, "{told}");
    let outside = number(&result, "explain.apis.Produce.outside_mean_us");
    let whole = number(&result, "explain.apis.Produce.mean_us");
    let client = number(&result, "produce.latency.mean_us");
    assert!((outside + whole - client).abs() < 0.01, "{outside} + {whole} is not {client}");
    assert!(number(&result, "explain.commits.journal.writes") > 0.0, "{:#}", result["explain"]);
    // A run without a warm-up, that is over at once, is explained from its beginning.
    let line = format!(
        "produce --records 500 --linger 0 --batch-size 1000 --explain --admin {}",
        broker.admin_address()
    );
    let output = begin(&broker, &line).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("time of Produce requests in the broker"), "{told}");
    assert!(told.contains("outside the broker") && told.contains("commit"), "{told}");
}

#[test]
fn a_run_goes_on_where_nothing_explains_it() {
    // This one has no admin listener, and what listens at the other place is no HTTP server.
    let broker = Broker::start(&[]);
    let line = format!("produce --records 50 --explain --admin {} --output json", broker.address());
    let output = begin(&broker, &line).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("where the time went is not known"), "{told}");
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(number(&result, "produce.records"), 50.0);
    let why = result["explain"]["error"].as_str().expect("why");
    assert!(result["warnings"].as_array().unwrap().iter().any(|warning| warning == why), "{why}");
}
