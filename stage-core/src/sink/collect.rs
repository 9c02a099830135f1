//! A sink that collects all events, and a future that returns the collection.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};

use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::stage::{Consumer, Context, Events, Init};
use crate::sync::{Arc, Mutex, lock};
use crate::wire::operator::OperatorRequests;

/// Creates a sink that collects all events, and a future that returns the collection once the stage has
/// ended.
///
/// ```
/// use std::collections::BTreeSet;
/// use stage_core::{Pipeline, sink};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (set, collected) = sink::collect::<BTreeSet<_>, _>();
/// let running = Pipeline::builder("remainders")
///     .start_fn("numbers", || Ok(0..100))
///     .step_fn("remainder", |number| number % 7)
///     .finish("set", move || Ok(set.clone()))
///     .start()
///     .await?;
/// assert!(collected.await?.into_iter().eq(0..7));
/// # drop(running);
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// A single copy collects in the order of its events. Several copies of the step collect into one collection,
/// batch by batch, in no particular order.
///
/// # Restart
///
/// Every clone collects into the same collection, so a rebuilt stage continues where the old one stopped.
/// Events may have been lost in between, so the result is an error as soon as any copy ends before the end of
/// its events.
///
/// # Errors
///
/// [`CollectError`] if any copy did not run to the end of its events: it failed, was stopped, aborted or
/// restarted (as is every stage behind a failed one, under the default strategy), or never ran. The error
/// holds the incomplete collection. Draining a pipeline counts as running to the end.
///
/// The collection does not reflect events discarded by earlier stages: see `discarded` in the pipeline's
/// report.
///
/// # Panics
///
/// A panic in `extend` ends the stage, which is then restarted, and the result is an error.
pub fn collect<C, E>() -> (Collect<C, E>, Collected<C>)
where
    C: Default + Extend<E> + Send + 'static,
    E: Send + 'static,
{
    let shared = Arc::new(Mutex::new(Shared::default()));
    let owner = Arc::new(Owner { shared: Arc::clone(&shared) });
    (Collect { owner, run: None, event: PhantomData }, Collected { shared })
}

/// The sink made by [`collect`]. Its clones collect into the same collection.
pub struct Collect<C, E>
where
    C: Default,
{
    owner: Arc<Owner<C>>,
    /// Present while this clone is a running stage.
    run: Option<Run<C>>,
    event: PhantomData<fn(E)>,
}

/// Returns the collection once the stage has ended. Made by [`collect`].
///
/// Completes once: when the last copy of the stage has run to the end of its events, or otherwise when the
/// last clone of the sink is dropped. If only the pipeline's recipe holds a clone, that is the end of the
/// pipeline.
///
/// # Cancel safety
///
/// May be polled by reference, and dropped at any time; the stage continues to collect.
#[must_use = "futures do nothing unless polled"]
pub struct Collected<C> {
    shared: Arc<Mutex<Shared<C>>>,
}

/// Error of an incomplete collection.
pub struct CollectError<C> {
    /// The events collected so far.
    pub incomplete: C,
    /// Exit reason of the first copy that ended before the end of its events; `None` if the stage never ran.
    pub reason: Option<ExitReason>,
}

struct Shared<C> {
    collection: C,
    /// The copies that have begun, except those of an elastic step that left again.
    joined: BTreeSet<usize>,
    /// Number of copies that ran to the end of their events.
    complete: usize,
    interrupted: Option<ExitReason>,
    state: State,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Collecting,
    /// All copies ran to the end of their events.
    Complete,
    /// No copy will run again.
    Over,
    /// The collection has been returned.
    Given,
}

/// Dropped with the last clone of the sink.
struct Owner<C: Default> {
    shared: Arc<Mutex<Shared<C>>>,
}

/// One run of one copy; dropping it without an end counts as an interruption.
struct Run<C: Default> {
    shared: Arc<Mutex<Shared<C>>>,
    copy: usize,
    requests: Arc<OperatorRequests>,
    ended: bool,
}

