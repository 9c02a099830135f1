//! Which demand is the stage to be told of?

use std::collections::VecDeque;

use super::Outlet;
use crate::credit::demand::Demand;

/// Demand that was announced, until the stage is told of it.
#[derive(Debug)]
pub(super) struct Announced {
    demands: VecDeque<Demand>,
    /// Whether it is told at all: not, once its hook was seen to be unused.
    told: bool,
}

impl Announced {
    #[inline]
    pub(super) fn push(&mut self, demand: Demand) {
        if self.told {
            self.demands.push_back(demand);
        }
    }
}

impl Default for Announced {
    fn default() -> Self {
        Self { demands: VecDeque::new(), told: true }
    }
}

impl<E> Outlet<E> {
    /// The oldest demand that was not yet told to the stage; all of it, if each emission is spread anyway.
    pub(crate) fn next_demand(&mut self) -> Option<Demand> {
        if self.announced.demands.len() > 1 && self.hub.spreads() {
            return self.all_demand();
        }
        self.announced.demands.pop_front()
    }

    /// All demand that was not yet told to the stage.
    pub(crate) fn all_demand(&mut self) -> Option<Demand> {
        Demand::new(self.announced.demands.drain(..).map(Demand::get).fold(0, usize::saturating_add))
    }

    /// Whether the stage is to be told of demand.
    pub(crate) fn tells_demand(&self) -> bool {
        self.announced.told
    }

    /// The stage has no use for being told of demand.
    pub(crate) fn ignore_demand(&mut self) {
        self.announced = Announced { demands: VecDeque::new(), told: false };
    }
}
