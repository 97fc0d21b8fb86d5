//! Sharing out partitions among members that all subscribe to the same topics: `partitions / members` for each, one
//! more for as many as the remainder says, and no partition moves from a member that has room for it.

use super::ownership::Ownership;

/// Gives every partition of `table` an owner, such that loads differ by one at most.
pub(super) fn share_out(table: &mut Ownership) {
    if table.loads.is_empty() {
        return;
    }
    let quotas = quotas(&table.loads, table.partition_count());
    release_excess(table, &quotas);
    fill_up(table, &quotas);
}

/// How many partitions each member may have. Those that have more than the others' share already are the first to be
/// allowed one more: so it stays where it is.
fn quotas(loads: &[usize], partitions: usize) -> Vec<usize> {
    let share = partitions / loads.len();
    let mut remainder = partitions % loads.len();
    let mut quotas = vec![share; loads.len()];
    for above in [true, false] {
        for (quota, _) in quotas.iter_mut().zip(loads).filter(|(_, load)| (**load > share) == above) {
            if remainder == 0 {
                return quotas;
            }
            *quota += 1;
            remainder -= 1;
        }
    }
    quotas
}

/// Takes from members what they have above their quota, the last partitions first.
fn release_excess(table: &mut Ownership, quotas: &[usize]) {
    let Ownership { rows, loads } = table;
    for owner in rows.iter_mut().rev().flat_map(|row| row.owners.iter_mut().rev()) {
        if let Some(member) = *owner
            && loads[member] > quotas[member]
        {
            *owner = None;
            loads[member] -= 1;
        }
    }
}

/// Gives the free partitions to the members with room, one member after the other.
fn fill_up(table: &mut Ownership, quotas: &[usize]) {
    let Ownership { rows, loads } = table;
    let mut member = 0;
    for owner in rows.iter_mut().flat_map(|row| row.owners.iter_mut()).filter(|owner| owner.is_none()) {
        // The quotas sum up to the number of partitions: while one is free, a member has room.
        while loads[member] >= quotas[member] {
            member += 1;
        }
        *owner = Some(member);
        loads[member] += 1;
    }
}
