//! Decides when a stage of a flow ends: when all its producers have ended, or it has no readers left.

use stage_core::subscribe::{Cancellation, Subscription};
use stage_core::{ExitReason, StageResult};

use crate::error::FirstError;

/// The owner of the stages that a layer feeds, which determines how the layer ends when they leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Stages of the flow: the layer ends with them, and fails if they do.
    Own,
    /// External stages: the layer ends when all have left, for whatever reason.
    Foreign,
    /// Stages of the flow that may be restarted: the layer waits for them.
    Returning,
}

/// Counts the producers and the readers of a stage that remain.
#[derive(Debug)]
pub(crate) struct Ends {
    /// The number of producers that have not ended.
    upstream: usize,
    /// The number of readers that remain, including those that have not subscribed yet.
    consumers: usize,
    subscribed: usize,
    readers: Readers,
    first_error: FirstError,
}

impl Ends {
    /// Creates the counter of a stage with these numbers of producers and readers.
    pub(crate) fn new(
        upstream: usize,
        (consumers, readers): (usize, Readers),
        first_error: FirstError,
    ) -> Self {
        Self { upstream, consumers, subscribed: 0, readers, first_error }
    }

    /// Returns whether all producers of the stage have ended.
    pub(crate) fn all_came(&self) -> bool {
        self.upstream == 0
    }

    /// Records a reader that subscribed; returns whether all readers have subscribed to a stage that has no
    /// producers left.
    pub(crate) fn complete_in_vain(&mut self) -> bool {
        self.subscribed += 1;
        self.upstream == 0 && self.subscribed == self.consumers
    }

    /// Records that a producer has ended.
    pub(crate) fn one_is_over(&mut self) {
        self.upstream = self.upstream.saturating_sub(1);
    }

    /// Records that a producer has left; returns whether it finished normally. The output of a failed
    /// producer is incomplete, so the stage must not emit its final results.
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

    /// Records that a reader has left.
    ///
    /// # Errors
    ///
    /// Returns the reason for which the stage must end, if it must.
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
