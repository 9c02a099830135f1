//! A demand dispatcher for timed flows: sends events to the subscriber with the most demand, and the sender's
//! progress to all.
//!
//! A subscriber that receives no event of an emission gets a progress mark instead, which uses one event of
//! its demand; a subscriber without demand gets the mark when it asks again. Each subscriber thus learns the
//! event-time progress in the order in which its events arrive.

use stage_core::Demand;
use stage_core::dispatch::{DispatchOptions, Dispatcher, Outbox, SubscriptionKey};
use stage_core::subscribe::SubscribeError;

use super::{Progress, Stamped};

/// Sends each emission to the subscriber with the most demand, as the dispatcher of untimed stages does.
#[derive(Debug)]
pub(super) struct Timely {
    subscribers: Vec<Subscriber>,
    /// The sender's progress as of the last event that was sent.
    front: Progress,
    /// Counts changes of credit: of subscribers with equal credit, the one that reached it first is served
    /// first.
    turn: u64,
}

#[derive(Debug)]
struct Subscriber {
    key: SubscriptionKey,
    credit: usize,
    since: u64,
    told: Progress,
}

impl Timely {
    pub(super) fn new() -> Self {
        Self { subscribers: Vec::new(), front: Progress::UNKNOWN, turn: 0 }
    }

    /// Applies the marks at the front of `events`; returns the number of events before the next mark.
    fn pass_marks<T>(&mut self, events: &mut Vec<Stamped<T>>) -> usize {
        let is_mark = |event: &Stamped<T>| matches!(event, Stamped::Mark(..));
        let marks = events.iter().take_while(|event| is_mark(event)).count();
        if let Some(last) = events.drain(..marks).next_back() {
            self.front = last.progress();
        }
        events.iter().position(is_mark).unwrap_or(events.len())
    }

    /// Returns the subscriber to serve next: the one with the most credit; of equals, the one that has had it
    /// longest.
    fn next(&mut self) -> Option<&mut Subscriber> {
        let wants = self.subscribers.iter_mut().filter(|subscriber| subscriber.credit > 0);
        wants.max_by_key(|subscriber| (subscriber.credit, std::cmp::Reverse(subscriber.since)))
    }

    /// Sends the sender's progress to subscribers that have demand and do not know it yet.
    fn tell<T>(&mut self, outbox: &mut Outbox<Stamped<T>>) {
        if self.front == Progress::UNKNOWN {
            return;
        }
        let front = self.front;
        for subscriber in &mut self.subscribers {
            if subscriber.told != front && subscriber.credit > 0 {
                subscriber.told = front;
                subscriber.credit -= 1;
                outbox.push(subscriber.key, Stamped::Mark(front, None));
            }
        }
    }
}

impl<T: Send> Dispatcher<Stamped<T>> for Timely {
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        _options: DispatchOptions<Stamped<T>>,
    ) -> Result<(), SubscribeError> {
        self.turn += 1;
        let (since, told) = (self.turn, Progress::UNKNOWN);
        self.subscribers.push(Subscriber { key, credit: 0, since, told });
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<Stamped<T>>) {
        self.subscribers.retain(|subscriber| subscriber.key != key);
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<Stamped<T>>) {
        self.turn += 1;
        let since = self.turn;
        if let Some(subscriber) = self.subscribers.iter_mut().find(|subscriber| subscriber.key == key) {
            subscriber.credit = subscriber.credit.saturating_add(demand.get());
            subscriber.since = since;
        }
        self.tell(outbox);
    }

    fn dispatch(&mut self, events: &mut Vec<Stamped<T>>, outbox: &mut Outbox<Stamped<T>>) {
        loop {
            let count = self.pass_marks(events);
            self.turn += 1;
            let turn = self.turn;
            let Some(subscriber) = self.next().filter(|_| count > 0) else { break };
            let count = count.min(subscriber.credit);
            let front = events[count - 1].progress();
            (subscriber.credit, subscriber.since, subscriber.told) = (subscriber.credit - count, turn, front);
            outbox.send(subscriber.key, events, count);
            self.front = front;
        }
        self.tell(outbox);
    }

    fn wanted(&self) -> usize {
        self.subscribers.iter().fold(0, |sum, subscriber| sum.saturating_add(subscriber.credit))
    }

    /// Returns the number of marks that wait for demand: the engine checks for asks only while something is
    /// kept.
    fn kept(&self) -> usize {
        let waits = |subscriber: &&Subscriber| subscriber.told != self.front;
        if self.front == Progress::UNKNOWN { 0 } else { self.subscribers.iter().filter(waits).count() }
    }

    fn discard(&mut self) -> usize {
        for subscriber in &mut self.subscribers {
            subscriber.told = self.front;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Stamp;

    const A: SubscriptionKey = SubscriptionKey::new(0);
    const B: SubscriptionKey = SubscriptionKey::new(1);

    fn event(at: i64) -> Stamped<i64> {
        Stamped::Event(Stamp { at, watermark: at, reached: at }, at)
    }

    fn mark(reached: i64) -> Stamped<i64> {
        Stamped::Mark(Progress { reached, idle: false }, None)
    }

    fn asked(a: usize, b: usize) -> (Timely, Outbox<Stamped<i64>>) {
        let (mut timely, mut outbox) = (Timely::new(), Outbox::new());
        for (key, asked) in [(A, a), (B, b)] {
            Dispatcher::<Stamped<i64>>::subscribe(&mut timely, key, DispatchOptions::new()).unwrap();
            if let Some(demand) = Demand::new(asked) {
                timely.ask(key, demand, &mut outbox);
            }
        }
        (timely, outbox)
    }

    #[test]
    fn a_subscriber_without_events_gets_a_mark() {
        let (mut timely, mut outbox) = asked(3, 2);
        timely.dispatch(&mut vec![event(1), event(2)], &mut outbox);
        let sent: Vec<_> = outbox.drain().collect();
        assert_eq!(sent, [(A, vec![event(1), event(2)]), (B, vec![mark(2)])]);
        assert_eq!(Dispatcher::<Stamped<i64>>::wanted(&timely), 2);
    }

    #[test]
    fn a_subscriber_without_demand_gets_the_mark_at_its_next_ask() {
        let (mut timely, mut outbox) = asked(3, 0);
        timely.dispatch(&mut vec![event(1), mark(4)], &mut outbox);
        let sent: Vec<_> = outbox
            .drain()
            .flat_map(|(to, events)| events.into_iter().map(move |event| (to, event)))
            .collect();
        assert_eq!(sent, [(A, event(1)), (A, mark(4))]);
        assert_eq!(Dispatcher::<Stamped<i64>>::kept(&timely), 1);
        timely.ask(B, Demand::new(1).unwrap(), &mut outbox);
        assert_eq!(outbox.drain().collect::<Vec<_>>(), [(B, vec![mark(4)])]);
    }

    #[test]
    fn left_over_demand_is_not_progress() {
        let (mut timely, mut outbox) = asked(1, 1);
        let mut events = vec![event(1), event(2), event(3), mark(9)];
        timely.dispatch(&mut events, &mut outbox);
        let sent: Vec<_> = outbox.drain().collect();
        assert_eq!(sent, [(A, vec![event(1)]), (B, vec![event(2)])]);
        assert_eq!(events, [event(3), mark(9)]);
        timely.ask(A, Demand::new(2).unwrap(), &mut outbox);
        assert_eq!(outbox.drain().collect::<Vec<_>>(), [(A, vec![mark(2)])]);
    }
}
