//! Groups of the classic protocol: a client, the group's leader, assigns the partitions.
//!
//! A generation begins when all members have joined ([`join`], [`rebalance`]), and is complete when the leader has handed
//! in the assignment ([`sync`]). Then the group is recorded; what happens before is volatile, and members that lose their
//! coordinator meanwhile join again.

mod account;
mod commit;
mod describe;
mod group;
mod handover;
mod heartbeat;
mod join;
mod leave;
mod member;
mod members;
mod rebalance;
mod record;
mod state;
mod subscription;
mod sync;

pub(crate) use group::{CONSUMER_PROTOCOL, ClassicGroup};
pub(crate) use handover::Handover;
pub(crate) use join::MEMBER_ID_REQUIRED_VERSION;
pub(crate) use leave::{leave_response, leaving_members};
pub(crate) use member::{Member, Protocol};
