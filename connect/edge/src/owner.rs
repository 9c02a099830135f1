//! Decides which partitions a process takes, keeps, finishes and loses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::assign::assign;
use crate::leases::{LeaseView, MemberId};
use crate::partition::{Epoch, Partition};

/// The partitions of one process. It performs nothing itself and has no clock.
///
/// 1. A partition is handed out until three quarters of a lease have passed since the last good renewal was *sent*. The
///    server counts from a later moment, so no other process owns the partition then.
/// 2. A lost partition is forgotten at once; only a later [`taken`](Self::taken) brings it back.
/// 3. A partition is given back only after [`finished`](Self::finished): its last frame is settled.
#[derive(Debug)]
pub(crate) struct Owner {
    me: MemberId,
    partitions: u32,
    lease: Duration,
    held: BTreeMap<Partition, Holding>,
    leaving: bool,
}

#[derive(Clone, Copy, Debug)]
struct Holding {
    epoch: Epoch,
    until: Instant,
    finishing: bool,
}

/// A change that the process makes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Take the partition, which has no owner.
    Take(Partition),
    /// Ask for no further frame of the partition, and give it back after the last one.
    Finish(Partition),
}

impl Owner {
    pub(crate) const fn new(me: MemberId, partitions: u32, lease: Duration) -> Self {
        Self { me, partitions, lease, held: BTreeMap::new(), leaving: false }
    }

    /// Ends the membership: every partition is finished, none is taken.
    pub(crate) const fn leave(&mut self) {
        self.leaving = true;
    }

    pub(crate) const fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Returns the changes that follow from a view.
    pub(crate) fn plan(&mut self, view: &LeaseView) -> Vec<Step> {
        let mut owners: BTreeMap<_, _> =
            view.owners.iter().map(|(partition, owned)| (*partition, owned.by.clone())).collect();
        owners.retain(|_, by| *by != self.me);
        let of_others: BTreeSet<_> = view.owners.keys().copied().collect();
        owners.extend(self.held.keys().map(|partition| (*partition, self.me.clone())));
        let mut members: BTreeSet<_> =
            view.members.iter().filter(|member| !member.leaving).map(|member| member.id.clone()).collect();
        if self.leaving {
            members.remove(&self.me);
        } else {
            members.insert(self.me.clone());
        }
        let assigned = assign(&members, self.partitions, &owners);
        let is_mine = |partition: &Partition| assigned.get(partition) == Some(&self.me);
        let mut steps = Vec::new();
        for (partition, holding) in &mut self.held {
            if !holding.finishing && !is_mine(partition) {
                holding.finishing = true;
                steps.push(Step::Finish(*partition));
            }
        }
        let free = (0..self.partitions).map(Partition).filter(|partition| {
            !self.held.contains_key(partition) && !of_others.contains(partition) && is_mine(partition)
        });
        steps.extend(free.map(Step::Take));
        steps
    }

    /// Notes that a partition was taken by a call that was sent at `sent`. Returns the time until which it may be handed
    /// out.
    pub(crate) fn taken(&mut self, partition: Partition, epoch: Epoch, sent: Instant) -> Instant {
        let until = self.until(sent);
        self.held.insert(partition, Holding { epoch, until, finishing: self.leaving });
        until
    }

    /// Returns the leases to renew.
    pub(crate) fn renewals(&self) -> Vec<(Partition, Epoch)> {
        self.held.iter().map(|(partition, holding)| (*partition, holding.epoch)).collect()
    }

    /// Notes a good renewal that was sent at `sent`. Returns the time until which the partition may be handed out.
    pub(crate) fn renewed(&mut self, partition: Partition, epoch: Epoch, sent: Instant) -> Option<Instant> {
        let until = self.until(sent);
        let holding = self.held.get_mut(&partition).filter(|holding| holding.epoch == epoch)?;
        holding.until = holding.until.max(until);
        Some(holding.until)
    }

    /// Notes that the server refused a renewal: the partition is lost. Returns whether it was held.
    pub(crate) fn refused(&mut self, partition: Partition, epoch: Epoch) -> bool {
        let held = self.held.get(&partition).is_some_and(|holding| holding.epoch == epoch);
        held && self.held.remove(&partition).is_some()
    }

