//! What is done with the members, in which order, and what of it is measured.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use protocol::Str;

use super::member::Member;
use super::outcome::{Change, ChangeKind, CommitRun};
use super::plan::{GroupPlan, GroupProtocol};
use super::stage::Stage;
use super::{classic::Classic, consumer::Consumer};
use crate::error::BenchError;
use crate::moment::Moment;
use crate::process::Process;
use crate::random::Random;

/// Commits are made for so long before they count.
const COMMIT_WARM_UP: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Script<'a> {
    pub(super) plan: &'a GroupPlan,
    pub(super) stage: Stage,
    /// The coordinator's, if it can be seen.
    pub(super) process: Option<Process>,
    pub(super) random: Random,
    pub(super) tell: &'a dyn Fn(String),
}

/// What it has found.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) changes: Vec<Change>,
    pub(super) commits: Vec<CommitRun>,
    /// Why it was over before its end, if it was.
    pub(super) cut_short: Option<BenchError>,
}

/// When something began, and what was used until then.
struct Mark {
    at: Moment,
    requests: u64,
    cpu_seconds: Option<f64>,
    /// The highest generation or epoch of any member.
    generation: i32,
}

impl Script<'_> {
    /// Plays it to its end, or as far as it goes.
    pub(super) async fn play(mut self) -> Played {
        let mut played = Played::default();
        played.cut_short = self.play_all(&mut played).await.err();
        played
    }

    async fn play_all(&mut self, played: &mut Played) -> Result<(), BenchError> {
        // The seat of who comes and goes, and after it those of who will die.
        let guest = self.plan.members;
        for round in 0..self.plan.rounds.max(1) {
            let all: Vec<usize> = (0..self.plan.members).collect();
            played.changes.push(self.change(ChangeKind::Start, round, |script| script.admit(&all)).await?);
            if round == 0 {
                for committers in &self.plan.committers {
                    played.commits.push(self.commit(*committers).await?);
                }
                for death in 0..self.plan.deaths {
                    played.changes.extend(self.death(death, guest + 1 + death).await?);
                }
            }
            if round < self.plan.rounds {
                self.rest(round).await?;
                played
                    .changes
                    .push(self.change(ChangeKind::Join, round, |script| script.admit(&[guest])).await?);
                self.rest(round).await?;
                let leave = |script: &mut Self| {
                    let now = script.stage.now();
                    script.stage.leave(guest, now);
                };
                played.changes.push(self.change(ChangeKind::Leave, round, leave).await?);
            }
            self.disperse().await?;
        }
        Ok(())
    }

    /// Waits, so that changes come at all times between two heartbeats: members have theirs at about the same time.
    async fn rest(&mut self, round: usize) -> Result<(), BenchError> {
        let share = (round as f64 + 0.5) / self.plan.rounds as f64;
        self.stage.pause(self.plan.heartbeat_interval.mul_f64(share)).await
    }

    fn admit(&mut self, seats: &[usize]) {
        let now = self.stage.now();
        for seat in seats {
            let terms = Rc::clone(self.stage.terms());
            let member = match self.plan.protocol {
                GroupProtocol::Classic => Member::Classic(Classic::new(terms, now)),
                GroupProtocol::Consumer => {
                    let id = format!("{:016x}{:016x}", self.random.next_u64(), self.random.next_u64());
                    Member::Consumer(Consumer::new(terms, Str::from(id), now))
                }
            };
            self.stage.admit(*seat, member);
        }
    }

    /// Makes a change and waits until every member has its new assignment, and then until all know of it.
    async fn change(
        &mut self,
        kind: ChangeKind,
        round: usize,
        make: impl FnOnce(&mut Self),
    ) -> Result<Change, BenchError> {
        let mark = self.mark();
        make(self);
        self.settle(kind, round, mark).await
    }

    async fn settle(&mut self, kind: ChangeKind, round: usize, mark: Mark) -> Result<Change, BenchError> {
        let deadline = mark.at + self.plan.settle_max;
        let (partitions, before) = (self.stage.terms().partitions, mark.generation);
        let is_assigned = |stage: &Stage| is_shared(stage, partitions, before);
        let late = || {
            let wanted = kind.name();
            let seconds = self.plan.settle_max.as_secs();
            BenchError::Failed(format!("{wanted}: the group has not settled within {seconds} s"))
        };
        let assigned = self.stage.until(deadline, is_assigned).await?.ok_or_else(late)?;
        let (requests, cpu_seconds) = (self.stage.requests(), self.cpu_seconds());
        let told = match is_known(&self.stage, before) {
            true => assigned,
            false => self
                .stage
                .until(deadline, |stage| is_known(stage, before) && is_shared(stage, partitions, before))
                .await?
                .ok_or_else(late)?,
        };
        self.stage.clear_left();
        let change = Change {
            kind,
            round,
            assigned: assigned.since(mark.at),
            told: told.since(mark.at),
            after_expiry: None,
            requests: requests - mark.requests,
            broker_cpu_seconds: cpu_seconds.zip(mark.cpu_seconds).map(|(now, then)| now - then),
        };
        (self.tell)(format!("{}: {:.3} s", kind.name(), change.assigned.as_secs_f64()));
        Ok(change)
    }

    /// One more joins and dies; both count.
    async fn death(&mut self, round: usize, seat: usize) -> Result<Vec<Change>, BenchError> {
        self.change(ChangeKind::Join, round, |script| script.admit(&[seat])).await?;
        let mark = self.mark();
        let Some(heard) = self.stage.kill(seat, mark.at) else { return Ok(Vec::new()) };
        let expiry = heard + self.plan.session_timeout;
        let at = mark.at;
        let mut change = self.settle(ChangeKind::Death, round, mark).await?;
        change.after_expiry = Some((at + change.assigned).since(expiry));
        Ok(vec![change])
    }

    async fn commit(&mut self, committers: usize) -> Result<CommitRun, BenchError> {
        let before = self.cpu_seconds();
        let time = (COMMIT_WARM_UP, self.plan.commit_time);
        let began = self.stage.now();
        let committed = self.stage.commit(committers, self.plan.commit_partitions, time).await?;
        let seconds = self.stage.now().since(began).as_secs_f64();
        let run = CommitRun {
            committers,
            seconds: self.plan.commit_time.as_secs_f64(),
            latencies: committed.latencies,
            refused: committed.refused,
            broker_cpus: self.cpu_seconds().zip(before).map(|(now, then)| (now - then) / seconds),
        };
        (self.tell)(format!("{committers} commit: {:.0} commits/s", run.per_s()));
        Ok(run)
    }

    /// Has everybody leave.
    async fn disperse(&mut self) -> Result<(), BenchError> {
        let now = self.stage.now();
        (0..self.plan.members).for_each(|seat| self.stage.leave(seat, now));
        let gone = |stage: &Stage| stage.members().all(Member::has_left);
        let deadline = now + self.plan.settle_max;
        let left = self.stage.until(deadline, gone).await?;
        self.stage.clear_left();
        left.map(drop).ok_or_else(|| BenchError::Failed("members cannot leave".to_owned()))
    }

    fn mark(&self) -> Mark {
        Mark {
            at: self.stage.now(),
            requests: self.stage.requests(),
            cpu_seconds: self.cpu_seconds(),
            generation: self.stage.members().filter_map(Member::settled_in).max().unwrap_or(0),
        }
    }

    fn cpu_seconds(&self) -> Option<f64> {
        self.process.as_ref()?.usage().map(|usage| usage.cpu_seconds)
    }
}

