//! Where the time of requests went, as the broker's metrics tell it: the difference of two looks at `/metrics`, one before
//! what is measured and one after it, beside what the client has seen.
//!
//! # Invariants
//! - Looking holds up no thread that works, and nothing that goes wrong with it ends a run.
//! - What two looks do not tell for sure is not told.
//!
//! # Not here
//! What each stage is (the broker's docs/METRICS.md).

mod buckets;
mod exposition;
mod page;
mod scrape;

use std::collections::BTreeMap;
use std::thread::{self, JoinHandle};

use serde_json::{Map, Value, json};

use self::buckets::Buckets;
use self::page::Page;
use crate::dial::Address;
use crate::error::BenchError;
use crate::plan::{Acks, Plan};
use crate::tally::Tally;
use crate::words::micros;

/// The stages of a request in their order, and what it waits for in each.
const STAGES: &[(&str, &str)] = &[
    ("socket", "the rest of requests coming in"),
    ("queue", "requests waiting for memory, for older ones or for their turn"),
    ("work", "decoding, checking and answering"),
    ("hop", "the way to the partition's shard and back"),
    ("commit", "records becoming durable"),
    ("read", "reading from disk"),
    ("wait", "waiting for records to come, for others of a group, or for the controller"),
    ("send", "older answers, and the client taking them"),
];

/// What a client's own requests may differ by from those that the broker counts, for those that are under way when it is
/// looked.
const OTHERS_FACTOR: f64 = 1.05;
const OTHERS_MIN: f64 = 10.0;
/// A fetch without records is not timed by the client; with more of them than this its mean is that of something else.
const FETCHES_TIMED_SHARE_MIN: f64 = 0.99;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Who was asked.
    pub admin: Address,
    /// The APIs that the run is about, those that were called.
    pub apis: Vec<ApiTime>,
    /// The shards of the broker, with the time of all APIs together.
    pub shards: Vec<ShardTime>,
    /// Writes to disk.
    pub writes: Vec<WriteTime>,
    /// What makes these figures doubtful.
    pub doubts: Vec<String>,
}

/// The time of the requests of one API. Times are in microseconds; percentiles are bounds that the truth does not exceed.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiTime {
    /// Kafka's name of it.
    pub api: String,
    /// How many there were.
    pub requests: u64,
    /// From their first byte to the last one of their answers, in the broker.
    pub mean_us: f64,
    /// See above.
    pub p99_at_most_us: Option<f64>,
    /// Where it went, in a request's order.
    pub stages: Vec<StageTime>,
    /// What the client saw on average: for records that were produced from when they were due, for fetches from when they
    /// were sent. `None` where that is not comparable.
    pub client_mean_us: Option<f64>,
}

/// One stage of an API's requests.
#[derive(Clone, Debug, PartialEq)]
pub struct StageTime {
    /// Its name in the metrics.
    pub stage: String,
    /// Over all requests.
    pub mean_us: f64,
    /// Of the whole, from 0 to 1.
    pub share: f64,
    /// See [`ApiTime`].
    pub p99_at_most_us: Option<f64>,
}

/// The time of all requests that came to a shard.
#[derive(Clone, Debug, PartialEq)]
pub struct ShardTime {
    /// Its number.
    pub shard: u32,
    /// Seconds by stage, in a request's order.
    pub stages: Vec<(String, f64)>,
}

/// One way of writing to disk.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteTime {
    /// Its name in the metrics.
    pub way: String,
    /// How many writes there were.
    pub writes: u64,
    /// How long they took, in microseconds.
    pub mean_us: f64,
    /// See [`ApiTime`].
    pub p99_at_most_us: Option<f64>,
}

/// Somebody who looks at a broker's metrics when a run begins and ends.
#[derive(Debug)]
pub(crate) struct Witness {
    admin: Address,
    before: Look,
    after: Option<Look>,
}

/// On its way, or done.
#[derive(Debug)]
enum Look {
    Done(Result<Page, String>),
    Underway(JoinHandle<Result<Page, String>>),
}

/// What was seen between the two looks.
#[derive(Debug)]
pub(crate) struct Looks {
    admin: Address,
    between: Page,
}

impl Witness {
    /// Looks for the first time, and waits for that.
    pub(crate) fn new(admin: Address) -> Result<Self, BenchError> {
        match look(&admin) {
            Ok(page) => Ok(Self { admin, before: Look::Done(Ok(page)), after: None }),
            Err(why) => Err(BenchError::Unexplained { admin, why }),
        }
    }

    /// What is measured begins. Nobody waits for the look.
    pub(crate) fn look_before(&mut self) {
        self.before = Look::begin(&self.admin);
    }

    /// What is measured is over. Nobody waits for the look.
    pub(crate) fn look_after(&mut self) {
        self.after = Some(Look::begin(&self.admin));
    }

