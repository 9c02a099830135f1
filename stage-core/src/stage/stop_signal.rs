//! The signal for a stage to leave, at leisure or at once.

use std::future::Future;

use crate::base::flag::Flag;

/// Signals that waiting callbacks should race: a drain, a stop, or the end of all demand.
#[derive(Clone, Debug)]
pub(crate) struct StopSignal {
    drain: Flag,
    /// For any other reason than a drain.
    other: Flag,
    stop: Flag,
}

impl StopSignal {
    /// Creates a signal that is set at the latest when `drain` is set.
    pub(crate) fn with(drain: &Flag) -> Self {
        Self { drain: drain.clone(), other: Flag::default(), stop: Flag::default() }
    }

    /// Asks the stage to finish its current work, for any reason.
    pub(crate) fn cancel(&self) {
        self.other.set();
    }

    /// Asks the stage to leave at once.
    pub(crate) fn stop(&self) {
        self.stop.set();
        self.other.set();
    }

    /// Waits until the stage is asked to leave.
    pub(crate) fn left(&self) -> impl Future<Output = ()> + Send + 'static {
        let (drain, other) = (self.drain.wait(), self.other.wait());
        async move {
            tokio::select! {
                () = drain => {}
                () = other => {}
            }
        }
    }

    /// Waits until the stage is asked to leave at once.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.wait()
    }

    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.drain.is_set() || self.other.is_set()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }
}
