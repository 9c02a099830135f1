//! The part of an outlet that does not depend on its events, so that it is compiled once: the subscribers, the demand
//! announced to the stage, and the notices that the stage has not received yet.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::announced::Announced;
use super::modes::Accumulated;
use super::progress::StageProgress;
use super::{Discarded, SubscriberChange};
use crate::base::error::ExitReason;
use crate::base::options::{DemandMode, OnCancel};
use crate::base::stats::{Counters, Discard};
use crate::dispatch::Marker;
use crate::sync::Arc;
use crate::wire::link::LinkState;

/// The state of an outlet beside its events.
#[derive(Debug)]
pub(super) struct Core {
    /// The states of the links, which have the same slots.
    pub(super) links: Vec<Option<Arc<LinkState>>>,
    pub(super) live: usize,
    /// The effect of losing the last consumer.
    pub(super) on_cancel: OnCancel,
    /// Whether any consumer has left.
    pub(super) left: bool,
    /// Number of consumers that finished by themselves. The stage finishes too when it reaches `subscribers`.
    pub(super) satisfied: usize,
    pub(super) subscribers: Option<usize>,
    /// Slots of consumers outside the pipeline that this stage belongs to.
    pub(super) guests: HashSet<usize>,
    pub(super) announced: Announced,
    /// Changes of subscribers that the stage has not been notified of.
    pub(super) changes: VecDeque<SubscriberChange>,
    /// Asks, emissions and markers held until the mode is set to forward; `None` in forward mode.
    pub(super) accumulated: Option<VecDeque<Accumulated>>,
    /// The mode that the stage chose, which a pause overrides.
    pub(super) chosen: DemandMode,
    /// Whether an operator paused the stage.
    pub(super) paused: bool,
    /// Number of events that are held back with `accumulated`.
    pub(super) held_back: usize,
    /// The progress that the stage announced, if it ever did.
    pub(super) progress: Option<Box<StageProgress>>,
    /// Markers that have fired.
    pub(super) fired: VecDeque<Marker>,
    /// Events discarded since the last report to the stage.
    pub(super) discarded: Discarded,
    /// The panic of the dispatcher, after which it cannot be used any more.
    pub(super) broken: Option<ExitReason>,
    pub(super) counters: Arc<Counters>,
}

impl Core {
    pub(super) fn new(counters: Arc<Counters>, subscribers: Option<usize>) -> Self {
        Self {
            links: Vec::new(),
            live: 0,
            on_cancel: OnCancel::Continue,
            left: false,
            satisfied: 0,
            subscribers,
            guests: HashSet::new(),
            announced: Announced::default(),
            changes: VecDeque::new(),
            accumulated: None,
            chosen: DemandMode::Forward,
            paused: false,
            held_back: 0,
            progress: None,
            fired: VecDeque::new(),
            discarded: Discarded::default(),
            broken: None,
            counters,
        }
    }

    /// Runs `decide`, which calls the dispatcher, unless the dispatcher panicked before; notes a panic.
    pub(super) fn guard(&mut self, decide: &mut dyn FnMut()) {
        if self.broken.is_some() {
            return;
        }
        if let Err(payload) = catch_unwind(AssertUnwindSafe(decide)) {
            self.broken = Some(ExitReason::from_panic(&*payload));
        }
    }

    /// Counts events that were discarded for lack of room.
    pub(super) fn overflowed(&mut self, events: usize) {
        self.discarded.overflowed += events;
        self.counters.discarded(Discard::Overflow, events);
    }

    /// Returns whether the stage has something to do that this outlet noticed.
    #[inline]
    pub(super) fn has_pending_work(&self) -> bool {
        !self.changes.is_empty() || !self.fired.is_empty() || self.discarded != Discarded::default()
    }

    /// Publishes that nothing is wanted or buffered any more, and that all links are closed.
    pub(super) fn close(&mut self) {
        self.links.clear();
        self.live = 0;
        self.counters.links.close_all();
        self.counters.hold(0, 0);
    }
}
