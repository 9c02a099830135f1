//! The declaration of a step that holds its events.

use std::fmt;

use super::control::Control;
use crate::credit::demand::Window;
use crate::pipeline::StepOptions;
use crate::pipeline::keyed::EventKey;
use crate::pipeline::options::Knob;
use crate::policy::{AtOncePer, Carry, FailurePolicy, Skip};
use crate::sync::Arc;

/// How a step handles its events.
pub(super) struct Rules<In: Send + 'static, C: Carry> {
    pub(super) at_once: AtOncePer<In>,
    pub(super) policy: FailurePolicy<In>,
    /// The numbers of events in progress, shared by the copies.
    pub(super) control: Arc<Control>,
    /// The key by which the step is fed.
    pub(super) key: Option<EventKey<C::Of<In>>>,
    pub(super) skip: Skip,
    pub(super) handling: Handling,
}

/// Where the events are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// One after the other within the callbacks of the stage.
    InStage,
    /// Each in a task of its own.
    InTasks,
}

impl<In: Send + 'static, C: Carry> Rules<In, C> {
    /// Sets the default window of the step.
    pub(super) fn window(&self, options: StepOptions) -> StepOptions {
        let most = self.at_once.at_once.most;
        options.or_window(most.saturating_mul(2), most)
    }

    /// Returns the window to ask by, for that of a subscription.
    pub(super) fn window_of(&self, window: Window) -> Window {
        match self.handling {
            Handling::InStage => window,
            Handling::InTasks => self.control.window_of(window),
        }
    }

    /// Returns the options of the step that a configuration can set.
    pub(super) fn knobs(&self) -> Vec<Knob> {
        let mut knobs = vec![Knob::AtOnce(Arc::clone(&self.control) as _)];
        if self.at_once.bulkheads.is_some() {
            knobs.push(Knob::AtMost(Arc::clone(&self.control) as _));
        }
        knobs
    }
}

impl<In: Send + 'static, C: Carry> Clone for Rules<In, C> {
    fn clone(&self) -> Self {
        Self {
            at_once: self.at_once.clone(),
            policy: self.policy.clone(),
            control: Arc::clone(&self.control),
            key: self.key.clone(),
            skip: self.skip,
            handling: self.handling,
        }
    }
}

impl<In: Send + 'static, C: Carry> fmt::Debug for Rules<In, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("at_once", &self.at_once)
            .field("policy", &self.policy)
            .field("handling", &self.handling)
            .finish_non_exhaustive()
    }
}