/// Those who have not left.
fn present(stage: &Stage) -> impl Iterator<Item = &Member> {
    stage.members().filter(|member| !member.has_left())
}

/// Whether every member has its assignment: in a classic group all in the same generation, which is a new one; in the other
/// protocol all partitions have an owner, and nobody has more than one more than another.
fn is_shared(stage: &Stage, partitions: i32, before: i32) -> bool {
    let (mut owned, mut seen, mut members) = (Vec::new(), 0, 0);
    for member in present(stage) {
        members += 1;
        match member {
            Member::Classic(_) => return is_known(stage, before),
            Member::Consumer(member) => {
                seen += member.held().len();
                owned.push(member.held());
            }
        }
    }
    let Ok(all) = usize::try_from(partitions) else { return false };
    if seen != all || members == 0 {
        return false;
    }
    let (least, most) = (all / members, all.div_ceil(members));
    let different: BTreeSet<i32> = owned.iter().flat_map(|held| held.iter().copied()).collect();
    different.len() == all && owned.iter().all(|held| (least..=most).contains(&held.len()))
}

/// Whether all members are in the same generation or epoch, which is a later one, and have nothing left to do.
fn is_known(stage: &Stage, before: i32) -> bool {
    let mut settled = present(stage).map(Member::settled_in);
    let Some(Some(first)) = settled.next() else { return false };
    first > before && settled.all(|other| other == Some(first))
}
