//! What follows from a group's state, its members, and what is assigned to them.

use std::collections::{BTreeMap, BTreeSet};

use types::PartitionIndex;

use super::finding::{Finding, ago, counted, listed, span};
use super::look::Look;
use crate::client::{Account, Assignment, GroupKind, GroupMember};

/// A member that was silent for this part of its session, in percent, is worth a word. Members report three times in a
/// session or more often.
const SILENCE_PERCENT: i64 = 60;

/// The findings.
pub(super) fn findings(look: &Look) -> Vec<Finding> {
    let group = &look.group;
    if group.members.is_empty() {
        return empty(look).into_iter().collect();
    }
    let mut findings = Vec::new();
    match (group.kind, group.state.as_str()) {
        (_, "PreparingRebalance") => findings.push(preparing(look)),
        (_, "CompletingRebalance") => findings.push(completing(look)),
        (GroupKind::Consumer, "Assigning") => findings.push(Finding::note(
            "assigning",
            "The coordinator is about to reckon a new assignment.".to_owned(),
            "Wait: it does so with the next heartbeat of a member.",
        )),
        (GroupKind::Consumer, "Reconciling") => findings.push(reconciling(look)),
        _ => {}
    }
    findings.extend(look.account.as_ref().and_then(|account| silent(look, account)));
    if group.is_of_consumers {
        findings.extend(without_subscription(look));
        findings.extend(missing_topics(look));
        if group.state == "Stable" {
            findings.extend(unowned(look));
            findings.extend(idle(look));
        }
    }
    findings
}

/// Nobody is there. That is a problem only if there is something to read.
fn empty(look: &Look) -> Option<Finding> {
    let group = &look.group.id;
    if look.account.as_ref().is_some_and(|account| account.pending > 0) {
        return Some(Finding::note(
            "starting",
            "The group has no members yet, but clients are about to join: they were given ids.".to_owned(),
            "Look again in some seconds.",
        ));
    }
    let text = "Nobody reads: the group has no members.".to_owned();
    let advice =
        format!("Start its consumers, if it is to have any; their group.id has to be exactly {group:?}.");
    let lags = look.places.values().any(|place| place.lag().is_some_and(|lag| lag > 0));
    Some(if lags {
        Finding::problem("no-members", text, advice)
    } else {
        Finding::note("no-members", text, advice)
    })
}

/// The ids of the members that the group waits for, as people call them.
fn awaited(look: &Look, account: &Account) -> Vec<String> {
    let awaited = account.members.iter().filter(|(_, heard)| heard.is_awaited);
    let name = |(id, heard): (&String, &crate::client::Heard)| {
        format!("{}, heard of {}", look.who(id), ago(account.now.0 - heard.at.0))
    };
    awaited.map(name).collect()
}

fn preparing(look: &Look) -> Finding {
    let patience = "A member rejoins with its next poll(). If one takes long over its records, lower max.poll.records or make it \
                    faster; max.poll.interval.ms is how long the others wait for it. If it is gone, the group goes on without it \
                    when its session ends.";
    let Some(account) = &look.account else {
        return Finding::problem(
            "rebalancing",
            "A rebalance is under way: the group waits for its members to rejoin.".to_owned(),
            format!("Look again. {patience}"),
        );
    };
    let since = account
        .waiting_since
        .map_or_else(String::new, |since| format!(" for {}", span(account.now.0 - since.0)));
    let most = account.waiting_until.map_or_else(String::new, |until| {
        format!(" It waits {} more at most.", span(until.0 - account.now.0))
    });
    if account.is_initial {
        return Finding::note(
            "initial-delay",
            format!(
                "The group was empty, and has waited{since} for more members before it assigns anything.{most}"
            ),
            "Wait. group.initial.rebalance.delay.ms is how long it waits after each new member.",
        );
    }
    let names = awaited(look, account);
    let whom = if names.is_empty() {
        format!("{} that have an id and did not join with it", counted(account.pending, "client"))
    } else {
        format!(
            "{} of {} to rejoin: {}",
            names.len(),
            counted(look.group.members.len(), "member"),
            listed(&names)
        )
    };
    let text = format!("A rebalance has waited{since} for {whom}.{most} Until then nobody gets partitions.");
    Finding::problem("rebalancing", text, patience)
}

