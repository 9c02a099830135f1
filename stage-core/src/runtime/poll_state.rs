//! The state that a stage and its own task share: its place in a queue, and the measured duration of its
//! polls.

use std::sync::Weak;

use tokio::runtime::Id;

use crate::base::stats::Counters;
use crate::sync::{Arc, AtomicBool, AtomicU64, AtomicWaker, Mutex, Ordering, lock};
use crate::wire::signal::Signal;

/// A stage that is ready to be polled.
pub(crate) type Runnable = async_task::Runnable<Arc<PollState>>;

/// Upper limit of a quick poll, in nanoseconds on average.
///
/// Waking a worker and moving a batch from one cache to another costs about as much. Stages with longer polls
/// gain from a worker each.
const QUICK: u64 = 3_000;

/// Upper limit of a short poll, in nanoseconds on average: a quick stage that such a stage wakes may wait for
/// its end.
const SHORT: u64 = 30_000;

/// Maximum that a poll of a quick stage counts for: one interrupted poll does not make a stage slow, a few in
/// a row do.
const MOST: u64 = 2 * QUICK;

/// Maximum that a poll of any other stage counts for, so that its effect fades after a few polls.
const MOST_OF_SLOW: u64 = 4 * SHORT;

/// While polls are well below [`QUICK`], one in `SAMPLE` is measured; otherwise every poll is.
const SAMPLE: u64 = 16;

/// The state that a stage and its own task share.
#[derive(Debug)]
pub(crate) struct PollState {
    runtime: Id,
    /// The signal that wakes the stage. It keeps the waker of its task, and thereby this state, until it is dropped.
    signal: Weak<Signal>,
    /// The stage's counters, whose clock records when the stage becomes ready to be polled.
    counters: Arc<Counters>,
    ready: Mutex<ReadyStage>,
    /// Wakes the task.
    waker: AtomicWaker,
    /// Whether the stage is to be aborted.
    cut: AtomicBool,
    /// Number of polls, and their average duration in nanoseconds. Only the thread that polls the stage
    /// writes these.
    polls: AtomicU64,
    nanos: AtomicU64,
}

/// Whether the task has its stage to poll.
#[derive(Debug)]
enum ReadyStage {
    None,
    /// The stage is ready to be polled.
    Waiting(Runnable),
    /// The task has ended.
    Closed,
}

impl PollState {
    /// Creates the state of a stage on this runtime.
    pub(crate) fn on(runtime: Id, signal: &Arc<Signal>, counters: Arc<Counters>) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            signal: Arc::downgrade(signal),
            counters,
            ready: Mutex::new(ReadyStage::None),
            waker: AtomicWaker::new(),
            cut: AtomicBool::new(false),
            polls: AtomicU64::new(0),
            nanos: AtomicU64::new(MOST),
        })
    }

    pub(crate) fn runtime(&self) -> Id {
        self.runtime
    }

    /// Returns whether the stage was woken for credit, rather than for events, mail or anything else.
    pub(crate) fn woke_for_credit(&self) -> bool {
        self.signal.upgrade().is_some_and(|signal| signal.woke_for_credit())
    }

    /// Returns the waker of the task.
    pub(crate) fn waker(&self) -> &AtomicWaker {
        &self.waker
    }

    /// Passes `runnable` to its task to be polled; if the task has ended, drops the stage.
    pub(crate) fn send(runnable: Runnable) {
        let state = Arc::clone(runnable.metadata());
        state.counters.clock.woken();
        let mut ready = lock(&state.ready);
        if !matches!(*ready, ReadyStage::Closed) {
            *ready = ReadyStage::Waiting(runnable);
            drop(ready);
            state.waker.wake();
        }
    }

    /// Takes the stage, if it is ready to be polled.
    pub(crate) fn receive(&self) -> Option<Runnable> {
        let mut ready = lock(&self.ready);
        match std::mem::replace(&mut *ready, ReadyStage::None) {
            ReadyStage::Waiting(runnable) => Some(runnable),
            ReadyStage::None | ReadyStage::Closed => None,
        }
    }

    /// Notes that the task has ended.
    pub(crate) fn close(&self) {
        let ready = std::mem::replace(&mut *lock(&self.ready), ReadyStage::Closed);
        // May drop the stage, so the lock is released first.
        drop(ready);
    }

    /// Requests that the stage be aborted when it next waits.
    pub(crate) fn cut_off(&self) {
        self.cut.store(true, Ordering::Release);
        self.waker.wake();
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    /// Returns the average duration of a poll, in nanoseconds.
    pub(crate) fn nanos(&self) -> u64 {
        self.nanos.load(Ordering::Relaxed)
    }

    pub(crate) fn is_quick(&self) -> bool {
        self.nanos() < QUICK
    }

    pub(crate) fn is_short(&self) -> bool {
        self.nanos() < SHORT
    }

    /// Counts a poll that begins; returns whether to measure it.
    pub(crate) fn count_poll(&self) -> Measure {
        let polls = self.polls.load(Ordering::Relaxed);
        self.polls.store(polls.wrapping_add(1), Ordering::Relaxed);
        if self.nanos.load(Ordering::Relaxed) < QUICK / 2 && !polls.is_multiple_of(SAMPLE) {
            Measure::No
        } else {
            Measure::Yes
        }
    }

    /// Records the duration of a poll: the average moves by a quarter of the difference.
    pub(crate) fn measured(&self, nanos: u64) {
        let average = self.nanos();
        let most = if average < QUICK { MOST } else { MOST_OF_SLOW };
        self.nanos.store((average * 3 + nanos.min(most)) / 4, Ordering::Relaxed);
    }
}

/// Whether a poll is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> Arc<PollState> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        PollState::on(runtime.handle().id(), &Signal::new(), Arc::default())
    }

    #[test]
    fn a_stage_is_quick_after_some_short_polls_and_slow_after_some_long_ones() {
        let state = state();
        assert!(!state.is_quick(), "nothing is known of it");
        (0..10).for_each(|_| state.measured(500));
        assert!(state.is_quick());
        state.measured(u64::MAX / 4);
        assert!(state.is_quick(), "one may have been interrupted");
        (0..3).for_each(|_| state.measured(QUICK * 2));
        assert!(!state.is_quick());
    }

    #[test]
    fn one_long_poll_ends_the_short_state_of_a_stage_that_is_not_quick() {
        let state = state();
        (0..10).for_each(|_| state.measured(10_000));
        assert!(state.is_short() && !state.is_quick());
        state.measured(u64::MAX / 4);
        assert!(!state.is_short());
        (0..5).for_each(|_| state.measured(10_000));
        assert!(state.is_short(), "it was but once");
    }

    #[test]
    fn all_polls_are_measured_until_they_prove_short() {
        let state = state();
        assert!((0..100).all(|_| state.count_poll() == Measure::Yes));
        (0..20).for_each(|_| state.measured(100));
        let measured = (0..SAMPLE * 10).filter(|_| state.count_poll() == Measure::Yes).count();
        assert_eq!(measured, 10);
    }
}
