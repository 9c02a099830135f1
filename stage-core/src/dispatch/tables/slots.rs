//! A table from subscription keys to values, with constant-time access.

use crate::dispatch::SubscriptionKey;

/// A table from keys to values.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Option<T>>,
}

impl<T> Slots<T> {
    pub(crate) fn get(&self, key: SubscriptionKey) -> Option<&T> {
        self.slots.get(key.0)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: SubscriptionKey) -> Option<&mut T> {
        self.slots.get_mut(key.0)?.as_mut()
    }

    /// Returns the lowest key that has a value.
    pub(crate) fn first(&self) -> Option<SubscriptionKey> {
        self.slots.iter().position(Option::is_some).map(SubscriptionKey)
    }

    pub(crate) fn insert(&mut self, key: SubscriptionKey, value: T) {
        if self.slots.len() <= key.0 {
            self.slots.resize_with(key.0 + 1, || None);
        }
        self.slots[key.0] = Some(value);
    }

    pub(crate) fn remove(&mut self, key: SubscriptionKey) -> Option<T> {
        self.slots.get_mut(key.0)?.take()
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}
