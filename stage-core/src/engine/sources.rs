//! The producers that a pipeline feeds a stage from, and the state of the subscriptions to them.

use crate::base::error::ExitReason;
use crate::base::options::CancelMode;
use crate::credit::demand::Window;
use crate::credit::tuner::Tuner;
use crate::dispatch::options::AnyOptions;
use crate::sync::Arc;
use crate::wire::mailbox::{Join, Owner, Subscribable};

/// A producer that a pipeline feeds a stage from.
pub(crate) struct Source {
    pub(crate) producer: Arc<dyn Subscribable>,
    pub(crate) options: AnyOptions,
}

/// All sources of a stage; empty for a stage outside a pipeline.
pub(crate) struct Sources {
    window: Window,
    /// Chooses the windows of the subscriptions, if they are automatic.
    tuner: Option<Tuner>,
    cancel: CancelMode,
    tracked: Vec<TrackedSource>,
    ended: usize,
}

struct TrackedSource {
    source: Source,
    state: State,
    /// What happened to the source while the old subscription still holds events.
    meanwhile: Meanwhile,
    /// The tuner of the last subscription.
    tuner: Option<Tuner>,
}

/// What happened to a source whose end has not been read yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Meanwhile {
    /// Nothing is known.
    #[default]
    Unknown,
    /// It was restarted.
    Back,
    /// It will not return.
    Gone,
}

/// When a source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HadEnded {
    /// Before the subscription reached it.
    Before,
    /// While the subscription existed.
    Meanwhile,
    /// While the subscription existed, and it may come back: it is a copy that its step does without for now.
    ForNow,
}

/// The state of the subscription to one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The subscription exists or is about to be made.
    Open,
    /// The producer failed and will return.
    Lost,
    /// The producer will never have more events.
    Ended,
}

impl Sources {
    /// Creates the sources of a stage in a pipeline, each asked by `window`, or by a copy of `tuner`; `cancel`
    /// decides whether the stage ends with them.
    pub(crate) fn new(
        window: Window,
        tuner: Option<Tuner>,
        cancel: CancelMode,
        sources: Vec<Source>,
    ) -> Self {
        let mut tracked = Vec::with_capacity(sources.len());
        for source in sources {
            let (state, meanwhile) = (State::Lost, Meanwhile::Unknown);
            tracked.push(TrackedSource { source, state, meanwhile, tuner: None });
        }
        Self { window, tuner, cancel, tracked, ended: 0 }
    }

    /// Creates the empty set, for a stage outside a pipeline.
    pub(crate) fn none() -> Self {
        Self::new(Window::default(), None, CancelMode::Temporary, Vec::new())
    }

    /// Returns the demand window by which each source is asked.
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// Returns the tuner of new subscriptions, if their windows are automatic.
    pub(crate) fn tuner(&self) -> Option<Tuner> {
        self.tuner
    }

    /// Returns the demand window of one source and its tuner; `None` for a stream, whose subscriptions have
    /// windows of their own.
    pub(crate) fn window_for(&self, source: usize) -> Option<(Window, Option<Tuner>)> {
        let tracked = self.tracked.get(source)?;
        Some((self.window, tracked.tuner.or(self.tuner)))
    }

    /// Sets the demand window for the subscriptions to come; it is not tuned.
    pub(crate) fn set_window(&mut self, window: Window) {
        self.window = window;
        self.tuner = None;
        self.tracked.iter_mut().for_each(|tracked| tracked.tuner = None);
    }

    /// Keeps the tuner of a subscription that ended, for the next one to the same source.
    pub(crate) fn keep_tuner(&mut self, source: usize, tuner: Option<Tuner>) {
        if let Some(tracked) = self.tracked.get_mut(source) {
            tracked.tuner = tuner;
        }
    }

    /// Returns the subscriptions to all sources, except to copies that are resting: those are announced when
    /// they come back.
    pub(crate) fn all(&mut self) -> Vec<Join> {
        let mut joins = Vec::new();
        for source in 0..self.tracked.len() {
            let producer = &self.tracked[source].source.producer;
            let is_open = !producer.is_resting() || producer.has_ended();
            if is_open && let Some(join) = self.back(source) {
                joins.push(join);
            }
        }
        joins
    }

    /// Notes that a source is available (again); returns the subscription to make, if it is time.
    pub(crate) fn back(&mut self, source: usize) -> Option<Join> {
        let tracked = self.tracked.get_mut(source)?;
        match tracked.state {
            State::Ended => None,
            State::Open => {
                tracked.meanwhile = Meanwhile::Back;
                None
            }
            State::Lost => {
                tracked.state = State::Open;
                Some(Join {
                    producer: Arc::clone(&tracked.source.producer),
                    options: tracked.source.options.clone(),
                    window: self.window,
                    tuner: tracked.tuner.or(self.tuner),
                    owner: Owner::Pipeline(source),
                    resubscribe: None,
                    paused: false,
                    instead: None,
                    reply: None,
                })
            }
        }
    }

    /// Notes that the subscription to a source ended for `reason`; returns its replacement, if the source is
    /// already back.
    pub(crate) fn lost(&mut self, source: usize, reason: &ExitReason, had_ended: HadEnded) -> Option<Join> {
        let tracked = self.tracked.get_mut(source)?;
        let meanwhile = std::mem::take(&mut tracked.meanwhile);
        let gone = meanwhile == Meanwhile::Gone || had_ended == HadEnded::Before;
        if matches!(reason, ExitReason::Normal) || gone {
            self.ended += 1;
            tracked.state = State::Ended;
            return None;
        }
        tracked.state = State::Lost;
        // It may have left again since it came back.
        let is_there = meanwhile == Meanwhile::Back && !tracked.source.producer.is_resting();
        if is_there { self.back(source) } else { None }
    }

    /// Returns the reason for which the stage ends with a source that ended for `reason`, if it does. A
    /// source that ended before the subscription reached it counts as finished, however it ended: otherwise
    /// the stage would fail with it again after each restart.
    pub(crate) fn ends_with(&self, reason: &ExitReason, had_ended: HadEnded) -> Option<ExitReason> {
        if had_ended == HadEnded::ForNow {
            return None;
        }
        let finished = matches!(reason, ExitReason::Normal) || had_ended == HadEnded::Before;
        match self.cancel {
            CancelMode::Temporary => None,
            CancelMode::Transient if finished => None,
            CancelMode::Permanent if finished => Some(ExitReason::Normal),
            CancelMode::Transient | CancelMode::Permanent => Some(reason.clone()),
        }
    }

    /// Notes that a source ended and will not return.
    pub(crate) fn abandon(&mut self, source: usize) {
        let Some(tracked) = self.tracked.get_mut(source) else { return };
        match tracked.state {
            State::Ended => {}
            State::Open => tracked.meanwhile = Meanwhile::Gone,
            State::Lost => {
                self.ended += 1;
                tracked.state = State::Ended;
            }
        }
    }

    /// Returns whether there are sources and none of them will ever have more events.
    pub(crate) fn have_ended(&self) -> bool {
        !self.tracked.is_empty() && self.ended == self.tracked.len()
    }
}