    /// What was seen. The last look is now, if there was none.
    pub(crate) fn conclude(self) -> Result<Looks, BenchError> {
        let Self { admin, before, after } = self;
        let after = after.unwrap_or_else(|| Look::begin(&admin));
        let between = before.end().and_then(|before| after.end()?.since(&before));
        match between {
            Ok(between) => Ok(Looks { admin, between }),
            Err(why) => Err(BenchError::Unexplained { admin, why }),
        }
    }
}

impl Look {
    fn begin(admin: &Address) -> Self {
        let admin = admin.clone();
        match thread::Builder::new().name("bench-explain".to_owned()).spawn(move || look(&admin)) {
            Ok(underway) => Self::Underway(underway),
            Err(error) => Self::Done(Err(format!("cannot start a thread: {error}"))),
        }
    }

    fn end(self) -> Result<Page, String> {
        match self {
            Self::Done(page) => page,
            Self::Underway(thread) => {
                thread.join().unwrap_or_else(|_| Err("the thread that looked has died".to_owned()))
            }
        }
    }
}

fn look(admin: &Address) -> Result<Page, String> {
    Page::read(&scrape::page(admin)?)
}

/// What the looks mean beside what the client has seen.
pub(crate) fn explain(
    looks: &Looks,
    plan: &Plan,
    total: &Tally,
    brokers: usize,
) -> Result<Explanation, BenchError> {
    let Looks { admin, between } = looks;
    let mut doubts = Vec::new();
    if brokers > 1 {
        doubts.push(format!("the explanation is of one broker of {brokers}, the one with {admin}"));
    }
    let produces = plan.mode.produces().then_some(("Produce", total.produce_requests));
    let consumes = plan.mode.consumes().then_some(("Fetch", total.fetch_requests));
    let mut apis = Vec::new();
    for (api, own) in [produces, consumes].into_iter().flatten() {
        let Some(time) = api_time(between, api, client_mean_us(api, plan, total)) else { continue };
        if time.requests as f64 > own as f64 * OTHERS_FACTOR + OTHERS_MIN {
            doubts.push(format!(
                "the broker answered {} {api} requests, of which {own} were this run's: the explanation is of all",
                time.requests
            ));
        }
        apis.push(time);
    }
    if apis.is_empty() {
        return Err(unseen(admin));
    }
    Ok(Explanation { admin: admin.clone(), apis, shards: shards(between), writes: writes(between), doubts })
}

/// The APIs by which members of groups live.
const GROUP_APIS: [&str; 6] =
    ["JoinGroup", "SyncGroup", "Heartbeat", "ConsumerGroupHeartbeat", "OffsetCommit", "Group"];

/// What the looks mean for a group, whose members saw commits take so long on average.
pub(crate) fn explain_groups(looks: &Looks, commit_mean_us: Option<f64>) -> Result<Explanation, BenchError> {
    let Looks { admin, between } = looks;
    let client_mean_us = |api: &str| commit_mean_us.filter(|_| api == "OffsetCommit");
    let times = GROUP_APIS.iter().filter_map(|api| api_time(between, api, client_mean_us(api)));
    let apis: Vec<ApiTime> = times.collect();
    if !apis.iter().any(|time| ["JoinGroup", "ConsumerGroupHeartbeat"].contains(&time.api.as_str())) {
        return Err(unseen(admin));
    }
    let (shards, writes) = (shards(between), writes(between));
    Ok(Explanation { admin: admin.clone(), apis, shards, writes, doubts: Vec::new() })
}

fn unseen(admin: &Address) -> BenchError {
    let why = "the broker has seen no request of this run; --admin must name the one that is measured";
    BenchError::Unexplained { admin: admin.clone(), why: why.to_owned() }
}

/// What the client saw of an API, if that is what the broker's figures are about too.
fn client_mean_us(api: &str, plan: &Plan, total: &Tally) -> Option<f64> {
    match api {
        "Produce" if plan.produce.acks != Acks::None => total.produce.mean_us(),
        "Fetch" => {
            let timed = total.fetch.count() as f64 >= total.fetch_requests as f64 * FETCHES_TIMED_SHARE_MIN;
            total.fetch.mean_us().filter(|_| timed)
        }
        _ => None,
    }
}

fn api_time(between: &Page, api: &str, client_mean_us: Option<f64>) -> Option<ApiTime> {
    let whole = between.requests.get(api)?;
    let mean_us = whole.mean_us()?;
    let of_api = between.stages.iter().filter(|((of, _), _)| of == api);
    let mut stages: Vec<StageTime> =
        of_api.filter_map(|((_, stage), time)| stage_time(stage, time, mean_us)).collect();
    stages.sort_by_key(|stage| place(&stage.stage));
    Some(ApiTime {
        api: api.to_owned(),
        requests: whole.count(),
        mean_us,
        p99_at_most_us: whole.percentile_at_most_us(99.0),
        stages,
        client_mean_us,
    })
}

