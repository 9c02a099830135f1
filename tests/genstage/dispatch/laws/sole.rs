//! A sole subscriber is served without its dispatcher: it gets the same events as from the dispatcher.

use proptest::prelude::*;
use stage_core::Demand;
use stage_core::dispatch::{
    DemandDispatcher, DispatchOptions, DispatchWarning, Dispatcher, Marker, Outbox, SubscriptionKey,
};
use stage_core::subscribe::SubscribeError;
use stage_core::testing::Supply;

use super::history::{Step, histories, settings};

/// A custom dispatcher that does not report a sole subscriber, so it is always called.
struct Asked(DemandDispatcher);

impl Dispatcher<u32> for Asked {
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: DispatchOptions<u32>,
    ) -> Result<(), SubscribeError> {
        self.0.subscribe(key, options)
    }

    fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<u32>) {
        Dispatcher::<u32>::cancel(&mut self.0, key, outbox);
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<u32>) {
        self.0.ask(key, demand, outbox);
    }

    fn dispatch(&mut self, events: &mut Vec<u32>, outbox: &mut Outbox<u32>) {
        self.0.dispatch(events, outbox);
    }

    fn wanted(&self) -> usize {
        Dispatcher::<u32>::wanted(&self.0)
    }
}

/// One of the two contenders, and everything that it did.
struct Told {
    supply: Supply<u32>,
    subscribed: [bool; 2],
    emitted: u32,
    marked: u64,
    did: Vec<Did>,
}

#[derive(Debug, PartialEq, Eq)]
struct Did {
    announced: usize,
    sent: Vec<(SubscriptionKey, Vec<u32>)>,
    fired: Vec<Marker>,
    warnings: Vec<DispatchWarning>,
    wanted: usize,
    outstanding: usize,
    waiting: usize,
}

impl Told {
    fn new(dispatcher: impl Dispatcher<u32> + 'static) -> Self {
        Self {
            supply: Supply::new(dispatcher),
            subscribed: [false; 2],
            emitted: 0,
            marked: 0,
            did: Vec::new(),
        }
    }

    /// Returns everything it did in this history of at most two subscribers, and most often of one.
    fn run(mut self, history: &[Step]) -> Vec<Did> {
        for step in history {
            let (announced, fired) = self.step(*step);
            let supply = &mut self.supply;
            self.did.push(Did {
                announced,
                sent: supply.sent(),
                fired: supply.fired().into_iter().chain(fired).collect(),
                warnings: supply.warnings(),
                wanted: supply.wanted(),
                outstanding: supply.outstanding(),
                waiting: supply.waiting(),
            });
        }
        self.did
    }

    fn step(&mut self, step: Step) -> (usize, Option<Marker>) {
        let announced = match step {
            Step::Join(key) => self.join(key / 3),
            Step::Ask(key, events) if self.subscribed[key / 3] => {
                self.supply.ask(SubscriptionKey::new(key / 3), events)
            }
            Step::Ask(..) => 0,
            Step::Emit(events) => self.emit(events),
            Step::EmitOutstanding => self.emit(self.supply.outstanding()),
            Step::Leave(key, _) => self.leave(key / 3),
            Step::Mark => {
                self.marked += 1;
                return (0, self.supply.mark(Marker::new(self.marked)));
            }
        };
        (announced, None)
    }

    fn join(&mut self, key: usize) -> usize {
        if !std::mem::replace(&mut self.subscribed[key], true) {
            self.supply.subscribe(SubscriptionKey::new(key), DispatchOptions::new()).expect("a free place");
        }
        0
    }

    fn emit(&mut self, events: usize) -> usize {
        let first = self.emitted;
        self.emitted += u32::try_from(events).expect("a small number");
        self.supply.emit(first..self.emitted)
    }

    fn leave(&mut self, key: usize) -> usize {
        if std::mem::take(&mut self.subscribed[key]) {
            self.supply.cancel(SubscriptionKey::new(key))
        } else {
            0
        }
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn a_sole_subscriber_gets_the_same_as_among_others(history in histories()) {
        let counted = Told::new(DemandDispatcher::new()).run(&history);
        let asked = Told::new(Asked(DemandDispatcher::new())).run(&history);
        prop_assert_eq!(counted, asked);
    }

    #[test]
    fn a_sole_subscriber_with_large_asks_or_shuffled_first_events_gets_the_same(history in histories(), seed: u64) {
        let dispatcher = || DemandDispatcher::new().max_demand(5).shuffled(seed);
        prop_assert_eq!(Told::new(dispatcher()).run(&history), Told::new(Asked(dispatcher())).run(&history));
    }
}