    /// Removes and returns the partitions whose renewal is overdue.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<Partition> {
        let lost: Vec<_> = self
            .held
            .iter()
            .filter(|(_, holding)| holding.until <= now)
            .map(|(partition, _)| *partition)
            .collect();
        self.held.retain(|partition, _| !lost.contains(partition));
        lost
    }

    /// Removes a partition whose last frame is settled; returns its epoch, to be given back.
    pub(crate) fn finished(&mut self, partition: Partition) -> Option<Epoch> {
        self.held.remove(&partition).map(|holding| holding.epoch)
    }

    /// Returns the epoch of a partition that is held.
    pub(crate) fn epoch(&self, partition: Partition) -> Option<Epoch> {
        self.held.get(&partition).map(|holding| holding.epoch)
    }

    /// Returns the time until which each partition may be handed out.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = (Partition, Instant)> + '_ {
        self.held.iter().map(|(partition, holding)| (*partition, holding.until))
    }

    /// Returns whether no partition is held.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.held.is_empty()
    }

    fn until(&self, sent: Instant) -> Instant {
        sent.checked_add(self.lease * 3 / 4).unwrap_or(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leases::{Member, Owned};

    const LEASE: Duration = Duration::from_secs(8);
    const SECOND: Duration = Duration::from_secs(1);

    fn id(name: &str) -> MemberId {
        MemberId::new(name)
    }

    fn member(name: &str) -> Member {
        Member { id: id(name), name: name.to_owned(), leaving: false }
    }

    fn owned(partitions: impl IntoIterator<Item = (u32, &'static str)>) -> BTreeMap<Partition, Owned> {
        let owned = |by: &str| Owned { by: id(by), epoch: Epoch(1) };
        partitions.into_iter().map(|(partition, by)| (Partition(partition), owned(by))).collect()
    }

    fn owner(partitions: u32) -> Owner {
        Owner::new(id("me"), partitions, LEASE)
    }

    #[test]
    fn alone_it_takes_everything_that_nobody_owns() {
        let mut owner = owner(3);
        let view = LeaseView { members: Vec::new(), owners: owned([(1, "gone")]) };
        assert_eq!(owner.plan(&view), [Step::Take(Partition(0)), Step::Take(Partition(2))]);
    }

    #[test]
    fn a_new_member_gets_its_share_after_the_frames_in_hand() {
        let mut owner = owner(4);
        let now = Instant::now();
        for partition in 0..4 {
            owner.taken(Partition(partition), Epoch(7), now);
        }
        let view = LeaseView {
            members: vec![member("me"), member("new")],
            owners: owned((0..4).map(|p| (p, "me"))),
        };
        let steps = owner.plan(&view);
        assert_eq!(steps.len(), 2, "{steps:?}");
        assert!(owner.plan(&view).is_empty(), "each is finished once");
        let Step::Finish(first) = steps[0] else { panic!("{steps:?}") };
        assert_eq!(owner.finished(first), Some(Epoch(7)));
        assert_eq!(owner.finished(first), None);
        // Still owned by the view of the server: not taken again.
        assert!(owner.plan(&view).is_empty());
    }

    #[test]
    fn a_partition_is_handed_out_for_three_quarters_of_a_lease_from_the_last_good_renewal() {
        let mut owner = owner(1);
        let sent = Instant::now();
        let (partition, epoch) = (Partition(0), Epoch(3));
        assert_eq!(owner.taken(partition, epoch, sent), sent + 6 * SECOND);
        assert_eq!(owner.renewed(partition, epoch, sent + 2 * SECOND), Some(sent + 8 * SECOND));
        assert_eq!(
            owner.renewed(partition, epoch, sent + SECOND),
            Some(sent + 8 * SECOND),
            "an older answer"
        );
        assert_eq!(owner.renewed(partition, Epoch(2), sent + 5 * SECOND), None, "of an earlier epoch");
        assert!(owner.overdue(sent + 7 * SECOND).is_empty());
        assert_eq!(owner.overdue(sent + 8 * SECOND), [partition]);
        assert!(owner.holds_nothing() && owner.renewals().is_empty());
    }

    #[test]
    fn a_refusal_loses_the_partition_and_a_later_answer_does_not_bring_it_back() {
        let mut owner = owner(1);
        let sent = Instant::now();
        owner.taken(Partition(0), Epoch(3), sent);
        assert!(!owner.refused(Partition(0), Epoch(2)));
        assert!(owner.refused(Partition(0), Epoch(3)));
        assert_eq!(owner.renewed(Partition(0), Epoch(3), sent), None);
        assert_eq!(owner.finished(Partition(0)), None);
    }

    #[test]
    fn leaving_finishes_everything_and_takes_nothing() {
        let mut owner = owner(3);
        owner.taken(Partition(0), Epoch(3), Instant::now());
        owner.leave();
        let view = LeaseView { members: vec![member("me")], owners: owned([(0, "me")]) };
        assert_eq!(owner.plan(&view), [Step::Finish(Partition(0))]);
        assert!(owner.plan(&view).is_empty());
    }
}