fn stage_time(stage: &str, time: &Buckets, whole_us: f64) -> Option<StageTime> {
    let mean_us = time.mean_us()?;
    let share = if whole_us > 0.0 { mean_us / whole_us } else { 0.0 };
    Some(StageTime {
        stage: stage.to_owned(),
        mean_us,
        share,
        p99_at_most_us: time.percentile_at_most_us(99.0),
    })
}

fn shards(between: &Page) -> Vec<ShardTime> {
    let mut shards: BTreeMap<u32, Vec<(String, f64)>> = BTreeMap::new();
    for ((shard, stage), seconds) in &between.shards {
        shards.entry(*shard).or_default().push((stage.clone(), *seconds));
    }
    let one = |(shard, mut stages): (u32, Vec<(String, f64)>)| {
        stages.sort_by_key(|(stage, _)| place(stage));
        ShardTime { shard, stages }
    };
    shards.into_iter().map(one).collect()
}

fn writes(between: &Page) -> Vec<WriteTime> {
    let one = |(way, time): (&String, &Buckets)| {
        Some(WriteTime {
            way: way.clone(),
            writes: time.count(),
            mean_us: time.mean_us()?,
            p99_at_most_us: time.percentile_at_most_us(99.0),
        })
    };
    between.commits.iter().filter_map(one).collect()
}

/// A stage that is not known here comes last.
fn place(stage: &str) -> usize {
    STAGES.iter().position(|(name, _)| *name == stage).unwrap_or(STAGES.len())
}

impl ApiTime {
    /// How much of what the client saw was outside the broker, on average: batches that gather, the client itself, the
    /// network and the kernels between. It is below zero where larger requests, which carry more records, are quicker.
    #[must_use]
    pub fn outside_mean_us(&self) -> Option<f64> {
        self.client_mean_us.map(|client| client - self.mean_us)
    }

    /// The stage in which most of the broker's time went.
    #[must_use]
    pub fn largest(&self) -> Option<&StageTime> {
        self.stages.iter().max_by(|left, right| left.mean_us.total_cmp(&right.mean_us))
    }

    /// The largest part of all, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Some(largest) = self.largest() else { return "the broker names no stages".to_owned() };
        let meaning = STAGES.iter().find(|(name, _)| *name == largest.stage);
        let meaning = meaning.map_or(String::new(), |(_, meaning)| format!(" ({meaning})"));
        let inside = format!(
            "{}{meaning}, {} of {} or {:.0} %",
            largest.stage,
            micros(largest.mean_us),
            micros(self.mean_us),
            largest.share * 100.0
        );
        match self.client_mean_us.zip(self.outside_mean_us()) {
            Some((client, outside)) if outside > largest.mean_us => format!(
                "the largest part of what the client saw is outside the broker, {} of {} or {:.0} %; inside it is {inside}",
                micros(outside),
                micros(client),
                outside / client * 100.0
            ),
            _ => format!("the largest part of the broker's time is {inside}"),
        }
    }

    fn to_json(&self) -> Value {
        let stage = |stage: &StageTime| {
            let told = json!({
                "mean_us": stage.mean_us, "share": stage.share, "p99_at_most_us": stage.p99_at_most_us,
            });
            (stage.stage.clone(), told)
        };
        json!({
            "requests": self.requests,
            "mean_us": self.mean_us,
            "p99_at_most_us": self.p99_at_most_us,
            "stages": self.stages.iter().map(stage).collect::<Map<String, Value>>(),
            "largest_stage": self.largest().map(|largest| largest.stage.as_str()),
            "client_mean_us": self.client_mean_us,
            "outside_mean_us": self.outside_mean_us(),
            "sentence": self.sentence(),
        })
    }
}

impl Explanation {
    pub(crate) fn to_json(&self) -> Value {
        let shard = |shard: &ShardTime| {
            let stages = shard.stages.iter().map(|(stage, seconds)| (stage.clone(), json!(seconds)));
            (shard.shard.to_string(), Value::Object(stages.collect()))
        };
        let write = |write: &WriteTime| {
            let told = json!({
                "writes": write.writes, "mean_us": write.mean_us, "p99_at_most_us": write.p99_at_most_us,
            });
            (write.way.clone(), told)
        };
        json!({
            "admin": self.admin.to_string(),
            "apis": self.apis.iter().map(|api| (api.api.clone(), api.to_json())).collect::<Map<String, Value>>(),
            "shard_stage_seconds": self.shards.iter().map(shard).collect::<Map<String, Value>>(),
            "commits": self.writes.iter().map(write).collect::<Map<String, Value>>(),
        })
    }
}

#[cfg(test)]
mod tests;
