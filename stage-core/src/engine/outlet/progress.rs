//! The event-time progress of a stage: each subscriber learns it once no event emitted before waits for it.

use super::Outlet;
use super::core::Core;
use crate::base::progress::Progress;
use crate::dispatch::SubscriptionKey;

/// The progress that a stage announced last, and the subscribers that do not know it.
#[derive(Debug)]
pub(super) struct StageProgress {
    latest: Progress,
    /// The slots of the subscribers that were not told.
    untold: Vec<usize>,
}

impl StageProgress {
    /// Moves the subscribers that events wait for to the front; returns their number.
    pub(super) fn sort(&mut self, waits: &mut dyn FnMut(SubscriptionKey) -> bool) -> usize {
        let mut waiting = 0;
        for place in 0..self.untold.len() {
            if waits(SubscriptionKey(self.untold[place])) {
                self.untold.swap(place, waiting);
                waiting += 1;
            }
        }
        waiting
    }
}

impl Core {
    /// Sets the progress, which no subscriber knows.
    fn announce_progress(&mut self, latest: Progress) {
        let Self { links, progress, .. } = self;
        let progress = progress.get_or_insert_with(|| Box::new(StageProgress { latest, untold: Vec::new() }));
        progress.latest = latest;
        progress.untold.clear();
        for (slot, link) in links.iter().enumerate() {
            if link.is_some() {
                progress.untold.push(slot);
            }
        }
    }

    /// Takes out the progress, unless events are held back or every subscriber knows it.
    pub(super) fn take_untold(&mut self) -> Option<Box<StageProgress>> {
        let held_back = self.held_back > 0;
        self.progress.take_if(|progress| !held_back && !progress.untold.is_empty())
    }

    /// Tells the progress to all but the first `waiting` subscribers that do not know it, and keeps it.
    pub(super) fn tell_progress(&mut self, mut progress: Box<StageProgress>, waiting: Option<usize>) {
        let StageProgress { latest, untold } = &mut *progress;
        for slot in untold.drain(waiting.unwrap_or(untold.len())..) {
            if let Some(link) = self.links.get(slot).and_then(Option::as_ref) {
                link.announce_progress(*latest);
            }
        }
        self.progress = Some(progress);
    }

    /// Notes a new subscriber, which does not know the progress; returns whether there is one.
    fn owe_progress(&mut self, slot: usize) -> bool {
        let Some(progress) = &mut self.progress else { return false };
        progress.untold.retain(|other| *other != slot);
        progress.untold.push(slot);
        true
    }
}

impl<E> Outlet<E> {
    /// Announces the progress of the stage behind everything that it emitted.
    #[cold]
    pub(crate) fn announce_progress(&mut self, latest: Progress) {
        self.core.announce_progress(latest);
        self.core.tell_untold(&mut self.decider);
    }

    /// Tells the progress to a new subscriber.
    pub(super) fn owe_progress(&mut self, slot: usize) {
        if self.core.owe_progress(slot) {
            self.core.tell_untold(&mut self.decider);
        }
    }
}
