//! The subscriptions of a step to its producers, each with the credit that the step granted.

use crate::credit::demand::Credit;
use crate::wire::subscription::Subscription;

/// A subscription to a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    number: u64,
    /// The lowest place that was free: the one in the order of the producers, also after a restart of one of them.
    pub(super) place: usize,
}

impl Line {
    pub(super) const fn new(number: u64, place: usize) -> Self {
        Self { number, place }
    }
}

/// The open subscriptions, by their places.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: Vec<Option<OpenLine>>,
    /// Number of subscriptions so far.
    opened: u64,
}

#[derive(Debug)]
struct OpenLine {
    line: Line,
    subscription: Subscription,
    /// `None` if the engine asks.
    credit: Option<Credit>,
    /// Events that left the step and were not asked for again yet.
    used: usize,
}

impl Lines {
    /// Adds a subscription for which the engine asks.
    #[inline]
    pub(super) fn note(&mut self, subscription: &Subscription) -> Line {
        self.add(subscription, None)
    }

    /// Adds a subscription, and asks for its first events.
    #[inline]
    pub(super) fn open(&mut self, subscription: &Subscription) -> Line {
        let (credit, ask) = Credit::open(subscription.window());
        subscription.ask(ask);
        self.add(subscription, Some(credit))
    }

    #[inline]
    fn add(&mut self, subscription: &Subscription, credit: Option<Credit>) -> Line {
        let place = self.lines.iter().position(Option::is_none).unwrap_or(self.lines.len());
        if place == self.lines.len() {
            self.lines.push(None);
        }
        self.opened += 1;
        let line = Line::new(self.opened, place);
        self.lines[place] = Some(OpenLine { line, subscription: subscription.clone(), credit, used: 0 });
        line
    }

    /// Removes a subscription; returns its line.
    #[inline]
    pub(super) fn close(&mut self, subscription: &Subscription) -> Option<Line> {
        let line = self.of(subscription)?;
        self.lines[line.place] = None;
        Some(line)
    }

    /// Returns the line of a subscription.
    pub(super) fn of(&self, subscription: &Subscription) -> Option<Line> {
        self.lines.iter().flatten().find(|it| it.subscription == *subscription).map(|it| it.line)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(Option::is_none)
    }

    /// Notes that an event of each of these lines has left the step, and asks for more where it is due.
    pub(super) fn ask_again(&mut self, used: impl Iterator<Item = Line>) {
        let mut any = false;
        for line in used {
            // The line of an event may have ended while the event was held.
            if let Some(Some(open)) = self.lines.get_mut(line.place)
                && open.line == line
            {
                open.used += 1;
                any = true;
            }
        }
        if !any {
            return;
        }
        for line in self.lines.iter_mut().flatten() {
            let used = std::mem::take(&mut line.used);
            if used > 0
                && let Some(credit) = &mut line.credit
                && let Some(demand) = credit.settle_by(line.subscription.window(), used)
            {
                line.subscription.ask(demand);
            }
        }
    }
}
