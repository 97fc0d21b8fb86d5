//! Whether a member may commit offsets: for which of its partitions its epoch is good enough.
//!
//! A member commits with the epoch that it knows. If the coordinator has led it on meanwhile, it may still commit for
//! partitions that it has had since that epoch or longer: nobody else can have had them in between (KIP-1251).

use protocol::messages::OffsetCommitRequest;
use types::{ErrorCode, PartitionIndex, TopicId};

use super::epoch::Epoch;
use super::group::ConsumerGroup;
use super::member::Member;
use super::refusal::Refusal;
use crate::names::MemberId;
use crate::request::Context;

/// The first version of OffsetCommit whose clients know what a member epoch is.
const EPOCH_VERSION: i16 = 9;

/// Who commits.
#[derive(Clone, Debug)]
pub(crate) struct Committer {
    /// The member's id; empty if it says none.
    pub member: MemberId,
    /// Whether it names itself as a static member.
    pub is_static: bool,
    /// The epoch, or the generation, or -1.
    pub epoch: Epoch,
    /// Whether the commit is part of a transaction.
    pub transactional: bool,
    /// The version of the request.
    pub version: i16,
}

impl Committer {
    /// Who sends this request.
    pub fn of(request: &OffsetCommitRequest, context: &Context<'_>) -> Self {
        Self {
            member: MemberId::from(&request.member_id),
            is_static: request.group_instance_id.is_some(),
            epoch: Epoch(request.generation_id_or_member_epoch),
            transactional: false,
            version: context.version,
        }
    }
}

/// For which partitions a commit is good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CommitGuard<'a> {
    /// For all.
    All,
    /// For those that the member has had since this epoch at the latest.
    HeldSince(&'a Member, Epoch),
}

impl ConsumerGroup {
    /// Whether this committer may commit.
    ///
    /// # Errors
    /// If not for any partition.
    pub fn guard_commit(&self, committer: &Committer) -> Result<CommitGuard<'_>, Refusal> {
        let received = committer.epoch;
        let says_nothing =
            received == Epoch::LEAVING && committer.member.as_str().is_empty() && !committer.is_static;
        // Tools commit without being members, as long as there are none. Producers need not say for whom they commit.
        if received < Epoch::ZERO && self.is_empty() || committer.transactional && says_nothing {
            return Ok(CommitGuard::All);
        }
        let member = self.member(&committer.member)?;
        if !committer.transactional && !member.is_classic() && committer.version < EPOCH_VERSION {
            return Err(Refusal::CommitWithoutEpoch);
        }
        if received > member.progress.epoch {
            return Err(wrong_epoch(member, received));
        }
        let current = received == member.progress.epoch;
        Ok(if current { CommitGuard::All } else { CommitGuard::HeldSince(member, received) })
    }

    /// Whether a member with this epoch may see the group's offsets. Without both, anybody may.
    ///
    /// # Errors
    /// If there is no such member, or if it has another epoch.
    pub fn check_fetch(&self, member: Option<&MemberId>, epoch: Epoch) -> Result<(), Refusal> {
        let Some(id) = member else {
            let unknown = || Refusal::UnknownMember(MemberId::from(""));
            return if epoch < Epoch::ZERO { Ok(()) } else { Err(unknown()) };
        };
        let member = self.member(id)?;
        if member.progress.epoch == epoch { Ok(()) } else { Err(wrong_epoch(member, epoch)) }
    }
}

impl CommitGuard<'_> {
    /// Whether the commit is good for this partition; of a topic without an id it is not known who has it.
    ///
    /// # Errors
    /// If it is not.
    pub fn check(&self, topic: Option<TopicId>, partition: PartitionIndex) -> Result<(), ErrorCode> {
        let Self::HeldSince(member, received) = self else { return Ok(()) };
        let progress = &member.progress;
        let since = topic.and_then(|topic| {
            progress.assigned.since(topic, partition).or_else(|| progress.revoking.since(topic, partition))
        });
        if since.is_some_and(|since| since <= *received) {
            return Ok(());
        }
        Err(wrong_epoch(member, *received).code())
    }
}

fn wrong_epoch(member: &Member, received: Epoch) -> Refusal {
    let expected = member.progress.epoch;
    if member.is_classic() {
        Refusal::IllegalGeneration { received, expected }
    } else {
        Refusal::StaleEpoch { received, expected }
    }
}
