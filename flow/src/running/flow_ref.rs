//! Handles of a running flow.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use stage_core::pipeline::{Monitor, Outcome};
use stage_core::registry::Registry;
use stage_core::stats::StageStats;
use stage_core::watch::{Steering, Watched};
use stage_core::{Nothing, StageRef};

use super::keeper::{Keeper, Whose};
use super::report::FlowReport;
use super::run::Run;
use super::watch::Command;
use crate::error::FlowError;
use crate::profile::LayerProfile;

/// The handle of a running flow. Dropping it stops the flow; dropping a [`FlowRef`] of it does not.
#[must_use = "dropping it stops the flow"]
pub struct RunningFlow {
    flow: FlowRef,
}

/// A reference to a running flow. Cheap to clone; clones refer to the same flow.
///
/// ```
/// use std::time::Duration;
///
/// use flow::{Flow, FlowRef, StartOptions};
/// use stage_core::registry::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let registry = Registry::new();
/// let options =
///     StartOptions::new().held().named(&registry, "numbers").subscribe_timeout(Duration::from_secs(60));
/// let running = Flow::from_items(0..10_u64).start_with(options).await?;
/// let found = FlowRef::named(&registry, "numbers").await?;
/// assert!(found.is(&running.flow_ref()));
/// found.release();
/// assert_eq!(found.join().await?.events(), 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FlowRef {
    run: Arc<Run>,
}

impl FlowRef {
    pub(super) fn new(run: Arc<Run>) -> Self {
        Self { run }
    }

    /// Returns the flow that runs under this name, given by
    /// [`StartOptions::named`](super::StartOptions::named).
    ///
    /// ```
    /// use flow::{Flow, FlowRef, StartOptions};
    /// use stage_core::registry::Registry;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let registry = Registry::new();
    /// let numbers = Flow::from_items(0_u64..).map(|number| number * 2);
    /// let running = numbers.start_with(StartOptions::new().named(&registry, "doubled")).await?;
    /// FlowRef::named(&registry, "doubled").await?.stop().await?;
    /// assert!(running.join().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Name`] if no flow has the name, and [`FlowError::Stopped`] if the flow is just
    /// ending.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the future may be dropped at any time.
    pub async fn named(registry: &Registry, name: &str) -> Result<Self, FlowError> {
        let keeper: StageRef<Keeper, Nothing, Nothing> = registry.stage(name)?;
        keeper.call(Whose).await.map_err(|_| FlowError::Stopped)
    }

