//! What a Strome coordinator tells of a group beside what Kafka's descriptions have room for.
//!
//! It travels in a tagged field of DescribeGroups (KIP-482), and only if the request asks for it in another one: who knows
//! neither passes over both. Their number is far above those that Kafka gives out ([`OWN_TAGS_FROM`]).
//!
//! # Not here
//! What events there are, and how they are read (the crate `group`).
//!
//! [`OWN_TAGS_FROM`]: crate::schema::OWN_TAGS_FROM

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// The account of a group, in [`DescribedGroup`](super::groups::DescribedGroup).
    pub struct GroupAccount {
        /// The coordinator's time, with which the others are to be compared, in milliseconds.
        now: i64, [5+];
        /// Since when the group waits for members; -1 if it does not, or if that is not known.
        waiting_since: i64, [5+] = -1;
        /// Until when it waits at most; -1 if it does not.
        waiting_until: i64, [5+] = -1;
        /// Whether it was empty before, and waits for members that nobody knows of yet.
        is_initial: bool, [5+];
        /// How many clients were given an id and have not joined with it yet.
        pending: i32, [5+];
        /// The members.
        members: Vec<MemberAccount>, [5+];
        /// What happened last, the oldest first.
        events: Vec<GroupEvent>, [5+];
    }

    /// A member, in [`GroupAccount`].
    pub struct MemberAccount {
        /// The member's id.
        member_id: Str, [5+];
        /// When it was heard of.
        heard_at: i64, [5+];
        /// How long it may be silent, in milliseconds.
        session_timeout_ms: i32, [5+];
        /// Whether the group waits for it.
        is_awaited: bool, [5+];
    }

    /// One thing that happened, in [`GroupAccount`].
    pub struct GroupEvent {
        /// When.
        at: i64, [5+];
        /// What.
        kind: i8, [5+];
        /// Names and reasons, as the kind has them.
        texts: Vec<Str>, [5+];
        /// Counts and times, as the kind has them.
        numbers: Vec<i64>, [5+];
    }
}
