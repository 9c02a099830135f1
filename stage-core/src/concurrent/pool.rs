//! The events that a stage holds: in progress, before their next attempt, and the results that wait to leave.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::control::{Ended, Wake};
use super::due::DueQueue;
use super::gates::{Bulkheads, KeyOrder};
use super::job::{End, Finished, Job, Look, Place, Report, Slot, Tried, Waits};
use super::lines::{LineId, Lines};
use super::reorder::Reorder;
use super::rules::{Handling, Rules};
use crate::ack::Token;
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::moment;
use crate::base::stats::Counters;
use crate::policy::{Again, Attempted, Called, Caller, Carry, EachEvent, HandlerRecipe, Losses};
use crate::stage::{CallbackState, Cast, Context, Effect, Events, Hold};
use crate::sync::{Arc, Mutex, lock};
use crate::wire::subscription::Subscription;

/// The state that the step and the sink have in common.
pub(super) struct Pool<H: EachEvent, C: Carry> {
    recipe: HandlerRecipe<H>,
    rules: Rules<H::In, C>,
    /// The handler that shows that the recipe works.
    first: Option<Caller<H>>,
    /// Handlers without an event.
    idle: Vec<Slot<H>>,
    tasks: JoinSet<()>,
    running: usize,
    /// Events that wait for a handler.
    ready: VecDeque<Job<H, C>>,
    /// Events that failed and wait for their next attempt.
    due: DueQueue<Job<H, C>>,
    order: KeyOrder<Job<H, C>>,
    bulkheads: Bulkheads<Job<H, C>>,
    next: u64,
    finished: Arc<Finished<H>>,
    reorder: Reorder<(LineId, Made<H>)>,
    /// Results that may leave as soon as there is demand.
    leaving: VecDeque<(LineId, Made<H>)>,
    pub(super) lines: Lines,
    hold: Option<Hold>,
    /// The time for which the stage has scheduled a look.
    alarm: Option<Instant>,
    /// The reason for which the stage fails after the events that it holds.
    exit: Option<ExitReason>,
    /// Number of events whose results have not left.
    inside: usize,
    /// Number of events held when the last callback returned; if a callback fails, the engine counts the batch.
    held: usize,
    counters: Option<Arc<Counters>>,
}

/// The result of an event: `None` if nothing is to be passed on.
pub(super) type Made<H> = Option<(<H as EachEvent>::Out, Token)>;

impl<H: EachEvent, C: Carry> Pool<H, C> {
    /// # Errors
    ///
    /// The error of the recipe, or a limit of zero.
    pub(super) fn new(rules: Rules<H::In, C>, recipe: HandlerRecipe<H>) -> Result<Self, BoxError> {
        rules.at_once.checked()?;
        let first = Some(Caller::new(Arc::clone(&recipe), rules.policy.clone())?);
        Ok(Self {
            recipe,
            first,
            idle: Vec::new(),
            tasks: JoinSet::new(),
            running: 0,
            ready: VecDeque::new(),
            due: DueQueue::new(),
            order: KeyOrder::new(),
            bulkheads: Bulkheads::new(rules.control.per_key()),
            next: 0,
            finished: Arc::new(Finished { ends: Mutex::new(Vec::new()), wake: OnceLock::new() }),
            reorder: Reorder::new(rules.at_once.at_once.order),
            rules,
            leaving: VecDeque::new(),
            lines: Lines::default(),
            hold: None,
            alarm: None,
            exit: None,
            inside: 0,
            held: 0,
            counters: None,
        })
    }

    /// Sets the function that makes the stage look at ended tasks and at a new limit.
    pub(super) fn begin(&self, wake: Arc<Wake>, state: &CallbackState) {
        if self.rules.handling == Handling::InTasks {
            self.rules.control.join(&wake);
            state.requests.connect_limit(Arc::clone(&self.rules.control) as _);
        }
        // Called once: a restart makes another pool.
        let _ = self.finished.wake.set(wake);
    }

    pub(super) fn subscribe(&mut self, subscription: &Subscription) {
        self.lines.subscribe(subscription, |window| self.rules.window_of(window));
    }

