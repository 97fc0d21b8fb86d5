//! Metrics and health over HTTP: exact after known traffic, documented, and out of reach of bad clients.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use protocol::messages::{FetchRequest, ProduceRequest};

use crate::client::Client;
use crate::prometheus::{Metrics, ask, get};
use crate::support::{Broker, PATIENCE};
use crate::topics::{
    FETCH, PRODUCE, append, batch, create, delete, fetch, fetch_request, produce, produce_request,
};

const ADMIN: (&str, &str) = ("strome.admin.listener", "127.0.0.1:0");

fn start(overrides: &[(&str, &str)]) -> Broker {
    Broker::start(&[&[ADMIN], overrides].concat())
}

#[test]
fn figures_are_exact_after_known_traffic() {
    let broker = start(&[("strome.shards", "2")]);
    let before = Metrics::scrape(broker.admin_address());
    assert_eq!(before.sum("strome_requests_total", &[]), 0.0);
    assert_eq!(before.sum("strome_received_bytes_total", &[]), 0.0);

    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 4, &[]);
    create(&mut client, "u", 1, &[]);
    let batches = [batch(&["a"]), batch(&["b", "c"]), batch(&["d", "e", "f"])];
    for partition in 0..4 {
        batches.iter().for_each(|batch| _ = append(&mut client, "t", partition, batch.clone()));
    }
    // One that is received straight into its memory.
    append(&mut client, "u", 0, batch(&["x".repeat(1_000_000)]));
    assert_eq!(produce(&mut client, "t", 99, batches[0].clone()).error_code, 3);
    let stored: usize = batches.iter().map(|batch| batch.len()).sum();
    for _ in 0..3 {
        assert_eq!(fetch(&mut client, "t", 2, 0).records.expect("records").len(), stored);
    }

    let after = Metrics::scrape(broker.admin_address());
    let api = |family: &str, api: &str| after.sum(family, &[("api", api)]);
    assert_eq!(api("strome_requests_total", "CreateTopics"), 2.0);
    assert_eq!(api("strome_requests_total", "Produce"), 14.0);
    assert_eq!(api("strome_request_errors_total", "Produce"), 1.0);
    assert_eq!(api("strome_requests_total", "Fetch"), 3.0);
    assert_eq!(api("strome_request_errors_total", "Fetch"), 0.0);
    let topic = |family: &str, topic: &str| after.sum(family, &[("topic", topic)]);
    assert_eq!(topic("strome_topic_records_in_total", "t"), 24.0);
    assert_eq!(topic("strome_topic_batches_in_total", "t"), 12.0);
    assert_eq!(topic("strome_topic_bytes_in_total", "t"), 4.0 * stored as f64);
    assert_eq!(topic("strome_topic_records_in_total", "u"), 1.0);
    assert_eq!(topic("strome_topic_records_out_total", "t"), 18.0);
    assert_eq!(topic("strome_topic_batches_out_total", "t"), 9.0);
    assert_eq!(topic("strome_topic_bytes_out_total", "t"), 3.0 * stored as f64);
    assert_eq!(topic("strome_topic_bytes_out_total", "u"), 0.0);
    assert_eq!(after.sum("strome_topics", &[]), 2.0);
    assert_eq!(after.sum("strome_shard_partitions", &[("state", "online")]), 5.0);
    assert_eq!(after.sum("strome_connections", &[]), 1.0);
    assert!(after.sum("strome_commits_total", &[("way", "journal")]) > 0.0);
    assert_eq!(after.sum("strome_commits_failed_total", &[]), 0.0);
    assert_eq!(after.sum("strome_appends_waiting", &[]), 0.0);

    // Every byte of the requests, and a length of four bytes before each.
    let requests = after.sum("strome_requests_total", &[]);
    let bytes = after.sum("strome_request_bytes_total", &[]);
    assert_eq!(after.sum("strome_received_bytes_total", &[]), bytes + 4.0 * requests);
    assert!(after.sum("strome_sent_bytes_total", &[]) > 9.0 * stored as f64);
}

