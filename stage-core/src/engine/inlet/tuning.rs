//! Tunes the windows of subscriptions that the engine asks for.

use super::core::Core;
use super::terms::Terms;
use crate::base::moment;
use crate::base::stats::Counters;
use crate::credit::tuner::{Reading, Tuner};
use crate::wire::link::LinkState;
use crate::wire::mailbox::{Join, Owner};
use crate::wire::subscription::Asking;

impl Core {
    /// Returns the tuner of a subscription about to be made, and sets the window that it begins with. A stage
    /// that asks by itself decides what its window means, so that one stays as it is.
    pub(super) fn begin_tuning(&self, join: &mut Join, asking: Asking) -> Option<Tuner> {
        let tuner = match asking {
            Asking::Automatic => join.tuner?,
            Asking::Manual => {
                if let Owner::Pipeline(_) = join.owner {
                    // A stage that follows its target begins with less.
                    join.options.common.largest_ask.get_or_insert(join.window.max());
                }
                return None;
            }
        };
        join.window = tuner.window();
        join.options.common.largest_ask = Some(tuner.largest().max());
        // Time that stands still would make every stage look infinitely fast.
        Some(if moment::tells_speed() { tuner.begin(reading(&self.counters)) } else { tuner.idle() })
    }
}

impl Terms {
    /// Counts a batch that was handled; adjusts the window if it is time.
    #[inline]
    pub(super) fn tune(&mut self, events: usize, link: &LinkState, counters: &Counters) {
        if let Some(tuner) = &mut self.tuner
            && tuner.handled(events)
        {
            self.read_clock(link, counters);
        }
    }

    #[inline(never)]
    fn read_clock(&mut self, link: &LinkState, counters: &Counters) {
        let (Some(tuner), Some(credit)) = (&mut self.tuner, &mut self.credit) else { return };
        if let Some(window) = tuner.tune(reading(counters)) {
            credit.use_window(window);
            link.set_chunk(window.chunk());
            link.counters().set_window(window);
            link.subscription().note_window(window);
        }
    }
}

/// Reads the clock of a stage.
pub(in crate::engine) fn reading(counters: &Counters) -> Reading {
    Reading { now: counters.clock.now(), held_up: counters.clock.held_up() }
}
