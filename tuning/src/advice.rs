//! Advice that is given for Kafka, or for brokers in general, and does nothing for Strome or harms it.

use crate::check::Effect;
use crate::table::{NO_EFFECT, measured};

/// A piece of advice.
#[derive(Clone, Copy, Debug)]
pub struct Advice {
    /// What is advised.
    pub what: &'static str,
    /// What it does to Strome.
    pub verdict: Verdict,
    /// Why.
    pub why: &'static str,
    /// What it was measured to do.
    pub effect: Option<Effect>,
}

/// What advice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Nothing,
    /// It makes something worse.
    Harm,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "does nothing",
            Self::Harm => "harms",
        }
    }
}

/// All of them.
pub const ADVICE: &[Advice] = &[
    Advice {
        what: "`vm.dirty_ratio`, `vm.dirty_background_ratio`, `vm.dirty_expire_centisecs`",
        verdict: Verdict::Nothing,
        why: "Strome writes records past the page cache, so no pages of them are ever dirty. They matter only on file systems without \
              O_DIRECT (`memory.dirty-pages`), and make nothing durable there either.",
        effect: NO_EFFECT,
    },
    Advice {
        what: "As much memory as possible for the page cache",
        verdict: Verdict::Nothing,
        why: "Consumers that keep up are answered from the broker's own cache, and others read past the page cache. \
              `strome.memory.bytes` and `strome.cache.bytes` are what counts.",
        effect: None,
    },
    Advice {
        what: "`vm.vfs_cache_pressure`, dropping caches by hand",
        verdict: Verdict::Nothing,
        why: "For the same reason; what the kernel keeps for Strome are a few names and inodes of segments.",
        effect: NO_EFFECT,
    },
    Advice {
        what: "Heap sizes, garbage collectors, `KAFKA_HEAP_OPTS`, a JVM's flags for large pages",
        verdict: Verdict::Nothing,
        why: "There is no JVM and no collector.",
        effect: None,
    },
    Advice {
        what: "`vm.max_map_count` = 262144 and more",
        verdict: Verdict::Nothing,
        why: "Kafka maps two index files of each segment; Strome maps none. The kernel's default is enough (`memory.map-count`).",
        effect: NO_EFFECT,
    },
    Advice {
        what: "Larger read-ahead of the disk (`blockdev --setra`)",
        verdict: Verdict::Nothing,
        why: "Reads past the page cache do not use it. On file systems without O_DIRECT it makes small reads large (`disk.read-ahead`).",
        effect: NO_EFFECT,
    },
    Advice {
        what: "`log.flush.interval.messages` left at Kafka's default, because replication makes records safe",
        verdict: Verdict::Harm,
        why: "What all replicas hold in memory only, a power failure takes from all of them at once. \
              The journal makes a durable commit cheap enough to be the default.",
        effect: None,
    },
    Advice {
        what: "`net.core.rmem_max` and `wmem_max` of 16 MiB and more, `tcp_rmem` and `tcp_wmem` to match",
        verdict: Verdict::Nothing,
        why: "These are bounds, and the broker asks for `socket.send.buffer.bytes` and `socket.receive.buffer.bytes`: 100 KiB. Huge buffers \
              for these settings themselves harm: thousands of connections can then fill the kernel's memory, and records wait where the broker can neither count nor order them.",
        effect: measured("no measurable effect of 16 MiB for all four, over loopback"),
    },
    Advice {
        what: "`num.io.threads`, `num.network.threads`, `num.replica.fetchers`",
        verdict: Verdict::Nothing,
        why: "A shard on each core does all of that; `strome.shards` and `strome.cpus` say how many and where.",
        effect: None,
    },
    Advice {
        what: "RAID 10 or RAID 5 below all of `log.dirs`",
        verdict: Verdict::Harm,
        why: "Replication keeps the copies. An array makes one queue of many disks, and with parity every small commit reads before it writes. \
              One log directory for each disk lets a failing disk take its own partitions offline only.",
        effect: None,
    },
    Advice {
        what: "The mount option `data=writeback` of ext4, for speed",
        verdict: Verdict::Harm,
        why: "Commits go to prewritten blocks, which changes nothing in ext4's journal, so there is no speed to gain; \
              after a crash files may show old blocks.",
        effect: None,
    },
    Advice {
        what: "`nobarrier`, or writing `write through` to `queue/write_cache` of a disk without power-loss protection",
        verdict: Verdict::Harm,
        why: "It is fast because nothing is made durable any more. A power failure takes acknowledged records.",
        effect: None,
    },
    Advice {
        what: "`fs.aio-max-nr` = 1048576",
        verdict: Verdict::Nothing,
        why: "It bounds Linux's older asynchronous I/O. Strome uses io_uring (`kernel.aio`).",
        effect: NO_EFFECT,
    },
    Advice {
        what: "Huge pages reserved with `vm.nr_hugepages`",
        verdict: Verdict::Harm,
        why: "Strome does not take them, so they are lost (`memory.huge-pages`).",
        effect: None,
    },
    Advice {
        what: "`net.ipv4.tcp_tw_reuse`, a short `tcp_fin_timeout`",
        verdict: Verdict::Nothing,
        why: "They concern who opens and closes many connections. Kafka's clients keep theirs, and the broker hardly opens any.",
        effect: NO_EFFECT,
    },
    Advice {
        what: "`net.ipv4.tcp_low_latency`, `tcp_nodelay` by hand",
        verdict: Verdict::Nothing,
        why: "The first has had no effect since Linux 4.14. The broker switches Nagle's algorithm off itself.",
        effect: None,
    },
    Advice {
        what: "Swapping off by `vm.swappiness` = 0",
        verdict: Verdict::Nothing,
        why: "It does not switch swapping off, and little differs between 0 and 10. Without swap space there is none (`memory.swap`).",
        effect: None,
    },
    Advice {
        what: "`isolcpus` and `nohz_full` for the CPUs of the shards",
        verdict: Verdict::Harm,
        why: "`nohz_full` makes every system call dearer, and a shard makes many. `isolcpus` helps only where other programs run on the host \
              and `strome.cpus` names the CPUs; otherwise they lie idle (`cpu.isolated`).",
        effect: None,
    },
];