fn completing(look: &Look) -> Finding {
    let advice = "Look at that member: its log, and a thread dump. A client assigns within milliseconds, unless it cannot get the \
                  metadata of the topics.";
    let Some(account) = &look.account else {
        let text =
            "All members have rejoined, and wait for what one of them, the leader of the group, assigns.";
        return Finding::problem("assignment-awaited", text.to_owned(), format!("Look again. {advice}"));
    };
    let since = account.waiting_since.map_or(0, |since| account.now.0 - since.0);
    let text = format!(
        "All members have rejoined, and have waited for {} for the assignment of the group's leader: {}.",
        span(since),
        listed(&awaited(look, account))
    );
    Finding::problem("assignment-awaited", text, advice)
}

/// What of `this` is not in `that`.
fn beyond(this: &Assignment, that: &Assignment) -> Vec<String> {
    let mut found = Vec::new();
    for (topic, partitions) in this {
        let others = that.get(topic).map(Vec::as_slice).unwrap_or_default();
        found.extend(partitions.iter().filter(|p| !others.contains(p)).map(|p| format!("{topic}-{p}")));
    }
    found
}

fn reconciling(look: &Look) -> Finding {
    let none = Assignment::new();
    let mut gives = Vec::new();
    let mut waits = Vec::new();
    let mut behind = Vec::new();
    for member in &look.group.members {
        let target = member.target.as_ref().unwrap_or(&none);
        let (surplus, lack) = (beyond(&member.assignment, target), beyond(target, &member.assignment));
        if !surplus.is_empty() {
            gives.push(format!("{} has still to give up {}", look.who(&member.id), listed(&surplus)));
        } else if !lack.is_empty() {
            waits.push(format!("{} waits for {}", look.who(&member.id), listed(&lack)));
        } else if member.epoch < look.group.epochs.map(|epochs| epochs.group) {
            behind.push(look.who(&member.id));
        }
    }
    let mut sentences = vec!["Partitions change hands.".to_owned()];
    sentences.extend(gives.iter().take(3).map(|given| format!("{given}.")));
    sentences.extend(waits.iter().take(3).map(|waited| format!("{waited}.")));
    if gives.is_empty() && waits.is_empty() && !behind.is_empty() {
        sentences.push(format!("The new epoch has not reached {} yet.", listed(&behind)));
    }
    let account = look.account.as_ref();
    if let Some((account, until)) = account.and_then(|account| Some((account, account.waiting_until?))) {
        let left = span(until.0 - account.now.0);
        sentences.push(format!("Who has not given up its partitions in {left} is put out of the group."));
    }
    Finding::note(
        "reconciling",
        sentences.join(" "),
        "That takes a heartbeat or two. If it goes on, the member that has to give something up is busy with its records: it does \
         so in its next poll().",
    )
}

/// Members that were not heard of for suspiciously long.
fn silent(look: &Look, account: &Account) -> Option<Finding> {
    let mut names = Vec::new();
    for (id, heard) in &account.members {
        let (silence, session) = (account.now.0 - heard.at.0, i64::from(heard.session_timeout_ms));
        if silence * 100 >= session * SILENCE_PERCENT {
            let what = format!("{} for {} of its session of {}", look.who(id), span(silence), span(session));
            names.push(what);
        }
    }
    if names.is_empty() {
        return None;
    }
    Some(Finding::problem(
        "silent",
        format!(
            "Nothing was heard of {}. When the session ends the member is put out, and the others take over.",
            listed(&names)
        ),
        format!(
            "See whether its process runs, is not paused (garbage collection, a suspended host), and reaches broker {}.",
            look.group.coordinator
        ),
    ))
}

