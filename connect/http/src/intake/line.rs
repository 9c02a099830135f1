//! The line between requests and source: how many events are wanted, which wait, and who may add one.
//!
//! Invariants:
//! 1. free + reserved + queued = wanted + backlog + owed. An event takes a free place, first reserved, then queued.
//! 2. `owed` are places of a demand that ended with its run while requests held them; the next demand pays them first.
//! 3. An event in the queue either leaves with the source or gets a verdict when the source is gone for good.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use stage_core::ack::Reason;
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError, watch};

use super::counts::Counters;
use super::options::IntakeOptions;
use super::refusal::{Refusal, Unavailable};
use super::ticket::{Ticket, Verdict};

/// Resolves when the source is asked to leave.
pub(super) type Leaving = Shared<BoxFuture<'static, ()>>;

/// Wakes the running source.
pub(super) type Wake = Box<dyn Fn() + Send>;

/// Identifies a run of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunId(u64);

/// A request's event on its way to the source.
pub(super) type Waiting<T> = (T, Arc<Ticket>);

/// The state of the source.
#[derive(Clone)]
enum Phase {
    NotRunning,
    Running(Leaving),
    Restarting,
    Ended,
}

pub(super) struct Line<T> {
    state: Mutex<State<T>>,
    /// The free places.
    free: Semaphore,
    /// Changes only while `state` is locked.
    phase: watch::Sender<Phase>,
    pub(super) options: IntakeOptions,
    pub(super) counters: Arc<Counters>,
}

struct State<T> {
    queued: VecDeque<Waiting<T>>,
    /// The demand of the current run that no event has met.
    wanted: usize,
    owed: usize,
    run: RunId,
    source: Option<Wake>,
    /// Whether the source was woken and has not looked yet.
    is_woken: bool,
}

