//! `strome bench` against a broker of this build: what it measures, and what it makes of it. Nothing here depends on how
//! fast the machine is.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::Broker;

/// The broker is stopped for so long, in the middle of a run.
const PAUSE: Duration = Duration::from_secs(2);

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
fn a_broker_that_stands_still_shows_in_the_latency_of_all_records_that_were_due() {
    let broker = Broker::start(&[]);
    let mut process = begin(&broker, "produce --rate 200 --seconds 10 --warm-up 0 --linger 0 --output json");
    await_first_second(&mut process);
    broker.signal("STOP");
    std::thread::sleep(PAUSE);
    broker.signal("CONT");
    let result = end(process);
    assert_eq!(number(&result, "produce.latency.count"), 2_000.0);
    let (p99, max) = (number(&result, "produce.latency.p99_us"), number(&result, "produce.latency.max_us"));
    // A hundredth of the records is 20; those that were due in the first tenth of the pause are 40.
    assert!(max >= 0.95 * PAUSE.as_micros() as f64, "{max}");
    assert!(p99 >= 0.9 * PAUSE.as_micros() as f64, "{p99}");
    assert_eq!(number(&result, "unacknowledged_records"), 0.0);
}

#[test]
fn a_client_that_may_ask_nothing_more_sleeps_until_it_is_answered() {
    let broker = Broker::start(&[]);
    let line =
        "produce --rate 5000 --seconds 60 --warm-up 0 --linger 0 --max-in-flight 1 --threads 1 --output json";
    let mut process = begin(&broker, line);
    await_first_second(&mut process);
    broker.signal("STOP");
    std::thread::sleep(PAUSE / 4);
    let (before, from) = (times_asleep(&process), Instant::now());
    std::thread::sleep(PAUSE / 2);
    let (times, elapsed) = (times_asleep(&process) - before, from.elapsed());
    broker.signal("CONT");
    process.kill().and_then(|()| process.wait()).expect("its end");
    // Each thread looks around 50 times a second, whatever happens; 5,000 records are due in that time.
    assert!((times as f64) < 1_000.0 * elapsed.as_secs_f64(), "{times} times in {elapsed:?}");
}

/// How often the threads of a process have gone to sleep so far.
fn times_asleep(process: &Child) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{}/task", process.id())).expect("its threads");
    let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
        let status = thread.expect("a thread").path().join("status");
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.map_or(0, |count| count.trim().parse::<u64>().expect("a count"))
    };
    threads.map(of_thread).sum()
}

/// Waits until a second of the run is over, which it tells; what it tells after that is there at its end.
fn await_first_second(process: &mut Child) -> JoinHandle<String> {
    let mut told = BufReader::new(process.stderr.take().expect("what it tells"));
    let mut line = String::new();
    told.read_line(&mut line).expect("a line");
    assert!(line.contains("measure"), "{line}");
    // Whether or not somebody waits for it, it must be able to go on telling.
    std::thread::spawn(move || {
        let mut rest = String::new();
        told.read_to_string(&mut rest).expect("text");
        rest
    })
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

#[test]
fn a_limit_that_no_rate_keeps_is_said_to_be_so() {
    let broker = Broker::start(&[]);
    // A limit that nothing keeps ends the search soonest.
    let process =
        begin(&broker, "produce --rate 50 --seconds 0.2 --warm-up 0 --find-rate p50=0.001us --quiet");
    let output = process.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("at no rate that was tried"), "{told}");
}

#[test]
fn what_cannot_be_run_is_said_in_words() {
    let broker = Broker::start(&[]);
    let failed = |line: &str| {
        let output = begin(&broker, line).wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = failed("produce --record-size 2MB --records 5 --quiet");
    assert_eq!(code, Some(1));
    assert!(told.contains("MESSAGE_TOO_LARGE") && told.contains("partition 0"), "{told}");
    let (code, told) = failed("end-to-end --record-size 8 --seconds 1");
    assert_eq!(code, Some(2), "{told}");
    let (code, told) = failed("consume --backlog 0 --quiet");
    assert_eq!(code, Some(2));
    assert!(told.contains("nothing to read"), "{told}");
    let (code, told) = failed("run nonsense");
    assert_eq!(code, Some(2));
    assert!(told.contains("strome bench list"), "{told}");
    let (code, told) = failed("produce --records 1 --config nonsense=1 --quiet");
    assert_eq!(code, Some(1));
    assert!(told.contains("INVALID_CONFIG"), "{told}");
    assert_eq!(list(&broker, "topics"), "");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    // Who speaks TLS says so in its own way, or says nothing.
    std::thread::spawn(move || {
        for answer in [&[0x15, 3, 3, 0, 2, 2, 10][..], &[]] {
            let (mut stream, _) = silent.accept().unwrap();
            let mut asked = [0; 256];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(answer);
        }
    });
    for _ in 0..2 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
        command.args(["bench", "produce", "--bootstrap-server", &address.to_string()]);
        let output = command.output().expect("the command");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && told.contains("TLS"), "{told}");
    }
}

