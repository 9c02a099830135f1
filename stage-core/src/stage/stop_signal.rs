//! The signal for a stage to leave, at leisure or at once.

use std::future::Future;

use tokio_util::sync::CancellationToken;

/// Signals that waiting callbacks should race: a drain, a stop, or the end of all demand.
#[derive(Clone, Debug)]
pub(crate) struct StopSignal {
    all: CancellationToken,
    stop: CancellationToken,
}

impl StopSignal {
    /// Creates a signal that is set at the latest when `drain` is cancelled.
    pub(crate) fn with(drain: &CancellationToken) -> Self {
        Self { all: drain.child_token(), stop: CancellationToken::new() }
    }

    /// Asks the stage to finish its current work, for any reason.
    pub(crate) fn cancel(&self) {
        self.all.cancel();
    }

    /// Asks the stage to leave at once.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
        self.all.cancel();
    }

    /// Waits until the stage is asked to leave.
    pub(crate) fn left(&self) -> impl Future<Output = ()> + Send + 'static {
        self.all.clone().cancelled_owned()
    }

    /// Waits until the stage is asked to leave at once.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.clone().cancelled_owned()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.all.is_cancelled()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}
