//! The step that passes events on at the rate of a budget.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use super::budget::{Budget, Share};
use crate::base::error::{BoxError, StageResult};
use crate::base::moment;
use crate::base::rate::Rate;
use crate::base::stats::Counters;
use crate::credit::demand::{Credit, Demand};
use crate::pipeline::handle::StageRef;
use crate::stage::{Cast, Context, Emitter, Events, Hold, Init, ProducerConsumer, Timer};
use crate::sync::Arc;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// Passes events on unchanged, no faster than its [`Budget`] allows.
///
/// ```
/// use std::time::Duration;
/// use stage_core::rate::{Budget, Rate, RateLimiter};
/// use stage_core::{Pipeline, sink};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let budget = Budget::new(Rate::new(1_000, Duration::from_secs(1))?.burst(10)?);
/// let limit = budget.clone();
/// let pipeline = Pipeline::builder("mails")
///     .start_fn("mails", || Ok(0..30))
///     .step("limit", move || Ok(RateLimiter::new(limit.clone())))
///     .finish_fn("send", |_| ());
/// let report = pipeline.start().await?.join().await?;
/// // Ten at once, then one every millisecond.
/// assert!(report.elapsed >= Duration::from_millis(20));
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// Without keys, the order is kept. With keys ([`by_key`](Self::by_key)), it is kept for each key; an event
/// whose key has no budget left waits while events of other keys pass.
///
/// # Demand
///
/// An event uses the budget when it is emitted, and it is emitted only on demand. At most `max_demand` events
/// of each producer wait in the step: when all of them belong to keys without budget, events of other keys
/// wait as well.
///
/// # End
///
/// When its producers have ended, waiting events still pass at the rate. A stage that is stopped discards
/// them and counts them.
pub struct RateLimiter<E, K: Clone + Eq + Hash = (), F = fn(&E)> {
    budget: Budget<K>,
    /// The rate that replaces that of the budget.
    preset: Option<Rate>,
    key: F,
    waiting: VecDeque<Waiting<K, E>>,
    /// Number of events in `waiting` per key.
    of_key: HashMap<K, usize>,
    lines: Vec<Line>,
    /// Number of subscriptions so far.
    subscribed: u64,
    share: Option<Share<K>>,
    timer: Option<(Instant, Timer)>,
    hold: Option<Hold>,
    /// Number of events waiting when the last callback returned; if a callback fails, the engine counts the
    /// batch.
    held: usize,
    counters: Option<Arc<Counters>>,
}

/// A waiting event, and the line it arrived on.
struct Waiting<K, E> {
    line: u64,
    key: K,
    event: E,
}

/// A subscription to a producer, and the credit granted to it.
struct Line {
    number: u64,
    subscription: Subscription,
    credit: Credit,
    /// Events passed on and not asked for again yet.
    passed: usize,
}

/// Decrements the number of waiting events with this key.
fn forget<K: Eq + Hash>(of_key: &mut HashMap<K, usize>, key: &K) {
    if let Some(events) = of_key.get_mut(key) {
        *events -= 1;
        if *events == 0 {
            of_key.remove(key);
        }
    }
}

/// Asks the stage to check whether it may pass events on.
struct Look;

impl<E: Send + 'static> RateLimiter<E> {
    /// Creates a limiter with one budget for all events.
    pub fn new(budget: Budget) -> Self {
        Self::by_key(budget, |_| ())
    }
}

