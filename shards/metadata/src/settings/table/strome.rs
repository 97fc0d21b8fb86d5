//! Strome's own settings.

use super::settings;

settings! {
    "strome.admin.listener" String Some("127.0.0.1:9644"), Any, Medium ReadOnly Acts,
        "Where metrics and health are served over HTTP, as host:port; empty for nowhere.";
    "strome.cache.bytes" Long Some("0"), AtLeast(0), Medium ReadOnly Acts,
        "Memory for written records that readers may want; 0 takes a quarter of `strome.memory.bytes`.";
    "strome.cpus" String Some(""), Any, High ReadOnly Acts,
        "The cores to run on, as `0-3,8`; empty for all that the process may use.";
    "strome.cpus.awake" Boolean Some("true"), Any, Medium ReadOnly Acts,
        "Whether processors are kept from sleeping while there is work, as far as the system allows: quicker answers for more power.";
    "strome.journal.bytes" Long Some("67108864"), AtLeast(0), Medium ReadOnly Acts,
        "How large each shard's journal in each log directory may grow; 0 for none: then every partition commits for itself.";
    "strome.memory.bytes" Long Some("0"), AtLeast(0), High ReadOnly Acts,
        "Memory for requests, log tails and caches; 0 takes 1/32 of what the host has, from 256 MiB to 8 GiB.";
    "strome.shards" Int Some("0"), Between(0, 255), High ReadOnly Acts,
        "Shards, each a pinned thread; 0 takes one per core, and from four cores up one less.";
}
