//! Strome's own settings.

use super::settings;

settings! {
    "strome.cache.bytes" Long Some("0"), AtLeast(0), Medium ReadOnly Acts,
        "Memory for records read back from disk; 0 takes half of `strome.memory.bytes`.";
    "strome.cpus" String Some(""), Any, High ReadOnly Acts,
        "The cores to run on, as `0-3,8`; empty for all that the process may use.";
    "strome.memory.bytes" Long Some("0"), AtLeast(0), High ReadOnly Acts,
        "Memory for requests, log tails and caches; 0 takes a quarter of what the host has, from 512 MiB to 16 GiB.";
    "strome.shards" Int Some("0"), Between(0, 255), High ReadOnly Acts,
        "Shards, each a pinned thread; 0 takes one per core, and from four cores up one less.";
}
