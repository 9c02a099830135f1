//! An event of the stage, from its arrival to its result, and the ends of tasks.

use std::sync::OnceLock;

use super::control::Wake;
use super::lines::LineId;
use crate::ack::Token;
use crate::policy::{Attempted, Caller, Carry, EachEvent, Losses};
use crate::stage::CallbackState;
use crate::sync::{Arc, Mutex, lock};

/// An event that has no result yet.
pub(super) struct Job<H: EachEvent, C: Carry> {
    pub(super) place: Place,
    pub(super) event: Waits<H, C>,
}

/// An event before an attempt.
pub(super) enum Waits<H: EachEvent, C: Carry> {
    /// It is untried.
    New(C::Of<H::In>),
    /// It failed, after this number of attempts.
    Again(H::In, Token, u32),
}

/// The data of an event that outlast its handling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) line: LineId,
    /// The position in the order of arrival.
    pub(super) number: u64,
    /// The key by which the step is fed: while an event of it waits for an attempt, later ones wait, too.
    pub(super) key: Option<u64>,
    /// The key of which only some events are in progress at a time.
    pub(super) bulkhead: Option<u64>,
    /// Whether the event has closed its key.
    pub(super) closes: bool,
}

/// A handler, and the part of the stage that it may use while the stage is in other callbacks.
pub(super) struct Slot<H: EachEvent> {
    pub(super) caller: Caller<H>,
    pub(super) state: CallbackState,
}

/// The ends of tasks that the stage has not seen yet.
pub(super) struct Finished<H: EachEvent> {
    pub(super) ends: Mutex<Vec<End<H>>>,
    /// Makes the stage look at them; set by `init`.
    pub(super) wake: OnceLock<Arc<Wake>>,
}

/// The end of one task.
pub(super) struct End<H: EachEvent> {
    pub(super) place: Place,
    /// `None` if the task ended without a result, by a panic outside of the handler.
    pub(super) tried: Option<Tried<H>>,
}

/// A handler, and the outcome of its attempt.
pub(super) type Tried<H> = (Slot<H>, Attempted<<H as EachEvent>::In, <H as EachEvent>::Out>, Losses);

/// Reports the end of its task, also if that panics.
pub(super) struct Report<H: EachEvent> {
    pub(super) finished: Arc<Finished<H>>,
    pub(super) end: Option<End<H>>,
}

impl<H: EachEvent> Drop for Report<H> {
    fn drop(&mut self) {
        let Some(end) = self.end.take() else { return };
        let is_first = {
            let mut ends = lock(&self.finished.ends);
            ends.push(end);
            ends.len() == 1
        };
        if is_first && let Some(wake) = self.finished.wake.get() {
            wake();
        }
    }
}

/// Asks the stage to look at ended tasks, and at the events whose next attempt is due.
pub(super) struct Look;
