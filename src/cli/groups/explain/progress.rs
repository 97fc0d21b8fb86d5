//! How a group gets on with its partitions: which is behind and by how much, whether it comes nearer to the end or falls back, and
//! what keeps it from reading.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use types::{Offset, PartitionIndex};

use super::Case;
use super::finding::{Finding, Severity, counted, listed, rate, span};
use super::look::{Look, Place};

/// So many partitions that are behind are told of each; the others are counted.
const PARTITIONS_SHOWN: usize = 5;

/// A member that commits now and then is behind by what came in since. What comes in during so many times the time between
/// both looks is no lag.
const LOOKS_OF_GRACE: i64 = 2;

/// The findings.
pub(super) fn findings(case: &Case) -> Vec<Finding> {
    let look = &case.now;
    let mut findings = Vec::new();
    findings.extend(gone_topics(look));
    findings.extend(leaderless(look));
    let mut behind = Vec::new();
    for ((topic, partition), place) in &look.places {
        let name = format!("{topic}-{partition}");
        findings.extend(lost(&name, place));
        findings.extend(beyond_end(&name, topic, *partition, place, look));
        behind.extend(case.lag(topic, *partition, place));
    }
    findings.extend(uncommitted(look));
    findings.extend(told(behind));
    findings
}

/// A partition that is behind.
struct Behind<'a> {
    topic: &'a str,
    partition: PartitionIndex,
    place: &'a Place,
    lag: i64,
}

/// What there is to say of one.
struct Told {
    lag: i64,
    name: String,
    finding: Finding,
}

impl Behind<'_> {
    fn name(&self) -> String {
        format!("{}-{}", self.topic, self.partition)
    }

    /// `orders-0 is 12 records behind`.
    fn what(&self) -> String {
        format!("{} is {} behind", self.name(), records(self.lag))
    }
}

impl Case {
    /// What there is to say about the lag of a partition.
    fn lag(&self, topic: &str, partition: PartitionIndex, place: &Place) -> Option<Told> {
        let lag = place.lag().filter(|lag| *lag > 0)?;
        let behind = Behind { topic, partition, place, lag };
        let finding = if place.owner.is_none() {
            nobody_reads(&behind, &self.now)
        } else if let Some(finding) = held_back(&behind) {
            finding
        } else if let Some((before, time)) = &self.before {
            let before = before.places.get(&(topic.to_owned(), partition));
            match before.and_then(|before| Pace::between(before, place)) {
                Some(pace) => self.paced(&behind, pace, *time)?,
                None => self.unpaced(&behind),
            }
        } else {
            self.unpaced(&behind)
        };
        Some(Told { lag, name: behind.name(), finding })
    }

    /// What is known after one look.
    fn unpaced(&self, behind: &Behind<'_>) -> Finding {
        let text = format!("{}{}.", behind.what(), self.reader(behind.place));
        Finding::note("behind", text, "Look again, with some --seconds, to see whether it gets on.")
    }

    /// What a partition's pace says; nothing if it keeps up.
    fn paced(&self, behind: &Behind<'_>, Pace { read, arrived }: Pace, time: Duration) -> Option<Finding> {
        let (what, reader, lag) = (behind.what(), self.reader(behind.place), behind.lag);
        if read == 0 {
            return Some(stalled(behind, &reader, time));
        }
        if lag <= arrived * LOOKS_OF_GRACE {
            return None;
        }
        let pace = format!("{} are read and {} arrive", rate(read, time), rate(arrived, time));
        Some(if read > arrived {
            let left = millis(time).saturating_mul(lag) / (read - arrived);
            let text =
                format!("{what} and catching up: {pace}{reader}. At this pace it takes {} more.", span(left));
            Finding::note("catching-up", text, "Wait.")
        } else {
            let trend = if read < arrived { "falling further behind" } else { "not coming any nearer" };
            Finding::problem("falling-behind", format!("{what} and {trend}: {pace}{reader}."), BE_FASTER)
        })
    }

    /// Who reads it.
    fn reader(&self, place: &Place) -> String {
        place.owner.as_deref().map_or_else(String::new, |owner| format!(", by {}", self.now.who(owner)))
    }
}

