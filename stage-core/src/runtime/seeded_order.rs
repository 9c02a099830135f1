//! A deterministic scheduler for tests: stages run one at a time, in an order that depends only on a seed.
//!
//! A gated stage that is woken does not run: it adds itself to the list of ready stages. When nothing else in
//! the runtime can make progress, the runtime is about to park; then one stage of the list is chosen and
//! polled once. Thus only the seed decides which stage runs next, and time does not advance while any stage
//! is ready.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

use crate::base::random::SplitMix64;
use crate::sync::{Arc, Mutex, lock};

thread_local! {
    /// The order for stages spawned on this thread; `None` means the runtime's own order.
    static CURRENT: RefCell<Option<Arc<SeededOrder>>> = const { RefCell::new(None) };
}

/// The number of the test itself; stages count from 1, in the order in which they start.
const TEST: usize = 0;

/// Gives turns to gated tasks, in an order that only the seed decides.
#[derive(Debug)]
pub(crate) struct SeededOrder {
    thread: ThreadId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: SplitMix64,
    /// Tasks that are ready to run.
    ready: Vec<Arc<Ticket>>,
    /// Priorities by task number; the highest one runs first, most of the time.
    priorities: Vec<u64>,
    /// Wakers to call when no task is ready.
    idle: Vec<Waker>,
    /// The task that had each turn.
    given: Vec<usize>,
    /// Maximum number of turns.
    most: usize,
    /// Woken when the maximum is reached.
    overseer: Option<Waker>,
}

impl SeededOrder {
    /// Creates the order that `seed` determines, for stages that are spawned on this thread.
    pub(crate) fn seeded(seed: u64) -> Arc<Self> {
        let state = State {
            random: SplitMix64::new(seed),
            ready: Vec::new(),
            priorities: vec![0],
            idle: Vec::new(),
            given: Vec::new(),
            most: usize::MAX,
            overseer: None,
        };
        Arc::new(Self { thread: thread::current().id(), state: Mutex::new(state) })
    }

    /// Gates every stage that is spawned on this thread, until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> SeededGuard {
        SeededGuard { order: Arc::clone(self), before: CURRENT.replace(Some(Arc::clone(self))) }
    }

    /// Returns the order of this thread, if a test set one.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Gives one ready task a turn; if there is none, wakes the tasks that wait in [`idle`](Self::idle). Must
    /// be called when nothing else can make progress.
    pub(crate) fn give(&self) {
        let mut state = lock(&self.state);
        if state.given.len() >= state.most {
            let overseer = state.overseer.take();
            drop(state);
            overseer.into_iter().for_each(Waker::wake);
        } else if let Some(ticket) = state.choose() {
            drop(state);
            ticket.grant();
        } else {
            let idle = std::mem::take(&mut state.idle);
            drop(state);
            idle.into_iter().for_each(Waker::wake);
        }
    }

    /// Returns the task that had each turn so far.
    pub(crate) fn given(&self) -> Vec<usize> {
        lock(&self.state).given.clone()
    }

    /// Returns whether `most` turns have been given; otherwise limits the turns to `most` and wakes
    /// `overseer` once they are used up.
    pub(crate) fn are_over(&self, most: usize, overseer: &Waker) -> bool {
        let mut state = lock(&self.state);
        state.most = most;
        state.overseer = Some(overseer.clone());
        state.given.len() >= most
    }

    /// Waits until no task is ready.
    pub(crate) async fn idle(&self) {
        let mut asked = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            lock(&self.state).idle.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Waits for a turn of the test itself.
    pub(crate) async fn turn(self: &Arc<Self>) {
        GatedStage::new(Arc::clone(self), TEST, std::future::ready(())).await;
    }

    fn next_number(&self) -> usize {
        let mut state = lock(&self.state);
        let priority = state.random.next();
        state.priorities.push(priority);
        state.priorities.len() - 1
    }
}