#[test]
fn a_topic_that_is_deleted_is_shown_no_more_and_begins_anew_under_its_name() {
    let broker = start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    append(&mut client, "t", 0, batch(&["a"]));
    assert_eq!(delete(&mut client, "t"), 0);
    let topics = |metrics: &Metrics| -> BTreeSet<String> {
        let samples = &metrics.0["strome_topic_records_in_total"].samples;
        samples.iter().map(|(_, labels, _)| labels["topic"].clone()).collect()
    };
    assert_eq!(topics(&Metrics::scrape(broker.admin_address())), BTreeSet::from(["(other)".to_owned()]));
    create(&mut client, "t", 1, &[]);
    let metrics = Metrics::scrape(broker.admin_address());
    assert_eq!(topics(&metrics).len(), 2);
    assert_eq!(metrics.sum("strome_topic_records_in_total", &[("topic", "t")]), 0.0);
}

#[test]
fn what_waits_and_what_is_closed_is_counted() {
    let broker = start(&[("strome.shards", "1")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let mut waits = Client::connect(broker.address());
    let poll = FetchRequest { max_wait_ms: 600_000, min_bytes: 1, ..fetch_request("t", &[(0, 0)]) };
    waits.send(FETCH, &poll);
    let mut bad = Client::connect(broker.address());
    bad.write(&i32::MAX.to_be_bytes());
    bad.expect_closed();
    let mut unknown = Client::connect(broker.address());
    unknown.write(&[0, 0, 0, 14, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0, 4, b'a', b'b', b'c', b'd']);
    unknown.expect_closed();
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let metrics = Metrics::scrape(broker.admin_address());
        let closed = |reason| metrics.sum("strome_connections_closed_total", &[("reason", reason)]);
        let seen = (
            metrics.sum("strome_fetches_waiting", &[]),
            metrics.sum("strome_requests_in_flight", &[]),
            closed("bad-frame"),
            closed("by-broker"),
            metrics.sum("strome_requests_refused_total", &[("api", "unknown")]),
            metrics.sum("strome_connections", &[]),
        );
        if seen == (1.0, 1.0, 1.0, 1.0, 1.0, 2.0) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{seen:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Name, type and labels of each family, without `le`, as the page of the documentation lists them.
#[test]
fn the_page_of_the_documentation_lists_exactly_what_there_is() {
    let broker = start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    append(&mut client, "t", 0, batch(&["a"]));
    let metrics = Metrics::scrape(broker.admin_address());
    let labels = |family: &crate::prometheus::Family| -> BTreeSet<String> {
        let keys = family.samples.iter().flat_map(|(_, labels, _)| labels.keys().cloned());
        keys.filter(|key| key != "le").collect()
    };
    let found: BTreeMap<_, _> = metrics
        .0
        .iter()
        .map(|(name, family)| (name.clone(), (family.kind.clone(), labels(family))))
        .collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/METRICS.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let mut listed = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else { panic!("four cells: {line}") };
        assert!(!meaning.is_empty(), "{line}");
        let labels = labels.split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let labels: BTreeSet<String> = labels.filter(|label| !label.is_empty()).collect();
        let name = name.trim_matches('`').to_owned();
        assert!(listed.insert(name, (kind.to_owned(), labels)).is_none(), "twice: {line}");
    }
    for (name, family) in &found {
        assert_eq!(listed.get(name), Some(family), "{name} in docs/METRICS.md");
    }
    for name in listed.keys() {
        assert!(found.contains_key(name), "{name} is documented and not there");
    }
}

#[test]
fn health_is_told_with_reasons() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let (good, bad) = (temp.path().join("good"), temp.path().join("bad"));
    let dirs = format!("{},{}", good.display(), bad.display());
    let mut broker = start(&[("log.dirs", &dirs)]);
    for path in ["/healthz", "/readyz"] {
        let page = get(broker.admin_address(), path);
        assert_eq!(
            (page.status, page.body.as_str()),
            (200, "{\"reasons\":[],\"status\":\"ok\"}\n"),
            "{path}"
        );
    }
    assert!(broker.stop().success());
    std::fs::remove_dir_all(&bad).expect("the directory");
    std::fs::write(&bad, "").expect("a file in its place");
    broker.restart();
    let page = get(broker.admin_address(), "/healthz");
    assert_eq!(page.status, 503);
    assert!(page.body.contains("\"unavailable\"") && page.body.contains("/bad is offline"), "{}", page.body);
    assert_eq!(get(broker.admin_address(), "/readyz").status, 200, "what is left is served");
    let metrics = Metrics::scrape(broker.admin_address());
    let online =
        |dir: &Path| metrics.sum("strome_directory_online", &[("directory", &dir.display().to_string())]);
    assert_eq!((online(&good), online(&bad)), (1.0, 0.0));
}

#[test]
fn the_call_in_which_a_shard_sleeps_hands_over_what_it_has_done() {
    const ROUNDS: u32 = 200;
    let broker = start(&[("strome.shards", "1")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    append(&mut client, "t", 0, batch(&["a"]));
    let enters = || Metrics::scrape(broker.admin_address()).sum("strome_ring_enters_total", &[]);
    let before = enters();
    for _ in 0..ROUNDS {
        append(&mut client, "t", 0, batch(&["a"]));
    }
    // One sleep each until the records are written, synced, and the next ones come, and what goes before it in the same call; the
    // answer is alone and needs none of the ring. A call of its own for the write makes one more, and so does an answer that goes
    // through the ring; what the disk has done sooner makes fewer.
    let each = (enters() - before) / f64::from(ROUNDS);
    assert!(each < 4.5, "{each} calls for each request");
}

#[test]
fn a_shard_without_work_is_parked() {
    let broker = start(&[("strome.shards", "2")]);
    let look = || {
        let metrics = Metrics::scrape(broker.admin_address());
        ["running", "ready", "parked"]
            .map(|state| metrics.sum("strome_loop_seconds_total", &[("state", state)]))
    };
    let begin = std::time::Instant::now();
    let before = look();
    if before.iter().sum::<f64>() == 0.0 {
        eprintln!("SKIPPED: a_shard_without_work_is_parked: this kernel counts no threads' time");
        return;
    }
    std::thread::sleep(LONG);
    let after = look();
    let [running, ready, parked] = std::array::from_fn(|at| after[at] - before[at]);
    let both = 2.0 * LONG.as_secs_f64();
    assert!(parked > both / 2.0, "{running} {ready} {parked}");
    // What a first look has not counted of the last tick comes with the second one.
    let most = 2.0 * begin.elapsed().as_secs_f64() + 0.04;
    assert!(running + ready + parked <= most, "{running} {ready} {parked}");
}

#[test]
fn bad_http_does_no_harm() {
    let broker = start(&[]);
    let admin = broker.admin_address();
    assert_eq!(get(admin, "/").status, 404);
    assert_eq!(get(admin, "/metrics/../../etc/passwd").status, 404);
    assert_eq!(get(admin, "/metrics?name=x").status, 200);
    assert_eq!(
        ask(admin, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
            .status,
        405
    );
    let head = ask(admin, "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let endless = |piece: &[u8], times: usize| {
        let mut stream = TcpStream::connect(admin).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        for _ in 0..times {
            if stream.write_all(piece).is_err() {
                break;
            }
        }
        // A refusal or a reset, but no hang.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    };
    endless(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 1);
    endless(&[0; 4096], 100);
    endless(b"GET /metrics HTTP/1.1\r\nHost: ", 1);
    endless(&[b'a'; 4096], 1000);
    let headers: String = (0..1000).map(|at| format!("h{at}: v\r\n")).collect();
    endless(format!("GET /metrics HTTP/1.1\r\n{headers}\r\n").as_bytes(), 1);
    // More than may be open at a time, silent: others come in all the same.
    let silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(admin).expect("a connection")).collect();
    assert_eq!(get(admin, "/readyz").status, 200);
    drop(silent);
    assert_eq!(get(admin, "/healthz").status, 200);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    assert_eq!(append(&mut client, "t", 0, batch(&["a"])), 0);
}

#[test]
fn many_scrapes_at_once_disturb_no_producer() {
    let broker = start(&[("strome.shards", "2")]);
    let admin = broker.admin_address();
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[]);
    let scrapers: Vec<_> = (0..8)
        .map(|_| std::thread::spawn(move || (0..20).for_each(|_| _ = Metrics::scrape(admin))))
        .collect();
    for at in 0..100 {
        assert_eq!(append(&mut client, "t", at % 2, batch(&["a"])), i64::from(at / 2));
    }
    scrapers.into_iter().for_each(|scraper| scraper.join().expect("its scrapes"));
    let metrics = Metrics::scrape(admin);
    assert_eq!(metrics.sum("strome_topic_records_in_total", &[("topic", "t")]), 100.0);
    assert_eq!(metrics.sum("strome_shard_answers", &[]), 2.0);
}

#[test]
fn a_listener_that_was_asked_for_and_cannot_be_had_ends_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let temp = tempfile::tempdir().expect("a temporary directory");
    let log = temp.path().join("log");
    let settings = [("strome.admin.listener", address.as_str())];
    let ended = Broker::try_start_in(&[temp.path().join("data")], &log, &settings);
    assert_eq!(ended.err().and_then(|status| status.code()), Some(1));
    let told = std::fs::read_to_string(&log).expect("what it says");
    assert!(told.contains(&address) && told.contains("strome.admin.listener"), "{told}");
    drop(taken);
    Broker::try_start_in(&[temp.path().join("data")], &log, &settings).expect("it starts now");
    let wrong = [("strome.admin.listener", "localhost")];
    let ended = Broker::try_start_in(&[temp.path().join("data")], &log, &wrong);
    assert_eq!(ended.err().and_then(|status| status.code()), Some(78));
}

/// How long things take in the tests of stages: long enough to be seen beside everything else.
const LONG: Duration = Duration::from_millis(300);
/// How often something that takes so long is done before it counts as not noticed.
const ATTEMPTS: u32 = 10;

/// What requests of an API have spent in a stage so far, in seconds.
fn spent(metrics: &Metrics, api: &str, stage: &str) -> f64 {
    metrics.sum("strome_request_stage_seconds_sum", &[("api", api), ("stage", stage)])
}

/// Waits until this many requests of an API are over: that an answer is out is noted a moment after a client has it.
fn scrape_when_over(broker: &Broker, api: &str, requests: f64) -> Metrics {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let metrics = Metrics::scrape(broker.admin_address());
        let over = metrics.sum("strome_request_seconds_count", &[("api", api)]);
        if over == requests {
            return metrics;
        }
        assert!(over < requests && std::time::Instant::now() < deadline, "{over} requests are over");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_stages_of_all_requests_add_up_to_their_whole_time() {
    let broker = start(&[("strome.shards", "3")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 9, &[]);
    for round in 0..20 {
        for partition in 0..9 {
            append(&mut client, "t", partition, batch(&["a"]));
        }
        let all: Vec<(i32, i64)> = (0..9).map(|partition| (partition, round)).collect();
        client.call(FETCH, &fetch_request("t", &all));
    }
    let metrics = scrape_when_over(&broker, "Produce", 180.0);
    let stages = ["socket", "queue", "work", "hop", "commit", "read", "wait", "send"];
    for api in ["Produce", "Fetch", "Metadata", "OffsetCommit", "Group", "other"] {
        let count = metrics.sum("strome_request_seconds_count", &[("api", api)]);
        for stage in stages {
            let labels = [("api", api), ("stage", stage)];
            assert_eq!(metrics.sum("strome_request_stage_seconds_count", &labels), count, "{api} {stage}");
        }
        let whole = metrics.sum("strome_request_seconds_sum", &[("api", api)]);
        let parts: f64 = stages.iter().map(|stage| spent(&metrics, api, stage)).sum();
        assert!((whole - parts).abs() < 1e-6, "{api}: {whole} and {parts}");
    }
    assert!(spent(&metrics, "Produce", "commit") > 0.0 && spent(&metrics, "Produce", "work") > 0.0);
    assert!(spent(&metrics, "Fetch", "hop") > 0.0, "two of three partitions belong to other shards");
    assert_eq!(spent(&metrics, "Fetch", "commit") + spent(&metrics, "Produce", "read"), 0.0);
    for stage in stages {
        let by_shard = metrics.sum("strome_shard_stage_seconds_total", &[("stage", stage)]);
        let by_api = metrics.sum("strome_request_stage_seconds_sum", &[("stage", stage)]);
        assert!((by_shard - by_api).abs() < 1e-6, "{stage}: {by_shard} and {by_api}");
    }
}

#[test]
fn a_request_that_arrives_slowly_spends_its_time_in_the_socket() {
    let broker = start(&[("strome.shards", "1")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let request = produce_request("t", 0, -1, batch(&["a"]));
    let frame = client.frame(PRODUCE, &request);
    let (first, rest) = frame.split_at(frame.len() / 2);
    // A broker that gets no time from its host sees the first half late: then once more.
    let is_seen = (1..=ATTEMPTS).any(|attempt| {
        client.write(first);
        std::thread::sleep(LONG);
        client.write(rest);
        client.receive::<ProduceRequest>(PRODUCE);
        let metrics = scrape_when_over(&broker, "Produce", f64::from(attempt));
        spent(&metrics, "Produce", "socket") >= LONG.as_secs_f64()
    });
    assert!(is_seen, "what the client took is not told as time in the socket");
}

#[test]
fn a_poll_without_records_spends_its_time_waiting_also_for_another_shard() {
    let broker = start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 4, &[]);
    let all = [(0, 0), (1, 0), (2, 0), (3, 0)];
    let wait_ms = LONG.as_millis() as i32;
    let poll = FetchRequest { max_wait_ms: wait_ms, min_bytes: 1, ..fetch_request("t", &all) };
    client.call(FETCH, &poll);
    let metrics = scrape_when_over(&broker, "Fetch", 1.0);
    assert!(spent(&metrics, "Fetch", "wait") >= LONG.as_secs_f64() * 0.9);
    assert_eq!(spent(&metrics, "Fetch", "read"), 0.0);
}

#[test]
fn an_answer_that_its_client_does_not_take_spends_its_time_being_sent() {
    let broker = start(&[("strome.shards", "1"), ("socket.send.buffer.bytes", "16384")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let large = "x".repeat(1_000_000);
    (0..16).for_each(|_| _ = append(&mut client, "t", 0, batch(&[&large])));
    let fetch = FetchRequest { max_bytes: i32::MAX, ..fetch_request("t", &[(0, 0)]) };
    // As above.
    let is_seen = (1..=ATTEMPTS).any(|attempt| {
        client.send(FETCH, &fetch);
        std::thread::sleep(LONG);
        client.receive::<FetchRequest>(FETCH);
        let metrics = scrape_when_over(&broker, "Fetch", f64::from(attempt));
        // Some of it went into the sockets' buffers, but not all.
        spent(&metrics, "Fetch", "send") >= LONG.as_secs_f64() * 0.5
    });
    assert!(is_seen, "what the client did not take is not told as time of sending");
}
