//! The events in progress of one stage, their handlers, and the results that wait to leave.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::OnceLock;

use tokio::task::JoinSet;

use super::reorder::Reorder;
use crate::ack::Token;
use crate::base::error::{BoxError, ExitReason};
use crate::base::stats::Counters;
use crate::credit::demand::Credit;
use crate::policy::{AtOnce, Called, Caller, Carry, EachEvent, FailurePolicy, HandlerRecipe, Losses};
use crate::stage::{CallbackState, Context, Effect, Events, Hold};
use crate::sync::{Arc, Mutex, lock};
use crate::wire::subscription::Subscription;

/// The state that the step and the sink have in common.
pub(super) struct Pool<H: EachEvent, C: Carry> {
    recipe: HandlerRecipe<H>,
    policy: FailurePolicy<H::In>,
    limit: usize,
    /// The handler that shows that the recipe works.
    first: Option<Caller<H>>,
    /// Handlers without an event.
    idle: Vec<Slot<H>>,
    tasks: JoinSet<()>,
    running: usize,
    /// Events that wait for a handler.
    waiting: VecDeque<(LineId, C::Of<H::In>)>,
    next: u64,
    finished: Arc<Finished<H>>,
    reorder: Reorder<(LineId, Made<H>)>,
    /// Results that may leave as soon as there is demand.
    leaving: VecDeque<(LineId, Made<H>)>,
    lines: Vec<Line>,
    subscribed: LineId,
    hold: Option<Hold>,
    /// The reason for which the stage fails after the events that it holds.
    exit: Option<ExitReason>,
    /// Number of events held when the last callback returned; if a callback fails, the engine counts the batch.
    held: usize,
    counters: Option<Arc<Counters>>,
}

/// The result of an event: `None` if nothing is to be passed on.
pub(super) type Made<H> = Option<(<H as EachEvent>::Out, Token)>;

type LineId = u64;

/// A handler, and the part of the stage that it may use while the stage is in other callbacks.
struct Slot<H: EachEvent> {
    caller: Caller<H>,
    state: CallbackState,
}

/// A subscription to a producer, and the credit granted to it.
struct Line {
    id: LineId,
    subscription: Subscription,
    credit: Credit,
    /// Events whose results have left and that are not asked for again yet.
    done: usize,
}

/// The ends of tasks that the stage has not seen yet.
struct Finished<H: EachEvent> {
    ends: Mutex<Vec<End<H>>>,
    /// Makes the stage look at them; set by `init`.
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// The end of one task.
struct End<H: EachEvent> {
    line: LineId,
    number: u64,
    /// `None` if the task ended without a result, by a panic outside of the handler.
    called: Option<(Slot<H>, Called<H::Out>, Losses)>,
}

/// Reports the end of its task, also if that panics.
struct Report<H: EachEvent> {
    finished: Arc<Finished<H>>,
    end: Option<End<H>>,
}

impl<H: EachEvent, C: Carry> Pool<H, C> {
    /// # Errors
    ///
    /// The error of the recipe, or a limit of zero.
    pub(super) fn new(
        at_once: AtOnce,
        policy: FailurePolicy<H::In>,
        recipe: HandlerRecipe<H>,
    ) -> Result<Self, BoxError> {
        let limit = at_once.checked()?;
        let first = Some(Caller::new(Arc::clone(&recipe), policy.clone())?);
        Ok(Self {
            recipe,
            policy,
            limit,
            first,
            idle: Vec::new(),
            tasks: JoinSet::new(),
            running: 0,
            waiting: VecDeque::new(),
            next: 0,
            finished: Arc::new(Finished { ends: Mutex::new(Vec::new()), wake: OnceLock::new() }),
            reorder: Reorder::new(at_once.order),
            leaving: VecDeque::new(),
            lines: Vec::new(),
            subscribed: 0,
            hold: None,
            exit: None,
            held: 0,
            counters: None,
        })
    }

    /// Sets the function that makes the stage look at ended tasks.
    pub(super) fn wake_by(&self, wake: impl Fn() + Send + Sync + 'static) {
        // Called once: a restart makes another pool.
        let _ = self.finished.wake.set(Box::new(wake));
    }

    pub(super) fn subscribe(&mut self, subscription: &Subscription) {
        let (credit, ask) = Credit::open(subscription.window());
        subscription.ask(ask);
        self.subscribed += 1;
        let line = Line { id: self.subscribed, subscription: subscription.clone(), credit, done: 0 };
        self.lines.push(line);
    }

    pub(super) fn unsubscribe(&mut self, subscription: &Subscription) {
        self.lines.retain(|line| line.subscription != *subscription);
    }

    pub(super) fn take(&mut self, events: Events<'_, C::Of<H::In>>) {
        let from = events.from().clone();
        let line = self.lines.iter().find(|line| line.subscription == from).map_or(0, |line| line.id);
        self.waiting.extend(events.into_iter().map(|event| (line, event)));
    }

