//! Families over all shards: what would be too much, or means too little, for each of them.

use std::collections::BTreeMap;

use net::Stage;
use storage::{Figures, WriteFigures};
use types::Histogram;

use crate::admin::text::{Kind, Page};
use crate::metrics::{Class, ShardSnapshot, Stages, TopicFigures};

/// One kind of writes.
pub struct Way {
    /// The value of its label.
    pub name: &'static str,
    pub of: fn(&Figures) -> &WriteFigures,
}

/// All kinds.
pub const WAYS: [Way; 3] = [
    Way { name: "journal", of: |store| &store.journal_commits },
    Way { name: "segment", of: |store| &store.segment_commits },
    Way { name: "write-back", of: |store| &store.write_backs },
];

/// What is counted for each topic.
struct PerTopic {
    name: &'static str,
    help: &'static str,
    value: fn(&TopicFigures) -> u64,
}

const PER_TOPIC: [PerTopic; 6] = [
    PerTopic {
        name: "strome_topic_records_in_total",
        help: "Records that producers had appended.",
        value: |topic| topic.records_in,
    },
    PerTopic {
        name: "strome_topic_batches_in_total",
        help: "Their batches.",
        value: |topic| topic.batches_in,
    },
    PerTopic {
        name: "strome_topic_bytes_in_total",
        help: "The batches' bytes, as they are stored.",
        value: |topic| topic.bytes_in,
    },
    PerTopic {
        name: "strome_topic_records_out_total",
        help: "Records in answers to fetches, of whole batches.",
        value: |topic| topic.records_out,
    },
    PerTopic {
        name: "strome_topic_batches_out_total",
        help: "Their batches.",
        value: |topic| topic.batches_out,
    },
    PerTopic {
        name: "strome_topic_bytes_out_total",
        help: "The batches' bytes.",
        value: |topic| topic.bytes_out,
    },
];

/// Adds all of them.
pub fn write(page: &mut Page, shards: &[(String, &ShardSnapshot)]) {
    stages(page, shards);
    commits(page, shards);
    topics(page, shards);
}

fn stages(page: &mut Page, shards: &[(String, &ShardSnapshot)]) {
    let mut all = Stages::default();
    shards.iter().for_each(|(_, shard)| all.add(&shard.stages));
    let mut totals = page.family(
        "strome_request_seconds",
        Kind::Histogram,
        "How long requests took, from the first byte of the request to the last one of its answer.",
    );
    // What nobody has asked for would only make the page longer.
    let used = Class::ALL.into_iter().filter(|class| all.total(*class).count() > 0);
    for class in used.clone() {
        totals.histogram(&[("api", class.name())], all.total(class));
    }
    let mut stages = page.family(
        "strome_request_stage_seconds",
        Kind::Histogram,
        "Where that time went; every request counts in every stage, and the stages add up to the whole.",
    );
    for class in used {
        for stage in Stage::ALL {
            let labels = [("api", class.name()), ("stage", stage.name())];
            stages.histogram(&labels, &all.stage(class, stage));
        }
    }
}

fn commits(page: &mut Page, shards: &[(String, &ShardSnapshot)]) {
    let mut family = page.family(
        "strome_commit_seconds",
        Kind::Histogram,
        "How long writes to disk took, with the sync where they have one.",
    );
    for Way { name, of } in WAYS {
        let mut sum = Histogram::default();
        shards.iter().for_each(|(_, shard)| sum.add(&of(&shard.partitions.store).durations));
        family.histogram(&[("way", name)], &sum);
    }
}

fn topics(page: &mut Page, shards: &[(String, &ShardSnapshot)]) {
    let mut topics: BTreeMap<&str, TopicFigures> = BTreeMap::new();
    for (name, figures) in shards.iter().flat_map(|(_, shard)| shard.partitions.topics.iter()) {
        topics.entry(name).or_default().add(figures);
    }
    for PerTopic { name, help, value } in PER_TOPIC {
        let mut family = page.family(name, Kind::Counter, help);
        for (topic, figures) in &topics {
            family.sample(&[("topic", topic)], value(figures));
        }
    }
}
