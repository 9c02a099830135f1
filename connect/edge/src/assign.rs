//! Divides partitions among members.

use std::collections::{BTreeMap, BTreeSet};

use crate::hash::{key_hash, mix};
use crate::leases::MemberId;
use crate::partition::Partition;

/// Returns the member that each partition should belong to, given the present owners. Every process computes the same
/// from the same view; where views differ for a moment, the leases decide.
///
/// 1. Each member gets ⌊P/n⌋ or ⌈P/n⌉ of P partitions.
/// 2. A member keeps the partitions that it owns, up to its share. So a new member causes the moves of its own share and
///    no others, and the end of a member moves its partitions only.
/// 3. A partition without an owner goes to the member with the greatest weight (rendezvous hashing: Thaler and
///    Ravishankar, 1998) of those that have less than their share.
pub(crate) fn assign(
    members: &BTreeSet<MemberId>,
    partitions: u32,
    owners: &BTreeMap<Partition, MemberId>,
) -> BTreeMap<Partition, MemberId> {
    let Ok(count) = u32::try_from(members.len()) else { return BTreeMap::new() };
    if count == 0 {
        return BTreeMap::new();
    }
    let mut kept: BTreeMap<&MemberId, Vec<Partition>> = members.iter().map(|id| (id, Vec::new())).collect();
    for (partition, owner) in owners {
        if partition.0 < partitions
            && let Some(kept) = kept.get_mut(owner)
        {
            kept.push(*partition);
        }
    }
    let shares = shares(&kept, partitions, count);
    let mut assigned = BTreeMap::new();
    for (id, kept) in &mut kept {
        kept.sort_unstable_by_key(|partition| std::cmp::Reverse(weight(id, *partition)));
        kept.truncate(shares[id]);
        assigned.extend(kept.iter().map(|partition| (*partition, (*id).clone())));
    }
    for partition in (0..partitions).map(Partition) {
        if assigned.contains_key(&partition) {
            continue;
        }
        let has_room = |id: &&MemberId| kept[*id].len() < shares[*id];
        let best = members.iter().filter(has_room).max_by_key(|id| weight(id, partition));
        if let Some(id) = best {
            kept.entry(id).or_default().push(partition);
            assigned.insert(partition, id.clone());
        }
    }
    assigned
}

/// Returns each member's share. Those that own more than the least share get the greater one first.
fn shares<'a>(
    kept: &BTreeMap<&'a MemberId, Vec<Partition>>,
    partitions: u32,
    count: u32,
) -> BTreeMap<&'a MemberId, usize> {
    let (least, greater) = ((partitions / count) as usize, (partitions % count) as usize);
    let mut order: Vec<_> = kept.iter().map(|(id, kept)| (*id, kept.len())).collect();
    order.sort_by_key(|(id, kept)| (std::cmp::Reverse(*kept), *id));
    let share =
        |(place, (id, _)): (usize, &(&'a MemberId, usize))| (*id, least + usize::from(place < greater));
    order.iter().enumerate().map(share).collect()
}

fn weight(member: &MemberId, partition: Partition) -> u64 {
    mix(key_hash(member.as_str().as_bytes()) ^ mix(u64::from(partition.0) + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(numbers: impl IntoIterator<Item = u8>) -> BTreeSet<MemberId> {
        numbers.into_iter().map(|number| MemberId::new(format!("m{number}"))).collect()
    }

    fn loads(assigned: &BTreeMap<Partition, MemberId>, members: &BTreeSet<MemberId>) -> Vec<usize> {
        members.iter().map(|id| assigned.values().filter(|owner| *owner == id).count()).collect()
    }

    fn moves(before: &BTreeMap<Partition, MemberId>, after: &BTreeMap<Partition, MemberId>) -> Vec<MemberId> {
        let moved = after.iter().filter(|(partition, owner)| before.get(partition) != Some(owner));
        moved.map(|(_, owner)| owner.clone()).collect()
    }

    fn owners() -> impl Strategy<Value = BTreeMap<Partition, MemberId>> {
        let owner = (0_u32..80, 0_u8..12).prop_map(|(p, m)| (Partition(p), MemberId::new(format!("m{m}"))));
        prop::collection::btree_map(0..80_u32, owner, 0..80).prop_map(|owners| owners.into_values().collect())
    }

    proptest! {
        #[test]
        fn shares_are_equal_whoever_owns_what(
            members in prop::collection::btree_set(0..12_u8, 1..10),
            partitions in 1..64_u32,
            owners in owners(),
        ) {
            let members = names(members);
            let assigned = assign(&members, partitions, &owners);
            prop_assert_eq!(assigned.len(), partitions as usize);
            let (least, rest) = (partitions as usize / members.len(), partitions as usize % members.len());
            let most = least + usize::from(rest > 0);
            let loads = loads(&assigned, &members);
            prop_assert!(loads.iter().all(|load| (least..=most).contains(load)), "{:?}", loads);
            // The result does not change once it is true.
            prop_assert_eq!(assign(&members, partitions, &assigned), assigned);
        }

        #[test]
        fn a_join_moves_the_share_of_the_new_member_and_a_leave_that_of_the_old_one(
            members in prop::collection::btree_set(0..12_u8, 1..10),
            partitions in 1..64_u32,
        ) {
            let before = assign(&names(members.clone()), partitions, &BTreeMap::new());
            let joined: BTreeSet<_> = members.iter().copied().chain([99]).collect();
            let after = assign(&names(joined.clone()), partitions, &before);
            let moved = moves(&before, &after);
            let new = MemberId::new("m99");
            prop_assert!(moved.iter().all(|owner| *owner == new));
            prop_assert!(moved.len() <= (partitions as usize).div_ceil(joined.len()));
            let left = assign(&names(members), partitions, &after);
            let owned = after.values().filter(|owner| **owner == new).count();
            prop_assert_eq!(moves(&after, &left).len(), owned);
        }
    }

    #[test]
    fn without_members_nobody_owns_anything() {
        assert!(assign(&BTreeSet::new(), 8, &BTreeMap::new()).is_empty());
    }
}
