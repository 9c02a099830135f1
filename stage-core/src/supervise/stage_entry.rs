//! A stage of a pipeline as its handle sees it: name, statistics and address.

use std::any::Any;

use crate::ack::Collectors;
use crate::base::stats::{Counters, StageStats};
use crate::supervise::{Child, Control, Elastic, Nature};
use crate::sync::{Arc, AtomicBool, Ordering};
use crate::wire::mailbox::MailQueue;
use crate::wire::operator::OperatorRequests;

/// The parts of a child that outlive its restarts, and the pipeline.
pub(crate) struct StageEntry {
    pub(crate) step: Arc<str>,
    pub(crate) copy: usize,
    pub(crate) counters: Arc<Counters>,
    pub(crate) mailbox: Arc<dyn Any + Send + Sync>,
    pub(crate) control: Arc<dyn Control>,
    pub(crate) nature: Nature,
    /// The collectors of the verdicts on its deliveries.
    pub(crate) collectors: Arc<Collectors>,
    /// Whether it has producers in its pipeline.
    pub(crate) fed_by: FedBy,
    /// The number of copies of its step, if it can change.
    pub(crate) elastic: Option<Arc<Elastic>>,
    up: Arc<AtomicBool>,
}

/// Where the events of a stage come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FedBy {
    /// The stage produces them.
    Itself,
    /// Producers of its pipeline.
    Producers,
}

impl StageEntry {
    pub(crate) fn of(child: &Child) -> Self {
        Self {
            step: Arc::clone(&child.step),
            copy: child.copy,
            counters: Arc::clone(&child.counters),
            mailbox: Arc::clone(&child.mailbox),
            control: Arc::clone(&child.control),
            nature: child.nature.clone(),
            collectors: Arc::clone(&child.collectors),
            fed_by: if child.sources.is_empty() { FedBy::Itself } else { FedBy::Producers },
            elastic: child.elastic.as_ref().map(|elastic| Arc::clone(&elastic.step)),
            up: Arc::clone(&child.up),
        }
    }

    /// Creates the view of a stage that was spawned by hand. A name of the form `step/number` makes it a copy.
    #[inline]
    pub(crate) fn by_hand(name: &str, queue: &Arc<MailQueue>, mailbox: Arc<dyn Any + Send + Sync>) -> Self {
        let (step, copy) = split(name);
        Self {
            step: step.into(),
            copy,
            counters: Arc::clone(queue.counters()),
            mailbox,
            control: Arc::clone(queue) as _,
            nature: Nature::Stage,
            collectors: Arc::default(),
            // Its counters know whether it is a source.
            fed_by: FedBy::Producers,
            elastic: None,
            up: Arc::new(AtomicBool::new(true)),
        }
    }

    pub(crate) fn stats(&self) -> StageStats {
        self.counters.read(&self.step, self.copy)
    }

    /// Returns whether its events come from outside of its pipeline.
    #[inline]
    pub(crate) fn is_source(&self) -> bool {
        self.counters.is_source() || self.fed_by == FedBy::Itself
    }

    /// Returns what it waits for outside of its pipeline, while it runs.
    pub(crate) fn waiting_for(&self) -> Option<String> {
        self.counters.waiting_for().filter(|_| self.is_up() && !self.control.has_ended())
    }

    /// Returns whether its step does without it for now.
    pub(crate) fn is_dormant(&self) -> bool {
        !self.is_up() && self.control.requests().is_some_and(OperatorRequests::is_away)
    }

    /// Returns whether it is running now.
    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }
}

impl std::fmt::Debug for StageEntry {
    #[inline]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StageEntry")
            .field("step", &self.step)
            .field("copy", &self.copy)
            .finish_non_exhaustive()
    }
}

/// Splits the name of a stage, of the form `step/copy`; a name of another form is a step with one copy.
#[inline]
fn split(stage: &str) -> (&str, usize) {
    let parts = stage.rsplit_once('/');
    parts.and_then(|(step, copy)| Some((step, copy.parse().ok()?))).unwrap_or((stage, 0))
}

/// Returns the step of a stage.
#[inline]
pub(crate) fn step_of(stage: &str) -> &str {
    split(stage).0
}

/// Returns the statistics of these stages, in order; those of a subtree follow its child.
#[inline]
pub(crate) fn stats_of(stages: &[Arc<StageEntry>]) -> Vec<StageStats> {
    let mut stats = Vec::with_capacity(stages.len());
    for stage in stages {
        stats.push(stage.stats());
        match &stage.nature {
            Nature::Stage | Nature::Task => {}
            Nature::Group(inner) => stats.extend(inner.stats(&stage.step)),
        }
    }
    stats
}

/// Returns every stage that is running now, including those in subtrees, with its name.
pub(crate) fn named(stages: &[Arc<StageEntry>]) -> Vec<(String, Arc<StageEntry>)> {
    let mut all = Vec::with_capacity(stages.len());
    for stage in stages {
        match &stage.nature {
            Nature::Stage => all.push((format!("{}/{}", stage.step, stage.copy), Arc::clone(stage))),
            Nature::Task => {}
            Nature::Group(inner) => {
                let within = named(&inner.running()).into_iter();
                all.extend(within.map(|(name, known)| (format!("{}/{name}", stage.step), known)));
            }
        }
    }
    all
}
