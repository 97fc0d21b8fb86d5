//! How fast a group shares its partitions anew when members come and go, and how fast they commit: `strome bench groups`.
//!
//! # Invariants
//! - Members behave as clients do: they learn of a change when they next ask, and do at once what they are told.
//! - All of them are connected before anything is measured.
//!
//! # Not here
//! Records: members of these groups fetch nothing.

mod classic;
mod consumer;
mod member;
mod outcome;
mod plan;
mod script;
mod stage;

pub use outcome::{Change, ChangeKind, CommitRun, GroupOutcome};
pub use plan::{GroupPlan, GroupProtocol};

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::messages::{DeleteGroupsRequest, FindCoordinatorRequest};
use protocol::{ApiKey, Str};
use reactor::{Options, Placement, Reactor, Waker, launch};
use types::{BrokerId, ErrorCode, TopicId};

use self::member::{Terms, passes};
use self::script::{Played, Script};
use self::stage::Stage;
use crate::cluster::{Access, NewTopic};
use crate::dial::{Address, Dialed};
use crate::error::BenchError;
use crate::explain::{Witness, explain_groups};
use crate::host::Host;
use crate::link::Line;
use crate::moment::Clock;
use crate::process::Process;
use crate::random::{Random, mix};

/// Between two looks for a coordinator whose topic is being made.
const BACKOFF: Duration = Duration::from_millis(100);

/// From this version on FindCoordinator asks for several at once.
const SEVERAL_KEYS_VERSION: i16 = 4;

/// How long a member may take to join again.
const REBALANCE_TIMEOUT_MS: i32 = 60_000;

/// Measures a group. `tell` hears how it goes; `stop` ends it early. What was measured until then, or until something went
/// wrong, is a result; an error if that is nothing.
pub fn run_groups(
    plan: &GroupPlan,
    access: &Access,
    tell: &mut dyn FnMut(&str),
    stop: &Arc<AtomicBool>,
) -> Result<GroupOutcome, BenchError> {
    plan.check().map_err(BenchError::Plan)?;
    let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = format!("strome-bench-group-{}-{}", began.as_millis(), std::process::id());
    let topic = Str::from(name.as_str());
    let partitions = plan.partitions();
    access.create(&[NewTopic { name, partitions, replication_factor: -1, configs: Vec::new() }])?;
    let result = measure(plan, access, &topic, began, tell, stop);
    let left_behind = access.clear_away(&[topic]);
    // If nothing was measured, the first thing that went wrong is the one to tell.
    result.map(|outcome| GroupOutcome { left_behind, ..outcome })
}

fn measure(
    plan: &GroupPlan,
    access: &Access,
    topic: &Str,
    began: Duration,
    tell: &mut dyn FnMut(&str),
    stop: &Arc<AtomicBool>,
) -> Result<GroupOutcome, BenchError> {
    let map = access.map(std::slice::from_ref(topic))?;
    let topic_id = map.topics.first().map_or(TopicId::ZERO, |topic| topic.id);
    // The group is called as its topic is.
    let coordinator = find_coordinator(access, topic)?;
    let process = Process::at(&coordinator);
    let seats = plan.members + 1 + plan.deaths;
    let lines = (0..seats)
        .map(|seat| Dialed::open(&coordinator, access).map(|dialed| Line::new(seat, BrokerId::NONE, dialed)));
    let part = Part {
        plan: plan.clone(),
        lines: lines.collect::<Result<_, _>>()?,
        group: topic.as_str().to_owned(),
        topic_id,
        process: process.clone(),
        random: Random::new(mix(began.as_nanos() as u64)),
        stop: Arc::clone(stop),
    };
    // Before the first of them joins, and after the last one has left.
    let witness = plan.explain.clone().map(Witness::new);
    let mut played = perform(part, tell)?;
    if let Some(error) = played.cut_short.take_if(|_| played.changes.is_empty()) {
        return Err(error);
    }
    let explanation = witness.map(|witness| {
        let looks = witness.and_then(Witness::conclude);
        let commits = GroupOutcome::commit_mean_us(&played.commits);
        looks.and_then(|looks| explain_groups(&looks, commits)).map_err(|error| error.to_string())
    });
    let request = DeleteGroupsRequest { groups_names: vec![topic.clone()] };
    // A group that stays behind is empty, and goes when its offsets do.
    let _ = Dialed::open(&coordinator, access).and_then(|mut connection| connection.call(&request));
    let usage = process.as_ref().and_then(Process::usage);
    Ok(GroupOutcome {
        plan: plan.clone(),
        began_unix_s: began.as_secs(),
        changes: played.changes,
        commits: played.commits,
        broker: process,
        broker_rss_bytes: usage.map(|usage| (usage.rss_bytes, usage.rss_peak_bytes)),
        explanation,
        cut_short: played.cut_short,
        left_behind: None,
        host: Host::this(),
    })
}

