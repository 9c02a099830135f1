//! Messages that a stage scheduled for a later time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::stage::{Erased, Timer};

/// Messages by due time; messages with the same due time keep their order of arrival. They are type-erased,
/// so that this code is compiled once instead of once per stage.
pub(super) struct Timers {
    due: BinaryHeap<Due>,
    next: u64,
    /// The number of the first message that waits for the next turn.
    until: u64,
    /// Wakes the stage when the first message is due.
    sleep: Option<Pin<Box<Sleep>>>,
}

struct Due {
    /// The due time, and the number of the message in the order of arrival.
    at: (Instant, u64),
    timer: Timer,
    message: Timed,
}

/// The one that is due first is the greatest.
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Due {}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

/// A due message by its kind.
pub(super) enum Timed {
    /// A message that the stage scheduled.
    Envelope(Erased),
    /// A subscription to be made again.
    Join(Erased),
}

impl Timers {
    pub(super) fn new() -> Self {
        Self { due: BinaryHeap::new(), next: 0, until: 0, sleep: None }
    }

    #[inline(never)]
    pub(super) fn add(&mut self, at: Instant, timer: Timer, message: Timed) {
        self.due.push(Due { at: (at, self.next), timer, message });
        self.next += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Returns the time until the first message is due.
    #[inline(never)]
    pub(super) fn wait(&mut self) -> Option<Duration> {
        self.first().map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Begins a turn: [`next`](Self::next) returns the messages that are there now.
    pub(super) fn begin_turn(&mut self) {
        self.until = self.next;
    }

    /// Removes and returns the next message of this turn that is due. One that was scheduled meanwhile waits for the
    /// next turn: a stage that goes on by messages to itself would otherwise see neither demand nor a stop.
    #[inline(never)]
    pub(super) fn next(&mut self) -> Option<Timed> {
        if self.first()? > Instant::now() || self.due.peek()?.at.1 >= self.until {
            return None;
        }
        self.due.pop().map(|due| due.message)
    }

    /// Returns whether a message is due.
    #[inline]
    pub(super) fn is_due(&mut self) -> bool {
        !self.is_empty() && self.first().is_some_and(|at| at <= Instant::now())
    }

    /// Returns whether a message is due that was scheduled in this turn.
    #[inline]
    pub(super) fn is_due_again(&mut self) -> bool {
        self.next > self.until && self.first().is_some_and(|at| at <= Instant::now())
    }

    /// Returns the due time of the first message that was not cancelled.
    #[inline(never)]
    fn first(&mut self) -> Option<Instant> {
        while let Some(first) = self.due.peek() {
            if !first.timer.is_cancelled() {
                return Some(first.at.0);
            }
            self.due.pop();
        }
        None
    }

    /// Returns ready when a message is due; otherwise arranges for the stage to be woken when the first one
    /// is.
    #[inline(never)]
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A sleep rounds its end up to a whole millisecond, also where it has passed.
        if self.is_due_again() {
            return Poll::Ready(());
        }
        let Some(at) = self.first() else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}
