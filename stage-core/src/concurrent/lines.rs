//! The subscriptions of the stage to its producers, and the credit granted to them.

use std::mem;

use crate::credit::demand::{Credit, Window};
use crate::wire::subscription::Subscription;

/// The subscriptions to producers.
#[derive(Default)]
pub(super) struct Lines {
    lines: Vec<Line>,
    subscribed: LineId,
}

pub(super) type LineId = u64;

struct Line {
    id: LineId,
    subscription: Subscription,
    credit: Credit,
    /// Events whose results have left and that are not asked for again yet.
    done: usize,
}

impl Lines {
    /// Adds a subscription, and asks for its first events: a window that `window_of` returns for its own.
    pub(super) fn subscribe(&mut self, subscription: &Subscription, window_of: impl Fn(Window) -> Window) {
        let (credit, ask) = Credit::open(window_of(subscription.window()));
        subscription.ask(ask);
        self.subscribed += 1;
        let line = Line { id: self.subscribed, subscription: subscription.clone(), credit, done: 0 };
        self.lines.push(line);
    }

    #[inline]
    pub(super) fn unsubscribe(&mut self, subscription: &Subscription) {
        self.lines.retain(|line| line.subscription != *subscription);
    }

    /// Returns the line of a subscription; zero if there is none.
    pub(super) fn of(&self, subscription: &Subscription) -> LineId {
        self.lines.iter().find(|line| line.subscription == *subscription).map_or(0, |line| line.id)
    }

    /// Records that the result of an event of this line has left.
    #[inline]
    pub(super) fn done(&mut self, id: LineId) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.id == id) {
            line.done += 1;
        }
    }

    /// Asks for as many events as have left.
    pub(super) fn ask(&mut self, window_of: impl Fn(Window) -> Window) {
        for line in &mut self.lines {
            let done = mem::take(&mut line.done);
            if done > 0
                && let Some(demand) = line.credit.settle_by(window_of(line.subscription.window()), done)
            {
                line.subscription.ask(demand);
            }
        }
    }
}