    /// Takes the results of the tasks that have ended, and starts events while handlers are free.
    ///
    /// # Errors
    ///
    /// The reason to end at once: the policy stops the pipeline, or a task broke off.
    pub(super) fn collect(&mut self, state: &mut CallbackState) -> Result<(), ExitReason> {
        // Frees the memory of ended tasks.
        while self.tasks.try_join_next().is_some() {}
        for End { line, number, called } in mem::take(&mut *lock(&self.finished.ends)) {
            self.running -= 1;
            let Some((slot, called, mut losses)) = called else {
                return Err(BoxError::from("the handling of an event broke off").into());
            };
            self.idle.push(slot);
            let exit = losses.take_exit();
            losses.close(0, state);
            let made = match called {
                Called::Done(Some(made), token) => Some((made, token)),
                Called::Done(None, token) => {
                    token.acknowledge();
                    None
                }
                Called::Lost => None,
                Called::Over => return Err(exit.unwrap_or(ExitReason::Shutdown)),
            };
            self.exit = self.exit.take().or(exit);
            self.reorder.done(number, (line, made), |result| self.leaving.push_back(result));
        }
        while self.running < self.limit
            && let Some((line, event)) = self.waiting.pop_front()
        {
            self.start(line, event, state)?;
        }
        Ok(())
    }

    /// Returns the next result, if there is `demand` for it; a failing stage passes on all of them.
    pub(super) fn next_result(&mut self, demand: usize) -> Option<Made<H>> {
        let (_, made) = self.leaving.front()?;
        if made.is_some() && demand == 0 && self.exit.is_none() {
            return None;
        }
        let (from, made) = self.leaving.pop_front()?;
        if let Some(line) = self.lines.iter_mut().find(|line| line.id == from) {
            line.done += 1;
        }
        Some(made)
    }

    /// Asks for as many events as have left, and holds the stage while it has any.
    pub(super) fn go_on(&mut self, cx: &mut Context<'_>) {
        for line in &mut self.lines {
            let done = mem::take(&mut line.done);
            if done > 0
                && self.exit.is_none()
                && let Some(demand) = line.credit.settle_by(line.subscription.window(), done)
            {
                line.subscription.ask(demand);
            }
        }
        self.held = self.waiting.len() + self.running + self.leaving.len();
        let counters = self.counters.get_or_insert_with(|| Arc::clone(&cx.state.counters));
        counters.keep(self.held);
        self.hold = match self.hold.take() {
            _ if self.held == 0 => None,
            Some(hold) => Some(hold),
            None => Some(cx.hold()),
        };
        if self.held == 0
            && let Some(reason) = self.exit.take()
        {
            cx.state.effects.open.push(Effect::Fail(reason));
        }
    }

    fn start(&mut self, line: LineId, event: C::Of<H::In>, state: &CallbackState) -> Result<(), BoxError> {
        let (event, token) = C::open(event);
        let number = self.next;
        self.next += 1;
        if token.is_of_dead_whole() {
            token.acknowledge();
            self.reorder.done(number, (line, None), |result| self.leaving.push_back(result));
            return Ok(());
        }
        let mut slot = if let Some(slot) = self.idle.pop() {
            slot
        } else {
            let caller = match self.first.take() {
                Some(caller) => caller,
                None => Caller::new(Arc::clone(&self.recipe), self.policy.clone())?,
            };
            Slot { caller, state: state.beside() }
        };
        self.running += 1;
        let end = Some(End { line, number, called: None });
        let mut report = Report { finished: Arc::clone(&self.finished), end };
        self.tasks.spawn(async move {
            let mut losses = Losses::default();
            let called = slot.caller.call(event, token, &mut slot.state, &mut losses).await;
            if let Some(end) = &mut report.end {
                end.called = Some((slot, called, losses));
            }
        });
        Ok(())
    }
}

impl<H: EachEvent> Drop for Report<H> {
    fn drop(&mut self) {
        let Some(end) = self.end.take() else { return };
        let is_first = {
            let mut ends = lock(&self.finished.ends);
            ends.push(end);
            ends.len() == 1
        };
        if is_first && let Some(wake) = self.finished.wake.get() {
            wake();
        }
    }
}

/// Counts the events held by a stopped or failed stage as discarded.
impl<H: EachEvent, C: Carry> Drop for Pool<H, C> {
    fn drop(&mut self) {
        if let Some(counters) = &self.counters {
            counters.discard_kept(self.held, "the stage ended before they were handled");
        }
    }
}

impl<H: EachEvent, C: Carry> fmt::Debug for Pool<H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("limit", &self.limit).field("held", &self.held).finish_non_exhaustive()
    }
}
