//! A child that is a plain task: how it is asked to end, and what its end means.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::base::error::{ExitReason, StageResult};
use crate::engine::Ready;
use crate::supervise::Control;
use crate::sync::{Mutex, lock};
use crate::wire::diagnosis::Diagnosis;

/// Tells a task of a [`Supervisor`](crate::Supervisor) that it is to end: the supervisor drains or stops, or restarts
/// it with others. A task that has not ended 5 seconds after it was to stop is cut off.
#[derive(Clone, Debug)]
pub struct Stopping {
    token: CancellationToken,
}

impl Stopping {
    /// Resolves when the task is to end; at once if it was told before.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and made anew at any time.
    pub fn asked(&self) -> impl Future<Output = ()> + Send + 'static {
        self.token.clone().cancelled_owned()
    }

    /// Whether the task is to end.
    pub fn is_asked(&self) -> bool {
        self.token.is_cancelled()
    }
}

/// Reaches the running task.
#[derive(Debug, Default)]
pub(crate) struct TaskControl {
    token: Mutex<CancellationToken>,
}

impl TaskControl {
    /// A run is about to begin.
    pub(crate) fn open(&self) -> Stopping {
        let token = CancellationToken::new();
        *lock(&self.token) = token.clone();
        Stopping { token }
    }

    fn ask(&self) {
        lock(&self.token).cancel();
    }
}

/// One run; a panic is a failure.
pub(crate) async fn run(work: impl Future<Output = StageResult>, ready: Ready) -> ExitReason {
    let _ = ready.up.send(());
    if ready.go.await.is_err() {
        return ExitReason::Shutdown;
    }
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(())) => ExitReason::Normal,
        Ok(Err(error)) => ExitReason::from(error),
        Err(payload) => ExitReason::from_panic(&*payload),
    }
}

impl Control for TaskControl {
    fn renew(&self) {}

    fn stop(&self, _reason: ExitReason) {
        self.ask();
    }

    fn drain(&self) {
        self.ask();
    }

    fn resubscribe(&self, _source: usize) {}

    fn abandon(&self, _source: usize) {}

    fn diagnose(&self, _question: oneshot::Sender<Diagnosis>) {}

    fn has_ended(&self) -> bool {
        false
    }

    fn close(&self, _reason: ExitReason) {}
}