impl State {
    /// Chooses the next task. Half of the turns go to the task with the highest priority, so that some stages
    /// starve for a long time; the others go to a random task, so that none starves forever.
    fn choose(&mut self) -> Option<Arc<Ticket>> {
        let last = self.ready.len().checked_sub(1)?;
        let place = match self.random.next() % 8 {
            0..4 => self.random.below(last + 1),
            _ => (0..=last).max_by_key(|place| self.priorities[self.ready[*place].number]).unwrap_or(last),
        };
        if self.random.below(8) == 0 {
            let number = self.ready[place].number;
            self.priorities[number] = self.random.next();
        }
        let ticket = self.ready.swap_remove(place);
        self.given.push(ticket.number);
        Some(ticket)
    }
}

/// A guard: stages spawned on this thread are gated until it is dropped.
#[derive(Debug)]
pub(crate) struct SeededGuard {
    order: Arc<SeededOrder>,
    before: Option<Arc<SeededOrder>>,
}

impl Drop for SeededGuard {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
        // A waker keeps its runtime alive, and the runtime keeps these turns alive: break the cycle.
        let mut state = lock(&self.order.state);
        let left = (state.overseer.take(), std::mem::take(&mut state.idle), std::mem::take(&mut state.ready));
        drop(state);
        drop(left);
    }
}

/// A future that is polled only when it has a turn.
#[derive(Debug)]
pub(crate) struct GatedStage<F> {
    inner: Pin<Box<F>>,
    ticket: Arc<Ticket>,
    waker: Waker,
}

impl<F: Future> GatedStage<F> {
    /// Gates `stage` if a test controls this thread; otherwise returns it.
    pub(crate) fn around(stage: F) -> Result<Self, F> {
        match SeededOrder::current() {
            Some(order) => {
                let number = order.next_number();
                Ok(Self::new(order, number, stage))
            }
            None => Err(stage),
        }
    }

    fn new(order: Arc<SeededOrder>, number: usize, inner: F) -> Self {
        let state = Mutex::new(TicketState { listed: false, granted: false, task: None });
        let ticket = Arc::new(Ticket { number, order, state });
        let waker = Waker::from(Arc::clone(&ticket));
        Self { inner: Box::pin(inner), ticket, waker }
    }
}

impl<F: Future> Future for GatedStage<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if !self.ticket.may_run(cx.waker()) {
            return Poll::Pending;
        }
        let Self { inner, waker, .. } = &mut *self;
        inner.as_mut().poll(&mut Context::from_waker(waker))
    }
}

impl<F> Drop for GatedStage<F> {
    fn drop(&mut self) {
        let ready = &mut lock(&self.ticket.order.state).ready;
        if let Some(place) = ready.iter().position(|listed| Arc::ptr_eq(listed, &self.ticket)) {
            ready.swap_remove(place);
        }
    }
}

/// One gated task.
#[derive(Debug)]
struct Ticket {
    number: usize,
    order: Arc<SeededOrder>,
    state: Mutex<TicketState>,
}

#[derive(Debug)]
struct TicketState {
    /// On the list, or granted a turn and not polled yet.
    listed: bool,
    granted: bool,
    /// Wakes the task in the runtime.
    task: Option<Waker>,
}

impl Ticket {
    /// Returns whether the task has a turn; its first poll only adds it to the list.
    fn may_run(self: &Arc<Self>, task: &Waker) -> bool {
        let mut ticket_state = lock(&self.state);
        let first = ticket_state.task.replace(task.clone()).is_none();
        if std::mem::take(&mut ticket_state.granted) {
            ticket_state.listed = false;
            return true;
        }
        drop(ticket_state);
        if first {
            self.list();
        }
        false
    }

    fn list(self: &Arc<Self>) {
        if !std::mem::replace(&mut lock(&self.state).listed, true) {
            lock(&self.order.state).ready.push(Arc::clone(self));
        }
    }

    fn grant(&self) {
        let mut ticket_state = lock(&self.state);
        ticket_state.granted = true;
        let task = ticket_state.task.clone();
        drop(ticket_state);
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl Wake for Ticket {
    fn wake(self: Arc<Self>) {
        self.list();
        // A wake-up from another thread must also wake the runtime, which may be parked and unaware of the
        // ready task.
        if thread::current().id() != self.order.thread {
            let task = lock(&self.state).task.clone();
            if let Some(task) = task {
                task.wake();
            }
        }
    }
}
