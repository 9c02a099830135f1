//! The event-time progress of a stage: each subscriber learns it once no event emitted before waits for it.

use super::Outlet;
use crate::base::progress::Progress;
use crate::dispatch::SubscriptionKey;

/// The progress that a stage announced last, and the subscribers that do not know it.
#[derive(Debug)]
pub(super) struct StageProgress {
    latest: Progress,
    /// The slots of the subscribers that were not told.
    untold: Vec<usize>,
}

impl<E> Outlet<E> {
    /// Announces the progress of the stage behind everything that it emitted.
    #[cold]
    pub(crate) fn announce_progress(&mut self, latest: Progress) {
        let Self { links, progress, .. } = self;
        let progress = progress.get_or_insert_with(|| Box::new(StageProgress { latest, untold: Vec::new() }));
        progress.latest = latest;
        progress.untold.clear();
        for (slot, link) in links.iter().enumerate() {
            if link.is_some() {
                progress.untold.push(slot);
            }
        }
        self.tell_progress();
    }

    /// Notes a new subscriber, which does not know the progress.
    pub(super) fn owe_progress(&mut self, slot: usize) {
        if let Some(progress) = &mut self.progress {
            progress.untold.retain(|other| *other != slot);
            progress.untold.push(slot);
            self.tell_progress();
        }
    }

    /// Tells the progress to the subscribers that no emitted event waits for.
    #[cold]
    pub(super) fn tell_progress(&mut self) {
        let Some(mut progress) = self.progress.take() else { return };
        if self.held_back == 0 && !progress.untold.is_empty() {
            let StageProgress { latest, untold } = &mut *progress;
            let waiting = self.decide(|supply, _| {
                // Moves those that events wait for to the front.
                let mut waiting = 0;
                for place in 0..untold.len() {
                    if supply.keeps_for(SubscriptionKey(untold[place])) {
                        untold.swap(place, waiting);
                        waiting += 1;
                    }
                }
                waiting
            });
            for slot in untold.drain(waiting.unwrap_or(untold.len())..) {
                if let Some(link) = self.links.get(slot).and_then(Option::as_ref) {
                    link.announce_progress(*latest);
                }
            }
        }
        self.progress = Some(progress);
    }
}
