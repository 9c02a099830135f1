//! The step that emits batches.

use std::collections::VecDeque;
use std::fmt;
use std::hash::Hash;

use tokio::time::Instant;

use super::collect::Collection;
use super::limits::{BatchError, Limits};
use super::sort::{ByKey, Joined, Sort, Together};
use crate::ack::Delivery;
use crate::base::error::{BoxError, StageResult};
use crate::base::moment;
use crate::base::stats::Counters;
use crate::credit::demand::Demand;
use crate::policy::Carry;
use crate::stage::{Cast, Context, Emitter, Events, Init, ProducerConsumer};
use crate::sync::Arc;
use crate::wire::subscription::{Cancellation, Role, Subscription};

/// Collects events into batches: `Vec`s of all events, or [`Batch`](super::Batch)es that share a key.
///
/// ```
/// use std::time::Duration;
/// use stage_core::batch::{Batcher, Limits};
/// use stage_core::{Pipeline, StepOptions, sink};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (all, collected) = sink::collect::<Vec<_>, _>();
/// let pipeline = Pipeline::builder("inserts")
///     .start_fn("rows", || Ok(0..10))
///     .step("batches", || Ok(Batcher::new(Limits::count(4).within(Duration::from_millis(50)))?))
///     .finish("insert", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(collected.await?, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// Events with the same key stay in order, within a batch and from batch to batch. Batches are emitted in the
/// order in which they close; of batches due at the same time, the one with the oldest first event goes
/// first.
///
/// # Demand
///
/// Demand is counted in batches. A full batch is held until there is demand, and until then no further events
/// are processed; a batch that is due keeps filling in the meantime. Emission therefore never exceeds demand,
/// and the step holds a bounded number of events: one open batch for each of at most `max_open` keys (one key
/// more pushes out the oldest batch), and the batches closed by a single event.
///
/// # End
///
/// When a producer ends or leaves, or the stage is drained, all events held are emitted, including open
/// batches, and wait for demand in the stage's buffer.
///
/// # Errors and panics
///
/// A panic of a user function ends the stage; the events it held are counted as discarded.
pub struct Batcher<E, S: Sort<E> = Together> {
    limits: Limits<E>,
    sort: S,
    collection: Collection<S::Key, E>,
    /// Events not yet processed, for lack of demand.
    inbox: VecDeque<E>,
    /// Closed batches not yet emitted, for lack of demand.
    closed: VecDeque<(S::Key, Vec<E>)>,
    /// Time of the next scheduled check for due batches.
    timer: Option<Instant>,
    /// Number of events held when the last callback returned; if a callback fails, the engine counts the
    /// batch.
    held: usize,
    counters: Option<Arc<Counters>>,
}

/// Asks the stage to check for due batches.
pub(super) struct Look;

impl<E: Send + 'static> Batcher<E> {
    /// Creates a step that makes batches of all events.
    ///
    /// # Errors
    ///
    /// [`BatchError`] names the invalid limit.
    pub fn new(limits: Limits<E>) -> Result<Self, BatchError> {
        Self::sorting(limits, Together, 1)
    }
}

impl<T: Send + 'static> Batcher<Delivery<T>, Joined<T>> {
    /// Creates a step that makes batches of all deliveries, each batch one delivery.
    ///
    /// # Errors
    ///
    /// [`BatchError`] names the invalid limit.
    pub fn joining(limits: Limits<Delivery<T>>) -> Result<Self, BatchError> {
        Self::of_chain(limits)
    }
}

impl<T: Send + 'static, C: Carry> Batcher<C::Of<T>, Joined<T, C>> {
    /// Creates a step that makes batches of all events of a chain.
    pub(super) fn of_chain(limits: Limits<C::Of<T>>) -> Result<Self, BatchError> {
        Self::sorting(limits, Joined::new(), 1)
    }
}

impl<E, K, F> Batcher<E, ByKey<F>>
where
    E: Send + 'static,
    K: Clone + Eq + Hash + Send + 'static,
    F: Fn(&E) -> K + Send + 'static,
{
    /// Creates a step that makes batches of events with the same key, at most `max_open` (at least 1) of them
    /// open at a time.
    ///
    /// # Errors
    ///
    /// [`BatchError`] names the invalid limit.
    pub fn by_key(limits: Limits<E>, max_open: usize, key: F) -> Result<Self, BatchError> {
        Self::sorting(limits, ByKey(key), max_open)
    }
}

