//! A log with transactions that Kafka has written: readers of committed records are told what was aborted.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::messages::FetchRequest;
use protocol::messages::fetch::PartitionData;

use crate::client::Client;
use crate::support::Broker;
use crate::topics::{FETCH, batch, create, fetch_request, only_partition, produce};

const READ_COMMITTED: i8 = 1;

fn fixture() -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("shards/storage/tests/fixtures");
    fixtures.join("kafka-4.3-transactions/orders-0")
}

/// Puts the files that Kafka has left, but for those with this ending, into the place of a stopped broker's log.
fn take_over(log: &Path, but_for: &str) {
    for entry in fs::read_dir(log).expect("the log") {
        let path = entry.expect("an entry").path();
        if path.file_name().is_some_and(|name| name != "partition.metadata") {
            fs::remove_file(path).expect("a file");
        }
    }
    for entry in fs::read_dir(fixture()).expect("the fixture") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name != "partition.metadata" && (but_for.is_empty() || !name.ends_with(but_for)) {
            fs::copy(&path, log.join(name)).expect("a copy");
        }
    }
}

fn fetch_committed(client: &mut Client, from: i64, bytes_max: i32) -> PartitionData {
    let mut request: FetchRequest =
        FetchRequest { isolation_level: READ_COMMITTED, ..fetch_request("orders", &[(0, from)]) };
    request.topics[0].partitions[0].partition_max_bytes = bytes_max;
    only_partition(client.call(FETCH, &request))
}

/// Producer and first offset of each aborted transaction.
fn aborted(data: &PartitionData) -> Vec<(i64, i64)> {
    assert_eq!(data.error_code, 0);
    let told = data.aborted_transactions.as_ref().expect("a list for readers of committed records");
    told.iter().map(|aborted| (aborted.producer_id, aborted.first_offset)).collect()
}

/// The same for all fetches that it takes to read from `from` to the log's end.
fn all_aborted(client: &mut Client, from: i64) -> Vec<(i64, i64)> {
    let (mut next, mut all) = (from, Vec::new());
    loop {
        let data = fetch_committed(client, next, 1 << 20);
        let new = aborted(&data).into_iter().filter(|told| !all.contains(told)).collect::<Vec<_>>();
        all.extend(new);
        let bytes = data.records.clone().unwrap_or_default().into_bytes();
        let Some(last) = record::batches(&bytes).last() else { return all };
        next = last.expect("whole batches").0.next_offset().0;
    }
}

fn expect_aborted(client: &mut Client) {
    assert_eq!(all_aborted(client, 0), [(0, 0), (0, 7), (1, 9), (0, 15)]);
    assert_eq!(aborted(&fetch_committed(client, 0, 1)), [(0, 0)], "of what is answered");
    assert_eq!(all_aborted(client, 13), [(1, 9), (0, 15)]);
    assert_eq!(all_aborted(client, 18), []);
    let uncommitted = only_partition(client.call(FETCH, &fetch_request("orders", &[(0, 0)])));
    assert_eq!(uncommitted.aborted_transactions, None);
}

/// With what Kafka has left, without its indexes, and without its snapshots and indexes: the log says the same.
#[test]
fn readers_of_committed_records_are_told_of_aborted_transactions_in_a_log_of_kafkas() {
    for (lost, damaged) in [("", false), ("", true), (".snapshot", true), (".txnindex", false)] {
        let mut broker = Broker::start(&[("strome.shards", "1")]);
        create(&mut Client::connect(broker.address()), "orders", 1, &[]);
        assert!(broker.stop().success());
        let log = broker.data_dir().join("orders-0");
        take_over(&log, lost);
        if lost == ".txnindex" {
            // Only the log can tell, from its beginning on.
            for entry in fs::read_dir(&log).expect("the log") {
                let path = entry.expect("an entry").path();
                if path.extension().is_some_and(|extension| extension == "snapshot") {
                    fs::remove_file(path).expect("a snapshot");
                }
            }
        }
        let one = log.join("00000000000000000008.txnindex");
        if damaged {
            fs::write(&one, "damaged").expect("it");
        }
        broker.restart();
        let mut client = Client::connect(broker.address());
        expect_aborted(&mut client);
        // It goes on, and what a clean stop leaves are Kafka's files again.
        assert_eq!(produce(&mut client, "orders", 0, batch(&["more"])).base_offset, 21);
        assert!(broker.stop().success());
        for base in [4, 8, 13, 15] {
            let name = format!("{base:020}.txnindex");
            let (ours, kafkas) = (fs::read(log.join(&name)), fs::read(fixture().join(&name)));
            assert_eq!(ours.expect("an index"), kafkas.expect("an index"), "{name}, {lost}, {damaged}");
        }
        broker.restart();
        expect_aborted(&mut Client::connect(broker.address()));
    }
}
