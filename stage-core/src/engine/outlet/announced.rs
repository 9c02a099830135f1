//! Announced demand that the stage has not been asked for yet.

use std::collections::VecDeque;

use super::Outlet;
use crate::credit::demand::Demand;

/// Announced demand, kept until it is passed to the stage.
#[derive(Debug)]
pub(super) struct Announced {
    demands: VecDeque<Demand>,
    /// Whether the stage takes demand; cleared once its hook turns out to be unused.
    told: bool,
}

impl Announced {
    #[inline]
    pub(super) fn push(&mut self, demand: Demand) {
        if self.told {
            self.demands.push_back(demand);
        }
    }

    #[inline]
    pub(super) fn is_told(&self) -> bool {
        self.told
    }

    /// Returns whether several demands wait to be passed to the stage.
    #[inline]
    fn are_several(&self) -> bool {
        self.demands.len() > 1
    }

    #[inline]
    fn pop(&mut self) -> Option<Demand> {
        self.demands.pop_front()
    }

    #[inline]
    fn take_all(&mut self) -> Option<Demand> {
        if self.demands.is_empty() { None } else { self.add_up() }
    }

    fn add_up(&mut self) -> Option<Demand> {
        Demand::new(self.demands.drain(..).map(Demand::get).fold(0, usize::saturating_add))
    }
}

impl Default for Announced {
    fn default() -> Self {
        Self { demands: VecDeque::new(), told: true }
    }
}

impl<E> Outlet<E> {
    /// Returns the oldest demand not yet passed to the stage; all of it, if each emission is spread over the
    /// asks anyway.
    pub(crate) fn next_demand(&mut self) -> Option<Demand> {
        if self.core.announced.are_several() && self.decider.supply.spreads() {
            return self.all_demand();
        }
        self.core.announced.pop()
    }

    /// Returns all demand not yet passed to the stage.
    pub(crate) fn all_demand(&mut self) -> Option<Demand> {
        self.core.announced.take_all()
    }

    /// Returns whether the stage is asked for demand.
    pub(crate) fn tells_demand(&self) -> bool {
        self.core.announced.is_told()
    }

    /// Drops all demand from now on: the stage has no use for it.
    pub(crate) fn ignore_demand(&mut self) {
        self.core.announced = Announced { demands: VecDeque::new(), told: false };
    }
}
