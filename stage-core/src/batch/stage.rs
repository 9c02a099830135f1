//! The step that emits the batches.

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
use crate::base::stats::{Counters, Discard};
use crate::credit::demand::Demand;
use crate::stage::{Cast, Context, Emitter, Events, Init, ProducerConsumer};
use crate::sync::Arc;
use crate::wire::subscription::{Cancellation, Role, Subscription};

/// A step that collects events into batches: `Vec`s of all events, or [`Batch`](super::Batch)es of one key.
///
/// ```
/// use std::time::Duration;
/// use stage_core::batch::{Batcher, Limits};
/// use stage_core::{Pipeline, StepOptions, sink};
///
/// # #[tokio::main(flavor = "current_thread")]
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
/// Events with the same key stay in order, within a batch and from batch to batch. Batches go out in the order
/// in which they are closed; those that are due at the same time, the one with the oldest first event first.
///
/// # Demand
///
/// Demand is counted in batches. A batch that is full is not emitted before it is asked for, and then no
/// further events are looked at; one that is due goes on filling until then. So what is emitted is what was
/// asked for, and what is held is bounded: one open batch for each of at most `max_open` keys (a key too many
/// pushes out the oldest batch), and the batches that one event closes.
///
/// # End
///
/// When a producer has ended or left, or the stage is drained, what is held goes out, open batches too, and
/// waits for demand in the stage's buffer.
///
/// # Errors and panics
///
/// A panic of a function given ends the stage; what it held is counted as discarded.
pub struct Batcher<E, S: Sort<E> = Together> {
    limits: Limits<E>,
    sort: S,
    collection: Collection<S::Key, E>,
    /// Not looked at, for want of demand.
    inbox: VecDeque<E>,
    /// Full, not emitted for want of demand.
    closed: VecDeque<(S::Key, Vec<E>)>,
    /// When the next look at the open batches is scheduled.
    timer: Option<Instant>,
    /// Events it held when its last callback returned; of one that fails, the engine counts the batch.
    held: usize,
    counters: Option<Arc<Counters>>,
}

/// Tells the stage to look whether batches are due.
pub(super) struct Look;

impl<E: Send + 'static> Batcher<E> {
    /// Batches of all events.
    ///
    /// # Errors
    ///
    /// [`BatchError`] names the limit that cannot work.
    pub fn new(limits: Limits<E>) -> Result<Self, BatchError> {
        Self::sorting(limits, Together, 1)
    }
}

impl<T: Send + 'static> Batcher<Delivery<T>, Joined> {
    /// Batches of all deliveries, each of them one delivery.
    ///
    /// # Errors
    ///
    /// [`BatchError`] names the limit that cannot work.
    pub fn joining(limits: Limits<Delivery<T>>) -> Result<Self, BatchError> {
        Self::sorting(limits, Joined, 1)
    }
}

impl<E, K, F> Batcher<E, ByKey<F>>
where
    E: Send + 'static,
    K: Clone + Eq + Hash + Send + 'static,
    F: Fn(&E) -> K + Send + 'static,
{
    /// Batches of events with the same key, at most `max_open` (at least 1) at a time.
    ///
    /// # Errors
    ///
    /// [`BatchError`] names the limit that cannot work.
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

    /// Emits as many batches as are asked for.
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

    /// Puts an event where it belongs.
    fn put(&mut self, event: E, now: Instant) {
        let weight = self.limits.weigh(&event);
        let key = self.sort.key(&event);
        let due = self.limits.within.and_then(|within| moment::after(now, within));
        self.collection.add((key, event), weight, due, |closed| self.closed.push_back(closed));
    }

    fn emit(&self, (key, events): (S::Key, Vec<E>), out: &mut Emitter<'_, S::Batch>) {
        out.emit(self.sort.batch(key, events));
    }

    /// Emits everything, whoever wants it.
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

    /// Has the stage look again when the oldest batch is due. One that is due already waits for demand.
    fn schedule(&mut self, now: Instant, out: &mut Emitter<'_, S::Batch>) -> StageResult {
        let Some(due) = self.collection.next_due().filter(|due| *due > now) else { return Ok(()) };
        // Batches grow due in the order in which they were opened, so what is scheduled is never too late.
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
        self.counters = Some(Arc::clone(&cx.core.counters));
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

/// What a stage that failed still held is lost, and counted.
impl<E, S: Sort<E>> Drop for Batcher<E, S> {
    fn drop(&mut self) {
        let discarded = self.held;
        if discarded > 0
            && let Some(counters) = &self.counters
        {
            counters.discarded(Discard::Ended, discarded);
            counters.keep(0);
            tracing::warn!(discarded, "events discarded: their batches were still open");
        }
    }
}

impl<E, S: Sort<E>> fmt::Debug for Batcher<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").field("limits", &self.limits).finish_non_exhaustive()
    }
}
