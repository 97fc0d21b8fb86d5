//! Families with a sample for each shard.

use net::Stage;
use protocol::ApiKey;
use storage::{JournalLevel, JournalState, WriteFigures};

use super::sums::WAYS;
use crate::admin::Facts;
use crate::admin::text::{Kind, Page, seconds};
use crate::metrics::{ApiFigures, LoopTime, ShardSnapshot};

type Shards<'a> = [(String, &'a ShardSnapshot)];

/// A family of one number for each shard.
struct Simple {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&ShardSnapshot) -> f64,
}

/// A family of a number for each shard and API.
struct PerApi {
    name: &'static str,
    help: &'static str,
    value: fn(&ApiFigures) -> u64,
}

/// A family of several numbers for each shard, told apart by a label.
struct Labelled {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    label: &'static str,
    values: fn(&ShardSnapshot, &Facts) -> Vec<(&'static str, f64)>,
}

/// A family of a number for each shard's journal in each log directory.
struct PerJournal {
    name: &'static str,
    help: &'static str,
    value: fn(&JournalLevel) -> u64,
}

/// Adds all of them.
pub fn write(page: &mut Page, shards: &Shards<'_>, facts: &Facts) {
    for family in SIMPLE {
        let mut samples = page.family(family.name, family.kind, family.help);
        for (shard, snapshot) in shards {
            samples.sample(&[("shard", shard)], (family.value)(snapshot));
        }
    }
    for family in PER_API {
        let mut samples = page.family(family.name, Kind::Counter, family.help);
        for (shard, snapshot) in shards {
            for (key, figures) in snapshot.apis.used() {
                let api = ApiKey::from_key(key).map_or_else(|| "unknown".to_owned(), |api| api.to_string());
                samples.sample(&[("shard", shard), ("api", &api)], (family.value)(figures));
            }
        }
    }
    for family in LABELLED {
        let mut samples = page.family(family.name, family.kind, family.help);
        for (shard, snapshot) in shards {
            for (value, number) in (family.values)(snapshot, facts) {
                samples.sample(&[("shard", shard), (family.label, value)], number);
            }
        }
    }
    journals(page, shards);
}

const SIMPLE: &[Simple] = &[
    counter("strome_loop_turns_total", "Turns of the shard's loop.", |s| s.turns as f64),
    counter("strome_loop_sleeps_total", "How often the shard went to sleep.", |s| s.ring.sleeps as f64),
    counter("strome_ring_enters_total", "System calls on the shard's ring.", |s| s.ring.enters as f64),
    counter("strome_ring_completions_total", "Completions that the kernel gave to the ring.", |s| {
        s.ring.completions as f64
    }),
    gauge("strome_mesh_incoming_messages", "Messages of other threads that the shard has not taken.", |s| {
        s.mesh.incoming as f64
    }),
    gauge("strome_mesh_waiting_messages", "Messages of the shard that wait because a lane is full.", |s| {
        s.mesh.waiting as f64
    }),
    counter("strome_mesh_full_total", "How often a message of the shard found its lane full.", |s| {
        s.mesh.full as f64
    }),
    gauge("strome_connections", "Open connections.", |s| s.connections.active as f64),
    counter("strome_connections_accepted_total", "Connections that were accepted.", |s| {
        s.connections.accepted as f64
    }),
    counter("strome_connections_refused_total", "Connections that a limit has refused.", |s| {
        s.connections.refused as f64
    }),
    counter("strome_connections_failed_total", "Connections that could not be accepted.", |s| {
        s.connections.accepts_failed as f64
    }),
    counter("strome_connections_handed_over_total", "Connections given to other shards.", |s| {
        s.connections.handed_over as f64
    }),
    counter("strome_received_bytes_total", "Bytes from clients.", |s| s.connections.received_bytes as f64),
    counter("strome_sent_bytes_total", "Bytes to clients.", |s| s.connections.sent_bytes as f64),
    counter("strome_request_memory_waits_total", "How often a request had to wait for memory.", |s| {
        s.connections.memory_waits as f64
    }),
    counter("strome_receive_pauses_total", "How often a socket was not read for a while.", |s| {
        s.connections.pauses as f64
    }),
    gauge("strome_requests_in_flight", "Requests that wait for other shards, the disk or records.", |s| {
        s.requests_waiting as f64
    }),
    gauge("strome_appends_waiting", "Appends that wait to become durable, or for room.", |s| {
        s.partitions.appends_waiting as f64
    }),
    gauge("strome_batches_stalled", "Batches that wait because too much is unwritten.", |s| {
        s.partitions.batches_stalled as f64
    }),
    gauge(
        "strome_fetches_waiting",
        "Reads that wait for records or for the disk, for a fetch or for the next one of its session.",
        |s| s.partitions.reads_waiting as f64,
    ),
    gauge("strome_logs_stalled", "Logs that wait for space on their disk.", |s| {
        s.partitions.levels.stalled_logs as f64
    }),
    counter(
        "strome_appends_refused_total",
        "How often a log took no batch because too much was unwritten.",
        |s| s.partitions.store.appends_refused as f64,
    ),
    counter("strome_cold_loads_total", "Pieces read from disk for consumers.", |s| {
        s.partitions.store.loads as f64
    }),
    counter("strome_cold_load_bytes_total", "Bytes read from disk for consumers.", |s| {
        s.partitions.store.loaded_bytes as f64
    }),
    gauge("strome_cold_loading_bytes", "Bytes that the disk is reading for consumers.", |s| {
        s.partitions.levels.loading_bytes as f64
    }),
    gauge("strome_cold_loads_waiting", "Pieces that wait to be read from disk for consumers.", |s| {
        s.partitions.levels.loads_waiting as f64
    }),
    counter("strome_retention_segments_total", "Segments removed by retention and DeleteRecords.", |s| {
        s.partitions.store.segments_dropped as f64
    }),
    counter("strome_retention_bytes_total", "Bytes of these segments.", |s| {
        s.partitions.store.dropped_bytes as f64
    }),
    counter("strome_compactions_total", "Compactions that have ended well.", |s| {
        s.partitions.compactions.done as f64
    }),
    counter("strome_compactions_failed_total", "Compactions that could not be ended.", |s| {
        s.partitions.compactions.failed as f64
    }),
    counter("strome_compaction_read_bytes_total", "Bytes that compaction has read.", |s| {
        s.partitions.compactions.bytes_read as f64
    }),
    counter("strome_compaction_written_bytes_total", "Bytes that compaction has written.", |s| {
        s.partitions.compactions.bytes_written as f64
    }),
    counter("strome_compaction_removed_bytes_total", "Bytes by which compaction made logs smaller.", |s| {
        s.partitions.compactions.bytes_removed as f64
    }),
];

const PER_API: &[PerApi] = &[
    PerApi { name: "strome_requests_total", help: "Requests.", value: |api| api.requests },
    PerApi { name: "strome_request_bytes_total", help: "Bytes of requests.", value: |api| api.request_bytes },
    PerApi {
        name: "strome_request_errors_total",
        help: "Error codes in answers; an answer may hold one for each partition.",
        value: |api| api.errors,
    },
    PerApi {
        name: "strome_requests_refused_total",
        help: "Requests that could not be read or are not served; their connections were closed.",
        value: |api| api.refused,
    },
];

const LABELLED: &[Labelled] = &[
    Labelled {
        name: "strome_loop_seconds_total",
        kind: Kind::Counter,
        help: "Time of the shard's thread: on a processor, ready for one that others had, or with nothing to do.",
        label: "state",
        values: |s, _| {
            let of = |time: LoopTime| {
                let states = [("running", time.running), ("ready", time.ready), ("parked", time.parked)];
                states.map(|(state, time)| (state, time.as_secs_f64())).to_vec()
            };
            s.time.map_or_else(Vec::new, of)
        },
    },
    Labelled {
        name: "strome_connections_closed_total",
        kind: Kind::Counter,
        help: "Connections that were closed, by reason.",
        label: "reason",
        values: |s, _| {
            let reasons = net::CloseReason::ALL.into_iter();
            reasons.map(|reason| (reason.name(), s.connections.closed_for(reason) as f64)).collect()
        },
    },
    Labelled {
        name: "strome_shard_stage_seconds_total",
        kind: Kind::Counter,
        help: "Time of all requests of the shard's connections, by the stage in which it went.",
        label: "stage",
        values: |s, _| {
            let stages = Stage::ALL.into_iter();
            stages.map(|stage| (stage.name(), seconds(s.stages.sum_ns(stage)))).collect()
        },
    },
    Labelled {
        name: "strome_memory_bytes",
        kind: Kind::Gauge,
        help: "Memory in use: requests, tails of logs, records not yet written (part of the tails), records read from disk.",
        label: "class",
        values: |s, _| {
            let levels = &s.partitions.levels;
            vec![
                ("requests", s.request_memory.0 as f64),
                ("tails", levels.cache_bytes as f64),
                ("unwritten", levels.unwritten_bytes as f64),
                ("cold", levels.cold_bytes as f64),
            ]
        },
    },
    Labelled {
        name: "strome_memory_limit_bytes",
        kind: Kind::Gauge,
        help: "The bounds of that memory.",
        label: "class",
        values: |s, facts| {
            let levels = &s.partitions.levels;
            vec![
                ("requests", facts.request_bytes_max as f64),
                ("tails", levels.cache_bytes_max as f64),
                ("unwritten", levels.unwritten_bytes_max as f64),
                ("cold", levels.cold_bytes_max as f64),
            ]
        },
    },
    Labelled {
        name: "strome_shard_partitions",
        kind: Kind::Gauge,
        help: "Partitions of the shard, by state.",
        label: "state",
        values: |s, _| {
            let partitions = &s.partitions;
            vec![
                ("online", partitions.online as f64),
                ("opening", partitions.opening as f64),
                ("offline", partitions.offline as f64),
            ]
        },
    },
    Labelled {
        name: "strome_reads_total",
        kind: Kind::Counter,
        help: "Reads of a partition, by where its records were: in the tail, in what had been read from disk, or on disk.",
        label: "source",
        values: |s, _| {
            let store = &s.partitions.store;
            vec![
                ("tail", store.memory_reads as f64),
                ("loaded", store.loaded_reads as f64),
                ("disk", store.disk_reads as f64),
            ]
        },
    },
    Labelled {
        name: "strome_commits_total",
        kind: Kind::Counter,
        help: "Writes to disk: commits through the journal, commits straight to a segment, and writes nobody waits for.",
        label: "way",
        values: |s, _| writes(s, |writes| writes.durations.count()),
    },
    Labelled {
        name: "strome_commit_bytes_total",
        kind: Kind::Counter,
        help: "Their bytes.",
        label: "way",
        values: |s, _| writes(s, |writes| writes.bytes),
    },
    Labelled {
        name: "strome_commits_failed_total",
        kind: Kind::Counter,
        help: "Writes that ended with an error.",
        label: "way",
        values: |s, _| writes(s, |writes| writes.failed),
    },
];

fn writes(s: &ShardSnapshot, value: fn(&WriteFigures) -> u64) -> Vec<(&'static str, f64)> {
    WAYS.iter().map(|way| (way.name, value((way.of)(&s.partitions.store)) as f64)).collect()
}

const PER_JOURNAL: [PerJournal; 3] = [
    PerJournal {
        name: "strome_journal_in_use",
        help: "Whether commits in the directory go through the shard's journal (1), or each log commits for itself (0).",
        value: |journal| u64::from(journal.state == JournalState::InUse),
    },
    PerJournal {
        name: "strome_journal_used_bytes",
        help: "Bytes of the journal whose records are not yet in their segments.",
        value: |journal| journal.used_bytes,
    },
    PerJournal {
        name: "strome_journal_capacity_bytes",
        help: "Bytes that the journal has room for as it is.",
        value: |journal| journal.capacity_bytes,
    },
];

fn journals(page: &mut Page, shards: &Shards<'_>) {
    for PerJournal { name, help, value } in PER_JOURNAL {
        let mut family = page.family(name, Kind::Gauge, help);
        for (shard, snapshot) in shards {
            for journal in &snapshot.partitions.levels.journals {
                let directory = journal.dir.to_string_lossy();
                family.sample(&[("shard", shard), ("directory", &directory)], value(journal));
            }
        }
    }
}

const fn counter(name: &'static str, help: &'static str, value: fn(&ShardSnapshot) -> f64) -> Simple {
    Simple { name, kind: Kind::Counter, help, value }
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&ShardSnapshot) -> f64) -> Simple {
    Simple { name, kind: Kind::Gauge, help, value }
}
