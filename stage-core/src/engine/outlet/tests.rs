//! Tests of the demand that the outlet itself holds back, outside the pure supply.

use super::*;
use crate::base::options::{Capacity, DemandMode, Keep};
use crate::credit::demand::Window;
use crate::dispatch::supply::buffer::Buffer;
use crate::dispatch::{AnyDispatcher, DispatchOptions};
use crate::wire::link::link;
use crate::wire::protocol::{MadeBy, Subscribe};
use crate::wire::signal::{Signal, Slot};
use crate::wire::subscription::{End, Reach, Tell};

struct Nobody;

impl Reach for Nobody {
    fn name(&self) -> Arc<str> {
        "nobody".into()
    }

    fn tell(&self, _tell: Tell) {}
}

#[test]
fn asks_that_are_held_back_go_with_their_subscription() {
    let supply = Supply::new(AnyDispatcher::default(), Buffer::<u32>::new(Capacity::Unbounded, Keep::Last));
    let mut outlet = Outlet::new(supply, Arc::new(Counters::default()), None);
    outlet.set_mode(DemandMode::Accumulate);
    let signals = [Signal::new(), Signal::new()];
    for _ in 0..10 {
        let slots = signals.each_ref().map(Slot::claim);
        let [producer_end, consumer_end] =
            slots.each_ref().map(|slot| End { stage: Arc::new(Nobody), slot: slot.index() });
        let subscription = Subscription::new(producer_end, consumer_end, Window::default());
        let [producer, consumer] = slots;
        let slot = producer.index();
        let (tx, mut rx) = link(producer, consumer, 1, subscription);
        outlet.subscribe(Subscribe { link: tx, options: DispatchOptions::new(), made_by: MadeBy::Hand });
        rx.give_back(Vec::new(), 5);
        outlet.look(slot);
        assert_eq!(outlet.core.accumulated.as_ref().map(VecDeque::len), Some(1));
        rx.cancel(Cancellation::down(ExitReason::Aborted));
        outlet.look(slot);
        assert_eq!(outlet.core.accumulated.as_ref().map(VecDeque::len), Some(0));
    }
}
