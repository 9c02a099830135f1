//! The state that a source's stage shares with its lanes and its keeper.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stage_connect::ConnectError;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use crate::fault::{Fault, until};
use crate::partition::Partition;

/// The orders of a lane. A lane whose orders are closed has lost its partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// The time until which events may be handed out; `None` without a lease.
    pub(crate) until: Option<Instant>,
    /// No further frame is asked for.
    pub(crate) finish: bool,
}

/// Events that a lane hands to the stage.
pub(crate) struct Ready<T> {
    pub(crate) partition: Partition,
    pub(crate) events: Vec<T>,
    pub(crate) ticket: Ticket,
    pub(crate) orders: watch::Receiver<Order>,
    /// The name by which a later edge recognizes the events made of these.
    pub(crate) origin: Option<Arc<str>>,
}

/// The receipt of the events that were handed out together.
#[derive(Clone, Debug)]
pub(crate) struct Ticket(Arc<Mutex<Option<oneshot::Sender<Verdict>>>>);

/// The verdict on the events that were handed out together.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Handled,
    /// No handler is at fault: they are handed out again after this time, or go back to the server.
    Postponed(Duration),
    Failed {
        cause: String,
        /// No further attempt can succeed.
        hopeless: bool,
    },
}

#[derive(Debug)]
pub(crate) struct Shared<T> {
    state: Mutex<State<T>>,
    /// Wakes the stage.
    for_stage: Notify,
    /// Wakes lanes and the keeper.
    for_lanes: Notify,
}

#[derive(Debug)]
struct State<T> {
    ready: VecDeque<Ready<T>>,
    phase: Phase,
    hungry: bool,
    fault: Fault,
}

/// The phase of a source. A later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Running,
    /// No further frame is asked for.
    Leaving,
    /// The stage has ended: no further event is handed out.
    Closed,
}

impl Verdict {
    /// The verdict on events that no handler has tried.
    pub(crate) const UNTRIED: Self = Self::Postponed(Duration::from_millis(10));
}

impl Ticket {
    pub(crate) fn new() -> (Self, oneshot::Receiver<Verdict>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(sender)))), receiver)
    }

    /// Reports the verdict to the lane, if it still waits.
    pub(crate) fn judge(&self, verdict: Verdict) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // A lane that has lost its partition does not wait.
            drop(sender.send(verdict));
        }
    }
}

impl<T> Ready<T> {
    /// Returns whether the process owns the partition by its own clock.
    fn is_owned(&self, now: Instant) -> bool {
        self.orders.has_changed().is_ok() && self.orders.borrow().until.is_none_or(|until| now < until)
    }
}

impl<T> Shared<T> {
    pub(crate) fn new() -> Arc<Self> {
        let state =
            State { ready: VecDeque::new(), phase: Phase::Running, hungry: false, fault: Fault::default() };
        Arc::new(Self { state: Mutex::new(state), for_stage: Notify::new(), for_lanes: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands events to the stage. If the stage has ended, the ticket is returned unjudged, by its drop.
    pub(crate) fn hand(&self, ready: Ready<T>) {
        let mut state = self.lock();
        if state.phase < Phase::Closed {
            state.ready.push_back(ready);
        }
        drop(state);
        self.for_stage.notify_waiters();
    }

    /// Takes the next events that may be handed out. Those of lost partitions are dropped; their lanes have ended.
    pub(crate) fn next_ready(&self, now: Instant) -> Option<Ready<T>> {
        let mut state = self.lock();
        state.ready.retain(|ready| ready.orders.has_changed().is_ok());
        let place = state.ready.iter().position(|ready| ready.is_owned(now))?;
        let next = state.ready.remove(place);
        let was_last = state.ready.is_empty();
        drop(state);
        if was_last {
            self.for_lanes.notify_waiters();
        }
        next
    }

    pub(crate) fn has_ready(&self, now: Instant) -> bool {
        self.lock().ready.iter().any(|ready| ready.is_owned(now))
    }

    /// Sets whether the stage has unmet demand.
    pub(crate) fn set_hungry(&self, hungry: bool) {
        let mut state = self.lock();
        let begins = hungry && !state.hungry;
        state.hungry = hungry;
        drop(state);
        if begins {
            self.for_lanes.notify_waiters();
        }
    }

    pub(crate) fn is_hungry(&self) -> bool {
        self.lock().hungry
    }

    /// Returns whether the stage would have to wait at its next demand, if not already at this one.
    pub(crate) fn has_nothing_ready(&self) -> bool {
        let state = self.lock();
        state.hungry || state.ready.is_empty()
    }

    /// Begins a later phase.
    pub(crate) fn enter(&self, phase: Phase) {
        let mut state = self.lock();
        state.phase = state.phase.max(phase);
        let dropped = (state.phase == Phase::Closed).then(|| std::mem::take(&mut state.ready));
        drop(state);
        drop(dropped);
        self.for_lanes.notify_waiters();
        self.for_stage.notify_waiters();
    }

    pub(crate) fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Wakes the stage: a lease was prolonged.
    pub(crate) fn wake_stage(&self) {
        self.for_stage.notify_waiters();
    }

    /// Records an error that ends the source; the first one counts.
    pub(crate) fn fail(&self, error: ConnectError) {
        self.lock().fault.fail(error);
        self.for_stage.notify_waiters();
    }

    /// Records an error of another part of the process, which ends the source; the first one counts.
    #[cfg(feature = "flow")]
    pub(crate) fn fail_with(&self, error: Arc<ConnectError>) {
        self.lock().fault.fail_with(error);
        self.for_stage.notify_waiters();
    }

    pub(crate) fn failure(&self) -> Option<Arc<ConnectError>> {
        self.lock().fault.failure()
    }

    /// Sets the fault that the source waits for to end.
    pub(crate) fn set_waiting_for(&self, what: Option<String>) {
        let changes = self.lock().fault.set_waiting_for(what);
        if changes {
            self.for_stage.notify_waiters();
        }
    }

    pub(crate) fn waiting_for(&self) -> Option<String> {
        self.lock().fault.waiting_for()
    }

    /// Waits for a change that concerns the stage, until `is_so`. Cancel safe.
    pub(crate) async fn stage_until(&self, is_so: impl FnMut(&Self) -> bool) {
        until(&self.for_stage, self, is_so).await;
    }

    /// Waits for a change that concerns lanes, until `is_so`. Cancel safe.
    pub(crate) async fn lanes_until(&self, is_so: impl FnMut(&Self) -> bool) {
        until(&self.for_lanes, self, is_so).await;
    }
}

impl<T> std::fmt::Debug for Ready<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready").field("partition", &self.partition).finish_non_exhaustive()
    }
}
