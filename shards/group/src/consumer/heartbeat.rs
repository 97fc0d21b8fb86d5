//! ConsumerGroupHeartbeat: a member joins, says that it is alive, changes what it wants, or gives partitions back; and
//! learns what it is to hold.

use std::sync::Arc;

use metadata::Image;
use protocol::Str;
use protocol::messages::consumer_groups::{
    ConsumerGroupHeartbeatAssignment, ConsumerGroupHeartbeatResponseTopicPartitions,
};
use protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use types::{PartitionIndex, TimestampMs};

use super::admission::{Admission, Claim};
use super::epoch::Epoch;
use super::group::ConsumerGroup;
use super::group_settings::GroupSettings;
use super::held::Held;
use super::member::{Member, MemberState, Profile, Progress};
use super::pattern::Pattern;
use super::reconciliation::{self, Goal};
use super::record;
use super::refusal::Refusal;
use super::subscription::{Match, Subscription};
use super::topics_hash;
use crate::assignor::{Assignment, Assignor};
use crate::group::Turn;
use crate::history::Event;
use crate::names::{InstanceId, MemberId};
use crate::request::Context;

/// Topics are matched with patterns at most so often. New topics may come by the hundred, and a group may have many
/// patterns.
const MATCH_INTERVAL_MS: i64 = 1_000;

/// A member that waits for others is asked to come back after a fraction of the usual interval, and one that waits for its
/// target when that is due, if it is sooner: so a rebalance takes as long as its members do, and not as long as they sleep.
const WAITING_HEARTBEATS_PER_INTERVAL: i32 = 10;

/// What is different since the member was heard of last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    /// It names other topics.
    topics: bool,
    /// It has another pattern.
    pattern: bool,
}

impl Change {
    /// Whether it subscribes to others than before.
    pub fn any(self) -> bool {
        self.topics || self.pattern
    }
}

impl ConsumerGroup {
    /// Handles the heartbeat of a member that does not leave.
    ///
    /// # Errors
    /// Why the member is turned away. Nothing has changed then.
    pub(super) fn heartbeat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        context: &Context<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let settings = GroupSettings::of(turn.id, context.image, &turn.settings.consumer);
        let id = member_id(request, context);
        let instance = request.instance_id.as_ref().map(InstanceId::from);
        let owned = request.topic_partitions.as_deref().map(owned_partitions);
        let epoch = Epoch(request.member_epoch);
        let claim = Claim { member: &id, instance: instance.as_ref(), epoch, owned: owned.as_ref() };
        let admission = self.admit(&claim, turn.settings.consumer.members_max)?;
        self.check_pattern(request)?;
        self.check_state(&id, owned.as_ref())?;

