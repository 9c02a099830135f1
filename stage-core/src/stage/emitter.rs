//! How a callback emits events.

use std::future::Future;

use super::context::{CopyOf, Core};
use crate::sync::{Mutex, lock};

/// The event of a stage that emits none; it has no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {}

/// Takes what a callback emits, and is its context.
///
/// Events go out in the order in which they were emitted, when the callback returns or when it calls
/// [`flush`](Emitter::flush). Emitting needs no demand: what nobody asked for yet is buffered.
#[derive(Debug)]
pub struct Emitter<'a, E> {
    pub(crate) buffer: &'a mut Vec<E>,
    /// What was flushed while the callback runs; the engine takes it whenever the callback waits.
    pub(crate) flushed: &'a Mutex<Vec<E>>,
    pub(crate) core: &'a mut Core,
}

impl<E> Emitter<'_, E> {
    /// Emits one event. For many, [`extend`](Self::extend) costs a fraction of this per event.
    pub fn emit(&mut self, event: E) {
        self.buffer.push(event);
    }

    /// Emits every event of an iterator.
    ///
    /// This is `Vec::extend` on a buffer the engine owns: an iterator that knows its length is written
    /// without a check per event.
    pub fn extend<I: IntoIterator<Item = E>>(&mut self, events: I) {
        self.buffer.extend(events);
    }

    /// Hands over what was emitted so far at the callback's next `await`, instead of at its end. For
    /// callbacks that are about to wait for long.
    pub fn flush(&mut self) {
        lock(self.flushed).append(self.buffer);
    }

    /// Ends this stage after the callback: it will emit nothing ever again.
    ///
    /// What is emitted and buffered is still delivered; then every consumer sees the end.
    pub fn finish(&mut self) {
        self.core.finished = true;
    }

    /// How many events this stage's subscribers want and did not get yet, emitted events included.
    pub fn demand(&self) -> usize {
        self.core.counters.demand()
    }

    /// Resolves when the stage is asked to drain or to stop, or when nobody wants its events any more; at
    /// once if it was already. A producer that waits for
    /// its source should race this.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and made anew at any time.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.core.draining()
    }

    /// Which copy of its step this stage is.
    pub fn copy(&self) -> CopyOf {
        self.core.copy
    }

    /// The name of its step.
    pub fn name(&self) -> &str {
        &self.core.step
    }
}