/// Where a group's coordinator listens. The topic that keeps groups may have to be made first.
fn find_coordinator(access: &Access, group: &Str) -> Result<Address, BenchError> {
    let deadline = Instant::now() + access.timeout;
    loop {
        let mut connection = access.any()?;
        let takes_several = connection.spoken.version(ApiKey::FindCoordinator) >= Some(SEVERAL_KEYS_VERSION);
        let request = match takes_several {
            true => FindCoordinatorRequest { coordinator_keys: vec![group.clone()], ..Default::default() },
            false => FindCoordinatorRequest { key: group.clone(), ..Default::default() },
        };
        let response = connection.call(&request)?;
        let (code, host, port) = match response.coordinators.first() {
            Some(found) => (found.error_code, &found.host, found.port),
            None => (response.error_code, &response.host, response.port),
        };
        if code == ErrorCode::None.code() {
            let port = u16::try_from(port).unwrap_or_default();
            return Ok(Address { host: host.as_str().to_owned(), port });
        }
        let what = format!("the coordinator of group {group}");
        if !passes(code) {
            return Err(BenchError::Refused { what, code, message: String::new() });
        }
        if Instant::now() + BACKOFF > deadline {
            return Err(BenchError::Exhausted { what, code, after: access.timeout });
        }
        thread::sleep(BACKOFF);
    }
}

/// What the members' thread begins with.
struct Part {
    plan: GroupPlan,
    lines: Vec<Line>,
    group: String,
    topic_id: TopicId,
    process: Option<Process>,
    random: Random,
    stop: Arc<AtomicBool>,
}

/// News of the members' thread.
enum News {
    Told(String),
    Over(Result<Played, BenchError>),
}

fn perform(part: Part, tell: &mut dyn FnMut(&str)) -> Result<Played, BenchError> {
    let (sender, news) = channel();
    let waker = Waker::new().map_err(reactor::ReactorError::Eventfd)?;
    let placement = Placement { name: "bench-groups".to_owned(), cpu: None };
    let handle = launch(placement, move || play(part, waker, sender))?;
    let mut result = None;
    for news in news {
        match news {
            News::Told(line) => tell(&line),
            News::Over(played) => result = Some(played),
        }
    }
    handle.join()?;
    result.unwrap_or(Err(BenchError::Stopped))
}

async fn play(part: Part, waker: Waker, sender: Sender<News>) {
    // Nobody listens only if the run was given up.
    let tell = |line: String| drop(sender.send(News::Told(line)));
    let result = play_on_stage(part, waker, &tell).await;
    let _ = sender.send(News::Over(result));
}

async fn play_on_stage(part: Part, waker: Waker, tell: &dyn Fn(String)) -> Result<Played, BenchError> {
    let Part { plan, lines, group, topic_id, process, random, stop } = part;
    let reactor = Reactor::new(Options::default(), waker)?;
    let terms = Terms {
        group: Str::from(group.as_str()),
        topic: Str::from(group.as_str()),
        topic_id,
        partitions: plan.partitions(),
        session_timeout_ms: i32::try_from(plan.session_timeout.as_millis()).unwrap_or(i32::MAX),
        rebalance_timeout_ms: REBALANCE_TIMEOUT_MS,
        heartbeat_interval: plan.heartbeat_interval,
    };
    let stage = Stage::new(lines, Rc::new(terms), Clock::start(), reactor, stop)?;
    Ok(Script { plan: &plan, stage, process, random, tell }.play().await)
}