impl<T> Line<T> {
    pub(super) fn new(options: IntakeOptions) -> Self {
        let state = State {
            queued: VecDeque::new(),
            wanted: 0,
            owed: 0,
            run: RunId(0),
            source: None,
            is_woken: false,
        };
        let free = Semaphore::new(options.backlog);
        let (phase, _) = watch::channel(Phase::NotRunning);
        Self { state: Mutex::new(state), free, phase, options, counters: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a place if one is free now.
    pub(super) fn try_reserve(&self) -> Result<(), Refusal> {
        let phase = self.phase.borrow().clone();
        let absence = match phase {
            Phase::Running(leaving) => leaving.now_or_never().map(|()| Unavailable::Draining),
            Phase::NotRunning => Some(Unavailable::NotRunning),
            Phase::Restarting => Some(Unavailable::Restarting),
            Phase::Ended => Some(Unavailable::Ended),
        };
        if let Some(absence) = absence {
            return Err(self.unavailable(absence));
        }
        match self.free.try_acquire() {
            Ok(permit) => {
                permit.forget();
                Ok(())
            }
            Err(TryAcquireError::NoPermits) => {
                self.counters.full.add();
                Err(Refusal::Full)
            }
            Err(TryAcquireError::Closed) => Err(self.unavailable(Unavailable::Ended)),
        }
    }

    /// Reserves a place, in turn with others who wait.
    pub(super) async fn reserve(&self) -> Result<(), Refusal> {
        let mut phases = self.phase.subscribe();
        loop {
            let phase = phases.borrow_and_update().clone();
            let leaving = match phase {
                Phase::Running(leaving) => leaving.left_future(),
                Phase::Restarting => std::future::pending().right_future(),
                Phase::NotRunning => return Err(self.unavailable(Unavailable::NotRunning)),
                Phase::Ended => return Err(self.unavailable(Unavailable::Ended)),
            };
            tokio::select! {
                biased;
                () = leaving => return Err(self.unavailable(Unavailable::Draining)),
                // The sender lives as long as the line.
                _ = phases.changed() => {}
                place = self.free.acquire() => {
                    return place.map(SemaphorePermit::forget).map_err(|_| self.unavailable(Unavailable::Ended));
                }
            }
        }
    }

    fn unavailable(&self, absence: Unavailable) -> Refusal {
        self.counters.unavailable.add();
        Refusal::Unavailable(absence)
    }

    /// Returns a reserved place.
    pub(super) fn release(&self) {
        self.free.add_permits(1);
    }

    /// Queues an event in a reserved place. The place is released if the source is gone.
    pub(super) fn enter(&self, event: T, ticket: impl FnOnce() -> Arc<Ticket>) -> Result<(), Refusal> {
        let mut state = self.lock();
        let absence = match &*self.phase.borrow() {
            Phase::Running(_) | Phase::Restarting => None,
            Phase::NotRunning => Some(Unavailable::NotRunning),
            Phase::Ended => Some(Unavailable::Ended),
        };
        if let Some(absence) = absence {
            drop(state);
            self.release();
            return Err(self.unavailable(absence));
        }
        state.queued.push_back((event, ticket()));
        if state.wanted > 0 && !state.is_woken {
            state.is_woken = state.source.is_some();
            if let Some(wake) = &state.source {
                wake();
            }
        }
        Ok(())
    }

    /// Begins a run of the source.
    pub(super) fn begin(&self, leaving: Leaving, wake: Wake) -> RunId {
        let mut state = self.lock();
        self.withdraw(&mut state);
        state.run.0 += 1;
        state.source = Some(wake);
        state.is_woken = false;
        self.phase.send_replace(Phase::Running(leaving));
        state.run
    }

    /// Withdraws the demand of the last run.
    fn withdraw(&self, state: &mut State<T>) {
        let withdrawn = std::mem::take(&mut state.wanted);
        state.owed += withdrawn - self.free.forget_permits(withdrawn);
    }

    /// Adds a demand.
    pub(super) fn want(&self, events: usize) {
        let mut state = self.lock();
        state.wanted += events;
        let paid = events.min(state.owed);
        state.owed -= paid;
        self.free.add_permits(events - paid);
    }

    /// Takes the events that are wanted.
    pub(super) fn take(&self) -> Vec<Waiting<T>> {
        let mut state = self.lock();
        state.is_woken = false;
        let taken = state.queued.len().min(state.wanted);
        state.wanted -= taken;
        state.queued.drain(..taken).collect()
    }

    /// Ends a run whose source will come back: events stay queued.
    pub(super) fn lose(&self, run: RunId) {
        let mut state = self.lock();
        if state.run == run && matches!(&*self.phase.borrow(), Phase::Running(_)) {
            state.source = None;
            self.phase.send_replace(Phase::Restarting);
        }
    }

    /// Ends a run whose source leaves: the events that it has not taken are returned to their clients.
    pub(super) fn leave(&self, run: RunId) {
        let mut state = self.lock();
        if state.run == run {
            let rest = self.clear(&mut state, Phase::NotRunning);
            drop(state);
            refuse(rest);
        }
    }

    /// Ends the line: the last source is gone.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        let rest = self.clear(&mut state, Phase::Ended);
        drop(state);
        self.free.close();
        refuse(rest);
    }

    fn clear(&self, state: &mut State<T>, phase: Phase) -> VecDeque<Waiting<T>> {
        let rest = std::mem::take(&mut state.queued);
        self.free.add_permits(rest.len());
        self.withdraw(state);
        state.source = None;
        self.phase.send_replace(phase);
        rest
    }
}

/// Settles events that no source takes.
fn refuse<T>(rest: VecDeque<Waiting<T>>) {
    for (event, ticket) in rest {
        drop(event);
        ticket.settle(Verdict::Rejected(Reason::Stopped));
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::sync::oneshot;

    use super::super::ticket::Reply;
    use super::*;

    const BACKLOG: usize = 3;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Want(usize),
        Reserve,
        Release,
        Enter,
        Take,
        Lose,
        Leave,
        Begin,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1..5_usize).prop_map(Step::Want),
            Just(Step::Reserve),
            Just(Step::Release),
            Just(Step::Enter),
            Just(Step::Take),
            Just(Step::Lose),
            Just(Step::Leave),
            Just(Step::Begin),
        ]
    }

    /// A line with the places that requests hold, and the verdicts that they wait for.
    struct Held {
        line: Line<u32>,
        run: RunId,
        reserved: usize,
        verdicts: Vec<oneshot::Receiver<Verdict>>,
        taken: Vec<Waiting<u32>>,
    }

    impl Held {
        fn new() -> Self {
            let line = Line::new(IntakeOptions::new().backlog(BACKLOG));
            let run = begin(&line);
            Self { line, run, reserved: 0, verdicts: Vec::new(), taken: Vec::new() }
        }

        fn apply(&mut self, step: Step) {
            let is_running = matches!(*self.line.phase.borrow(), Phase::Running(_));
            match step {
                Step::Want(events) if is_running => self.line.want(events),
                Step::Reserve => self.reserved += usize::from(self.line.try_reserve().is_ok()),
                Step::Release if self.reserved > 0 => {
                    self.reserved -= 1;
                    self.line.release();
                }
                Step::Enter if self.reserved > 0 => {
                    self.reserved -= 1;
                    let (sender, verdict) = oneshot::channel();
                    let ticket = || Ticket::new(Reply::One(sender), &self.line.counters);
                    if self.line.enter(0, ticket).is_ok() {
                        self.verdicts.push(verdict);
                    }
                }
                Step::Take if is_running => self.taken.extend(self.line.take()),
                Step::Lose => self.line.lose(self.run),
                Step::Leave => self.line.leave(self.run),
                Step::Begin => self.run = begin(&self.line),
                Step::Want(_) | Step::Release | Step::Enter | Step::Take => {}
            }
        }

        /// Checks invariant 1.
        fn check(&self) {
            let state = self.line.lock();
            let places = self.line.free.available_permits() + self.reserved + state.queued.len();
            assert_eq!(places, state.wanted + BACKLOG + state.owed);
        }
    }

    fn begin(line: &Line<u32>) -> RunId {
        line.begin(std::future::pending().boxed().shared(), Box::new(|| ()))
    }

    proptest! {
        #[test]
        fn places_are_neither_lost_nor_made_and_every_event_gets_a_verdict(steps in vec(step(), 0..60)) {
            let mut held = Held::new();
            for step in steps {
                held.apply(step);
                held.check();
            }
            held.line.end();
            for (_, ticket) in held.taken.drain(..) {
                ticket.settle(Verdict::Acknowledged);
            }
            for verdict in &mut held.verdicts {
                prop_assert!(verdict.try_recv().is_ok());
            }
            let counts = held.line.counters.read();
            prop_assert_eq!((counts.open(), counts.unread), (0, 0));
            prop_assert_eq!(counts.taken, held.verdicts.len() as u64);
            prop_assert!(held.line.try_reserve().is_err());
        }
    }
}
