//! The input side of a stage that creates its events.

use super::sides::{Input, InputControl, InputParts};
use crate::base::error::ExitReason;
use crate::base::moment;
use crate::base::stats::Counters;
use crate::credit::demand::Window;
use crate::credit::tuner::Tuner;
use crate::dispatch::Marker;
use crate::engine::inlet::{discard_unhandled, reading};
use crate::stage::{Erased, Nothing, downcast};
use crate::sync::Arc;
use crate::wire::diagnosis::Diagnosis;
use crate::wire::mailbox::Join;
use crate::wire::subscription::{Asking, Reach, Subscription, Tell};

/// No subscriptions; only the number of events in hand, and the window that a pipeline in one stage works by.
pub(crate) struct NoInput {
    stage: Arc<dyn Reach>,
    window: Window,
    /// Chooses the window; `None` if it is fixed.
    tuner: Option<Tuner>,
    /// The events and batches that the tuner knows.
    tuned: (u64, u64),
    held: usize,
    counters: Arc<Counters>,
}

impl NoInput {
    /// Returns the window that a pipeline in one stage begins with. Time counts for it from now on.
    #[inline]
    pub(super) fn begin_tuning(&mut self) -> Window {
        if let Some(tuner) = self.tuner {
            self.tuned = self.counters.handled_in_batches();
            self.window = tuner.window();
            self.tuner = moment::tells_speed().then(|| tuner.begin(reading(&self.counters)));
        }
        self.window
    }

    /// Returns the window for the next batches, after those that the stage has counted.
    #[inline]
    pub(super) fn tune(&mut self) -> Window {
        if let Some(tuner) = &mut self.tuner {
            let (events, batches) = self.counters.handled_in_batches();
            let (known, before) = std::mem::replace(&mut self.tuned, (events, batches));
            let count = |new: u64| usize::try_from(new).unwrap_or(usize::MAX);
            if tuner.handled_in(count(events - known), count(batches - before))
                && let Some(window) = tuner.tune(reading(&self.counters))
            {
                self.window = window;
            }
        }
        self.window
    }

    /// Records how many events a callback holds.
    #[inline]
    pub(super) fn hold(&mut self, events: usize) {
        self.held = events;
    }
}

impl Input for NoInput {
    type Event = Nothing;

    fn assemble(InputParts { stage, sources, counters, .. }: InputParts) -> Self {
        let (window, tuner) = (sources.window(), sources.tuner());
        Self { stage, window, tuner, tuned: (0, 0), held: 0, counters }
    }

    #[inline]
    fn slots(&self) -> usize {
        0
    }

    #[inline]
    fn look(&mut self, _slot: usize) {}

    #[inline]
    fn has_pending_work(&self) -> bool {
        false
    }

    #[inline]
    fn has_ready(&self) -> bool {
        false
    }

    #[inline]
    fn in_hand(&self) -> usize {
        self.held
    }

    fn close(&mut self, reason: &ExitReason) {
        discard_unhandled(&self.counters, std::mem::take(&mut self.held), reason);
    }
}

impl InputControl for NoInput {
    fn tell(&mut self, _tell: &Tell) {}

    fn resubscribe(&mut self, _source: usize) {}

    fn abandon(&mut self, _source: usize) {}

    fn set_paused(&mut self, _paused: bool) {}

    fn leave(&mut self) {}

    fn set_window(&mut self, window: Window) {
        (self.window, self.tuner) = (window, None);
    }

    fn measure(&mut self) {}

    /// A subscription to a stage that emits nothing has no effect.
    fn join(&mut self, join: Erased) {
        let Some(join) = downcast::<Join>(join) else { return };
        // The caller may have stopped waiting.
        let _ = join.reply.map(|reply| reply.send(Subscription::within(&self.stage.name())));
    }

    #[inline]
    fn begin(&mut self) -> Option<Subscription> {
        None
    }

    fn complete(&mut self, _asking: Asking) {}

    #[inline]
    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        Some(marker)
    }

    #[inline]
    fn passed(&mut self) -> Option<Marker> {
        None
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        Vec::new()
    }

    fn diagnose(&self, diagnosis: &mut Diagnosis) {
        diagnosis.in_hand = self.held;
    }
}

/// A stage that was cut off could not close its sides itself.
impl Drop for NoInput {
    fn drop(&mut self) {
        self.close(&ExitReason::Aborted);
    }
}
