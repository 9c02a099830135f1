//! A child that is a plain task: how it is asked to end, and the meaning of its end.

use std::pin::pin;

use tokio::sync::oneshot;

use crate::base::error::{ExitReason, StageResult};
use crate::base::flag::Flag;
use crate::base::future::catch_panic;
use crate::engine::Ready;
use crate::stage::Init;
use crate::supervise::Control;
use crate::sync::{Mutex, lock};
use crate::wire::diagnosis::Diagnosis;

/// The signal for a task of a [`Supervisor`](crate::Supervisor) to end: the supervisor drains or stops, or
/// restarts the task with other children. A task that has not ended 5 seconds after a stop is aborted.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Supervisor;
/// use stage_core::supervisor::Stopping;
///
/// async fn work(stopping: Stopping) -> stage_core::StageResult {
///     while !stopping.is_asked() {
///         tokio::select! {
///             () = stopping.asked() => {}
///             () = tokio::time::sleep(Duration::from_secs(60)) => println!("a minute has passed"),
///         }
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let running = Supervisor::new("service").task("clock", work).start().await?;
/// running.drain(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Stopping {
    flag: Flag,
}

impl Stopping {
    /// Resolves when the task should end; at once if that was signalled before.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and created again at any time.
    pub fn asked(&self) -> impl Future<Output = ()> + Send + 'static {
        self.flag.wait()
    }

    /// Returns whether the task should end.
    pub fn is_asked(&self) -> bool {
        self.flag.is_set()
    }
}

/// Controls the running task.
#[derive(Debug, Default)]
pub(crate) struct TaskControl {
    flag: Mutex<Flag>,
}

impl TaskControl {
    /// Prepares for a run; returns the signal for its task.
    #[inline]
    pub(crate) fn open(&self) -> Stopping {
        let flag = Flag::default();
        *lock(&self.flag) = flag.clone();
        Stopping { flag }
    }

    #[inline]
    fn ask(&self) {
        lock(&self.flag).set();
    }
}

/// Runs the task once; a panic is a failure.
pub(crate) async fn run(work: impl Future<Output = StageResult>, ready: Ready) -> ExitReason {
    let _ = ready.up.send(Init::Ready);
    if ready.go.await.is_err() {
        return ExitReason::Shutdown;
    }
    match catch_panic(pin!(work)).await {
        Ok(Ok(())) => ExitReason::Normal,
        Ok(Err(error)) => ExitReason::from(error),
        Err(payload) => ExitReason::from_panic(&*payload),
    }
}

impl Control for TaskControl {
    fn renew(&self) {}

    #[inline]
    fn stop(&self, _reason: ExitReason) {
        self.ask();
    }

    #[inline]
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