#[test]
fn a_broker_that_comes_back_is_written_to_again() {
    let mut broker = Broker::start(&[]);
    let port = broker.address().port();
    let mut process = begin(&broker, "produce --rate 200 --seconds 6 --warm-up 0 --output json");
    await_first_second(&mut process);
    broker.kill();
    broker.restart_with(&[("listeners", &format!("PLAINTEXT://127.0.0.1:{port}"))]);
    let result = end(process);
    assert_eq!(number(&result, "produce.latency.count"), 1_200.0);
    assert!(number(&result, "reconnects") >= 1.0);
    assert_eq!(number(&result, "unacknowledged_records"), 0.0);
}

#[test]
fn a_broker_that_does_not_answer_in_time_ends_the_run() {
    let broker = Broker::start(&[]);
    let line = "produce --rate 200 --seconds 600 --warm-up 0 --request-timeout-ms 3000";
    let mut process = begin(&broker, line);
    let told = await_first_second(&mut process);
    broker.signal("STOP");
    assert_eq!(process.wait().expect("its end").code(), Some(1));
    broker.signal("CONT");
    let told = told.join().expect("what it tells");
    assert!(told.contains("Produce") && told.contains(&broker.address().to_string()), "{told}");
}

#[test]
fn a_run_that_somebody_stops_tells_what_it_has_measured_so_far() {
    let broker = Broker::start(&[]);
    let line = "end-to-end --rate 200 --seconds 600 --warm-up 0 --linger 0 --output json";
    let mut process = begin(&broker, line);
    await_first_second(&mut process);
    // What is on its way when the end comes is awaited, although the broker takes its time.
    broker.signal("STOP");
    let signalled = Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    std::thread::sleep(PAUSE / 4);
    broker.signal("CONT");
    let output = process.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(result["stopped"], true);
    let seconds = number(&result, "seconds");
    assert!((1.0..60.0).contains(&seconds), "{seconds}");
    // All that were due until then count, one more or less, and all of them were awaited.
    for what in ["produce", "end_to_end"] {
        let counted = number(&result, &format!("{what}.latency.count"));
        assert!((counted - 200.0 * seconds).abs() <= 1.5, "{counted} {what} in {seconds} s");
    }
    assert_eq!(number(&result, "unacknowledged_records"), 0.0);
    let told = |warning: &Value| warning.as_str().unwrap().contains("stopped it after");
    assert!(result["warnings"].as_array().unwrap().iter().any(told), "{:#}", result["warnings"]);
    assert_eq!(list(&broker, "topics"), "");
}

