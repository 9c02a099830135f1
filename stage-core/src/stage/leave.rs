//! That a stage is to leave, and how soon.

use std::future::Future;

use tokio_util::sync::CancellationToken;

/// What a callback that waits should race: a drain, a stop, or that nobody will want anything more.
#[derive(Clone, Debug)]
pub(crate) struct Leave {
    all: CancellationToken,
    stop: CancellationToken,
}

impl Leave {
    /// Leaves when `drain` is cancelled, at the latest.
    pub(crate) fn with(drain: &CancellationToken) -> Self {
        Self { all: drain.child_token(), stop: CancellationToken::new() }
    }

    /// For whatever reason: finish what is in hand.
    pub(crate) fn cancel(&self) {
        self.all.cancel();
    }

    /// Now.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
        self.all.cancel();
    }

    /// Resolves when the stage is to leave.
    pub(crate) fn left(&self) -> impl Future<Output = ()> + Send + 'static {
        self.all.clone().cancelled_owned()
    }

    /// Resolves when the stage is to leave now.
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
