//! The number of copies of an elastic step, shared by the supervisor, the operators and the rule that follows the load.

use crate::base::copies::Copies;
use crate::dispatch::Dealt;
use crate::sync::{Arc, Mutex, lock};

/// The number of copies that an elastic step is to have.
#[derive(Debug)]
pub(crate) struct Elastic {
    declared: Copies,
    wanted: Mutex<Wanted>,
    /// The number that keys are dealt to, if the step is fed by key.
    dealt: Option<Arc<Dealt>>,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// The range within which the number follows the load; a single number fixes it.
    range: Copies,
    /// The number in each lane.
    count: usize,
}

/// The place of a copy in its elastic step.
#[derive(Clone, Debug)]
pub(crate) struct ElasticPlace {
    pub(crate) step: Arc<Elastic>,
    /// The number of the copy within its lane, from 0.
    pub(crate) place: usize,
}

impl ElasticPlace {
    /// Returns whether keys are dealt to the copy.
    pub(crate) fn has_keys(&self) -> bool {
        self.step.dealt().is_some_and(|dealt| self.place < dealt.copies())
    }
}

impl Elastic {
    /// Creates the state of a step, which begins with the smallest number.
    pub(crate) fn new(declared: Copies, dealt: Option<Arc<Dealt>>) -> Arc<Self> {
        let wanted = Mutex::new(Wanted { range: declared, count: declared.least() });
        Arc::new(Self { declared, wanted, dealt })
    }

    /// Returns the number of copies that keys are dealt to, if the step is fed by key.
    pub(crate) fn dealt(&self) -> Option<&Dealt> {
        self.dealt.as_deref()
    }

    /// Returns the range of the declaration.
    pub(crate) fn declared(&self) -> Copies {
        self.declared
    }

    /// Returns the range within which the number follows the load now.
    pub(crate) fn range(&self) -> Copies {
        lock(&self.wanted).range
    }

    /// Returns the number of copies in each lane.
    pub(crate) fn count(&self) -> usize {
        lock(&self.wanted).count
    }

    /// Sets the range that an operator wants, which must lie within the declared one.
    #[inline]
    pub(crate) fn set_range(&self, range: Copies) {
        let mut wanted = lock(&self.wanted);
        wanted.range = range;
        wanted.count = wanted.count.clamp(range.least(), range.most());
    }

    /// Sets the number that suits the load, as far as the range allows it.
    pub(crate) fn follow(&self, count: usize) {
        let mut wanted = lock(&self.wanted);
        wanted.count = count.clamp(wanted.range.least(), wanted.range.most());
    }
}
