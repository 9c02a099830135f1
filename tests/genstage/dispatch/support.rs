//! Shared support of the cases.

use std::collections::BTreeMap;

use stage_core::dispatch::{Marker, SubscriberOptions, SubscriptionKey};
use stage_core::testing::Hub;

pub(super) const A: SubscriptionKey = SubscriptionKey::new(0);
pub(super) const B: SubscriptionKey = SubscriptionKey::new(1);
pub(super) const C: SubscriptionKey = SubscriptionKey::new(2);

pub(super) fn marker(number: u64) -> Marker {
    Marker::new(number)
}

/// Subscribes each key without options.
pub(super) fn join<E>(hub: &mut Hub<E>, keys: &[SubscriptionKey]) {
    for key in keys {
        hub.subscribe(*key, SubscriberOptions::new()).expect("a free place");
    }
}

/// Subscribes to the partition with this number.
pub(super) fn take_partition<E>(hub: &mut Hub<E>, key: SubscriptionKey, partition: usize) {
    hub.subscribe(key, SubscriberOptions::new().partition(partition)).expect("a free partition");
}

/// Returns the events of each subscription since the last call, whatever the messages.
pub(super) fn got<E>(hub: &mut Hub<E>) -> BTreeMap<SubscriptionKey, Vec<E>> {
    let mut got: BTreeMap<_, Vec<E>> = BTreeMap::new();
    for (key, events) in hub.sent() {
        got.entry(key).or_default().extend(events);
    }
    got
}
