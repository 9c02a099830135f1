//! Something for each subscription, found by its key in one step.

use super::SubscriptionKey;

/// A table from keys to values.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Option<T>>,
}

impl<T> Slots<T> {
    pub(super) fn get(&self, key: SubscriptionKey) -> Option<&T> {
        self.slots.get(key.0)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, key: SubscriptionKey) -> Option<&mut T> {
        self.slots.get_mut(key.0)?.as_mut()
    }

    /// The lowest key that has something.
    pub(super) fn first(&self) -> Option<SubscriptionKey> {
        self.slots.iter().position(Option::is_some).map(SubscriptionKey)
    }

    pub(super) fn insert(&mut self, key: SubscriptionKey, value: T) {
        if self.slots.len() <= key.0 {
            self.slots.resize_with(key.0 + 1, || None);
        }
        self.slots[key.0] = Some(value);
    }

    pub(super) fn remove(&mut self, key: SubscriptionKey) -> Option<T> {
        self.slots.get_mut(key.0)?.take()
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}
