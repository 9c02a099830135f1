//! The producers that a pipeline feeds a stage from, and how the subscriptions to them stand.

use crate::base::error::ExitReason;
use crate::base::options::CancelMode;
use crate::credit::demand::Window;
use crate::dispatch::subscriber_options::SubscriberOptions;
use crate::sync::Arc;
use crate::wire::mailbox::{Join, Owner, Subscribable};

/// A producer that a pipeline feeds a stage from.
pub(crate) struct Source<E> {
    pub(crate) producer: Arc<dyn Subscribable<E>>,
    pub(crate) options: SubscriberOptions<E>,
}

/// All of them; none for a stage that is wired by hand.
pub(crate) struct Sources<E> {
    window: Window,
    cancel: CancelMode,
    known: Vec<Known<E>>,
    ended: usize,
}

struct Known<E> {
    source: Source<E>,
    state: State,
    /// What became of it while the old subscription still held events.
    meanwhile: Meanwhile,
}

/// What became of a source whose end was not read yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Meanwhile {
    /// Nothing is known.
    #[default]
    Unknown,
    /// It was restarted.
    Back,
    /// It will not be back.
    Gone,
}

/// When a source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HadEnded {
    /// Before the subscription reached it.
    Before,
    /// While the subscription stood.
    Meanwhile,
}

/// How a subscription to one source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is there, or about to be made.
    Open,
    /// The producer failed and will be back.
    Lost,
    /// The producer has nothing more, ever.
    Ended,
}

impl<E> Sources<E> {
    /// The sources of a stage in a pipeline, each asked by `window`; it ends with them as `cancel` says.
    pub(crate) fn new(
        window: Window,
        cancel: CancelMode,
        sources: impl IntoIterator<Item = Source<E>>,
    ) -> Self {
        let known = |source| Known { source, state: State::Lost, meanwhile: Meanwhile::Unknown };
        Self { window, cancel, known: sources.into_iter().map(known).collect(), ended: 0 }
    }

    /// A stage without a pipeline.
    pub(crate) fn none() -> Self {
        Self { window: Window::default(), cancel: CancelMode::Temporary, known: Vec::new(), ended: 0 }
    }

    /// By which each of them is asked.
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// The subscriptions to all of them.
    pub(crate) fn all(&mut self) -> Vec<Join<E>> {
        (0..self.known.len()).filter_map(|source| self.back(source)).collect()
    }

    /// A source is there (again); the subscription to be made, if it is time.
    pub(crate) fn back(&mut self, source: usize) -> Option<Join<E>> {
        let known = self.known.get_mut(source)?;
        match known.state {
            State::Ended => None,
            State::Open => {
                known.meanwhile = Meanwhile::Back;
                None
            }
            State::Lost => {
                known.state = State::Open;
                Some(Join {
                    producer: Arc::clone(&known.source.producer),
                    options: known.source.options.clone(),
                    window: self.window,
                    owner: Owner::Pipeline(source),
                    again: None,
                    paused: false,
                    instead: None,
                    reply: None,
                })
            }
        }
    }

    /// The subscription to a source ended for `reason`; the one to be made instead, if the source is
    /// back already.
    pub(crate) fn lost(
        &mut self,
        source: usize,
        reason: &ExitReason,
        had_ended: HadEnded,
    ) -> Option<Join<E>> {
        let known = self.known.get_mut(source)?;
        let meanwhile = std::mem::take(&mut known.meanwhile);
        let gone = meanwhile == Meanwhile::Gone || had_ended == HadEnded::Before;
        if matches!(reason, ExitReason::Normal) || gone {
            self.ended += 1;
            known.state = State::Ended;
            return None;
        }
        known.state = State::Lost;
        if meanwhile == Meanwhile::Back { self.back(source) } else { None }
    }

    /// The reason for which the stage ends with a source that ended for `reason`, if it does. One that had ended
    /// before anything came of it counts as one that finished, however it ended: the stage would else fail with it
    /// again after each restart.
    pub(crate) fn ends_with(&self, reason: &ExitReason, had_ended: HadEnded) -> Option<ExitReason> {
        let finished = matches!(reason, ExitReason::Normal) || had_ended == HadEnded::Before;
        match self.cancel {
            CancelMode::Temporary => None,
            CancelMode::Transient if finished => None,
            CancelMode::Permanent if finished => Some(ExitReason::Normal),
            CancelMode::Transient | CancelMode::Permanent => Some(reason.clone()),
        }
    }

    /// A source ended and will not be back.
    pub(crate) fn abandon(&mut self, source: usize) {
        let Some(known) = self.known.get_mut(source) else { return };
        match known.state {
            State::Ended => {}
            State::Open => known.meanwhile = Meanwhile::Gone,
            State::Lost => {
                self.ended += 1;
                known.state = State::Ended;
            }
        }
    }

    /// Whether there are sources, and all have nothing more, ever.
    pub(crate) fn have_ended(&self) -> bool {
        !self.known.is_empty() && self.ended == self.known.len()
    }
}
