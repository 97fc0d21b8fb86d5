//! Requests about offsets: finds the group, asks whether the request may do what it wants, and has it done.

use metadata::Image;
use protocol::messages::{OffsetCommitRequest, OffsetDeleteRequest, OffsetDeleteResponse};
use types::{ErrorCode, TimestampMs, TopicName};

use super::Coordinator;
use crate::consumer::{CommitGuard, Committer, Epoch};
use crate::effects::Effects;
use crate::group::{Group, Kind};
use crate::names::{GroupId, MemberId};
use crate::offsets;
use crate::refusal;
use crate::request::{Context, OffsetFetch};

/// From this version of OffsetCommit on, a generation of a group that does not exist has an error of its own.
const GROUP_NOT_FOUND_VERSION: i16 = 9;

impl Coordinator {
    pub(super) fn commit_offsets(
        &mut self,
        request: &OffsetCommitRequest,
        context: &Context<'_>,
        out: &mut Effects,
    ) {
        if request.generation_id_or_member_epoch < 0 {
            // Whoever does not claim to be a member may commit to a group that does not exist yet.
            self.group_or_new(&request.group_id);
        }
        let response = self.with_group(&request.group_id, context.now, out, |kind, _, turn| {
            let guard = match kind {
                Kind::Classic(group) => group.check_commit(request, turn).map(|()| CommitGuard::All),
                Kind::Consumer(group) => {
                    group.guard_commit(&Committer::of(request, context)).map_err(|refusal| refusal.code())
                }
            };
            match guard {
                Ok(guard) => offsets::commit(request, &guard, context.image, turn),
                Err(error) => refusal::commit(request, error),
            }
        });
        let response = response.unwrap_or_else(|| {
            let error = if context.version >= GROUP_NOT_FOUND_VERSION {
                ErrorCode::GroupIdNotFound
            } else {
                ErrorCode::IllegalGeneration
            };
            refusal::commit(request, error)
        });
        out.reply(context.ticket, response);
    }

    pub(super) fn fetch_offsets(&mut self, request: &OffsetFetch, context: &Context<'_>, out: &mut Effects) {
        let group = self.groups.get(request.group.group_id.as_str());
        if let Some(Group { kind: Kind::Consumer(group), .. }) = group {
            let (member, epoch) = (&request.group.member_id, request.group.member_epoch);
            if let Err(refusal) =
                group.check_fetch(member.as_ref().map(MemberId::from).as_ref(), Epoch(epoch))
            {
                return out.reply(context.ticket, refusal::fetch(&request.group.group_id, refusal.code()));
            }
        }
        out.reply(context.ticket, offsets::fetch(request, group.map(|group| &group.offsets)));
    }

    pub(super) fn delete_offsets(
        &mut self,
        request: &OffsetDeleteRequest,
        context: &Context<'_>,
        out: &mut Effects,
    ) {
        let refuse =
            |error: ErrorCode| OffsetDeleteResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return out.reply(context.ticket, refuse(ErrorCode::InvalidGroupId));
        }
        let response = self.with_group(&request.group_id, context.now, out, |kind, offsets, turn| match kind
            .check_delete_offsets()
        {
            Ok(consumed) => offsets::delete(request, offsets, &consumed, turn),
            Err(error) => refuse(error),
        });
        out.reply(context.ticket, response.unwrap_or_else(|| refuse(ErrorCode::GroupIdNotFound)));
    }

    /// Deletes the offsets of topics that are no more.
    pub(super) fn forget_topics(
        &mut self,
        topics: &[TopicName],
        now: TimestampMs,
        image: &Image,
        out: &mut Effects,
    ) {
        let ids: Vec<GroupId> = self.groups.keys().cloned().collect();
        for id in ids {
            self.with_group(id.as_str(), now, out, |_, offsets, turn| {
                for name in topics {
                    let present = image.topic(name.as_str()).map(|topic| topic.id);
                    offsets.delete_topic(turn.id, name.as_str(), present, &mut turn.out.records);
                }
            });
        }
    }
}
