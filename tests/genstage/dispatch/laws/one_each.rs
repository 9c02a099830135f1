//! Dispatchers that give each event to one subscriber: no event is lost, repeated, or sent without demand.

use std::collections::BTreeSet;

use proptest::prelude::*;
use stage_core::dispatch::{
    DemandDispatcher, DispatchOptions, Dispatcher, FairDispatcher, GroupDispatcher, Marker,
    PartitionDispatcher, SubscriberGroup, SubscriptionKey, TenantDispatcher, TenantQueues,
    WeightedDispatcher,
};
use stage_core::testing::Supply;

use super::history::{KEYS, Step, histories, settings};

/// The events of a subscription that arrive in the order of their emission.
#[derive(Clone, Copy)]
enum Order {
    /// All, unless one came back from another subscription.
    UnlessReturned,
    /// All.
    Always,
    /// Those of the same tenant, unless one came back.
    ByTenant,
    /// All, unless one came back; a group without demand delays the others.
    InGroup,
}

/// The properties of one dispatcher.
#[derive(Clone, Copy)]
struct Rules {
    order: Order,
    /// Whether an event can be handed out at all.
    routable: fn(u32) -> bool,
}

const EVERYTHING: fn(u32) -> bool = |_| true;
const TENANTS: u32 = 3;

#[derive(Default)]
struct Subscriber {
    asked: usize,
    got: Vec<u32>,
    /// The number of events emitted when none of them waited for it.
    emitted: u32,
}

/// A marker that has not fired, and the events that leave before it.
struct Waiting {
    marker: Marker,
    before: BTreeSet<u32>,
}

struct Model {
    supply: Supply<u32>,
    rules: Rules,
    subscribers: [Option<Subscriber>; KEYS],
    emitted: u32,
    discarded: usize,
    /// For each event, whether it was sent and did not come back.
    out: Vec<bool>,
    sent: usize,
    routable: usize,
    markers: Vec<Waiting>,
    marked: u64,
    /// Whether a subscriber left or events without demand came, so that demand may be orphaned.
    orphaned: bool,
    returned: bool,
}

impl Model {
    fn new(dispatcher: impl Dispatcher<u32> + 'static, rules: Rules) -> Self {
        Self {
            supply: Supply::new(dispatcher),
            rules,
            subscribers: std::array::from_fn(|_| None),
            emitted: 0,
            discarded: 0,
            out: Vec::new(),
            sent: 0,
            routable: 0,
            markers: Vec::new(),
            marked: 0,
            orphaned: false,
            returned: false,
        }
    }

    fn run(mut self, history: &[Step]) {
        for step in history {
            self.step(*step);
            self.deliver();
            self.check(*step);
        }
        self.finish();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join(key) => self.join(key),
            Step::Ask(key, events) => self.ask(key, events),
            Step::Emit(events) => {
                self.orphaned |= events > self.supply.outstanding();
                self.emit(events);
            }
            Step::EmitOutstanding => self.emit(self.supply.outstanding()),
            Step::Leave(key, back) => self.leave(key, back),
            Step::Mark => self.mark(),
        }
    }

    fn join(&mut self, key: usize) {
        if self.subscribers[key].is_none() {
            let weight = u32::try_from(key).expect("a small number") + 1;
            let options = DispatchOptions::new().partition(key).weight(weight);
            self.supply.subscribe(SubscriptionKey::new(key), options).expect("a free place");
            self.subscribers[key] = Some(Subscriber::default());
        }
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
        self.out.resize(self.emitted as usize, false);
        self.routable += (first..self.emitted).filter(|event| (self.rules.routable)(*event)).count();
        self.supply.emit(first..self.emitted);
    }

    fn leave(&mut self, key: usize, back: usize) {
        let Some(mut subscriber) = self.subscribers[key].take() else { return };
        let back = back.min(subscriber.got.len());
        let back = subscriber.got.split_off(subscriber.got.len() - back);
        self.returned |= !back.is_empty();
        self.orphaned = true;
        for event in &back {
            assert!(std::mem::take(&mut self.out[*event as usize]));
            self.sent -= 1;
        }
        self.supply.take_back(SubscriptionKey::new(key), back);
        self.supply.cancel(SubscriptionKey::new(key));
    }

    fn mark(&mut self) {
        let marker = Marker::new(self.marked);
        self.marked += 1;
        let routable = self.rules.routable;
        let here = (0..self.emitted).filter(|event| routable(*event) && !self.out[*event as usize]);
        let before: BTreeSet<_> = here.collect();
        if let Some(fired) = self.supply.mark(marker) {
            assert_eq!(fired, marker);
            assert!(before.is_empty(), "fired before {before:?}");
        } else {
            self.markers.push(Waiting { marker, before });
        }
    }

    fn deliver(&mut self) {
        for (key, events) in self.supply.sent() {
            assert!(!events.is_empty());
            let subscriber =
                self.subscribers[key.number()].as_mut().expect("D4: no delivery to a departed subscriber");
            let before = subscriber.got.len();
            for event in events {
                let before = std::mem::replace(&mut self.out[event as usize], true);
                assert!(!before, "D2: {event} was sent twice");
                self.sent += 1;
                subscriber.got.push(event);
                for waiting in &mut self.markers {
                    waiting.before.remove(&event);
                }
            }
            assert!(subscriber.got.len() <= subscriber.asked, "D1");
            let stale = subscriber.got.iter().skip(before).find(|event| **event < subscriber.emitted);
            assert!(self.returned || stale.is_none(), "D7: {stale:?} waited");
            if self.rules.is_ordered(self.returned) {
                assert!(self.rules.in_order(&subscriber.got), "D2: {:?}", subscriber.got);
            }
        }
        for fired in self.supply.fired() {
            assert_eq!(self.markers[0].marker, fired, "D6: markers fire in order");
            let Waiting { before, .. } = self.markers.remove(0);
            assert!(before.is_empty(), "D6: fired before {before:?}");
        }
        self.discarded += self.supply.discarded();
        for (key, subscriber) in self.subscribers.iter_mut().enumerate() {
            if let Some(subscriber) = subscriber
                && !self.supply.keeps_for(SubscriptionKey::new(key))
            {
                subscriber.emitted = self.emitted;
            }
        }
    }

    fn check(&self, step: Step) {
        let emitted = self.emitted as usize;
        let (routable, known) = (self.routable, self.sent + self.supply.waiting());
        assert!(known <= emitted && known >= routable, "D2: {known} of {emitted} events are known");
        let asked: usize = self.subscribers.iter().flatten().map(|subscriber| subscriber.asked).sum();
        let got: usize = self.subscribers.iter().flatten().map(|subscriber| subscriber.got.len()).sum();
        let held_up = matches!(self.rules.order, Order::Always | Order::InGroup);
        assert!(held_up || asked == got || self.supply.waiting() == 0, "events wait although asked for");
        assert!(asked > 0 || self.supply.wanted() == 0, "no demand");
        let (wanted, outstanding) = (self.supply.wanted(), self.supply.outstanding());
        if !matches!(step, Step::Join(_)) {
            assert!(outstanding >= wanted, "the ledger: {outstanding} on their way, {wanted} wanted");
            assert!(self.orphaned || outstanding == wanted, "{outstanding} on their way, {wanted} wanted");
        }
    }

    /// Gives all subscribers unlimited demand: no event may remain.
    fn finish(mut self) {
        for key in 0..KEYS {
            self.join(key);
            self.ask(key, self.emitted as usize + 1);
            self.deliver();
        }
        let all = (0..self.emitted).map(self.rules.routable);
        assert!(all.eq(self.out.iter().copied()), "D2: all emitted events were sent");
        assert_eq!(self.sent, self.routable);
        assert_eq!(self.supply.waiting(), 0);
        assert!(self.markers.is_empty(), "D6: every marker fires");
    }
}