/// Nothing was read between both looks.
fn stalled(behind: &Behind<'_>, reader: &str, time: Duration) -> Finding {
    let Behind { topic, partition, place, .. } = behind;
    let at = place.committed.unwrap_or(Offset(0));
    let time = span(millis(time));
    Finding::problem(
        "stalled",
        format!("{} and stands still: nothing was committed in {time}{reader}.", behind.what()),
        format!(
            "See what that member does: its log, and a thread dump. It may be stuck with the record at offset {at} ('strome consume \
             {topic} --partition {partition} --offset {at} --max-messages 1' shows it), read without committing, or commit less \
             often than every {time}."
        ),
    )
}

const BE_FASTER: &str = "Make the work on each record faster, fetch more at once (max.partition.fetch.bytes, fetch.min.bytes), or add \
                         members, as long as there are partitions for them. If one partition alone is behind, see whether its keys get \
                         more records than others.";

/// What was read and what arrived between both looks.
#[derive(Clone, Copy, Debug)]
struct Pace {
    read: i64,
    arrived: i64,
}

impl Pace {
    fn between(before: &Place, now: &Place) -> Option<Self> {
        let moved = |from: Option<Offset>, to: Option<Offset>| Some(to?.0.saturating_sub(from?.0));
        // Offsets that were set back are as good as none.
        let read = moved(before.committed, now.committed)?.max(0);
        Some(Self { read, arrived: moved(before.end, now.end)?.max(0) })
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn records(count: i64) -> String {
    counted(usize::try_from(count).unwrap_or_default(), "record")
}

fn nobody_reads(behind: &Behind<'_>, look: &Look) -> Finding {
    let (what, topic, group) = (behind.what(), behind.topic, &look.group);
    if group.members.is_empty() {
        return Finding::problem(
            "not-read",
            format!("{what}, and nobody reads it."),
            "Start the group's consumers.",
        );
    }
    if matches!(group.state.as_str(), "PreparingRebalance" | "CompletingRebalance") {
        let text = format!("{what}, and waits for the end of the rebalance.");
        return Finding::note("behind", text, "See what is told here of the rebalance.");
    }
    let is_known = group.is_of_consumers && group.state == "Stable";
    if is_known && !look.subscribed().iter().any(|name| *name == topic) {
        return Finding::note(
            "not-subscribed",
            format!("{what}, and no member subscribes to {topic} by name."),
            format!(
                "If the group is done with {topic}, delete its offsets ('kafka-consumer-groups --delete-offsets'), so that nobody takes \
                 this for lag; else subscribe to it."
            ),
        );
    }
    Finding::problem(
        "not-read",
        format!("{what}, and no member has it."),
        "See what else is told here: why it is without a member.",
    )
}

/// Readers of committed records wait for the end of a transaction.
fn held_back(behind: &Behind<'_>) -> Option<Finding> {
    let Place { committed, stable_end, end, .. } = behind.place;
    let (committed, stable_end, end) = ((*committed)?, (*stable_end)?, (*end)?);
    (committed >= stable_end && stable_end < end).then(|| {
        Finding::problem(
            "open-transaction",
            format!(
                "{}: it has read up to a transaction that began at offset {stable_end} and is open. Readers of committed records \
                 wait for its end.",
                behind.what()
            ),
            "Find its producer ('kafka-transactions find-hanging', or DescribeProducers), and have it commit or abort; it is aborted \
             by itself after transaction.timeout.ms.",
        )
    })
}

/// Records that were deleted before the group read them.
fn lost(name: &str, place: &Place) -> Option<Finding> {
    let (committed, start) = (place.committed?, place.start?);
    (committed < start).then(|| {
        let missed = counted(usize::try_from(start.0 - committed.0).unwrap_or(0), "offset");
        Finding::problem(
            "deleted-before-read",
            format!(
                "{name} was committed up to {committed}, but its log begins at {start}: {missed} were deleted before the group had \
                 read them."
            ),
            "What is gone is gone: a consumer that starts there goes on where auto.offset.reset says, as a rule at the end. Keep data \
             longer (retention.ms, retention.bytes of the topic) than the group may lag.",
        )
    })
}

/// The group is ahead of the log, which cannot be unless the log was made anew.
fn beyond_end(
    name: &str,
    topic: &str,
    partition: PartitionIndex,
    place: &Place,
    look: &Look,
) -> Option<Finding> {
    let (committed, end) = (place.committed?, place.end?);
    (committed > end).then(|| {
        Finding::problem(
            "beyond-end",
            format!(
                "{name} was committed up to {committed}, but its log ends at {end}: the topic was deleted and created again, or records \
                 were lost."
            ),
            format!(
                "Stop the members, then set the group back: 'strome groups reset-offsets {} --topic {topic}:{partition} --to-earliest \
                 --execute'.",
                look.group.id
            ),
        )
    })
}

/// Partitions that a member has and that nothing was ever committed for.
fn uncommitted(look: &Look) -> Option<Finding> {
    let of = |((topic, partition), place): (&(String, PartitionIndex), &Place)| {
        let is_it = place.owner.is_some() && place.committed.is_none() && place.end > place.start;
        is_it.then(|| format!("{topic}-{partition}"))
    };
    let names: Vec<String> = look.places.iter().filter_map(of).collect();
    (!names.is_empty()).then(|| {
        Finding::note(
            "never-committed",
            format!("Nothing was ever committed for {}, though members have them and there are records.", listed(&names)),
            "Until the first commit each start begins where auto.offset.reset says: at the end, unless told otherwise, past all that is \
             there. If it stays like this, see whether the application commits (enable.auto.commit, or by itself).",
        )
    })
}

/// Topics with offsets that are gone.
fn gone_topics(look: &Look) -> Option<Finding> {
    let with_offsets = look.places.iter().filter(|(_, place)| place.committed.is_some());
    let names: BTreeSet<&String> = with_offsets.map(|((topic, _), _)| topic).collect();
    let names: Vec<String> =
        names.into_iter().filter(|topic| look.missing.contains(*topic)).cloned().collect();
    (!names.is_empty()).then(|| {
        Finding::note(
            "topic-deleted",
            format!("There are offsets of topics that do not exist any more: {}.", listed(&names)),
            "Nothing: they expire.",
        )
    })
}

/// Partitions that nobody can read because they have no leader.
fn leaderless(look: &Look) -> Vec<Finding> {
    let mut by_topic: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    for ((topic, partition), place) in &look.places {
        if place.end.is_none() && !look.missing.contains(topic) {
            by_topic.entry(topic).or_default().push(format!("{topic}-{partition}"));
        }
    }
    let finding = |(topic, names): (&String, Vec<String>)| {
        Finding::problem(
            "no-leader",
            format!("Nobody can read {}: without a leader, or not there any more.", listed(&names)),
            format!(
                "See 'strome topics describe {topic}', start the brokers that have it, and read their logs."
            ),
        )
    };
    by_topic.into_iter().map(finding).collect()
}

/// The partitions that are furthest behind, each kind of trouble for itself; the others counted.
fn told(behind: Vec<Told>) -> Vec<Finding> {
    let mut by_code: BTreeMap<(Severity, &'static str), Vec<Told>> = BTreeMap::new();
    for one in behind {
        by_code.entry((one.finding.severity, one.finding.code)).or_default().push(one);
    }
    let mut findings = Vec::new();
    for mut alike in by_code.into_values() {
        alike.sort_by_key(|one| std::cmp::Reverse(one.lag));
        let rest = alike.split_off(alike.len().min(PARTITIONS_SHOWN));
        findings.extend(alike.into_iter().map(|one| one.finding));
        if let Some(first) = rest.first() {
            let names: Vec<String> = rest.iter().map(|one| one.name.clone()).collect();
            let lag: i64 = rest.iter().map(|one| one.lag).sum();
            let text =
                format!("The same goes for {}, which are {} behind together.", listed(&names), records(lag));
            findings.push(Finding { text, ..first.finding.clone() });
        }
    }
    findings
}
