//! Applies the requests of an operator to the subscriptions of a stage.

use super::Inlet;
use crate::credit::demand::Window;

impl<E: Send + 'static> Inlet<E> {
    /// Sets the window of the pipeline's subscriptions, and of those to come after a restart of a producer. It
    /// is not tuned any more.
    pub(crate) fn set_window(&mut self, window: Window) {
        if self.core.sources.window() == window && self.core.sources.tuner().is_none() {
            return;
        }
        self.core.sources.set_window(window);
        for incoming in self.links.iter_mut().flatten() {
            let ask = incoming.terms.fix_window(incoming.link.state(), window);
            incoming.ask(ask);
        }
    }
}
