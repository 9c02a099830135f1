//! The stage that runs one task per event, and its settings.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::child::Child;
use super::end::ChildEnd;
use super::family::{Family, NotStarted, Run, RunId};
use super::handle::{Children, see_off};
use super::options::{ChildRestart, Shutdown};
use super::recipe::{ChildRecipe, Work};
use crate::base::backoff::Backoff;
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::pipeline::handle::StageRef;
use crate::stage::{Cast, Consumer, Context, Emitter, Events, Init, Nothing};
use crate::supervise::{Intensity, Plan, Policy, Strategy};
use crate::sync::Arc;
use crate::wire::subscription::{Asking, Cancellation, Subscription};

/// A consumer that runs one supervised task, a child, for each event: GenStage's `ConsumerSupervisor`.
///
/// At most `max_demand` children run at once for each subscription. The recipe creates the work of a child
/// from its event; it runs on the stage's task and should only create the future, not do the work.
///
/// ```
/// use stage_core::per_event::PerEvent;
/// use stage_core::{Pipeline, StepOptions};
///
/// # async fn deliver(_letter: u64) -> Result<(), std::io::Error> { Ok(()) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let workers = PerEvent::new(|letter: u64| async move { deliver(letter).await });
/// let children = workers.children();
/// let pipeline = Pipeline::builder("post")
///     .start_fn("letters", || Ok(1..=100_u64))
///     .finish(StepOptions::named("workers").max_demand(20), move || Ok(workers.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(children.counts().finished, 100);
/// # Ok(())
/// # }
/// ```
///
/// # Demand
///
/// An event is in hand from the ask until its child has ended for good. By default every end triggers an ask
/// for one more event, so that as many children as possible run; [`floor`](Self::floor) lets the number fall
/// first and asks for several events at a time. The floor replaces the subscription's `min_demand`, which is
/// ignored; its `max_demand` applies.
///
/// # Errors and panics
///
/// Failures of a child or of the recipe do not end the stage: they are logged and counted, and with
/// [`ChildRestart::Transient`] the child is restarted with the same event, immediately or after a
/// [back-off](Self::backoff). More restarts than the [`intensity`](Self::intensity) allows end the stage with
/// [`ExitReason::Shutdown`], and with it its other children; in a pipeline, the stage is then restarted.
///
/// # Ordering
///
/// Children start in the order of their events. They run concurrently and end in any order.
///
/// # End
///
/// A stage whose producers have ended, or that is drained, waits for its children (GenStage terminates them).
/// A stage that is stopped, fails, or follows a failed producer ends them all at once, according to
/// [`Shutdown`].
pub struct PerEvent<E> {
    rules: Rules<E>,
    family: Arc<Family<E>>,
    /// The current run; `None` while the stage is not running.
    run: Option<RunId>,
}

/// The settings of the stage.
pub(super) struct Rules<E> {
    recipe: ChildRecipe<E>,
    /// Clones the event for another attempt, if restarts are enabled.
    keep: Option<fn(&E) -> E>,
    intensity: Intensity,
    backoff: Option<Backoff>,
    shutdown: Shutdown,
    floor: Option<usize>,
}

/// Result of starting a child: its work, if any, and its event for further attempts.
type Begun<E> = (Result<Option<Work>, ExitReason>, Option<E>);

impl<E: Send + 'static> PerEvent<E> {
    /// Creates a stage that starts a child for every event, with the future returned by `recipe`. The future
    /// may return `()`, a `Result` or an [`ExitReason`].
    pub fn new<F, Fut>(recipe: F) -> Self
    where
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: ChildEnd> + Send + 'static,
    {
        Self::with(ChildRecipe::always(recipe))
    }

    /// Creates a stage whose `recipe` may skip an event, by `Ok(None)`, or fail. The recipe also receives the
    /// [`Child`] that it starts, so that the child can react to shutdown requests.
    pub fn deciding<F, Fut>(recipe: F) -> Self
    where
        F: Fn(E, Child) -> Result<Option<Fut>, BoxError> + Send + Sync + 'static,
        Fut: Future<Output: ChildEnd> + Send + 'static,
    {
        Self::with(ChildRecipe::deciding(recipe))
    }

    fn with(recipe: ChildRecipe<E>) -> Self {
        let intensity = Intensity::default();
        let shutdown = Shutdown::default();
        let rules = Rules { recipe, keep: None, intensity, backoff: None, shutdown, floor: None };
        Self { rules, family: Family::new(), run: None }
    }

    /// Sets when to restart a child. Default: never. A restart needs the event again, so events are cloned
    /// before each attempt; without restarts they need not be `Clone`.
    #[must_use]
    pub fn restart(mut self, restart: ChildRestart) -> Self
    where
        E: Clone,
    {
        self.rules.keep = match restart {
            ChildRestart::Temporary => None,
            ChildRestart::Transient => Some(E::clone),
        };
        self
    }

    /// Sets how many restarts the stage tolerates, failed attempts included. Default: 3 within 5 seconds. A
    /// stage whose period is zero does not start.
    #[must_use]
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.rules.intensity = intensity;
        self
    }

    /// Sets the delay before a failed child restarts; it grows with each attempt of that child. When the
    /// attempts are used up, the child is not restarted and its event has failed. Default: restart
    /// immediately, without a limit on attempts.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.rules.backoff = Some(backoff);
        self
    }

    /// Sets how children are ended, with their stage or individually. Default: aborted after 5 seconds.
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.rules.shutdown = shutdown;
        self
    }

    /// Lets the number of events in hand fall to `events` before the stage asks for more, up to `max_demand`
    /// again. Range: 0 to `max_demand − 1`. Default: `max_demand − 1`, which asks after every end.
    ///
    /// (In GenStage's supervisor, `min_demand` is the number of events to ask for at a time: its `min_demand:
    /// n` corresponds to a floor of `max_demand − n` here.)
    #[must_use]
    pub fn floor(mut self, events: usize) -> Self {
        self.rules.floor = Some(events);
        self
    }

    /// Returns a handle to the children of this stage, of its clones and of its copies.
    pub fn children(&self) -> Children<E> {
        Children { family: Arc::clone(&self.family) }
    }
}