impl Rules {
    fn is_ordered(self, returned: bool) -> bool {
        match self.order {
            Order::Always => true,
            Order::UnlessReturned | Order::ByTenant | Order::InGroup => !returned,
        }
    }

    fn in_order(self, events: &[u32]) -> bool {
        match self.order {
            Order::Always | Order::UnlessReturned | Order::InGroup => events.is_sorted(),
            Order::ByTenant => (0..TENANTS)
                .all(|tenant| events.iter().filter(|event| **event % TENANTS == tenant).is_sorted()),
        }
    }
}

/// Routes by remainder; some events are dropped, some are routed to a partition that does not exist.
fn partitions() -> impl Dispatcher<u32> {
    let route = |event: u32| match event % 16 {
        7 => None,
        9 => Some((event, 99)),
        rest => Some((event, rest as usize % KEYS)),
    };
    PartitionDispatcher::routed(KEYS, route).expect("some partitions")
}

/// Routes by remainder, to a group of two that share, and to one of two partitions.
fn groups() -> impl Dispatcher<u32> {
    let shared = SubscriberGroup::new(2, DemandDispatcher::new());
    let parity = |event: u32| Some((event, event as usize / 3 % 2));
    let divided = SubscriberGroup::new(2, PartitionDispatcher::routed(2, parity).expect("some partitions"));
    GroupDispatcher::one([shared, divided], |event| *event as usize % 2)
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn one_group(history in histories()) {
        let rules = Rules { order: Order::InGroup, routable: EVERYTHING };
        Model::new(groups(), rules).run(&history);
    }

    #[test]
    fn demand(history in histories()) {
        let rules = Rules { order: Order::UnlessReturned, routable: EVERYTHING };
        Model::new(DemandDispatcher::new(), rules).run(&history);
    }

    #[test]
    fn demand_shuffled(history in histories(), seed: u64) {
        let rules = Rules { order: Order::UnlessReturned, routable: EVERYTHING };
        Model::new(DemandDispatcher::new().shuffled(seed), rules).run(&history);
    }

    #[test]
    fn partition(history in histories()) {
        let rules = Rules { order: Order::Always, routable: |event| !matches!(event % 16, 7 | 9) };
        Model::new(partitions(), rules).run(&history);
    }

    #[test]
    fn fair(history in histories()) {
        let rules = Rules { order: Order::UnlessReturned, routable: EVERYTHING };
        Model::new(FairDispatcher::new(), rules).run(&history);
    }

    #[test]
    fn tenant(history in histories(), room in 1..20_usize) {
        let rules = Rules { order: Order::ByTenant, routable: EVERYTHING };
        let by_tenant = |event: &u32| event % TENANTS;
        Model::new(TenantDispatcher::new(TenantQueues::new(room), by_tenant), rules).run(&history);
    }

    #[test]
    fn weighted(history in histories()) {
        let rules = Rules { order: Order::UnlessReturned, routable: EVERYTHING };
        Model::new(WeightedDispatcher::new(), rules).run(&history);
    }
}