    /// Returns whether both refer to the same run of a flow.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run, &other.run)
    }

    /// Releases the events of a flow that was started [held back](super::StartOptions::held). Does nothing if
    /// the flow has been released before, or was not held back.
    pub fn release(&self) {
        self.run.release();
    }

    /// Waits until the flow has ended, by itself or by a drain.
    ///
    /// # Errors
    ///
    /// Returns the [`FlowError`] with which the flow ended; its results are incomplete then. Returns
    /// [`FlowError::Stopped`] if the flow was stopped, or if a drain reached its deadline.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the future may be dropped and `join` called again at any time, from several tasks.
    pub async fn join(&self) -> Result<FlowReport, FlowError> {
        match self.ended().await? {
            FlowReport { outcome: Outcome::Stopped, .. } => Err(FlowError::Stopped),
            whole => Ok(whole),
        }
    }

    /// Drains the flow: ends its sources, handles all events they emitted, emits every window, and waits
    /// until all stages have ended. Events that remain at the `deadline` are dropped, which the outcome of
    /// the report then shows. A flow that is held back reads nothing and ends. External sources are not
    /// ended, only unsubscribed from, and the events they sent are handled; external stages between two
    /// layers delay the drain until they end.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let running = Flow::from_items(0_u64..).start().await?;
    /// let report = running.drain(Duration::from_secs(60)).await?;
    /// assert!(report.cut_off.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the [`FlowError`] of a flow that failed.
    ///
    /// # Cancel safety
    ///
    /// The drain continues if this future is dropped.
    pub async fn drain(&self, deadline: Duration) -> Result<FlowReport, FlowError> {
        self.run.tell(Command::Drain(deadline));
        self.ended().await
    }

    /// Waits until the flow has ended or `signal` is complete, whichever is first, and then [drains](Self::drain) what
    /// still runs. The output of `signal` is dropped: one that fails drains the flow as well.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use flow::Flow;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let running = Flow::from_items(0_u64..).inspect(|number| println!("{number}")).start().await?;
    /// let report = running.drain_after(tokio::signal::ctrl_c(), Duration::from_secs(20)).await?;
    /// println!("{report}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`join`](Self::join) if the flow ends before the signal, and those of [`drain`](Self::drain) otherwise.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time, which drops `signal`. A drain that has begun continues.
    pub async fn drain_after<S: Future>(
        &self,
        signal: S,
        deadline: Duration,
    ) -> Result<FlowReport, FlowError> {
        tokio::select! {
            biased;
            _ = signal => self.drain(deadline).await,
            ended = self.join() => ended,
        }
    }

    /// Ends every stage after its current callback, and waits until all have ended; a stage that takes over 5
    /// seconds is aborted. Returns the report of the work done until then, which is incomplete.
    ///
    /// # Errors
    ///
    /// Returns the [`FlowError`] of a flow that failed.
    ///
    /// # Cancel safety
    ///
    /// The stop continues if this future is dropped.
    pub async fn stop(&self) -> Result<FlowReport, FlowError> {
        self.run.tell(Command::Stop);
        self.ended().await
    }

    /// Waits for the end of the flow; returns its report or its error.
    async fn ended(&self) -> Result<FlowReport, FlowError> {
        self.run.ended().await
    }

    /// Returns the reader of the flow's statistics, which outlives this handle. Its steps are the layers of the
    /// flow.
    ///
    /// ```
    /// use flow::Flow;
    /// use stage_core::watch::Board;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let running = Flow::from_items(0_u64..).map(|number| number * 2).start().await?;
    /// let board = Board::new();
    /// board.add("doubled", &running)?;
    /// assert_eq!(running.monitor().status().state.name(), "running");
    /// running.stop().await?;
    /// assert_eq!(running.monitor().status().state.name(), "ended");
    /// # Ok(())
    /// # }
    /// ```
    pub fn monitor(&self) -> Monitor {
        self.run.watched().monitor().clone()
    }

    /// Returns the control of the flow: a pause holds its sources back, and layers have demand windows that can
    /// be set.
    pub fn steering(&self) -> Steering {
        self.run.watched().steering()
    }

    /// Returns the statistics of each stage and the events it holds, sources first; the step is
    /// `layer/number`.
    pub fn stats(&self) -> Vec<StageStats> {
        self.run.stats()
    }

    /// Returns the statistics by layer.
    pub fn layers(&self) -> Vec<LayerProfile> {
        LayerProfile::of(self.stats())
    }
}

impl From<&FlowRef> for Watched {
    fn from(flow: &FlowRef) -> Self {
        flow.run.watched().clone()
    }
}

impl From<&RunningFlow> for Watched {
    fn from(flow: &RunningFlow) -> Self {
        Self::from(&flow.flow)
    }
}

impl fmt::Debug for FlowRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowRef").field("stages", &self.stats().len()).finish_non_exhaustive()
    }
}

impl RunningFlow {
    pub(super) fn new(flow: FlowRef) -> Self {
        Self { flow }
    }

    /// Returns a reference to the flow that outlives this handle.
    pub fn flow_ref(&self) -> FlowRef {
        self.flow.clone()
    }
}

impl Deref for RunningFlow {
    type Target = FlowRef;

    fn deref(&self) -> &FlowRef {
        &self.flow
    }
}

impl fmt::Debug for RunningFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningFlow").field("flow", &self.flow).finish()
    }
}

impl Drop for RunningFlow {
    fn drop(&mut self) {
        self.flow.run.tell(Command::Stop);
    }
}