        self.take_in(admission, &id, context, turn);
        let held = self.members.get(&id).map(|member| member.progress.assigned.clone()).unwrap_or_default();
        let profile = self.profile(&id, request, context);
        let change = self.set_member_profile(&id, profile, turn);
        self.advance_group(change, settings, context.image, turn);
        self.reconcile(&id, owned.as_ref(), change.any(), context.image, turn)?;
        self.keep_session(&id, settings.session_timeout_ms, turn);
        let complete = epoch == Epoch::ZERO || is_complete(request);
        Ok(self.response(&id, (!complete).then_some(&held), settings, turn.now))
    }

    /// Lets a new member in. A static one that comes back takes over what it had under its former id.
    pub(super) fn take_in(
        &mut self,
        admission: Admission,
        id: &MemberId,
        context: &Context<'_>,
        turn: &mut Turn<'_>,
    ) {
        match admission {
            Admission::Known => {}
            Admission::New => turn.note(Event::Joined {
                member: id.clone(),
                client_id: context.client_id.into(),
                client_host: context.client_host.into(),
            }),
            Admission::Replaces(old) => self.replace(&old, id, turn),
        }
    }

    /// The member is here under another id, with all that it had.
    fn replace(&mut self, old: &MemberId, new: &MemberId, turn: &mut Turn<'_>) {
        let Some(Member { profile, progress, .. }) = self.members.get(old).cloned() else { return };
        let target = self.target.of(old).clone();
        self.emit_member_gone(old, turn);
        let progress = Progress { epoch: Epoch::ZERO, previous_epoch: Epoch::ZERO, ..progress };
        self.emit(record::profile(turn.id, new, Some(&profile)), turn.out);
        self.emit(record::target(turn.id, new, Some(&target)), turn.out);
        self.emit(record::progress(turn.id, new, Some(&progress)), turn.out);
        if let Some(instance) = profile.instance {
            turn.note(Event::Replaced { instance, old: old.clone(), new: new.clone() });
        }
    }

    /// What the member says about itself now: what the request leaves out has not changed.
    fn profile(
        &self,
        id: &MemberId,
        request: &ConsumerGroupHeartbeatRequest,
        context: &Context<'_>,
    ) -> Profile {
        let before = self.members.get(id).map(|member| member.profile.clone()).unwrap_or_default();
        let (topics, pattern) = (&request.subscribed_topic_names, &request.subscribed_topic_regex);
        let text = |now: &Option<Str>, before: Option<Str>| now.as_ref().map(Str::detached).or(before);
        Profile {
            instance: request.instance_id.as_ref().map(InstanceId::from).or(before.instance),
            rack: text(&request.rack_id, before.rack),
            client_id: unless_same(before.client_id, context.client_id),
            client_host: unless_same(before.client_host, context.client_host),
            rebalance_timeout_ms: match request.rebalance_timeout_ms {
                -1 => before.rebalance_timeout_ms,
                ms => ms,
            },
            subscription: if topics.is_some() || pattern.is_some() {
                Arc::new(before.subscription.with(topics.as_deref(), pattern.as_ref()))
            } else {
                before.subscription
            },
            assignor: text(&request.server_assignor, before.assignor),
            classic: None,
        }
    }

    /// Writes down what is new about the member.
    pub(super) fn set_member_profile(
        &mut self,
        id: &MemberId,
        profile: Profile,
        turn: &mut Turn<'_>,
    ) -> Change {
        let none = Arc::<Subscription>::default();
        let before = self.members.get(id).map(|member| &member.profile);
        let subscription = before.map_or(&none, |profile| &profile.subscription);
        let change = Change {
            topics: !subscription.same_topics(&profile.subscription),
            pattern: subscription.pattern() != profile.subscription.pattern(),
        };
        if before != Some(&profile) {
            self.emit(record::profile(turn.id, id, Some(&profile)), turn.out);
        }
        change
    }

    /// Gives the group a new epoch if its members or topics ask for it, and a target for that.
    pub(super) fn advance_group(
        &mut self,
        change: Change,
        settings: GroupSettings,
        image: &Image,
        turn: &mut Turn<'_>,
    ) {
        let rematched = self.match_patterns(image, turn);
        let reason = if self.epoch == Epoch::ZERO {
            Some("the group is new")
        } else if change.any() {
            Some("a member subscribes to other topics")
        } else if rematched {
            Some("other topics match a pattern")
        } else {
            None
        };
        self.bump_epoch(reason, image, turn);
        if self.target_is_due(turn.now, settings.assignment_interval_ms) {
            let default = turn.settings.consumer.assignors.first().and_then(|name| Assignor::named(name));
            let assignor = self.preferred_assignor(default.unwrap_or(Assignor::Uniform));
            self.update_target(assignor, image, turn);
        }
    }

    /// Gives the group its next epoch, for a reason or because its topics have changed.
    pub(super) fn bump_epoch(&mut self, reason: Option<&str>, image: &Image, turn: &mut Turn<'_>) {
        if reason.is_none() && self.seen == Some(image.index()) {
            return;
        }
        self.seen = Some(image.index());
        let hash = topics_hash::of(self.subscriptions.topics(), image);
        let changed =
            (hash != self.topics_hash).then_some("topics were created, deleted or given more partitions");
        let Some(reason) = reason.or(changed) else { return };
        if self.has_partition_metadata {
            self.emit(record::partition_metadata_gone(turn.id), turn.out);
        }
        self.emit(record::group(turn.id, Some((self.epoch.next(), hash))), turn.out);
        turn.note(Event::RebalanceStarted { reason: reason.into() });
    }

    /// Finds the topics of patterns that are new, and of all if there may be new topics. Returns whether any pattern
    /// matches others than before.
    fn match_patterns(&mut self, image: &Image, turn: &mut Turn<'_>) -> bool {
        self.forget_patterns(turn);
        let due = self.matched.is_none_or(|(index, at)| {
            let age = turn.now.0.saturating_sub(at.0);
            let refresh = turn.settings.consumer.regex_refresh_interval_ms;
            age >= refresh || age >= MATCH_INTERVAL_MS && index != image.index()
        });
        let patterns = self.subscriptions.patterns().into_iter();
        let wanted: Vec<Str> =
            patterns.filter(|text| due || self.subscriptions.matched(text).is_none()).cloned().collect();
        if due {
            self.matched = Some((image.index(), turn.now));
        }
        let mut changed = false;
        for text in wanted {
            changed |= self.match_pattern(&text, image, turn);
        }
        changed
    }

    fn match_pattern(&mut self, text: &Str, image: &Image, turn: &mut Turn<'_>) -> bool {
        // One that the log has but that cannot be compiled, as Kafka may have allowed it, matches nothing.
        let topics = Pattern::new(text).map(|pattern| pattern.topics(image)).unwrap_or_default();
        if self.subscriptions.matched(text).is_some_and(|before| before.topics == topics) {
            return false;
        }
        // The metadata log will not have 2^63 entries.
        let version = image.index().0.cast_signed();
        let matched = Match { topics, version, at: turn.now };
        self.emit(record::pattern(turn.id, text, Some(&matched)), turn.out);
        true
    }

    /// Forgets what patterns match that no member has any more.
    pub(super) fn forget_patterns(&mut self, turn: &mut Turn<'_>) {
        let patterns = self.subscriptions.patterns();
        let unused =
            self.subscriptions.matches().map(|(text, _)| text).filter(|text| !patterns.contains(text));
        for text in unused.cloned().collect::<Vec<_>>() {
            self.emit(record::pattern(turn.id, &text, None), turn.out);
        }
    }

    /// Leads the member a step towards its target.
    pub(super) fn reconcile(
        &mut self,
        id: &MemberId,
        owned: Option<&Assignment>,
        subscription_changed: bool,
        image: &Image,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let Some(member) = self.members.get(id) else { return Ok(()) };
        if member.has_reached(self.target.epoch) && !subscription_changed {
            return Ok(());
        }
        let goal = Goal {
            member: id,
            epoch: self.target.epoch,
            target: self.target.of(id),
            subscribed: &self.subscriptions.topic_ids(&member.profile.subscription, image),
            subscription_changed,
            owned,
            owners: &self.owners,
        };
        let progress = reconciliation::step(&member.progress, &goal)?;
        if progress == member.progress {
            return Ok(());
        }
        self.emit(record::progress(turn.id, id, Some(&progress)), turn.out);
        if let Some(member) = self.members.get_mut(id) {
            member.watch_revocation(turn.now);
            member.timers.next().inspect(|deadline| turn.alarm.by(*deadline));
        }
        Ok(())
    }

    /// The member is alive.
    pub(super) fn keep_session(&mut self, id: &MemberId, session_timeout_ms: i32, turn: &mut Turn<'_>) {
        if let Some(member) = self.members.get_mut(id) {
            member.start_session(turn.now, session_timeout_ms);
            member.timers.next().inspect(|deadline| turn.alarm.by(*deadline));
        }
    }

    /// What the member is told. Its assignment is left out if it is the one that it `knows`.
    fn response(
        &self,
        id: &MemberId,
        knows: Option<&Held>,
        settings: GroupSettings,
        now: TimestampMs,
    ) -> ConsumerGroupHeartbeatResponse {
        let progress = self.members.get(id).map(|member| member.progress.clone()).unwrap_or_default();
        let news = !knows.is_some_and(|known| known.same_partitions(&progress.assigned));
        ConsumerGroupHeartbeatResponse {
            member_id: Some(id.to_wire()),
            member_epoch: progress.epoch.0,
            heartbeat_interval_ms: self.heartbeat_interval_ms(&progress, settings, now),
            assignment: news.then(|| assignment(&progress.assigned)),
            ..Default::default()
        }
    }

    /// When the member is to come back.
    fn heartbeat_interval_ms(&self, progress: &Progress, settings: GroupSettings, now: TimestampMs) -> i32 {
        let interval_ms = settings.heartbeat_interval_ms;
        let soon_ms = (interval_ms / WAITING_HEARTBEATS_PER_INTERVAL).max(1);
        if let Some(due_in_ms) = self.target_due_in_ms(now, settings.assignment_interval_ms) {
            due_in_ms.clamp(1, soon_ms)
        } else if progress.state == MemberState::UnreleasedPartitions {
            soon_ms
        } else {
            interval_ms
        }
    }

    /// Whether the member is in a state that it can be led on from, whatever it is led to.
    ///
    /// # Errors
    /// If it has to give up everything first.
    pub(super) fn check_state(&self, id: &MemberId, owned: Option<&Assignment>) -> Result<(), Refusal> {
        let is_unknown = |member: &Member| member.progress.state == MemberState::Unknown;
        if self.members.get(id).is_some_and(is_unknown) && !owned.is_some_and(Assignment::is_empty) {
            return Err(Refusal::UnknownState);
        }
        Ok(())
    }
}

