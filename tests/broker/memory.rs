//! How much memory many partitions take that are all in use.

use std::time::Instant;

use crate::client::Client;
use crate::prometheus::Metrics;
use crate::support::{Broker, PATIENCE};
use crate::topics::{append, batch, create};

const MIB: f64 = 1_048_576.0;
const PARTITIONS: i32 = 64;

/// `strome.cache.bytes`: 64 KiB for each partition. What they append to would be 256 KiB each if each went by itself.
const CACHE_MIB: f64 = 4.0;

#[test]
fn partitions_that_are_all_busy_share_the_cache_for_what_they_append_to() {
    let broker = Broker::start(&[
        ("strome.admin.listener", "127.0.0.1:0"),
        ("strome.shards", "1"),
        ("strome.cache.bytes", "4194304"),
    ]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", PARTITIONS, &[]);
    let (large, small) = (batch(&["x".repeat(15_000)]), batch(&["x"]));
    for partition in 0..PARTITIONS {
        for _ in 0..20 {
            append(&mut client, "t", partition, large.clone());
        }
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        // None is idle, so that none gives up its memory for that.
        for partition in 0..PARTITIONS {
            append(&mut client, "t", partition, small.clone());
        }
        let metrics = Metrics::scrape(broker.admin_address());
        let mib = |class| metrics.sum("strome_memory_bytes", &[("class", class)]) / MIB;
        let (tails, unwritten) = (mib("tails"), mib("unwritten"));
        if tails <= CACHE_MIB + unwritten {
            return;
        }
        assert!(Instant::now() < deadline, "{tails} MiB in memory, of which {unwritten} MiB are not written");
    }
}
