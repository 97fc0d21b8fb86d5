//! Why a consumer group turns a request away, in words and as one of Kafka's errors.

use std::fmt;

use protocol::Str;
use types::ErrorCode;

use super::epoch::Epoch;
use crate::names::{InstanceId, MemberId};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request makes no sense, whatever the group.
    Invalid(&'static str),
    /// The member asks for an assignor that the coordinator does not have.
    UnsupportedAssignor { name: Str, supported: String },
    /// There is no such group, or it is of another protocol and stays that way.
    NoGroup(&'static str),
    /// The group has as many members as it may have.
    Full { members_max: usize },
    /// There is no member with this id.
    UnknownMember(MemberId),
    /// There is no static member with this name.
    UnknownInstance(InstanceId),
    /// The static member goes by another id.
    FencedInstance { instance: InstanceId, owner: MemberId },
    /// The static member is still here under another id.
    UnreleasedInstance { instance: InstanceId, owner: MemberId },
    /// The member's epoch is not the one that it was given.
    FencedEpoch { received: Epoch, expected: Epoch },
    /// A later release has put the member into a state that this one does not know.
    UnknownState,
    /// What the member subscribes to is no pattern.
    InvalidPattern { pattern: Str, problem: String },
    /// A commit comes with an epoch that the member has not got.
    StaleEpoch { received: Epoch, expected: Epoch },
    /// The same from a member of the classic protocol.
    IllegalGeneration { received: Epoch, expected: Epoch },
    /// A client of the classic protocol is to join again with this id.
    MemberIdRequired(MemberId),
    /// A member of the classic protocol has no protocol that the others could use too.
    InconsistentProtocol,
    /// A member of the classic protocol has to join again.
    RebalanceInProgress,
    /// A commit comes in a version that knows of no epochs.
    CommitWithoutEpoch,
}

impl Refusal {
    /// The error that Kafka has for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::InvalidRequest,
            Self::UnsupportedAssignor { .. } => ErrorCode::UnsupportedAssignor,
            Self::NoGroup(_) => ErrorCode::GroupIdNotFound,
            Self::Full { .. } => ErrorCode::GroupMaxSizeReached,
            Self::UnknownMember(_) | Self::UnknownInstance(_) => ErrorCode::UnknownMemberId,
            Self::FencedInstance { .. } => ErrorCode::FencedInstanceId,
            Self::UnreleasedInstance { .. } => ErrorCode::UnreleasedInstanceId,
            Self::FencedEpoch { .. } | Self::UnknownState => ErrorCode::FencedMemberEpoch,
            Self::InvalidPattern { .. } => ErrorCode::InvalidRegularExpression,
            Self::StaleEpoch { .. } => ErrorCode::StaleMemberEpoch,
            Self::IllegalGeneration { .. } => ErrorCode::IllegalGeneration,
            Self::MemberIdRequired(_) => ErrorCode::MemberIdRequired,
            Self::InconsistentProtocol => ErrorCode::InconsistentGroupProtocol,
            Self::RebalanceInProgress => ErrorCode::RebalanceInProgress,
            Self::CommitWithoutEpoch => ErrorCode::UnsupportedVersion,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(problem) | Self::NoGroup(problem) => f.write_str(problem),
            Self::UnsupportedAssignor { name, supported } => {
                write!(f, "There is no assignor {name}; there are {supported}.")
            }
            Self::Full { members_max } => {
                write!(f, "The group has as many members as it may: {members_max}.")
            }
            Self::UnknownMember(member) => write!(f, "The group has no member {member}."),
            Self::UnknownInstance(instance) => write!(f, "The group has no static member {instance}."),
            Self::FencedInstance { instance, owner } => {
                write!(f, "The static member {instance} now goes by the member id {owner}.")
            }
            Self::UnreleasedInstance { instance, owner } => {
                write!(f, "The static member {instance} is still here, with the member id {owner}.")
            }
            Self::FencedEpoch { received, expected } => write!(
                f,
                "The member has epoch {expected} and not {received}. It has to give up its partitions and rejoin."
            ),
            Self::UnknownState => {
                f.write_str("The member is in an unknown state. It has to give up its partitions and rejoin.")
            }
            Self::InvalidPattern { pattern, problem } => {
                write!(f, "{:?} is no regular expression: {problem}", pattern.as_str())
            }
            Self::StaleEpoch { received, expected } | Self::IllegalGeneration { received, expected } => {
                write!(f, "The member has epoch {expected} and not {received}.")
            }
            Self::MemberIdRequired(member) => write!(f, "The member is to join with the id {member}."),
            Self::InconsistentProtocol => f.write_str("The member has no protocol that all could use."),
            Self::RebalanceInProgress => f.write_str("The member has to join again."),
            Self::CommitWithoutEpoch => f.write_str(
                "Members of a consumer group have to commit with version 9 of OffsetCommit or later.",
            ),
        }
    }
}
