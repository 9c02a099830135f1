//! Broadcast: all subscribers see the same events between joins, subject to their selectors.

use proptest::prelude::*;
use stage_core::dispatch::{BroadcastDispatcher, DispatchOptions, SubscriptionKey};
use stage_core::testing::Supply;

use super::super::support::got;
use super::history::{KEYS, Step, histories, settings};

/// The subscriber that selects.
const CHOOSY: usize = 3;

#[derive(Default)]
struct Subscriber {
    asked: usize,
    got: Vec<u32>,
}

struct Model {
    supply: Supply<u32>,
    subscribers: [Option<Subscriber>; KEYS],
    emitted: u32,
}

fn selects(key: usize, event: u32) -> bool {
    key != CHOOSY || event.is_multiple_of(2)
}

impl Model {
    fn new() -> Self {
        let supply = Supply::new(BroadcastDispatcher::new());
        Self { supply, subscribers: std::array::from_fn(|_| None), emitted: 0 }
    }

    fn run(mut self, history: &[Step]) {
        for step in history {
            self.step(*step);
            self.deliver();
            assert!(self.supply.outstanding() >= self.supply.wanted(), "the ledger");
            let waiting = self.supply.waiting();
            assert!(waiting == 0 || self.supply.wanted() == 0, "{waiting} wait although wanted");
        }
        self.finish();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join(key) => self.join(key),
            Step::Ask(key, events) => self.ask(key, events),
            Step::Emit(events) => self.emit(events),
            Step::EmitOutstanding => self.emit(self.supply.outstanding()),
            Step::Leave(key, back) => self.leave(key, back),
            Step::Mark => {}
        }
    }

    fn join(&mut self, key: usize) {
        if self.subscribers[key].is_some() {
            return;
        }
        let stage = u64::try_from(key).expect("a small number");
        let options = DispatchOptions::new().subscriber(stage);
        let options = options.selector(move |event| selects(key, *event));
        self.supply.subscribe(SubscriptionKey::new(key), options).expect("a free place");
        self.subscribers[key] = Some(Subscriber::default());
        assert_eq!(self.supply.wanted(), 0, "a newcomer holds all others back until it asks");
    }

    fn ask(&mut self, key: usize, events: usize) {
        if let Some(subscriber) = &mut self.subscribers[key] {
            subscriber.asked += events;
            self.supply.ask(SubscriptionKey::new(key), events);
        }
    }

    fn emit(&mut self, events: usize) {
        let first = self.emitted;
        self.emitted += u32::try_from(events).expect("a small number");
        self.supply.emit(first..self.emitted);
    }

    fn leave(&mut self, key: usize, back: usize) {
        let Some(mut subscriber) = self.subscribers[key].take() else { return };
        let back = subscriber.got.split_off(subscriber.got.len().saturating_sub(back));
        let (count, waiting) = (back.len(), self.supply.waiting());
        self.supply.take_back(SubscriptionKey::new(key), back);
        let came_back = self.supply.waiting() - waiting;
        self.supply.cancel(SubscriptionKey::new(key));
        assert_eq!(came_back + self.supply.discarded(), count, "D2: returned events wait or are counted");
    }

    fn deliver(&mut self) {
        let mut got = got(&mut self.supply);
        let all = (0..KEYS).filter(|key| *key != CHOOSY && self.subscribers[*key].is_some());
        let seen = all.map(|key| got.get(&SubscriptionKey::new(key)).cloned().unwrap_or_default()).next();
        for (key, subscriber) in self.subscribers.iter_mut().enumerate() {
            let events = got.remove(&SubscriptionKey::new(key)).unwrap_or_default();
            let Some(subscriber) = subscriber else {
                assert!(events.is_empty(), "D4: no delivery to a departed subscriber");
                continue;
            };
            if let Some(seen) = &seen {
                let expected: Vec<_> = seen.iter().copied().filter(|event| selects(key, *event)).collect();
                assert_eq!(events, expected, "all see the same");
            }
            subscriber.got.extend(events);
            assert!(subscriber.got.len() <= subscriber.asked, "D1");
            assert!(subscriber.got.is_sorted_by(|a, b| a < b), "D2: {:?}", subscriber.got);
        }
    }

    /// Leaves one subscriber with unlimited demand: it gets all waiting events, and new ones.
    fn finish(mut self) {
        for key in 1..KEYS {
            self.leave(key, 0);
            self.deliver();
        }
        self.join(0);
        self.ask(0, self.supply.waiting() + 5);
        self.deliver();
        assert_eq!(self.supply.waiting(), 0);
        self.emit(1);
        self.deliver();
        let last = self.subscribers[0].as_ref().expect("the remaining subscriber").got.last().copied();
        assert_eq!(last, Some(self.emitted - 1));
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn broadcast(history in histories()) {
        Model::new().run(&history);
    }
}
