//! Runs a stage's future on the runtime, on a thread of its own, or on rayon's pool.

use std::future::Future;
use std::pin::pin;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{self, JoinSet};

use super::poll_state::PollState;
#[cfg(feature = "test-util")]
use super::seeded_order::GatedStage;
use super::stage_task::stage_task;
use crate::base::error::ExitReason;
use crate::base::future::{BoxFuture, Cutter};
use crate::base::options::Placement;
use crate::base::stats::Counters;
use crate::sync::Arc;
use crate::wire::signal::Signal;

/// A running stage. One type for all stages, since the runtime is compiled again for each type of task.
pub(crate) type StageFuture = BoxFuture<'static, ExitReason>;

/// A stage's task, with the means to abort it.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) id: task::Id,
    abort_by: AbortBy,
    is_cut_off: bool,
}

#[derive(Debug)]
enum AbortBy {
    Task(task::AbortHandle),
    Stage(Arc<PollState>),
    /// A thread cannot be aborted from outside: its future ends when it next waits.
    AtNextWait(Cutter),
}

impl Task {
    /// Aborts the task when it next waits. A callback that never waits cannot be aborted.
    pub(crate) fn cut_off(&mut self) {
        self.is_cut_off = true;
        match &self.abort_by {
            AbortBy::Task(handle) => handle.abort(),
            AbortBy::Stage(state) => state.cut_off(),
            AbortBy::AtNextWait(cutter) => cutter.cut(),
        }
    }

    /// Returns whether it was told to abort. The runtime aborts all tasks when it shuts down.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }
}

/// Aborts the task, so that a dropped supervisor leaves nothing running. Has no effect on a task that has
/// ended.
impl Drop for Task {
    fn drop(&mut self) {
        self.cut_off();
    }
}

/// Starts `stage` where `placement` says; in a simulation, on the simulation's runtime. `signal` wakes the
/// stage, and `counters` belong to it. This is the only place that spawns stages.
pub(crate) fn spawn(
    tasks: &mut JoinSet<ExitReason>,
    placement: Placement,
    signal: &Arc<Signal>,
    counters: &Arc<Counters>,
    stage: StageFuture,
) -> Task {
    #[cfg(feature = "test-util")]
    let stage = match GatedStage::around(stage) {
        Ok(gated) => return on_runtime(tasks, gated),
        Err(stage) => stage,
    };
    match placement {
        Placement::Runtime if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread => {
            let (task, poll_state) = stage_task(stage, signal, counters);
            Task { id: tasks.spawn(task).id(), abort_by: AbortBy::Stage(poll_state), is_cut_off: false }
        }
        Placement::Runtime => on_runtime(tasks, stage),
        Placement::Blocking => {
            let cutter = Cutter::new();
            let (runtime, cut) = (Handle::current(), cutter.clone());
            let handle = tasks.spawn_blocking(move || {
                runtime.block_on(cut.run(pin!(stage))).unwrap_or(ExitReason::Aborted)
            });
            Task { id: handle.id(), abort_by: AbortBy::AtNextWait(cutter), is_cut_off: false }
        }
        #[cfg(feature = "rayon")]
        Placement::Rayon => on_runtime(tasks, on_rayon(stage)),
    }
}

fn on_runtime(
    tasks: &mut JoinSet<ExitReason>,
    stage: impl Future<Output = ExitReason> + Send + 'static,
) -> Task {
    let handle = tasks.spawn(stage);
    Task { id: handle.id(), abort_by: AbortBy::Task(handle), is_cut_off: false }
}

/// Returns a future with the same output that polls `stage` on rayon's pool, within the current runtime's
/// context.
#[cfg(feature = "rayon")]
fn on_rayon<T: Send + 'static>(
    stage: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send {
    let runtime = Handle::current();
    let mut stage = Box::pin(stage);
    let stage = std::future::poll_fn(move |cx| {
        let _entered = runtime.enter();
        stage.as_mut().poll(cx)
    });
    let schedule = |runnable: async_task::Runnable| {
        rayon::spawn(move || {
            runnable.run();
        });
    };
    let (runnable, task) = async_task::spawn(stage, schedule);
    runnable.schedule();
    task
}
