//! Applies the requests of an operator to the subscriptions of a stage.

use super::Inlet;
use crate::credit::demand::Window;
use crate::wire::mailbox::Owner;

impl<E: Send + 'static> Inlet<E> {
    /// Sets the window of the pipeline's subscriptions, and of those to come after a restart of a producer. It
    /// is not tuned any more.
    pub(crate) fn set_window(&mut self, window: Window) {
        if self.core.sources.window() == window && self.core.sources.tuner().is_none() {
            return;
        }
        self.core.sources.set_window(window);
        for incoming in self.links.iter_mut().flatten() {
            match incoming.owner {
                Owner::Pipeline(_) => {
                    incoming.tuner = None;
                    incoming.link.subscription().note_window(window);
                    incoming.link.counters().set_window(window);
                    incoming.set_window(window);
                }
                Owner::Hand(_) => {}
            }
        }
    }
}
