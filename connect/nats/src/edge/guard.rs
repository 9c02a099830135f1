//! The leases that this process holds, by its own clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stage_edge::Epoch;
use tokio::time::Instant;

/// Leases by the key of their partition. Clones share them: the leases of an edge write, its inlets read.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    leases: Arc<Mutex<HashMap<String, Held>>>,
}

/// A lease that was taken by this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) epoch: Epoch,
    /// Distinguishes this lease from all others at the server.
    pub(super) mark: String,
    /// The name of the owner.
    pub(super) by: String,
    /// The revision of the key at the last renewal; `None` once the lease is lost.
    pub(super) revision: Option<u64>,
    /// The moment from which nothing is handed out without a renewal.
    pub(super) until: Instant,
}

/// The right of an epoch to hand out frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The lease was taken elsewhere, if at all.
    Unknown,
    Good,
    /// The last renewal is too long ago: another process may own the partition.
    Overdue,
    Lost,
}

/// Returns the moment from which a lease counts as overdue: when three quarters of it have passed since its renewal was
/// sent, which is before the server ends it.
pub(super) fn until(sent: Instant, lease: Duration) -> Instant {
    sent + lease * 3 / 4
}

impl Guard {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a lease that was taken or renewed.
    pub(super) fn hold(&self, key: &str, held: Held) {
        self.lock().insert(key.to_owned(), held);
    }

    /// Notes that an epoch has ended.
    pub(super) fn lose(&self, key: &str, epoch: Epoch) {
        if let Some(held) = self.lock().get_mut(key).filter(|held| held.epoch == epoch) {
            held.revision = None;
        }
    }

    /// Returns the lease of an epoch, unless it is lost.
    pub(super) fn held(&self, key: &str, epoch: Epoch) -> Option<Held> {
        let leases = self.lock();
        leases.get(key).filter(|held| held.epoch == epoch && held.revision.is_some()).cloned()
    }

    pub(super) fn standing(&self, key: &str, epoch: Epoch, now: Instant) -> Standing {
        match self.lock().get(key) {
            Some(held) if held.epoch > epoch => Standing::Lost,
            Some(held) if held.epoch == epoch => match held.revision {
                None => Standing::Lost,
                Some(_) if now >= held.until => Standing::Overdue,
                Some(_) => Standing::Good,
            },
            Some(_) | None => Standing::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_epoch_stands_until_its_lease_is_overdue_lost_or_followed_by_another() {
        let (guard, now, second) = (Guard::default(), Instant::now(), Duration::from_secs(1));
        assert_eq!(guard.standing("p.a.0", Epoch(7), now), Standing::Unknown);
        let until = until(now, 4 * second);
        let (mark, by) = ("m".to_owned(), "a".to_owned());
        let held = Held { epoch: Epoch(7), mark, by, revision: Some(7), until };
        guard.hold("p.a.0", held.clone());
        assert_eq!(guard.standing("p.a.0", Epoch(7), now + 2 * second), Standing::Good);
        assert_eq!(guard.standing("p.a.0", Epoch(7), now + 3 * second), Standing::Overdue);
        assert_eq!(guard.standing("p.a.0", Epoch(6), now), Standing::Lost);
        assert_eq!(guard.standing("p.a.0", Epoch(8), now), Standing::Unknown);
        assert_eq!(guard.held("p.a.0", Epoch(7)), Some(held));
        guard.lose("p.a.0", Epoch(7));
        assert_eq!(guard.standing("p.a.0", Epoch(7), now), Standing::Lost);
        assert_eq!(guard.held("p.a.0", Epoch(7)), None);
    }
}