/// The member's id. Before clients chose it themselves, the coordinator gave one to those that came without.
fn member_id(request: &ConsumerGroupHeartbeatRequest, context: &Context<'_>) -> MemberId {
    if request.member_id.is_empty() {
        MemberId::from(context.unique.to_string().as_str())
    } else {
        MemberId::from(&request.member_id)
    }
}

/// Whether the member says everything about itself, as it does when it is not sure what the coordinator knows.
fn is_complete(request: &ConsumerGroupHeartbeatRequest) -> bool {
    let subscribes = request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some();
    request.rebalance_timeout_ms != -1 && subscribes && request.topic_partitions.is_some()
}

fn owned_partitions(
    topics: &[protocol::messages::consumer_groups::ConsumerGroupHeartbeatRequestTopicPartitions],
) -> Assignment {
    let mut owned = Assignment::new();
    for topic in topics {
        owned.extend(topic.topic_id, topic.partitions.iter().map(|partition| PartitionIndex(*partition)));
    }
    owned
}

fn unless_same(before: Str, now: &str) -> Str {
    if before == now { before } else { Str::from(now) }
}

fn assignment(held: &Held) -> ConsumerGroupHeartbeatAssignment {
    let topic = |(topic_id, partitions): (_, &std::collections::BTreeSet<PartitionIndex>)| {
        ConsumerGroupHeartbeatResponseTopicPartitions {
            topic_id,
            partitions: partitions.iter().map(|partition| partition.0).collect(),
        }
    };
    ConsumerGroupHeartbeatAssignment { topic_partitions: held.to_assignment().topics().map(topic).collect() }
}