impl<E: Send + 'static, S: Sort<E>> Batcher<E, S> {
    fn sorting(limits: Limits<E>, sort: S, max_open: usize) -> Result<Self, BatchError> {
        limits.check()?;
        if max_open == 0 {
            return Err(BatchError::MaxOpen);
        }
        let weight = limits.weight.as_ref().map(|weight| weight.max);
        Ok(Self {
            collection: Collection::new(limits.count, weight, max_open),
            limits,
            sort,
            inbox: VecDeque::new(),
            closed: VecDeque::new(),
            timer: None,
            held: 0,
            counters: None,
        })
    }

    /// Emits as many batches as there is demand for.
    fn serve(&mut self, out: &mut Emitter<'_, S::Batch>) -> StageResult {
        let (mut room, now) = (out.demand(), Instant::now());
        loop {
            while room > 0
                && let Some(closed) = self.closed.pop_front()
            {
                self.emit(closed, out);
                room -= 1;
            }
            if !self.closed.is_empty() {
                break;
            }
            if let Some(event) = self.inbox.pop_front() {
                self.put(event, now);
            } else if room > 0
                && let Some(due) = self.collection.take_due(now)
            {
                self.closed.push_back(due);
            } else {
                break;
            }
        }
        self.note();
        self.schedule(now, out)
    }

    fn note(&mut self) {
        let closed: usize = self.closed.iter().map(|(_, events)| events.len()).sum();
        self.held = self.inbox.len() + self.collection.events() + closed;
        if let Some(counters) = &self.counters {
            counters.keep(self.held);
        }
    }

    /// Adds an event to the batch of its key.
    fn put(&mut self, event: E, now: Instant) {
        let weight = self.limits.weigh(&event);
        let key = self.sort.key(&event);
        let due = self.limits.within.and_then(|within| moment::after(now, within));
        self.collection.add((key, event), weight, due, |closed| self.closed.push_back(closed));
    }

    fn emit(&self, (key, events): (S::Key, Vec<E>), out: &mut Emitter<'_, S::Batch>) {
        out.emit(self.sort.batch(key, events));
    }

    /// Emits all batches, open ones included, regardless of demand.
    fn flush(&mut self, out: &mut Emitter<'_, S::Batch>) {
        let now = Instant::now();
        while let Some(event) = self.inbox.pop_front() {
            self.put(event, now);
        }
        while let Some(oldest) = self.collection.take_oldest() {
            self.closed.push_back(oldest);
        }
        while let Some(closed) = self.closed.pop_front() {
            self.emit(closed, out);
        }
        self.note();
    }

    /// Schedules a check for when the oldest batch is due. A batch that is already due only waits for demand.
    fn schedule(&mut self, now: Instant, out: &mut Emitter<'_, S::Batch>) -> StageResult {
        let Some(due) = self.collection.next_due().filter(|due| *due > now) else { return Ok(()) };
        // Batches fall due in the order in which they were opened, so a scheduled check is never too late.
        if self.timer.is_none() {
            out.schedule::<Self, _>(due - now, Look)?;
            self.timer = Some(due);
        }
        Ok(())
    }
}

impl<E: Send + 'static, S: Sort<E>> ProducerConsumer for Batcher<E, S> {
    type In = E;
    type Out = S::Batch;

    const BATCHES: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.counters = Some(Arc::clone(&cx.state.counters));
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, E>, out: &mut Emitter<'_, S::Batch>) -> StageResult {
        self.inbox.extend(events);
        self.serve(out)
    }

    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, S::Batch>) -> StageResult {
        self.serve(out)
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        _subscription: &Subscription,
        _cancellation: &Cancellation,
        out: &mut Emitter<'_, S::Batch>,
    ) -> StageResult {
        match peer {
            Role::Producer => self.flush(out),
            Role::Consumer => {}
        }
        Ok(())
    }
}

impl<E: Send + 'static, S: Sort<E>> Cast<Look> for Batcher<E, S> {
    type Out = S::Batch;

    async fn handle_cast(&mut self, _: Look, out: &mut Emitter<'_, S::Batch>) -> StageResult {
        self.timer = None;
        self.serve(out)
    }
}

/// Counts the events held by a failed stage as discarded.
impl<E, S: Sort<E>> Drop for Batcher<E, S> {
    fn drop(&mut self) {
        if let Some(counters) = &self.counters {
            counters.discard_kept(self.held, "their batches were still open");
        }
    }
}

impl<E, S: Sort<E>> fmt::Debug for Batcher<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").field("limits", &self.limits).finish_non_exhaustive()
    }
}
