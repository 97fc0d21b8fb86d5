//! Groups whose partitions the coordinator assigns (KIP-848).
//!
//! Three numbers follow one another. The *group epoch* rises whenever the assignment has to be thought over: a member came
//! or went, a subscription or a topic changed. The *target epoch* is the group epoch for which it was last thought over,
//! and what each member is to have then is its target. A *member epoch* is the target epoch that the member has got to.
//! Each member is led there on its own, one heartbeat at a time: first it gives back what it is not to have, then it
//! takes what others have given back.
//!
//! ```text
//! heartbeat ─► admission ─► profile ─► patterns ─► group epoch ─► target ─► reconciliation ─► response
//!              who is it?   changed?   matches?    bump?          assignor  one step on
//! ```
//!
//! # Invariants
//! - A partition is held by one member at most: from the answer that gives it to the member, until the member says that
//!   it has given it back, or is shut out.
//! - Everything that has to survive goes through a record and [`ConsumerGroup::replay`]; what is not, a group makes anew
//!   after loading: timers, and how far the metadata has been looked at.

mod account;
mod admission;
mod classic_member;
mod commit_guard;
mod departure;
mod describe;
mod epoch;
mod group;
mod group_settings;
mod heartbeat;
mod held;
mod member;
mod migration;
mod owners;
mod pattern;
mod reconciliation;
mod record;
mod refusal;
mod requests;
mod subscription;
mod target;
mod timers;
mod topics_hash;

pub(crate) use commit_guard::{CommitGuard, Committer};
pub(crate) use describe::not_described;
pub(crate) use epoch::Epoch;
pub(crate) use group::ConsumerGroup;
pub(crate) use requests::{expire, heartbeat, join, leave, unknown_group};