    pub(super) fn take(&mut self, events: Events<'_, C::Of<H::In>>) {
        let line = self.lines.of(events.from());
        self.inside += events.len();
        for event in events {
            let key = self.rules.key.as_ref().map(|key| key(&event));
            let bulkheads = self.rules.at_once.bulkheads.as_ref();
            let bulkhead = bulkheads.map(|bulkheads| (bulkheads.key)(C::peek(&event)));
            let place = Place { line, number: self.next, key, bulkhead, closes: false };
            self.next += 1;
            self.ready.push_back(Job { place, event: Waits::New(event) });
        }
    }

    /// Takes the results of the tasks that have ended, and starts events while handlers are free.
    ///
    /// # Errors
    ///
    /// The reason to end at once: the policy stops the pipeline, or a task ended without a result.
    pub(super) async fn collect(&mut self, state: &mut CallbackState) -> Result<(), ExitReason> {
        // Frees the memory of ended tasks.
        while self.tasks.try_join_next().is_some() {}
        let ends = mem::take(&mut *lock(&self.finished.ends));
        for End { place, tried } in ends {
            self.running -= 1;
            let Some(tried) = tried else {
                return Err(BoxError::from(
                    "the task of an event was aborted or panicked before it had a result",
                )
                .into());
            };
            self.tried(place, tried, state)?;
        }
        let mut again = self.bulkheads.set_most(self.rules.control.per_key());
        if !again.is_empty() {
            again.append(&mut self.ready);
            self.ready = again;
        }
        loop {
            self.resume();
            if self.running >= self.rules.control.now() {
                if !self.ready.is_empty() {
                    self.rules.control.hold_back();
                }
                return Ok(());
            }
            let Some(job) = self.next_job() else { return Ok(()) };
            self.start(job, state).await?;
        }
    }

    /// Lets the events whose attempts are due wait for a handler.
    fn resume(&mut self) {
        if self.due.next().is_some() {
            let now = Instant::now();
            while let Some(job) = self.due.take(now) {
                self.ready.push_back(job);
            }
        }
    }

    /// Returns the next event that may start.
    fn next_job(&mut self) -> Option<Job<H, C>> {
        while let Some(job) = self.ready.pop_front() {
            let Place { number, key, bulkhead, closes, .. } = job.place;
            let passed = match key {
                Some(key) if !closes => self.order.pass(key, number, job),
                Some(_) | None => Some(job),
            };
            let Some(job) = passed else {
                // It may have left a place to the next event.
                if let Some(next) = bulkhead.and_then(|bulkhead| self.bulkheads.next(bulkhead)) {
                    self.ready.push_front(next);
                }
                continue;
            };
            let entered = match bulkhead {
                Some(bulkhead) => self.bulkheads.enter(bulkhead, job),
                None => Some(job),
            };
            if entered.is_some() {
                return entered;
            }
        }
        None
    }

    async fn start(&mut self, job: Job<H, C>, state: &mut CallbackState) -> Result<(), ExitReason> {
        let place = job.place;
        let (event, mut token, attempts) = match job.event {
            Waits::New(event) => {
                let (event, token) = C::open(event);
                (event, token, 0)
            }
            Waits::Again(event, token, attempts) => (event, token, attempts),
        };
        if self.rules.skip.applies(&mut token, &state.counters) {
            token.acknowledge();
            self.leave(place);
            self.done(place, None);
            return Ok(());
        }
        let mut slot = self.slot(state)?;
        let mut losses = Losses::default();
        if self.rules.handling == Handling::InStage {
            let tried = slot.caller.attempt(event, token, attempts, &mut slot.state, &mut losses).await;
            return self.tried(place, (slot, tried, losses), state);
        }
        self.running += 1;
        let end = Some(End { place, tried: None });
        let mut report = Report { finished: Arc::clone(&self.finished), end };
        let control = Arc::clone(&self.rules.control);
        self.tasks.spawn(async move {
            let timed = control.begin();
            let tried = slot.caller.attempt(event, token, attempts, &mut slot.state, &mut losses).await;
            if let Some(timed) = timed {
                control.end(timed, Ended::of(&tried, &losses));
            }
            if let Some(end) = &mut report.end {
                end.tried = Some((slot, tried, losses));
            }
        });
        Ok(())
    }

    fn slot(&mut self, state: &CallbackState) -> Result<Slot<H>, BoxError> {
        if let Some(slot) = self.idle.pop() {
            return Ok(slot);
        }
        let caller = match self.first.take() {
            Some(caller) => caller,
            None => Caller::new(Arc::clone(&self.recipe), self.rules.policy.clone())?,
        };
        Ok(Slot { caller, state: state.beside() })
    }

