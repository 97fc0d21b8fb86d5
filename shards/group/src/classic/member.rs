//! One member of a classic group.

use std::collections::BTreeSet;

use bytes::Bytes;
use protocol::Str;
use protocol::messages::JoinGroupRequest;
use protocol::messages::group_members::JoinGroupRequestProtocol;
use types::TimestampMs;

use crate::effects::Ticket;
use crate::names::{InstanceId, MemberId};
use crate::request::Context;

/// A member of a classic group.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub id: MemberId,
    /// Set for a static member, which keeps its place while it restarts (KIP-345).
    pub instance: Option<InstanceId>,
    pub client_id: Str,
    pub client_host: Str,
    pub session_timeout_ms: i32,
    pub rebalance_timeout_ms: i32,
    /// What the member understands, the preferred first. No name is there twice.
    pub protocols: Vec<Protocol>,
    /// What the leader gave it, in the terms of the protocol.
    pub assignment: Bytes,
    /// It has not been part of a generation yet. Until it is, it cannot know its id, and so not send heartbeats.
    pub is_new: bool,
    /// It is dropped then, unless it waits for an answer.
    pub session_deadline: TimestampMs,
    /// The JoinGroup request that waits for the next generation.
    pub joining: Option<Waiting>,
    /// The SyncGroup request that waits for the assignment.
    pub syncing: Option<Waiting>,
}

/// A way of assigning partitions that a member understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub name: Str,
    /// What the member says about itself, such as the topics that it subscribes to.
    pub metadata: Bytes,
}

/// A request that is answered later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub ticket: Ticket,
    pub version: i16,
}

impl Waiting {
    pub fn of(context: &Context<'_>) -> Self {
        Self { ticket: context.ticket, version: context.version }
    }
}

impl Member {
    /// A member that joins for the first time.
    pub fn new(id: MemberId, request: &JoinGroupRequest, context: &Context<'_>) -> Self {
        Self {
            id,
            instance: request.group_instance_id.as_ref().map(InstanceId::from),
            client_id: Str::from(context.client_id),
            client_host: Str::from(context.client_host),
            session_timeout_ms: request.session_timeout_ms,
            rebalance_timeout_ms: rebalance_timeout_ms(request),
            protocols: protocols(&request.protocols),
            assignment: Bytes::new(),
            is_new: true,
            session_deadline: context.now,
            joining: None,
            syncing: None,
        }
    }

    /// Whether these are the member's protocols, in the same order and with the same metadata.
    pub fn has_protocols(&self, protocols: &[JoinGroupRequestProtocol]) -> bool {
        self.protocols.len() == protocols.len()
            && self
                .protocols
                .iter()
                .zip(protocols)
                .all(|(ours, theirs)| ours.name == theirs.name && ours.metadata == theirs.metadata)
    }

    /// What the member says about itself in this protocol; nothing if it does not understand it.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|candidate| candidate.name == *protocol);
        found.map(|protocol| protocol.metadata.clone()).unwrap_or_default()
    }

    /// Whether the member's session counts for nothing because it waits for the group, not the group for it. A new
    /// member's does count: if its client has given up, nobody would ever take it back.
    pub fn is_excused(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }
}

/// How long a member may take to rejoin. Version 0 knows the session's time-out only.
pub(super) fn rebalance_timeout_ms(request: &JoinGroupRequest) -> i32 {
    match request.rebalance_timeout_ms {
        -1 => request.session_timeout_ms,
        timeout => timeout,
    }
}

/// The protocols of a request in buffers of their own. Of several with the same name the first counts.
pub(super) fn protocols(requested: &[JoinGroupRequestProtocol]) -> Vec<Protocol> {
    let mut seen = BTreeSet::new();
    let distinct = requested.iter().filter(|protocol| seen.insert(protocol.name.as_str()));
    distinct
        .map(|protocol| Protocol {
            name: protocol.name.detached(),
            metadata: Bytes::copy_from_slice(&protocol.metadata),
        })
        .collect()
}
