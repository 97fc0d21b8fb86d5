//! What operators ask: describing, listing and deleting groups.

use std::collections::BTreeSet;

use protocol::Str;
use protocol::messages::groups::{DeletableGroupResult, DescribedGroup, ListedGroup};
use protocol::messages::{ListGroupsRequest, ListGroupsResponse};
use types::ErrorCode;

use super::Coordinator;
use crate::consumer;
use crate::effects::Effects;
use crate::group::{Group, Kind};
use crate::refusal;
use crate::request::{Context, Response};

/// From this version of DescribeGroups on, a group that does not exist has an error (KIP-1043).
const NOT_FOUND_VERSION: i16 = 6;

/// Kafka's name of the state of a group that does not exist.
const DEAD: &str = "Dead";

impl Coordinator {
    pub(super) fn describe_groups(&self, groups: &[Str], context: &Context<'_>, out: &mut Effects) {
        let described = groups.iter().map(|id| self.describe_group(id, context.version)).collect();
        out.reply(context.ticket, Response::DescribeGroups(described));
    }

    pub(super) fn describe_groups_in_detail(&self, groups: &[Str], context: &Context<'_>, out: &mut Effects) {
        let describe = |id: &Str| DescribedGroup {
            account: self
                .groups
                .get(id.as_str())
                .map(|group| group.account(context.now, context.image, &self.settings.consumer)),
            ..self.describe_group(id, context.version)
        };
        out.reply(context.ticket, Response::DescribeGroups(groups.iter().map(describe).collect()));
    }

    fn describe_group(&self, id: &Str, version: i16) -> DescribedGroup {
        let missing = match self.groups.get(id.as_str()) {
            Some(group) => match &group.kind {
                Kind::Classic(classic) => return classic.describe(&group.id),
                Kind::Consumer(_) => format!("Group {id} is not a classic group."),
            },
            None => format!("Group {id} not found."),
        };
        let mut described =
            DescribedGroup { group_id: id.clone(), group_state: DEAD.into(), ..Default::default() };
        if version >= NOT_FOUND_VERSION {
            described.error_code = ErrorCode::GroupIdNotFound.code();
            described.error_message = Some(missing.into());
        }
        described
    }

    pub(super) fn describe_consumer_groups(&self, groups: &[Str], context: &Context<'_>, out: &mut Effects) {
        let described = groups.iter().map(|id| match self.groups.get(id.as_str()) {
            // Other requests allow it, for clients of old; no member of such a group can have joined.
            _ if id.is_empty() => refusal::consumer_described(id, ErrorCode::InvalidGroupId),
            Some(Group { id, kind: Kind::Consumer(group), .. }) => {
                group.describe(id, context.image, &self.settings.consumer)
            }
            Some(_) => consumer::not_described(id, format!("Group {id} is not a consumer group.")),
            None => consumer::not_described(id, format!("Group {id} not found.")),
        });
        out.reply(context.ticket, Response::ConsumerGroupDescribe(described.collect()));
    }

    pub(super) fn list_groups(&self, request: &ListGroupsRequest, context: &Context<'_>, out: &mut Effects) {
        let lower = |texts: &[Str]| texts.iter().map(|text| text.to_lowercase()).collect::<BTreeSet<_>>();
        let (states, types) = (lower(&request.states_filter), lower(&request.types_filter));
        let passes = |filter: &BTreeSet<String>, name: &str| {
            filter.is_empty() || filter.contains(name.to_lowercase().as_str())
        };
        let listed = self
            .groups
            .values()
            .filter(|group| passes(&states, group.kind.state_name()) && passes(&types, group.kind.name()))
            .map(|group| ListedGroup {
                group_id: group.id.to_wire(),
                protocol_type: group.kind.protocol_type(),
                group_state: group.kind.state_name().into(),
                group_type: group.kind.name().into(),
            });
        out.reply(context.ticket, ListGroupsResponse { groups: listed.collect(), ..Default::default() });
    }

    pub(super) fn delete_groups(&mut self, groups: &[Str], context: &Context<'_>, out: &mut Effects) {
        let mut results = Vec::with_capacity(groups.len());
        for id in groups {
            let deleted = self.with_group(id, context.now, out, |kind, offsets, turn| {
                if !kind.is_empty() {
                    return ErrorCode::NonEmptyGroup;
                }
                offsets.delete_all(turn.id, &mut turn.out.records);
                kind.delete(turn.id, &mut turn.out.records);
                ErrorCode::None
            });
            let error = deleted.unwrap_or(ErrorCode::GroupIdNotFound);
            results.push(DeletableGroupResult { group_id: id.clone(), error_code: error.code() });
        }
        out.reply(context.ticket, Response::DeleteGroups(results));
    }
}