#[test]
fn what_would_be_ignored_or_lost_is_refused_before_the_run() {
    // Nobody listens there: all of it is said before a broker is asked for anything.
    let failed = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
        command.arg("bench").args(line.split_whitespace()).args(["--bootstrap-server", "127.0.0.1:1"]);
        let output = command.output().expect("the command");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (line, named) in [
        ("produce --consumers 2", "--consumers"),
        ("run 1kb-1p --backlog 1GB", "--backlog"),
        ("produce --fetch-max-wait 5", "--fetch-max-wait"),
        ("consume --rate 100", "--rate"),
        ("consume --records 100", "--records"),
        ("consume --find-rate p99=1ms", "--find-rate"),
        ("end-to-end --backlog 1GB", "--backlog"),
        ("produce --cpus 0,99999", "CPU 99999"),
        ("produce --record-size 0", "a value"),
        ("produce --rate 1e300", "the rate"),
    ] {
        let (code, told) = failed(line);
        assert!(code == Some(2) && told.contains(named), "{line}: {code:?} {told}");
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/result");
    for argument in ["--save", "--html"] {
        let (code, told) = failed(&format!("produce {argument} {}", missing.display()));
        assert!(code == Some(1) && told.contains("missing/result: No such file"), "{code:?} {told}");
    }
    // What can be written is not touched until there is something to write.
    let (there, absent) = (folder.path().join("there"), folder.path().join("absent"));
    std::fs::write(&there, "as it was").unwrap();
    let (_, told) = failed(&format!("produce --save {} --html {}", there.display(), absent.display()));
    assert!(told.contains("cannot connect"), "{told}");
    assert!(std::fs::read_to_string(&there).unwrap() == "as it was" && !absent.exists());
}

#[test]
fn what_members_of_a_group_wait_for_is_explained_by_the_metrics_of_their_coordinator() {
    let broker = Broker::start(&[
        ("strome.admin.listener", "127.0.0.1:0"),
        ("group.initial.rebalance.delay.ms", "500"),
        ("group.consumer.min.heartbeat.interval.ms", "50"),
        ("group.consumer.heartbeat.interval.ms", "50"),
    ]);
    for (protocol, joins) in [("classic", "JoinGroup"), ("consumer", "ConsumerGroupHeartbeat")] {
        // Fewer partitions than a commit has where nobody says how many.
        let line = format!(
            "groups --members 2 --protocol {protocol} --rounds 1 --heartbeat-interval 50 --committers 1 \
             --commit-seconds 0.2 --explain --admin {}",
            broker.admin_address()
        );
        let result = measure(&broker, &line);
        assert_eq!(number(&result, "plan.commit_partitions"), 4.0);
        let apis = &result["explain"]["apis"];
        assert!(number(&apis[joins], "requests") >= 3.0, "{apis:#}");
        // Which stage is the largest is for the machine to say.
        assert!(number(&apis["OffsetCommit"], "stages.commit.mean_us") > 0.0, "{apis:#}");
        assert!(number(&apis["OffsetCommit"], "client_mean_us") > 0.0);
        if protocol == "classic" {
            // Who joins a new group waits for the others.
            assert_eq!(apis["JoinGroup"]["largest_stage"], "wait", "{apis:#}");
            assert!(number(&apis["SyncGroup"], "requests") >= 2.0 && apis.get("Fetch").is_none(), "{apis:#}");
        }
    }
}

#[test]
fn what_was_measured_of_a_broker_that_goes_away_is_not_lost() {
    let mut broker = Broker::start(&[]);
    let line = "produce --rate 200 --seconds 3 --warm-up 0 --drain 1 --output json";
    let mut process = begin(&broker, line);
    await_first_second(&mut process);
    broker.kill();
    let result = end(process);
    // Those that nobody answered count with the time until they were given up: a second at least.
    assert_eq!(number(&result, "produce.latency.count"), 600.0);
    let lost = number(&result, "unacknowledged_records");
    assert!((1.0..600.0).contains(&lost), "{lost}");
    assert!(number(&result, "produce.latency.max_us") >= 1e6);
    let told = |warning: &Value| warning.as_str().unwrap().contains("left behind: cannot connect");
    assert!(result["warnings"].as_array().unwrap().iter().any(told), "{:#}", result["warnings"]);
}

#[test]
fn members_of_a_group_come_and_go_and_commit() {
    let broker = Broker::start(&[
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.consumer.min.heartbeat.interval.ms", "50"),
        ("group.consumer.heartbeat.interval.ms", "50"),
        ("group.min.session.timeout.ms", "1000"),
    ]);
    for protocol in ["classic", "consumer"] {
        let deaths = if protocol == "classic" { "--deaths 1 --session-timeout 3000" } else { "" };
        let line = format!(
            "groups --members 4 --protocol {protocol} --rounds 2 --heartbeat-interval 50 {deaths} \
             --partitions 9 --committers 3 --commit-partitions 2 --commit-seconds 0.3"
        );
        let result = measure(&broker, &line);
        let changes = result["changes"].as_array().unwrap();
        let names: Vec<&str> = changes.iter().map(|change| change["change"].as_str().unwrap()).collect();
        let mut expected = vec!["start", "join", "leave", "start", "join", "leave"];
        if protocol == "classic" {
            expected.insert(1, "death");
        }
        assert_eq!(names, expected);
        for change in changes {
            let (assigned, told) = (number(change, "assigned_ms"), number(change, "told_ms"));
            assert!(0.0 < assigned && assigned <= told && number(change, "requests") > 0.0, "{change}");
        }
        let run = &result["commits"][0];
        assert_eq!(number(run, "committers"), 3.0);
        assert!(number(run, "commits_per_s") > 0.0 && number(run, "latency.p50_us") > 0.0, "{run}");
    }
    // Neither topics nor groups stay behind.
    let left = list(&broker, "topics");
    assert!(left.starts_with("__consumer_offsets\t") && left.lines().count() == 1, "{left}");
    assert_eq!(list(&broker, "groups"), "");
}
