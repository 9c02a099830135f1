//! What others hold of a running flow.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use stage_core::{Nothing, Outcome, Registry, StageRef, StageStats};

use super::keeper::{Keeper, Whose};
use super::report::FlowReport;
use super::run::Run;
use super::watch::Command;
use crate::error::FlowError;
use crate::profile::LayerProfile;

/// A flow that was started. Dropping it stops the flow; a [`FlowRef`] of it does not.
#[must_use = "dropping it stops the flow"]
pub struct RunningFlow {
    flow: FlowRef,
}

/// The address of a flow that was started. Cheap to clone; clones are the same flow.
#[derive(Clone)]
pub struct FlowRef {
    run: Arc<Run>,
}

impl FlowRef {
    pub(super) fn new(run: Arc<Run>) -> Self {
        Self { run }
    }

    /// The flow that runs under this name, given by [`StartOptions::named`](super::StartOptions::named).
    ///
    /// ```
    /// use flow::{Flow, FlowRef, StartOptions};
    /// use stage_core::Registry;
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
    /// [`FlowError::Name`] if no flow has the name, [`FlowError::Stopped`] if it ends just now.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn named(registry: &Registry, name: &str) -> Result<Self, FlowError> {
        let keeper: StageRef<Keeper, Nothing, Nothing> = registry.stage(name)?;
        keeper.call(Whose).await.map_err(|_| FlowError::Stopped)
    }

    /// Whether both are the same run of a flow.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run, &other.run)
    }

    /// Lets the events of a flow go that was started [held back](super::StartOptions::held). Without effect on
    /// one that was released before, or was not held.
    pub fn release(&self) {
        self.run.release();
    }

    /// Waits until the flow has come to its end, by itself or by a drain.
    ///
    /// # Errors
    ///
    /// The [`FlowError`] it ended with: what came of it is not the whole. [`FlowError::Stopped`] if it was
    /// stopped, or a drain met its deadline.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again at any time, from several tasks.
    pub async fn join(&self) -> Result<FlowReport, FlowError> {
        match self.ended().await? {
            FlowReport { outcome: Outcome::Stopped, .. } => Err(FlowError::Stopped),
            whole => Ok(whole),
        }
    }

    /// Ends the sources, has everything that they made handled and every window handed out, and waits until
    /// all stages have ended; what is left at the `deadline` is dropped, which the outcome of the report
    /// then says. A flow that is held back reads nothing and ends. Of stages that are not of the flow, sources are left, and what they sent is handled; such
    /// as stand between two layers hold the flow until they end.
    ///
    /// # Errors
    ///
    /// The [`FlowError`] of a flow that failed.
    ///
    /// # Cancel safety
    ///
    /// The drain goes on when this future is dropped.
    pub async fn drain(&self, deadline: Duration) -> Result<FlowReport, FlowError> {
        self.run.tell(Command::Drain(deadline));
        self.ended().await
    }

    /// Ends every stage after its current callback, and waits until all have ended; one that takes over 5
    /// seconds is cut off. Says what was done until then, which is not the whole.
    ///
    /// # Errors
    ///
    /// The [`FlowError`] of a flow that failed.
    ///
    /// # Cancel safety
    ///
    /// The stop goes on when this future is dropped.
    pub async fn stop(&self) -> Result<FlowReport, FlowError> {
        self.run.tell(Command::Stop);
        self.ended().await
    }

    /// How it ended, whatever way that was.
    async fn ended(&self) -> Result<FlowReport, FlowError> {
        self.run.ended().await
    }

    /// What each stage has done and holds now, sources first; its step is `layer/number`.
    pub fn stats(&self) -> Vec<StageStats> {
        self.run.stats()
    }

    /// The same, by layer.
    pub fn layers(&self) -> Vec<LayerProfile> {
        LayerProfile::of(self.stats())
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

    /// An address of the flow that outlives this handle.
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
