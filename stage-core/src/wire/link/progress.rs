//! The producer's progress, which a link carries beside its batches: only the latest one, at the place where it was
//! announced.

use super::{LinkRx, LinkTx, PROGRESS};
use crate::base::progress::Progress;
use crate::sync::{Ordering, lock};

impl<E> LinkTx<E> {
    /// Announces `progress` behind everything that was sent; replaces one that was not received. Needs no
    /// demand.
    pub(crate) fn announce_progress(&self, progress: Progress) {
        let mut latest = lock(&self.shared.progress);
        *latest = Some((self.counters.all_sent(), progress));
        // Under the lock, so that a consumer that reads the old value does not clear the new note.
        self.shared.notes.fetch_or(PROGRESS, Ordering::Release);
        drop(latest);
        self.announce();
    }
}

impl<E> LinkRx<E> {
    /// Takes the producer's progress if exactly the events before it were received. Called when nothing else
    /// is left to receive, so all received events are handled.
    pub(super) fn take_progress(&self) -> Option<Progress> {
        let mut latest = lock(&self.shared.progress);
        let handled = self.counters.all_handled();
        let (sent, progress) = (*latest)?;
        // Further events are on their way; their announcement follows.
        if sent > handled {
            return None;
        }
        *latest = None;
        self.shared.notes.fetch_and(!PROGRESS, Ordering::Relaxed);
        // The producer continued after an older progress: it would be wrong that it is idle.
        (sent == handled).then_some(progress)
    }
}
