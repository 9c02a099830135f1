//! The unit that a link carries, single events or batches, and the upper bounds of events in flight.

use super::topology::{Link, LinkKind, StepInfo, StepKind, Topology};
use crate::credit::tuning::Tuning;

/// A link with more events in flight causes a warning.
const MANY: usize = 100_000;

/// The unit that a link carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Carried {
    /// Single events.
    #[default]
    Events,
    /// Batches with at most this number of events; `None` if the declaration does not set a size.
    Batches(Option<usize>),
}

impl Carried {
    /// Returns the maximum number of events in one unit, if it is known.
    pub const fn events(self) -> Option<usize> {
        match self {
            Self::Events => Some(1),
            Self::Batches(size) => size,
        }
    }

    /// Returns whether the link carries batches.
    pub const fn is_batches(self) -> bool {
        match self {
            Self::Events => false,
            Self::Batches(_) => true,
        }
    }

    /// Combines the units of links that merge: batches if one of them carries batches, of the larger size.
    pub(in crate::pipeline) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Events, other) | (other, Self::Events) => other,
            (Self::Batches(one), Self::Batches(other)) => {
                Self::Batches(one.zip(other).map(|(a, b)| a.max(b)))
            }
        }
    }

    /// Returns the `max_demand` of a step that takes these units and does not set it, if the pipeline's is
    /// `events`: the number of batches that hold that many events, or two if their size is unknown.
    pub(in crate::pipeline) fn inherited(self, events: usize) -> usize {
        match self {
            Self::Events => events,
            Self::Batches(Some(size)) => (events / size.max(1)).max(events.min(1)),
            Self::Batches(None) => events.min(2),
        }
    }
}

/// The unit that a step emits, as far as its declaration tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Emits {
    Events,
    /// The same unit that it takes.
    Same,
    /// Batches of the units that it takes, with at most this number of events, if it is known.
    Batches(Option<usize>),
}

impl Emits {
    /// Returns the unit on the links after a step that takes `taken`.
    pub(in crate::pipeline) fn after(self, taken: Carried) -> Carried {
        match self {
            Self::Events => Carried::Events,
            Self::Same => taken,
            Self::Batches(size) => Carried::Batches(size),
        }
    }
}

impl Topology {
    /// Computes the upper bounds of events in flight, for each link and in total.
    pub(in crate::pipeline) fn bound(&mut self) {
        let bounds: Vec<_> = self.links.iter().map(|link| self.bound_of(link)).collect();
        for (link, bound) in self.links.iter_mut().zip(bounds) {
            link.in_flight = bound;
        }
        let links = self.links.iter().filter(|link| link.kind != LinkKind::Across).map(|link| link.in_flight);
        let steps = self.steps.iter().map(|step| self.held_by(step));
        self.in_flight = links.chain(steps).try_fold(0_usize, |sum, bound| Some(sum.saturating_add(bound?)));
    }

    /// Returns the maximum demand along a link in events, over all its subscriptions.
    fn bound_of(&self, link: &Link) -> Option<usize> {
        if link.kind == LinkKind::Across {
            return None;
        }
        let to = self.step(&link.to)?;
        let subscriptions = self.subscriptions_of(link)?;
        Some(subscriptions.saturating_mul(to.max_demand).saturating_mul(link.carries.events()?))
    }

    /// Returns the maximum number of events that a step holds after handling and without demand for them: the
    /// output of one batch from its producers, and its collected events.
    fn held_by(&self, step: &StepInfo) -> Option<usize> {
        match step.kind {
            // The source of a whole pipeline is asked for the same number at a time.
            StepKind::ProducerConsumer | StepKind::Whole => {}
            StepKind::Producer | StepKind::Consumer => return Some(0),
        }
        let taken = self.taken_by(&step.name).events()?;
        let handled = (step.max_demand - step.min_demand).saturating_mul(taken);
        Some(step.copies().saturating_mul(handled.saturating_add(step.batch_size.unwrap_or(0))))
    }

    /// Returns the unit that the step with this name takes.
    pub(in crate::pipeline) fn taken_by(&self, name: &str) -> Carried {
        let links = self.links.iter().filter(|link| link.to == name);
        links.fold(Carried::Events, |taken, link| taken.and(link.carries))
    }

    /// Warns of links with a very large number of events in flight, which make back-pressure almost
    /// ineffective. A tuned window holds a millisecond of work, however large its bound is.
    pub(in crate::pipeline) fn warn_of_many(&self) {
        let is_fixed = |link: &&Link| self.step(&link.to).is_some_and(|step| step.demand == Tuning::Fixed);
        for link in self.links.iter().filter(is_fixed) {
            if let Some(in_flight) = link.in_flight.filter(|in_flight| *in_flight > MANY) {
                tracing::warn!(
                    pipeline = %self.name,
                    "up to {in_flight} events are in flight from `{}` to `{}`: choose a smaller max_demand or count",
                    link.from,
                    link.to
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_inherit_the_demand_of_the_pipeline_as_events() {
        assert_eq!(Carried::Events.inherited(1000), 1000);
        assert_eq!(Carried::Batches(Some(500)).inherited(1000), 2);
        assert_eq!(Carried::Batches(Some(300)).inherited(1000), 3);
        assert_eq!(Carried::Batches(Some(500)).inherited(10), 1);
        assert_eq!(Carried::Batches(None).inherited(1000), 2);
        assert_eq!(Carried::Batches(None).inherited(1), 1);
        assert_eq!(Carried::Batches(Some(0)).inherited(10), 10);
    }

    #[test]
    fn no_demand_at_all_stays_an_error() {
        assert_eq!(Carried::Batches(Some(500)).inherited(0), 0);
        assert_eq!(Carried::Batches(None).inherited(0), 0);
    }

    #[test]
    fn where_links_meet_the_larger_batches_count() {
        let (small, large) = (Carried::Batches(Some(10)), Carried::Batches(Some(500)));
        assert_eq!(small.and(large), large);
        assert_eq!(Carried::Events.and(small), small);
        assert_eq!(small.and(Carried::Batches(None)), Carried::Batches(None));
    }
}
