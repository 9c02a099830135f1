//! When does a stage of a flow end? When all that feeds it did, or nobody reads it any more.

use stage_core::{Cancellation, ExitReason, StageResult, Subscription};

use crate::error::FirstError;

/// Whose the stages are that a layer feeds, and so what it does when they leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Of the flow: it ends with them, and fails if they do.
    Own,
    /// Of others: it ends when all have left, for whatever reason.
    Foreign,
    /// Of the flow, and perhaps started again: it waits for them.
    Returning,
}

/// Those around a stage that are still there.
#[derive(Debug)]
pub(crate) struct Ends {
    /// How many stages feed it that have not come to their end.
    upstream: usize,
    /// How many stages it feeds that are still there, counting those that have not subscribed yet.
    consumers: usize,
    subscribed: usize,
    readers: Readers,
    first_error: FirstError,
}

impl Ends {
    /// Fed by so many stages, and read by so many.
    pub(crate) fn new(
        upstream: usize,
        (consumers, readers): (usize, Readers),
        first_error: FirstError,
    ) -> Self {
        Self { upstream, consumers, subscribed: 0, readers, first_error }
    }

    /// Whether everything that feeds the stage has come to its end.
    pub(crate) fn all_came(&self) -> bool {
        self.upstream == 0
    }

    /// A reader has subscribed. Whether they are complete, while nothing will ever come for them.
    pub(crate) fn complete_in_vain(&mut self) -> bool {
        self.subscribed += 1;
        self.upstream == 0 && self.subscribed == self.consumers
    }

    /// A stage that would feed this one has nothing more.
    pub(crate) fn one_is_over(&mut self) {
        self.upstream = self.upstream.saturating_sub(1);
    }

    /// A stage that feeds this one has left. Whether it came to its end: what has failed is not whole, and
    /// nothing is made of it.
    pub(crate) fn came_to_its_end(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
    ) -> bool {
        if matches!(cancellation.reason, ExitReason::Normal) {
            self.one_is_over();
            return true;
        }
        self.first_error.note_end(&subscription.producer(), &cancellation.reason);
        false
    }

    /// A reader has left.
    ///
    /// # Errors
    ///
    /// The reason for which the stage ends with it, if it does.
    pub(crate) fn reader_left(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
    ) -> StageResult {
        match self.readers {
            Readers::Returning => return Ok(()),
            Readers::Own if !cancellation.reason.is_normal() => {
                self.first_error.note_end(&subscription.consumer(), &cancellation.reason);
            }
            Readers::Own | Readers::Foreign => {}
        }
        self.consumers = self.consumers.saturating_sub(1);
        if self.consumers == 0 { Err(ExitReason::Normal.into()) } else { Ok(()) }
    }
}
