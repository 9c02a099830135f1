//! Events to whoever asks for most, and to all how far their sender is.
//!
//! Who was given nothing of an emission gets a mark in its place, for one event of what it asked for; who
//! asked for nothing gets it when it asks again. So whoever is there knows how far time has come, in the
//! order in which events come to it.

use stage_core::dispatch::{Dispatcher, Outbox, SubscriberOptions, SubscriptionKey};
use stage_core::{Demand, SubscribeError};

use super::{Progress, Stamped};

/// Hands each emission to the subscriber that wants most, as the dispatcher of stages without time does.
#[derive(Debug)]
pub(super) struct Timely {
    subscribers: Vec<Subscriber>,
    /// How far the sender was with the last event that was handed out.
    front: Progress,
    /// Counts changes of credit: equal credits are served in the order in which they came about.
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

    /// Takes in the marks that `events` begins with; how many events come before the next.
    fn pass_marks<T>(&mut self, events: &mut Vec<Stamped<T>>) -> usize {
        let is_mark = |event: &Stamped<T>| matches!(event, Stamped::Mark(..));
        let marks = events.iter().take_while(|event| is_mark(event)).count();
        if let Some(last) = events.drain(..marks).next_back() {
            self.front = last.progress();
        }
        events.iter().position(is_mark).unwrap_or(events.len())
    }

    /// Whose turn it is: the one with the most credit, of equals the one that has it longest.
    fn next(&mut self) -> Option<&mut Subscriber> {
        let wants = self.subscribers.iter_mut().filter(|subscriber| subscriber.credit > 0);
        wants.max_by_key(|subscriber| (subscriber.credit, std::cmp::Reverse(subscriber.since)))
    }

    /// Tells those who ask for events how far the sender is, if they do not know.
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
        _options: SubscriberOptions<Stamped<T>>,
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

    /// The marks that wait for somebody to ask: the engine looks for asks only while something waits.
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
            Dispatcher::<Stamped<i64>>::subscribe(&mut timely, key, SubscriberOptions::new()).unwrap();
            if let Some(demand) = Demand::new(asked) {
                timely.ask(key, demand, &mut outbox);
            }
        }
        (timely, outbox)
    }

    #[test]
    fn who_gets_no_event_gets_a_mark() {
        let (mut timely, mut outbox) = asked(3, 2);
        timely.dispatch(&mut vec![event(1), event(2)], &mut outbox);
        let sent: Vec<_> = outbox.drain().collect();
        assert_eq!(sent, [(A, vec![event(1), event(2)]), (B, vec![mark(2)])]);
        assert_eq!(Dispatcher::<Stamped<i64>>::wanted(&timely), 2);
    }

    #[test]
    fn who_asked_for_nothing_gets_the_mark_when_it_asks() {
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
    fn what_is_left_over_is_no_progress_yet() {
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