impl<C: Default> Default for Shared<C> {
    fn default() -> Self {
        Self {
            collection: C::default(),
            joined: BTreeSet::new(),
            complete: 0,
            interrupted: None,
            state: State::Collecting,
            waker: None,
        }
    }
}

impl<C: Default> Shared<C> {
    /// Moves on to `state`; returns the waker of the future.
    fn reach(&mut self, state: State) -> Option<Waker> {
        if self.state == State::Collecting {
            self.state = state;
        }
        self.waker.take()
    }

    /// Moves on if all copies ran to the end of their events; returns the waker of the future.
    fn complete(&mut self) -> Option<Waker> {
        if self.complete == 0 || self.complete < self.joined.len() {
            None
        } else {
            self.reach(State::Complete)
        }
    }

    fn give(&mut self) -> Poll<Result<C, CollectError<C>>> {
        let collection = match self.state {
            State::Collecting | State::Given => return Poll::Pending,
            State::Complete | State::Over => mem::take(&mut self.collection),
        };
        let complete = mem::replace(&mut self.state, State::Given) == State::Complete;
        let reason = self.interrupted.take();
        if complete && reason.is_none() {
            return Poll::Ready(Ok(collection));
        }
        Poll::Ready(Err(CollectError { incomplete: collection, reason }))
    }
}

impl<C: Default> Run<C> {
    fn end(&mut self, reason: &ExitReason) {
        self.ended = true;
        let mut shared = lock(&self.shared);
        let waker = match reason {
            ExitReason::Normal => {
                shared.complete += 1;
                shared.complete()
            }
            // It handled everything that it was sent.
            ExitReason::Shutdown if self.requests.is_away() => {
                shared.joined.remove(&self.copy);
                shared.complete()
            }
            other => {
                shared.interrupted.get_or_insert_with(|| other.clone());
                None
            }
        };
        drop(shared);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<C, E> Consumer for Collect<C, E>
where
    C: Default + Extend<E> + Send + 'static,
    E: Send + 'static,
{
    type Event = E;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        let (shared, copy) = (Arc::clone(&self.owner.shared), cx.copy().index);
        lock(&shared).joined.insert(copy);
        self.run = Some(Run { shared, copy, requests: Arc::clone(&cx.state.requests), ended: false });
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, E>, _cx: &mut Context<'_>) -> StageResult {
        lock(&self.owner.shared).collection.extend(events);
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        if let Some(run) = &mut self.run {
            run.end(reason);
        }
    }
}

impl<C: Default> Drop for Run<C> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(&ExitReason::Aborted);
        }
    }
}

impl<C: Default> Drop for Owner<C> {
    fn drop(&mut self) {
        let waker = lock(&self.shared).reach(State::Over);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<C: Default> Future for Collected<C> {
    type Output = Result<C, CollectError<C>>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut shared = lock(&self.shared);
        let given = shared.give();
        if given.is_pending() {
            shared.waker = Some(cx.waker().clone());
        }
        given
    }
}

/// Returns a sink for the same collection that is not running.
impl<C: Default, E> Clone for Collect<C, E> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner), run: None, event: PhantomData }
    }
}

impl<C: Default, E> fmt::Debug for Collect<C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collect").field("runs", &self.run.is_some()).finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for Collected<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collected").finish_non_exhaustive()
    }
}

/// Prints no collection, so that collections need not implement `Debug`.
impl<C> fmt::Debug for CollectError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f.debug_struct("CollectError").field("reason", &self.reason).finish_non_exhaustive();
        }
        fmt::Display::fmt(self, f)
    }
}

impl<C> fmt::Display for CollectError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "the collection is incomplete: its stage {reason}"),
            None => f.write_str("the collection is incomplete: not every copy of its stage ran"),
        }
    }
}

impl<C> Error for CollectError<C> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.reason {
            Some(ExitReason::Error(error)) => Some(&**error),
            _ => None,
        }
    }
}