impl<E, K, F> RateLimiter<E, K, F>
where
    E: Send + 'static,
    K: Clone + Eq + Hash + Send + 'static,
    F: Fn(&E) -> K + Send + 'static,
{
    /// Creates a limiter with a budget for each key.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use stage_core::Pipeline;
    /// use stage_core::rate::{Budget, Rate, RateLimiter};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let budget = Budget::new(Rate::new(1, Duration::from_secs(1))?);
    /// let pipeline = Pipeline::builder("mails")
    ///     .start_fn("mails", || Ok([("ann", 1), ("ann", 2), ("ben", 3)]))
    ///     .step("limit", move || Ok(RateLimiter::by_key(budget.clone(), |mail: &(&'static str, u32)| mail.0)))
    ///     .finish_fn("send", |mail| println!("{mail:?}"));
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[2].events_in, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn by_key(budget: Budget<K>, key: F) -> Self {
        Self {
            budget,
            preset: None,
            key,
            waiting: VecDeque::new(),
            of_key: HashMap::new(),
            lines: Vec::new(),
            subscribed: 0,
            share: None,
            timer: None,
            hold: None,
            held: 0,
            counters: None,
        }
    }

    /// Sets the rate that the budget has from the start on, if one is given.
    pub(super) fn preset(mut self, rate: Option<Rate>) -> Self {
        self.preset = rate;
        self
    }

    /// Passes on as many events as demand and budget allow, then asks for more, schedules the next check, and
    /// holds the stage while events wait.
    fn serve(&mut self, out: &mut Emitter<'_, E>) -> StageResult {
        let wait = self.pass(out);
        self.held = self.waiting.len();
        if let Some(counters) = &self.counters {
            counters.keep(self.held);
        }
        self.ask();
        self.look_again(wait, out)?;
        self.hold = match self.hold.take() {
            _ if self.waiting.is_empty() => None,
            Some(hold) => Some(hold),
            None => Some(out.hold()),
        };
        Ok(())
    }

    /// Passes on as many events as demand and budget allow. Returns the delay until the budget may allow a
    /// waiting event to pass, or `None` if only demand is missing.
    fn pass(&mut self, out: &mut Emitter<'_, E>) -> Option<Duration> {
        let share = self.share.as_mut()?;
        let (mut room, mut wait) = (out.demand(), None);
        let mut tokens: HashMap<K, usize> = HashMap::new();
        let mut kept = VecDeque::new();
        while room > 0
            && let Some(next) = self.waiting.pop_front()
        {
            let left = tokens.entry(next.key.clone()).or_insert_with(|| {
                let events = self.of_key.get(&next.key).map_or(1, |events| room.min(*events));
                let taken = share.take(&next.key, events);
                wait = [wait, taken.wait].into_iter().flatten().min();
                taken.tokens
            });
            if *left == 0 {
                kept.push_back(next);
                continue;
            }
            *left -= 1;
            room -= 1;
            if let Some(line) = self.lines.iter_mut().find(|line| line.number == next.line) {
                line.passed += 1;
            }
            forget(&mut self.of_key, &next.key);
            out.emit(next.event);
        }
        for (key, unused) in tokens.into_iter().filter(|(_, unused)| *unused > 0) {
            share.give_back(&key, unused);
        }
        kept.append(&mut self.waiting);
        self.waiting = kept;
        if room > 0 {
            return wait;
        }
        // Other steps may use the tokens this step waited for.
        share.give_up();
        None
    }

    /// Asks for as many events as were passed on.
    fn ask(&mut self) {
        for line in &mut self.lines {
            let passed = std::mem::take(&mut line.passed);
            if passed > 0
                && let Some(demand) = line.credit.settle_by(line.subscription.window(), passed)
            {
                line.subscription.ask(demand);
            }
        }
    }

    /// Schedules a check after `wait`; without a delay, the next demand triggers it.
    fn look_again(&mut self, wait: Option<Duration>, out: &mut Emitter<'_, E>) -> StageResult {
        let at = wait.and_then(|wait| moment::after(Instant::now(), wait));
        // A check that comes too early does no harm; creating another timer each time would.
        if let (Some(at), Some(wait)) = (at, wait)
            && self.timer.as_ref().is_none_or(|(scheduled, _)| *scheduled > at)
        {
            self.forget_timer();
            self.timer = Some((at, out.schedule::<Self, _>(wait, Look)?));
        }
        Ok(())
    }

    fn forget_timer(&mut self) {
        if let Some((_, timer)) = self.timer.take() {
            timer.cancel();
        }
    }
}

impl<E, K, F> ProducerConsumer for RateLimiter<E, K, F>
where
    E: Send + 'static,
    K: Clone + Eq + Hash + Send + 'static,
    F: Fn(&E) -> K + Send + 'static,
{
    type In = E;
    type Out = E;

    const ASKS_BY_ITSELF: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        let stage = StageRef::<Self, E, E>::current(cx)?;
        self.counters = Some(Arc::clone(&cx.state.counters));
        cx.state.requests.connect(Arc::new(self.budget.clone()), self.preset);
        self.share = Some(self.budget.join(move || {
            // Fails if the stage has already ended.
            let _ = stage.cast(Look);
        }));
        Ok(Init::Ready)
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        _out: &mut Emitter<'_, E>,
    ) -> Result<Asking, BoxError> {
        if peer == Role::Consumer {
            return Ok(Asking::Automatic);
        }
        let (credit, ask) = Credit::open(subscription.window());
        subscription.ask(ask);
        self.subscribed += 1;
        let line = Line { number: self.subscribed, subscription: subscription.clone(), credit, passed: 0 };
        self.lines.push(line);
        Ok(Asking::Manual)
    }

    async fn handle_cancel(
        &mut self,
        _peer: Role,
        subscription: &Subscription,
        _cancellation: &Cancellation,
        _out: &mut Emitter<'_, E>,
    ) -> StageResult {
        self.lines.retain(|line| line.subscription != *subscription);
        Ok(())
    }

    async fn handle_events(&mut self, events: Events<'_, E>, out: &mut Emitter<'_, E>) -> StageResult {
        let from = events.from().clone();
        let line = self.lines.iter().find(|line| line.subscription == from).map_or(0, |line| line.number);
        for event in events {
            let key = (self.key)(&event);
            *self.of_key.entry(key.clone()).or_default() += 1;
            self.waiting.push_back(Waiting { line, key, event });
        }
        self.serve(out)
    }

    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, E>) -> StageResult {
        self.serve(out)
    }
}

impl<E, K, F> Cast<Look> for RateLimiter<E, K, F>
where
    E: Send + 'static,
    K: Clone + Eq + Hash + Send + 'static,
    F: Fn(&E) -> K + Send + 'static,
{
    type Out = E;

    async fn handle_cast(&mut self, _: Look, out: &mut Emitter<'_, E>) -> StageResult {
        self.forget_timer();
        self.serve(out)
    }
}

/// Counts the events held by a stopped or failed stage as discarded.
impl<E, K: Clone + Eq + Hash, F> Drop for RateLimiter<E, K, F> {
    fn drop(&mut self) {
        if let Some(counters) = &self.counters {
            counters.discard_kept(self.held, "the stage ended before their budget admitted them");
        }
    }
}

impl<E, K: Clone + Eq + Hash, F> fmt::Debug for RateLimiter<E, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("budget", &self.budget)
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}
