//! What is to be measured of a group.

use std::time::Duration;

use crate::dial::Address;

/// Members that come and go, and then commit.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupPlan {
    /// Members of the group, without the one that comes and goes.
    pub members: usize,
    /// What they speak.
    pub protocol: GroupProtocol,
    /// Partitions of the topic that they share; 0 for two for each member.
    pub partitions: i32,
    /// How often the group begins, and how often somebody comes and goes.
    pub rounds: usize,
    /// How often somebody dies.
    pub deaths: usize,
    /// Between two heartbeats of a classic member. In the other protocol the broker says it.
    pub heartbeat_interval: Duration,
    /// After this silence a member is taken for dead. In the other protocol the broker says it, and this is to be the same.
    pub session_timeout: Duration,
    /// How many members commit at the same time, one run for each number.
    pub committers: Vec<usize>,
    /// Partitions in a commit.
    pub commit_partitions: i32,
    /// How long commits are measured.
    pub commit_time: Duration,
    /// A change that takes longer ends the run.
    pub settle_max: Duration,
    /// The admin listener of the coordinator, whose metrics shall say where the time of requests went, if they shall.
    pub explain: Option<Address>,
}

/// The protocol of a group's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupProtocol {
    /// The one in which a member assigns.
    Classic,
    /// KIP-848, in which the coordinator does.
    Consumer,
}

impl GroupProtocol {
    /// As the setting `group.protocol` of clients calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        }
    }
}

impl Default for GroupPlan {
    /// A hundred members with the intervals that clients have by default.
    fn default() -> Self {
        Self {
            members: 100,
            protocol: GroupProtocol::Classic,
            partitions: 0,
            rounds: 3,
            deaths: 0,
            heartbeat_interval: Duration::from_secs(3),
            session_timeout: Duration::from_secs(45),
            committers: vec![1, 8, 64],
            commit_partitions: 10,
            commit_time: Duration::from_secs(5),
            settle_max: Duration::from_secs(120),
            explain: None,
        }
    }
}

/// Each member has a connection, and this client one thread.
const MEMBERS_MAX: usize = 20_000;

impl GroupPlan {
    /// Partitions of the topic: two for each member, unless somebody says how many.
    #[must_use]
    pub fn partitions(&self) -> i32 {
        let enough = i32::try_from(self.members.saturating_mul(2)).unwrap_or(i32::MAX);
        if self.partitions > 0 { self.partitions } else { enough }
    }

    /// What is wrong with it, in words.
    pub fn check(&self) -> Result<(), String> {
        let wrong = if !(1..=MEMBERS_MAX).contains(&self.members) {
            format!("a group has 1 to {MEMBERS_MAX} members here")
        } else if self.committers.iter().any(|count| !(1..=self.members).contains(count)) {
            "those who commit are members: at least one, and no more than there are".to_owned()
        } else if !self.committers.is_empty() && !(1..=self.partitions()).contains(&self.commit_partitions) {
            "a commit has at least one partition, and no more than the topic".to_owned()
        } else if self.commit_time.is_zero() && !self.committers.is_empty() {
            "commits are measured for some time".to_owned()
        } else if self.heartbeat_interval.is_zero() || self.heartbeat_interval >= self.session_timeout {
            "the heartbeat interval must be above zero, and shorter than the timeout of a session".to_owned()
        } else {
            return Ok(());
        };
        Err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_cannot_be_carried_out_is_refused() {
        let plan = GroupPlan::default();
        assert_eq!((plan.check(), plan.partitions()), (Ok(()), 200));
        let wrong = [
            (GroupPlan { members: 0, ..plan.clone() }, "1 to 20000 members"),
            (GroupPlan { members: 20_001, ..plan.clone() }, "1 to 20000 members"),
            (GroupPlan { committers: vec![101], ..plan.clone() }, "no more than there are"),
            (GroupPlan { committers: vec![0], ..plan.clone() }, "at least one"),
            (GroupPlan { commit_partitions: 201, ..plan.clone() }, "no more than the topic"),
            (GroupPlan { commit_partitions: 0, ..plan.clone() }, "at least one partition"),
            (GroupPlan { commit_time: Duration::ZERO, ..plan.clone() }, "for some time"),
            (GroupPlan { session_timeout: Duration::from_secs(3), ..plan.clone() }, "heartbeat interval"),
            (GroupPlan { heartbeat_interval: Duration::ZERO, ..plan.clone() }, "heartbeat interval"),
        ];
        for (plan, words) in wrong {
            assert!(plan.check().is_err_and(|why| why.contains(words)), "{words}: {plan:?}");
        }
        assert_eq!(GroupPlan { commit_time: Duration::ZERO, committers: vec![], ..plan }.check(), Ok(()));
    }
}
