//! The messages of a stage to itself that have a time of their own.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::stage::Timer;

/// Messages by the time at which they are due; those of one time in the order in which they were left.
pub(super) struct Timers<M> {
    due: BTreeMap<(Instant, u64), Due<M>>,
    next: u64,
    /// Wakes the stage when the first is due.
    sleep: Option<Pin<Box<Sleep>>>,
}

struct Due<M> {
    timer: Timer,
    message: M,
}

impl<M> Timers<M> {
    pub(super) fn new() -> Self {
        Self { due: BTreeMap::new(), next: 0, sleep: None }
    }

    pub(super) fn add(&mut self, at: Instant, timer: Timer, message: M) {
        self.due.insert((at, self.next), Due { timer, message });
        self.next += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// How long it is until the first is due.
    pub(super) fn wait(&mut self) -> Option<Duration> {
        self.first().map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// The next message that is due.
    pub(super) fn next(&mut self) -> Option<M> {
        if self.first()? > Instant::now() {
            return None;
        }
        self.due.pop_first().map(|(_, due)| due.message)
    }

    /// When the first is due that was not cancelled.
    fn first(&mut self) -> Option<Instant> {
        while let Some(first) = self.due.first_entry() {
            if !first.get().timer.is_cancelled() {
                return Some(first.key().0);
            }
            first.remove();
        }
        None
    }

    /// Ready when a message is due; else the stage is woken when the first one is.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.first() else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}