impl<E> Rules<E> {
    pub(super) fn restarts(&self) -> bool {
        self.keep.is_some()
    }

    fn policy(&self) -> Policy {
        let intensity = self.intensity;
        let plan = Plan { strategy: Strategy::OneForOne, intensity, ..Plan::default() };
        // The number of the child does not matter: all children are of the same kind.
        Policy::new(plan, vec![crate::base::options::Restart::Transient])
    }

    /// Returns the delay before restart number `attempt`, counted from 1, or `None` if there must be no
    /// further attempt.
    pub(super) fn wait(&self, attempt: usize, seed: u64) -> Option<Duration> {
        let before = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.backoff.map_or(Some(Duration::ZERO), |backoff| backoff.delay(before, seed))
    }

    pub(super) fn shutdown(&self) -> Shutdown {
        self.shutdown
    }

    pub(super) fn floor(&self) -> Option<usize> {
        self.floor
    }

    /// Starts a child.
    pub(super) fn begin(&self, event: E, child: Child) -> Begun<E> {
        let mut kept = None;
        let given = || {
            kept = self.keep.map(|keep| keep(&event));
            event
        };
        let begun = self.recipe.begin(given, child);
        (begun, kept)
    }

    /// Restarts a child.
    pub(super) fn begin_again(&self, event: &E, child: Child) -> Result<Option<Work>, ExitReason> {
        match self.keep {
            Some(keep) => self.recipe.begin(|| keep(event), child),
            None => Ok(None),
        }
    }
}

impl<E: Send + 'static> Consumer for PerEvent<E> {
    type Event = E;

    const ASKS_BY_ITSELF: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.rules.intensity.check()?;
        let stage = StageRef::<Self, E, Nothing>::current(cx)?;
        let runtime = Handle::try_current()?;
        self.run = Some(self.family.open(|id| Run {
            id,
            rules: self.rules.clone(),
            give_up: Box::new(move || {
                // Fails if the stage has already ended.
                let _ = stage.cast(TooManyRestarts);
            }),
            holds: Arc::clone(&cx.state.holds),
            runtime,
            stage: cx.state.counters.name().into(),
            began: Instant::now(),
            policy: self.rules.policy(),
            lines: Vec::new(),
            closing: false,
        }));
        Ok(Init::Ready)
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _cx: &mut Context<'_>,
    ) -> Result<Asking, BoxError> {
        if let Some(run) = self.run
            && let Some(demand) = self.family.subscribe(run, subscription)?
        {
            subscription.ask(demand);
        }
        Ok(Asking::Manual)
    }

    async fn handle_events(&mut self, events: Events<'_, E>, _cx: &mut Context<'_>) -> StageResult {
        let Some(run) = self.run else { return Ok(()) };
        let subscription = events.from().clone();
        let mut ended = 0;
        for event in events {
            match self.family.start_in(run, event, Some(&subscription)) {
                Ok(Some(_)) => {}
                Ok(None) | Err(NotStarted::Failed(_)) => ended += 1,
                Err(NotStarted::NotRunning(_)) => return Err(ExitReason::Shutdown.into()),
            }
        }
        self.family.ended(run, &subscription, ended);
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        _cancellation: &Cancellation,
        _cx: &mut Context<'_>,
    ) -> StageResult {
        if let Some(run) = self.run {
            self.family.unsubscribe(run, subscription);
        }
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        let Some(run) = self.run.take() else { return };
        let leaving = self.family.close(run);
        if leaving.is_empty() {
            return;
        }
        tracing::warn!(children = leaving.len(), %reason, "stage ends, stopping its children");
        see_off(&leaving, self.rules.shutdown).await;
    }
}

/// Informs the stage that its children were restarted more often than it tolerates.
pub(super) struct TooManyRestarts;

impl<E: Send + 'static> Cast<TooManyRestarts> for PerEvent<E> {
    type Out = Nothing;

    async fn handle_cast(&mut self, _: TooManyRestarts, _out: &mut Emitter<'_, Nothing>) -> StageResult {
        tracing::error!("stage ends: its children exceeded the restart limit");
        Err(ExitReason::Shutdown.into())
    }
}

/// Aborts the children of a stage that is aborted.
impl<E> Drop for PerEvent<E> {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            self.family.close(run).iter().for_each(|ending| ending.cutter.cut());
        }
    }
}

/// Returns the same stage, not running. Its children are counted together with those of this one.
impl<E> Clone for PerEvent<E> {
    fn clone(&self) -> Self {
        Self { rules: self.rules.clone(), family: Arc::clone(&self.family), run: None }
    }
}

impl<E> Clone for Rules<E> {
    fn clone(&self) -> Self {
        Self {
            recipe: self.recipe.clone(),
            keep: self.keep,
            intensity: self.intensity,
            backoff: self.backoff,
            shutdown: self.shutdown,
            floor: self.floor,
        }
    }
}

impl<E> fmt::Debug for PerEvent<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerEvent")
            .field("restarts", &self.rules.restarts())
            .field("intensity", &self.rules.intensity)
            .field("backoff", &self.rules.backoff)
            .field("shutdown", &self.rules.shutdown)
            .field("floor", &self.rules.floor)
            .finish_non_exhaustive()
    }
}
