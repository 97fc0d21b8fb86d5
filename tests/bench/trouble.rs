//! Brokers that stand still, go away or come back in the middle of a run, and people who have seen enough.

use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::support::Broker;
use super::{await_first_second, await_line, begin, end, interrupt, list, number};

/// The broker is stopped for so long, in the middle of a run.
const PAUSE: Duration = Duration::from_secs(2);

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

/// Whether one of the warnings of a result has these words.
fn warns(result: &Value, words: &str) -> bool {
    let warnings = result["warnings"].as_array().expect("warnings");
    warnings.iter().any(|warning| warning.as_str().expect("text").contains(words))
}

#[test]
fn a_broker_that_does_not_answer_in_time_ends_the_run_and_what_was_measured_is_told() {
    let broker = Broker::start(&[]);
    let line = "produce --rate 200 --seconds 600 --warm-up 0 --request-timeout-ms 3000 --output json";
    let mut process = begin(&broker, line);
    let told = await_first_second(&mut process);
    broker.signal("STOP");
    let output = process.wait_with_output().expect("its end");
    broker.signal("CONT");
    assert_eq!(output.status.code(), Some(1));
    let (silent, told) = (format!("{} did not answer Produce", broker.address()), told.join().expect("text"));
    assert!(told.contains(&silent), "{told}");
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(result["stopped"] == true && warns(&result, &silent), "{:#}", result["warnings"]);
    // All that were due until then count, one more or less; those without an answer with the time until then.
    let (seconds, counted) = (number(&result, "seconds"), number(&result, "produce.latency.count"));
    assert!((counted - 200.0 * seconds).abs() <= 1.5, "{counted} in {seconds} s");
    assert!(number(&result, "unacknowledged_records") >= 500.0 && number(&result, "produce.records") > 0.0);
    assert!(number(&result, "produce.latency.max_us") >= 3e6, "{}", result["produce"]["latency"]);
}

#[test]
fn a_broker_that_stays_away_ends_the_run_and_what_was_measured_is_kept() {
    let mut broker = Broker::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let (saved, page) = (folder.path().join("saved.json"), folder.path().join("page.html"));
    let line = format!(
        "end-to-end --rate 200 --seconds 600 --warm-up 0 --threads 2 --request-timeout-ms 1000 --save {} --html {}",
        saved.display(),
        page.display()
    );
    let mut process = begin(&broker, &line);
    let told = await_first_second(&mut process);
    broker.kill();
    let output = process.wait_with_output().expect("its end");
    let told = told.join().expect("what it tells");
    assert!(output.status.code() == Some(1) && told.contains("a broker has been gone for"), "{told}");
    let shown = String::from_utf8(output.stdout).expect("text");
    assert!(shown.contains("s of 600 s: a broker has been gone for"), "{shown}");
    let result: Value = serde_json::from_slice(&std::fs::read(&saved).expect("a file")).expect("JSON");
    assert!(result["stopped"] == true && warns(&result, "a broker has been gone for"), "{result:#}");
    assert!(number(&result, "end_to_end.latency.count") > 0.0 && number(&result, "seconds") < 60.0);
    assert!(std::fs::read_to_string(&page).expect("a page").contains("a broker has been gone for"));
}

#[test]
fn a_run_that_ends_before_it_has_measured_anything_tells_why_and_nothing_else() {
    let mut broker = Broker::start(&[]);
    let line = "produce --rate 200 --warm-up 600 --request-timeout-ms 500 --output json";
    let mut process = begin(&broker, line);
    let told = await_line(&mut process, "warm-up");
    broker.kill();
    let output = process.wait_with_output().expect("its end");
    let told = told.join().expect("what it tells");
    assert!(output.status.code() == Some(1) && told.contains("a broker has been gone for"), "{told}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_run_that_somebody_stops_tells_what_it_has_measured_so_far() {
    let broker = Broker::start(&[]);
    let line = "end-to-end --rate 200 --seconds 600 --warm-up 0 --linger 0 --output json";
    let mut process = begin(&broker, line);
    await_first_second(&mut process);
    // What is on its way when the end comes is awaited, although the broker takes its time.
    broker.signal("STOP");
    interrupt(&process);
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
    assert!(warns(&result, "stopped it after"), "{:#}", result["warnings"]);
    assert_eq!(list(&broker, "topics"), "");
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
    assert!(warns(&result, "left behind: cannot connect"), "{:#}", result["warnings"]);
}

#[test]
fn a_search_that_somebody_stops_tells_the_best_run_it_has() {
    let broker = Broker::start(&[]);
    let page = tempfile::tempdir().unwrap().path().with_extension("html");
    let line = format!(
        "produce --rate 20 --seconds 1 --warm-up 0 --find-rate p50=10s --output json --html {}",
        page.display()
    );
    let mut process = begin(&broker, &line);
    let told = await_line(&mut process, ", holds");
    interrupt(&process);
    let output = process.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(1));
    assert!(told.join().expect("what it tells").contains("stopped before the end"));
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(result["search"]["stopped"], true);
    // The run itself came to its end.
    assert_eq!(result["stopped"], false);
    assert_eq!(result["plan"]["rate_per_s"], result["search"]["found_rate_per_s"]);
    let warning = "somebody stopped the search";
    assert!(warns(&result, warning), "{:#}", result["warnings"]);
    let shown = std::fs::read_to_string(&page).expect("a page");
    std::fs::remove_file(page).unwrap();
    assert!(shown.contains(warning));
    assert_eq!(list(&broker, "topics"), "");
}

#[test]
fn a_search_whose_broker_goes_away_tells_the_best_run_it_has() {
    let mut broker = Broker::start(&[]);
    let line = "produce --rate 20 --seconds 1 --warm-up 0 --drain 1 --find-rate p50=100ms --output plain";
    let mut process = begin(&broker, line);
    let told = await_line(&mut process, ", holds");
    broker.kill();
    let output = process.wait_with_output().expect("its end");
    let (found, told) = (String::from_utf8_lossy(&output.stdout), told.join().expect("what it tells"));
    assert!(output.status.code() == Some(1) && told.contains("cannot connect"), "{told}");
    assert!(
        found.contains("search\tfound\tp50 stays below 100 ms up to ") && found.contains(" at least\n"),
        "{found}"
    );
}

#[test]
fn a_second_interruption_waits_for_nothing() {
    let broker = Broker::start(&[]);
    let mut process = begin(&broker, "produce --rate 200 --seconds 600 --warm-up 0 --linger 0");
    let _told = await_first_second(&mut process);
    // Its last answers do not come, and its topic cannot be removed.
    broker.signal("STOP");
    interrupt(&process);
    std::thread::sleep(PAUSE / 4);
    assert!(process.try_wait().expect("its state").is_none());
    interrupt(&process);
    assert_eq!(process.wait().expect("its end").signal(), Some(2));
    broker.signal("CONT");
}
