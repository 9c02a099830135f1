//! The leases of the server in memory.

use std::time::Duration;

use stage_connect::ConnectError;
use tokio::time::Instant;

use super::fault::Fault;
use super::network::{Call, Link};
use super::state::Lease;
use crate::leases::{LeaseView, Leases, Member, MemberId, Owned};
use crate::partition::{Epoch, Partition};
use crate::spec::EdgeSpec;

/// The leases of an edge's partitions.
#[derive(Debug)]
pub struct MemoryLeases {
    link: Link,
    edge: String,
    lease: Duration,
}

impl MemoryLeases {
    pub(super) fn new(link: Link, spec: &EdgeSpec) -> Self {
        Self { link, edge: spec.name.clone(), lease: spec.lease }
    }

    fn ends(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.lease).unwrap_or(now)
    }
}

impl Leases for MemoryLeases {
    async fn take(&self, partition: Partition, by: &MemberId) -> Result<Option<Epoch>, ConnectError> {
        self.link.reach(Call::Leases).await?;
        let place = (self.edge.clone(), partition);
        let taken = {
            let mut state = self.link.inner.lock();
            if state.lease(&place, Instant::now()).is_some() {
                None
            } else {
                let epoch = state.epoch(&place) + 1;
                state.epochs.insert(place.clone(), epoch);
                state.leases.insert(place, Lease { by: by.clone(), epoch, ends: self.ends() });
                Some(Epoch(epoch))
            }
        };
        if taken.is_some() {
            // The consumer of the earlier epoch is gone.
            self.link.inner.changed.notify_waiters();
            self.link.inner.leases_changed.notify_waiters();
        }
        self.link.answer(taken).await
    }

    async fn renew(&self, partition: Partition, epoch: Epoch) -> Result<bool, ConnectError> {
        if self.link.inner.lock().has(Fault::RenewsBlindly) {
            return Ok(true);
        }
        self.link.reach(Call::Leases).await?;
        let renewed = {
            let mut state = self.link.inner.lock();
            let now = Instant::now();
            let lease = state.leases.get_mut(&(self.edge.clone(), partition));
            let lease = lease.filter(|lease| lease.epoch == epoch.0 && now < lease.ends);
            lease.map(|lease| lease.ends = self.ends()).is_some()
        };
        self.link.answer(renewed).await
    }

    async fn give_back(&self, partition: Partition, epoch: Epoch) -> Result<(), ConnectError> {
        self.link.reach(Call::Leases).await?;
        let place = (self.edge.clone(), partition);
        {
            let mut state = self.link.inner.lock();
            if state.leases.get(&place).is_some_and(|lease| lease.epoch == epoch.0) {
                state.leases.remove(&place);
            }
        }
        self.link.inner.leases_changed.notify_waiters();
        self.link.answer(()).await
    }

    async fn announce(&self, member: &Member) -> Result<(), ConnectError> {
        self.link.reach(Call::Leases).await?;
        let known = {
            let mut state = self.link.inner.lock();
            let name = (self.edge.clone(), member.id.clone());
            let known = state.members.insert(name, (member.clone(), self.ends()));
            known.is_some_and(|(known, ends)| known == *member && Instant::now() < ends)
        };
        if !known {
            self.link.inner.leases_changed.notify_waiters();
        }
        self.link.answer(()).await
    }

    async fn withdraw(&self, member: &MemberId) -> Result<(), ConnectError> {
        self.link.reach(Call::Leases).await?;
        self.link.inner.lock().members.remove(&(self.edge.clone(), member.clone()));
        self.link.inner.leases_changed.notify_waiters();
        self.link.answer(()).await
    }

    async fn view(&self) -> Result<LeaseView, ConnectError> {
        self.link.reach(Call::Leases).await?;
        let view = {
            let state = self.link.inner.lock();
            let now = Instant::now();
            let members =
                state.members.iter().filter(|((edge, _), (_, ends))| *edge == self.edge && now < *ends);
            let leases =
                state.leases.iter().filter(|((edge, _), lease)| *edge == self.edge && now < lease.ends);
            let owned = |lease: &Lease| Owned { by: lease.by.clone(), epoch: Epoch(lease.epoch) };
            LeaseView {
                members: members.map(|(_, (member, _))| member.clone()).collect(),
                owners: leases.map(|((_, partition), lease)| (*partition, owned(lease))).collect(),
            }
        };
        self.link.answer(view).await
    }

    async fn changed(&self) {
        self.link.inner.leases_changed.notified().await;
    }
}
