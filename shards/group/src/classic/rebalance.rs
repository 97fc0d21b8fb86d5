//! The rebalance of a classic group: how long it waits for its members, and how a generation begins.

use protocol::messages::SyncGroupResponse;
use types::{ErrorCode, TimestampMs};

use super::group::ClassicGroup;
use super::join::refuse_join;
use super::state::{InitialDelay, Preparing, State, Unsynced};
use super::sync;
use crate::effects::Effects;
use crate::group::Turn;
use crate::history::Event;
use crate::names::MemberId;
use crate::refusal;

impl ClassicGroup {
    /// Something changed: a rebalance begins, or the one that is under way may be complete.
    pub(super) fn rebalance_or_go_on(&mut self, reason: &str, turn: &mut Turn<'_>) {
        match self.state {
            State::Preparing(_) => self.complete_join_if_all_joined(turn),
            State::Empty | State::Completing | State::Stable => self.prepare_rebalance(reason, turn),
        }
    }

    /// Has all members join again.
    pub fn prepare_rebalance(&mut self, reason: &str, turn: &mut Turn<'_>) {
        if self.state == State::Completing {
            for (id, waiting) in self.members.take_syncing() {
                sync::refuse(waiting, ErrorCode::RebalanceInProgress, turn);
                self.extend_session(id.as_str(), turn);
            }
        }
        self.unsynced = None;
        let initial = (self.state == State::Empty).then(|| {
            let delay_ms = turn.settings.classic.initial_rebalance_delay_ms;
            let remaining_ms = (i64::from(self.rebalance_timeout_ms()) - delay_ms).max(0);
            InitialDelay { delay_ms, remaining_ms, has_new_member: false }
        });
        let wait_ms = initial.map_or_else(|| self.rebalance_timeout_ms().into(), |initial| initial.delay_ms);
        let deadline = turn.now.plus(wait_ms);
        turn.alarm.by(deadline);
        turn.note(Event::RebalanceStarted { reason: reason.into() });
        self.transition(State::Preparing(Preparing { since: turn.now, deadline, initial }), turn.now);
        self.complete_join_if_all_joined(turn);
    }

    /// Begins the generation if nobody is missing. A group that was empty waits for its deadline all the same.
    pub(super) fn complete_join_if_all_joined(&mut self, turn: &mut Turn<'_>) {
        let State::Preparing(Preparing { initial: None, .. }) = self.state else { return };
        if self.members.joining_count() == self.members.len() && self.pending.is_empty() {
            self.complete_join(turn);
        }
    }

    /// The time for joining is over.
    pub(super) fn expire_join(&mut self, turn: &mut Turn<'_>) {
        let State::Preparing(preparing) = &mut self.state else { return };
        if let Some(initial) = &mut preparing.initial
            && initial.has_new_member
            && initial.remaining_ms > 0
        {
            let delay_ms = turn.settings.classic.initial_rebalance_delay_ms.min(initial.remaining_ms);
            let remaining_ms = (initial.remaining_ms - initial.delay_ms).max(0);
            *initial = InitialDelay { delay_ms, remaining_ms, has_new_member: false };
            preparing.deadline = turn.now.plus(delay_ms);
            turn.alarm.by(preparing.deadline);
            return;
        }
        self.complete_join(turn);
    }

    /// Begins a generation with those that have joined.
    fn complete_join(&mut self, turn: &mut Turn<'_>) {
        let State::Preparing(preparing) = &self.state else { return };
        let since = preparing.since;
        // Static members keep their places until their sessions end.
        for id in self.members.ids_where(|member| member.joining.is_none() && member.instance.is_none()) {
            turn.note(Event::Missed { member: id.clone() });
            self.forget_member(id.as_str(), turn);
        }
        if !self.members.is_empty() && !self.elect_leader() {
            // Only static members that are away are left. Their sessions will end, or one of them comes back.
            let deadline = turn.now.plus(self.rebalance_timeout_ms().into());
            turn.alarm.by(deadline);
            self.state = State::Preparing(Preparing { since, deadline, initial: None });
            return;
        }
        self.generation = self.generation.wrapping_add(1).max(0);
        if self.members.is_empty() {
            self.protocol = None;
            self.leader = None;
            self.transition(State::Empty, turn.now);
            turn.note(Event::Emptied);
            turn.out.record(self.record(turn.id, turn.now, |member| member.assignment.clone()));
            return;
        }
        self.protocol = self.elect_protocol();
        self.transition(State::Completing, turn.now);
        turn.note(Event::GenerationStarted {
            generation: self.generation,
            members: self.members.len(),
            waited_ms: turn.now.0 - since.0,
        });
        self.answer_joined(turn);
    }

    /// Tells all members of the new generation, which are to ask for their assignments next.
    fn answer_joined(&mut self, turn: &mut Turn<'_>) {
        let ids = self.members.ids_where(|_| true);
        for id in &ids {
            if let Some(waiting) = self.members.take_joining(id.as_str(), true) {
                turn.out.reply(waiting.ticket, self.join_response(id.as_str(), false));
            }
            self.extend_session(id.as_str(), turn);
        }
        let deadline = turn.now.plus(self.rebalance_timeout_ms().into());
        turn.alarm.by(deadline);
        self.unsynced = Some(Unsynced { deadline, members: ids.into_iter().collect() });
    }