    /// Takes the outcome of an attempt.
    fn tried(&mut self, place: Place, tried: Tried<H>, state: &mut CallbackState) -> Result<(), ExitReason> {
        let (slot, tried, mut losses) = tried;
        self.idle.push(slot);
        self.leave(place);
        let exit = losses.take_exit();
        losses.close(0, state);
        let called = match tried {
            Attempted::Ended(called) => called,
            Attempted::Again(again) => {
                self.wait(place, again);
                return Ok(());
            }
        };
        let made = match called {
            Called::Done(Some(made), token) => Some((made, token)),
            Called::Done(None, token) => {
                token.acknowledge();
                None
            }
            Called::Lost => None,
            Called::Over => {
                // It is counted already.
                self.inside -= 1;
                return Err(exit.unwrap_or(ExitReason::Shutdown));
            }
        };
        self.exit = self.exit.take().or(exit);
        self.done(place, made);
        Ok(())
    }

    /// Sets an event aside until its next attempt is due; meanwhile, the later ones of its key wait.
    fn wait(&mut self, mut place: Place, again: Again<H::In>) {
        if let Some(key) = place.key
            && !mem::replace(&mut place.closes, true)
        {
            self.order.close(key);
        }
        let Again { event, token, attempts, delay } = again;
        let now = Instant::now();
        let at = moment::after(now, delay).unwrap_or(now + moment::LONGEST);
        self.due.add(at, Job { place, event: Waits::Again(event, token, attempts) });
    }

    /// Lets the next event with the same bulkhead start.
    fn leave(&mut self, place: Place) {
        if let Some(next) = place.bulkhead.and_then(|bulkhead| self.bulkheads.leave(bulkhead)) {
            self.ready.push_front(next);
        }
    }

    fn done(&mut self, place: Place, made: Made<H>) {
        if place.closes
            && let Some(key) = place.key
        {
            let mut parked = self.order.open(key);
            parked.append(&mut self.ready);
            self.ready = parked;
        }
        self.reorder.done(place.number, (place.line, made), |result| self.leaving.push_back(result));
    }

    /// Returns the next result, if there is `demand` for it; a failing stage passes on all of them.
    pub(super) fn next_result(&mut self, demand: usize) -> Option<Made<H>> {
        let (_, made) = self.leaving.front()?;
        if made.is_some() && demand == 0 && self.exit.is_none() {
            return None;
        }
        let (from, made) = self.leaving.pop_front()?;
        self.inside -= 1;
        self.lines.done(from);
        Some(made)
    }

    /// Asks for as many events as have left, holds the stage `S` while it has any, and schedules its next look.
    ///
    /// # Errors
    ///
    /// As [`Context::schedule`].
    pub(super) fn go_on<S: Cast<Look>>(&mut self, cx: &mut Context<'_>) -> StageResult {
        if self.exit.is_none() {
            self.lines.ask(|window| self.rules.window_of(window));
        }
        self.count(cx.state);
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
        if let Some(wait) = self.alarm() {
            cx.schedule::<S, _>(wait, Look)?;
        }
        Ok(())
    }

    /// Counts the events that the stage holds.
    pub(super) fn count(&mut self, state: &CallbackState) {
        self.held = self.inside;
        let counters = self.counters.get_or_insert_with(|| Arc::clone(&state.counters));
        counters.keep(self.held);
        if self.rules.handling == Handling::InTasks {
            counters.set_at_once(self.rules.control.now());
        }
        if self.rules.policy.retries() {
            counters.set_retries(self.due.len(), self.due.next());
        }
    }

    /// Returns the time until the stage must look again, if it has scheduled no earlier look.
    fn alarm(&mut self) -> Option<Duration> {
        let next = self.due.next()?;
        let now = Instant::now();
        if self.alarm.is_some_and(|alarm| alarm > now && alarm <= next) {
            return None;
        }
        self.alarm = Some(next);
        Some(next.saturating_duration_since(now))
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
        f.debug_struct("Pool")
            .field("control", &self.rules.control)
            .field("held", &self.held)
            .field("due", &self.due)
            .field("parked", &(self.order.parked() + self.bulkheads.parked()))
            .finish_non_exhaustive()
    }
}
