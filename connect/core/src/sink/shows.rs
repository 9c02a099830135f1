//! The stage that shows what a sink waits for.

use stage_core::{Context, Emitter, Nothing};

/// Shows what the stage of a sink waits for; implemented for the contexts of all callbacks.
pub(super) trait Shows: Send {
    fn set_waiting_for(&mut self, what: Option<&str>);

    /// Waits until the stage is asked to end.
    fn draining(&self) -> impl Future<Output = ()> + Send + 'static;
}

impl Shows for Context<'_> {
    fn set_waiting_for(&mut self, what: Option<&str>) {
        Context::set_waiting_for(self, what);
    }

    fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        Context::draining(self)
    }
}

impl Shows for Emitter<'_, Nothing> {
    fn set_waiting_for(&mut self, what: Option<&str>) {
        Emitter::set_waiting_for(self, what);
    }

    fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        Emitter::draining(self)
    }
}