fn without_subscription(look: &Look) -> Option<Finding> {
    // A classic group tells what its members subscribe to only while it is stable.
    if look.group.kind == GroupKind::Classic && look.group.state != "Stable" {
        return None;
    }
    let none = |member: &&GroupMember| member.topics.is_empty() && member.pattern.is_none();
    let names: Vec<String> =
        look.group.members.iter().filter(none).map(|member| look.who(&member.id)).collect();
    if names.is_empty() {
        return None;
    }
    Some(Finding::problem(
        "no-subscription",
        format!("{} {} to no topic.", listed(&names), subscribes(&names)),
        "Have the application subscribe to topics, or stop it: like this it gets no partitions and takes part in every rebalance.",
    ))
}

fn missing_topics(look: &Look) -> Vec<Finding> {
    let mut findings = Vec::new();
    for topic in &look.missing {
        let subscribers = look.group.members.iter().filter(|member| member.topics.contains(topic));
        let names: Vec<String> = subscribers.map(|member| look.who(&member.id)).collect();
        if !names.is_empty() {
            findings.push(Finding::problem(
                "missing-topic",
                format!("Topic {topic} does not exist, and {} {} to it.", listed(&names), subscribes(&names)),
                format!("Create it ('strome topics create {topic}'), or mend the name in the subscription."),
            ));
        }
    }
    findings
}

const fn subscribes(names: &[String]) -> &'static str {
    if names.len() == 1 { "subscribes" } else { "subscribe" }
}

/// Partitions that somebody subscribes to and nobody has.
fn unowned(look: &Look) -> Vec<Finding> {
    let subscribed = look.subscribed();
    let mut free: BTreeMap<&String, Vec<PartitionIndex>> = BTreeMap::new();
    for ((topic, partition), place) in &look.places {
        if place.owner.is_none() && subscribed.contains(topic) {
            free.entry(topic).or_default().push(*partition);
        }
    }
    let finding = |(topic, partitions): (&String, Vec<PartitionIndex>)| {
        let names: Vec<String> = partitions.iter().map(|partition| format!("{topic}-{partition}")).collect();
        let advice = match look.group.kind {
            GroupKind::Classic => {
                "Members learn of new partitions within metadata.max.age.ms and rebalance then. If that has passed, see the log of the \
                 group's leader, whose assignor has left them out."
            }
            GroupKind::Consumer => {
                "They are on their way to a member, or kept for a static one that is away. If this lasts, see the coordinator's log."
            }
        };
        Finding::problem("unowned", format!("No member has {}.", listed(&names)), advice)
    };
    free.into_iter().map(finding).collect()
}

/// Members that have nothing to do.
fn idle(look: &Look) -> Option<Finding> {
    let members = &look.group.members;
    let names: Vec<String> = members
        .iter()
        .filter(|member| {
            member.partition_count() == 0 && !(member.topics.is_empty() && member.pattern.is_none())
        })
        .map(|member| look.who(&member.id))
        .collect();
    if names.is_empty() {
        return None;
    }
    let partitions = look.places.values().filter(|place| place.owner.is_some()).count();
    let verb = if names.len() == 1 { "has" } else { "have" };
    let topics: BTreeSet<&str> = look.subscribed().into_iter().map(String::as_str).collect();
    let why = if members.len() > partitions {
        format!(
            "there are {} for {}, and a partition goes to one member",
            counted(members.len(), "member"),
            counted(partitions, "partition")
        )
    } else {
        "the partitions of the topics that it subscribes to went to others".to_owned()
    };
    let topic = topics.first().copied().unwrap_or("TOPIC");
    Some(Finding::note(
        "idle",
        format!("{} {verb} nothing to do: {why}.", listed(&names)),
        format!(
            "Run fewer members, or give topics more partitions ('strome topics alter {topic} --partitions N'); spare members cost little."
        ),
    ))
}
