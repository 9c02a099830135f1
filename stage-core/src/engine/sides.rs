//! The two sides of a stage as its loop sees them: a full one with subscriptions, or an empty one for a stage
//! without input or output. The empty ones hardly need code, where a full one for events that do not exist would
//! be compiled in every program.

use super::sources::Sources;
use crate::base::error::ExitReason;
use crate::base::options::{Capacity, DemandMode, Keep, OnCancel};
use crate::base::progress::Progress;
use crate::base::stats::Counters;
use crate::credit::demand::Window;
use crate::dispatch::{AnyDispatcher, Marker};
use crate::engine::Rejections;
use crate::engine::outlet::{Discarded, SubscriberChange};
use crate::stage::Erased;
use crate::sync::Arc;
use crate::wire::diagnosis::Diagnosis;
use crate::wire::protocol::{AnySubscribe, Closed};
use crate::wire::signal::Signal;
use crate::wire::subscription::{Asking, Reach, Subscription, Tell};

/// The parts that an input side is made of.
pub(crate) struct InputParts {
    pub(crate) signal: Arc<Signal>,
    pub(crate) stage: Arc<dyn Reach>,
    pub(crate) sources: Sources,
    pub(crate) counters: Arc<Counters>,
}

/// The parts that an output side is made of.
pub(crate) struct OutputParts<E> {
    pub(crate) dispatcher: AnyDispatcher<E>,
    pub(crate) capacity: Capacity,
    pub(crate) keep: Keep,
    /// The stage has had enough once that many consumers have finished by themselves.
    pub(crate) subscribers: Option<usize>,
    /// The effect of losing the last consumer.
    pub(crate) on_cancel: OnCancel,
    pub(crate) mode: DemandMode,
    /// Receives the events that were not handed out when the stage ends.
    pub(crate) rejected: Option<Rejections<E>>,
}

/// The rarely used part of an input side, without the type of its events: the code that calls it is compiled once, in
/// this crate.
pub(crate) trait InputControl: Send {
    fn tell(&mut self, tell: &Tell);
    fn resubscribe(&mut self, source: usize);
    fn abandon(&mut self, source: usize);
    fn set_paused(&mut self, paused: bool);
    /// Handles what was sent, and asks for nothing more.
    fn leave(&mut self);
    fn set_window(&mut self, window: Window);
    fn measure(&mut self);
    /// Schedules a subscription: a `Join` for the events of this side.
    fn join(&mut self, join: Erased);
    /// Starts the next scheduled subscription, for [`complete`](Self::complete) to end.
    fn begin(&mut self) -> Option<Subscription>;
    /// Makes the subscription that was started.
    fn complete(&mut self, asking: Asking);
    fn mark(&mut self, marker: Marker) -> Option<Marker>;
    fn passed(&mut self) -> Option<Marker>;
    fn subscriptions(&self) -> Vec<Subscription>;
    fn diagnose(&self, diagnosis: &mut Diagnosis);
}

/// The input side of a stage.
pub(crate) trait Input: InputControl {
    type Event: Send + 'static;

    fn assemble(parts: InputParts) -> Self;
    fn slots(&self) -> usize;
    fn look(&mut self, slot: usize);
    fn has_pending_work(&self) -> bool;
    fn has_ready(&self) -> bool;
    fn in_hand(&self) -> usize;
    fn close(&mut self, reason: &ExitReason);
}

/// The rarely used part of an output side, without the type of its events.
pub(crate) trait OutputControl: Send {
    fn subscribe(&mut self, subscribe: Box<dyn AnySubscribe>);
    fn cancel(&mut self, subscription: &Subscription, reason: ExitReason);
    fn set_mode(&mut self, mode: DemandMode);
    fn set_paused(&mut self, paused: bool);
    fn mark(&mut self, marker: Marker) -> Option<Marker>;
    fn next_fired(&mut self) -> Option<Marker>;
    fn next_change(&mut self) -> Option<SubscriberChange>;
    fn take_discarded(&mut self) -> Option<Discarded>;
    fn broken(&self) -> Option<&ExitReason>;
    fn wanted(&self) -> usize;
    fn buffered(&self) -> usize;
    fn mode(&self) -> DemandMode;
    fn subscriptions(&self) -> Vec<Subscription>;
    fn diagnose(&self, diagnosis: &mut Diagnosis);
    fn announce_progress(&mut self, latest: Progress);
}

/// The output side of a stage.
pub(crate) trait Output: OutputControl {
    type Event: Send + 'static;

    fn assemble(parts: OutputParts<Self::Event>, counters: Arc<Counters>) -> Self;
    fn slots(&self) -> usize;
    fn look(&mut self, slot: usize);
    fn emit(&mut self, events: &mut Vec<Self::Event>);
    fn has_pending_work(&self) -> bool;
    fn has_had_enough(&self) -> bool;
    fn tells_demand(&self) -> bool;
    fn is_empty(&self) -> bool;
    fn take_rest(&mut self) -> Vec<Self::Event>;
    fn reject(&mut self, events: Vec<Self::Event>);
    fn discard_at_end(&self, discarded: usize);
    fn close(&mut self, closed: &Closed);
}
