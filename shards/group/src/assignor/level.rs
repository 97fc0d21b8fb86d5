//! Levelling the loads of members that subscribe to different topics.
//!
//! A topic can only be levelled among its own subscribers, and that may tip what was level in another topic. So topics
//! are gone through repeatedly, until a whole round moves nothing. Where no two topics share only some of their
//! subscribers one round is enough. In all other cases the outcome is close to the best: for no topic do the loads of
//! two subscribers, one of which owns a partition of it, differ by more than one.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::ownership::{Ownership, Row};

/// After so many rounds what is reached is good enough. Each round about halves what is left to level.
const ROUNDS_MAX: usize = 16;

/// Gives every free partition to the subscriber with the smallest load. Topics with many partitions for few
/// subscribers come first, as the others then can still make up for what they tip.
pub(super) fn hand_out(table: &mut Ownership) {
    for row in densest_first(table) {
        let free: Vec<usize> = table.rows[row].free().collect();
        let loads = &table.loads;
        let mut subscribers: BinaryHeap<Reverse<(usize, usize)>> =
            table.rows[row].subscribers.iter().map(|member| Reverse((loads[*member], *member))).collect();
        for partition in free {
            let Some(mut lightest) = subscribers.peek_mut() else { break };
            let Reverse((load, member)) = &mut *lightest;
            *load += 1;
            let member = *member;
            drop(lightest);
            table.give(row, partition, member);
        }
    }
}

/// Moves partitions from heavy to light subscribers of the same topic, where that makes loads more even.
pub(super) fn balance(table: &mut Ownership) {
    let order = densest_first(table);
    for _ in 0..ROUNDS_MAX {
        let moved: usize = order.iter().map(|row| balance_topic(table, *row)).sum();
        if moved == 0 {
            return;
        }
    }
}

/// Moves partitions of one topic. Returns how many.
fn balance_topic(table: &mut Ownership, row: usize) -> usize {
    if is_level(&table.rows[row], &table.loads) {
        return 0;
    }
    let mut owned = owned_by_member(&table.rows[row], table.loads.len());
    let entry = |member: &usize| (table.loads[*member], *member);
    let mut takers: BTreeSet<(usize, usize)> = table.rows[row].subscribers.iter().map(entry).collect();
    let mut givers = takers.clone();
    let mut moved = 0;
    while let (Some((most, giver)), Some((least, taker))) = (givers.last().copied(), takers.first().copied())
        && most > least + 1
    {
        let Some(partition) = owned[giver].pop() else {
            givers.remove(&(most, giver));
            continue;
        };
        table.give(row, partition, taker);
        moved += 1;
        for (member, before, after) in [(giver, most, most - 1), (taker, least, least + 1)] {
            takers.remove(&(before, member));
            takers.insert((after, member));
            if givers.remove(&(before, member)) {
                givers.insert((after, member));
            }
        }
    }
    moved
}

/// Whether the loads of all subscribers differ by one at most.
fn is_level(row: &Row, loads: &[usize]) -> bool {
    let of_subscribers = || row.subscribers.iter().map(|member| loads[*member]);
    of_subscribers().max().unwrap_or(0) <= of_subscribers().min().unwrap_or(0) + 1
}

/// The topic's partitions by who owns them, in order.
fn owned_by_member(row: &Row, members: usize) -> Vec<Vec<usize>> {
    let mut owned = vec![Vec::new(); members];
    for (partition, owner) in row.owners.iter().enumerate() {
        if let Some(member) = owner {
            owned[*member].push(partition);
        }
    }
    owned
}

/// The places of the rows, those with the most partitions for each subscriber first, then those with few subscribers.
fn densest_first(table: &Ownership) -> Vec<usize> {
    let mut order: Vec<usize> = (0..table.rows.len()).collect();
    let key = |place: &usize| (&table.rows[*place], *place);
    order.sort_by(|one, other| {
        let ((one, one_place), (other, other_place)) = (key(one), key(other));
        (other.density().total_cmp(&one.density()))
            .then(one.subscribers.len().cmp(&other.subscribers.len()))
            .then(one_place.cmp(&other_place))
    });
    order
}
