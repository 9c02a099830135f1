//! The numbers of links, added up by stage or by step.

use crate::sync::Arc;

/// The number of consumers whose ended links are counted by name; further ones are added up under one name.
pub(super) const NAMES: usize = 256;

/// The numbers of all links between a stage, or a step, and those that its events go to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LinkNumbers {
    /// The number of open links.
    pub(crate) links: u64,
    pub(crate) asked: u64,
    pub(crate) sent: u64,
    pub(crate) handled: u64,
    /// Only of open links, like the fields below.
    pub(crate) unmet: u64,
    pub(crate) in_flight: u64,
    pub(crate) min: u64,
    pub(crate) max: u64,
    /// The share of the window in flight, on the fullest link.
    pub(crate) fullest: f64,
}

impl LinkNumbers {
    pub(crate) fn add(&mut self, other: &Self) {
        self.links += other.links;
        self.asked = self.asked.saturating_add(other.asked);
        self.sent += other.sent;
        self.handled += other.handled;
        self.unmet = self.unmet.saturating_add(other.unmet);
        self.in_flight += other.in_flight;
        self.min = self.min.saturating_add(other.min);
        self.max = self.max.saturating_add(other.max);
        self.fullest = self.fullest.max(other.fullest);
    }

    /// Returns the numbers of a link that its producer has ended: without demand, with what is in flight.
    pub(super) const fn ending(self) -> Self {
        Self { in_flight: self.in_flight, ..self.ended() }
    }

    /// Returns the numbers of a link that has ended: without demand or events in flight.
    pub(super) const fn ended(self) -> Self {
        Self { links: 0, unmet: 0, in_flight: 0, min: 0, max: 0, fullest: 0.0, ..self }
    }
}

/// The numbers of links by a name, in the order of the names. A sorted vector, since a tree is several thousand
/// lines of machine code for each type of key.
#[derive(Clone, Debug, Default)]
pub(crate) struct NumbersByName(Vec<(Arc<str>, LinkNumbers)>);

impl NumbersByName {
    pub(crate) fn add(&mut self, name: &str, numbers: &LinkNumbers) {
        let index = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).unwrap_or_else(|index| {
            self.0.insert(index, (name.into(), LinkNumbers::default()));
            index
        });
        self.0[index].1.add(numbers);
    }

    pub(super) fn has_room_for(&self, name: &str) -> bool {
        self.0.len() < NAMES || self.0.iter().any(|(known, _)| **known == *name)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (Arc<str>, LinkNumbers)> {
        self.0.iter()
    }
}
