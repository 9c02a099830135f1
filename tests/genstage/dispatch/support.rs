//! Shared support of the cases.

use std::collections::BTreeMap;

use stage_core::dispatch::{DispatchOptions, Marker, SubscriptionKey};
use stage_core::testing::Supply;

pub(super) const A: SubscriptionKey = SubscriptionKey::new(0);
pub(super) const B: SubscriptionKey = SubscriptionKey::new(1);
pub(super) const C: SubscriptionKey = SubscriptionKey::new(2);

pub(super) fn marker(number: u64) -> Marker {
    Marker::new(number)
}

/// Subscribes each key without options.
pub(super) fn join<E>(supply: &mut Supply<E>, keys: &[SubscriptionKey]) {
    for key in keys {
        supply.subscribe(*key, DispatchOptions::new()).expect("a free place");
    }
}

/// Subscribes to the partition with this number.
pub(super) fn take_partition<E>(supply: &mut Supply<E>, key: SubscriptionKey, partition: usize) {
    supply.subscribe(key, DispatchOptions::new().partition(partition)).expect("a free partition");
}

/// Returns the events of each subscription since the last call, whatever the messages.
pub(super) fn got<E>(supply: &mut Supply<E>) -> BTreeMap<SubscriptionKey, Vec<E>> {
    let mut got: BTreeMap<_, Vec<E>> = BTreeMap::new();
    for (key, events) in supply.sent() {
        got.entry(key).or_default().extend(events);
    }
    got
}