    /// Keeps the leader if it has joined, else takes the first member that has. There may be none.
    fn elect_leader(&mut self) -> bool {
        let has_joined =
            |id: &MemberId| self.members.get(id.as_str()).is_some_and(|member| member.joining.is_some());
        if self.leader.as_ref().is_some_and(has_joined) {
            return true;
        }
        let Some(first) = self.members.iter().find(|member| member.joining.is_some()) else { return false };
        self.leader = Some(first.id.clone());
        true
    }

    /// Members that joined did not ask for their assignments in time: the group goes on without them.
    fn expire_sync(&mut self, turn: &mut Turn<'_>) {
        let Some(unsynced) = self.unsynced.take() else { return };
        for id in &unsynced.members {
            turn.note(Event::Missed { member: id.clone() });
            self.forget_member(id.as_str(), turn);
        }
        self.prepare_rebalance("members that joined did not ask for their assignments", turn);
    }

    /// Handles all that is due, and sets the alarm for what comes next.
    pub fn expire(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        self.pending.retain(|_, deadline| *deadline > now);
        self.complete_join_if_all_joined(turn);
        for id in self.members.ids_where(|member| member.session_deadline <= now && !member.is_excused()) {
            self.expire_session(&id, turn);
        }
        if let State::Preparing(preparing) = &self.state
            && preparing.deadline <= now
        {
            self.expire_join(turn);
        }
        if self.unsynced.as_ref().is_some_and(|unsynced| unsynced.deadline <= now) {
            self.expire_sync(turn);
        }
        if let Some(deadline) = self.first_deadline() {
            turn.alarm.by(deadline);
        }
    }

    fn expire_session(&mut self, id: &MemberId, turn: &mut Turn<'_>) {
        let Some(member) = self.members.get(id.as_str()) else { return };
        turn.note(Event::TimedOut { member: id.clone(), session_timeout_ms: member.session_timeout_ms });
        self.drop_member(id.as_str(), turn);
        self.rebalance_or_go_on(&format!("{id} was silent for too long"), turn);
    }

    /// The first time at which something is due. Whoever waits for an answer is not silent.
    fn first_deadline(&self) -> Option<TimestampMs> {
        let sessions = self.members.iter().filter(|member| !member.is_excused());
        let join = match &self.state {
            State::Preparing(preparing) => Some(preparing.deadline),
            State::Empty | State::Completing | State::Stable => None,
        };
        sessions
            .map(|member| member.session_deadline)
            .chain(self.pending.values().copied())
            .chain(join)
            .chain(self.unsynced.as_ref().map(|unsynced| unsynced.deadline))
            .min()
    }

    /// Takes a member or a pending one out, and tells it if it waits.
    pub(super) fn drop_member(&mut self, id: &str, turn: &mut Turn<'_>) {
        if self.pending.remove(id).is_none() {
            self.forget_member(id, turn);
        }
    }

    fn forget_member(&mut self, id: &str, turn: &mut Turn<'_>) {
        let Some(member) = self.members.remove(id) else { return };
        if let Some(waiting) = member.joining {
            // Its client may be alive after all. It then joins as a new member.
            refuse_join("", waiting, ErrorCode::UnknownMemberId, turn);
        }
        if let Some(waiting) = member.syncing {
            sync::refuse(waiting, ErrorCode::UnknownMemberId, turn);
        }
        if self.is_leader(id) {
            self.leader = self.members.iter().next().map(|member| member.id.clone());
        }
        if let Some(unsynced) = &mut self.unsynced {
            unsynced.members.remove(id);
        }
    }

    /// The group was loaded: from now on its members have to show that they are alive, and no more than the limit stay.
    pub fn loaded(&mut self, turn: &mut Turn<'_>) {
        for id in self.members.ids_where(|_| true) {
            self.extend_session(id.as_str(), turn);
        }
        if self.members.len() > turn.settings.classic.members_max {
            self.prepare_rebalance("the group has more members than group.max.size allows", turn);
        }
    }

    /// The coordinator ends: who waits is told so.
    pub fn unload(&mut self, error: ErrorCode, out: &mut Effects) {
        for id in self.members.ids_where(|member| member.joining.is_some()) {
            if let Some(waiting) = self.members.take_joining(id.as_str(), false) {
                out.reply(waiting.ticket, refusal::join(waiting.version, &id.to_wire(), error));
            }
        }
        for (_, waiting) in self.members.take_syncing() {
            out.reply(waiting.ticket, SyncGroupResponse { error_code: error.code(), ..Default::default() });
        }
    }

    /// How long the slowest member may take, in milliseconds.
    pub(super) fn rebalance_timeout_ms(&self) -> i32 {
        self.members.iter().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0).max(0)
    }
}
