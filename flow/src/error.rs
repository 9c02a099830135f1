//! The errors that end a flow early.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use stage_core::ExitReason;
use stage_core::into_stream::BlockingRefused;
use stage_core::registry::RegistryError;
use stage_core::subscribe::SubscribeError;

use crate::refused::Refused;

/// The reason why a flow did not run to completion; results emitted before are incomplete.
#[derive(Clone, stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// A function or a source failed.
    #[error("the flow failed in stage `{stage}`: it {reason}")]
    Stage {
        /// The stage, as `layer/number`.
        stage: String,
        /// The cause.
        #[source]
        reason: ExitReason,
    },
    /// The demand options of a layer are invalid.
    #[error("the layer `{layer}` cannot run: {error}")]
    Options {
        /// The layer.
        layer: String,
        /// The cause.
        #[source]
        error: SubscribeError,
    },
    /// A stage did not subscribe in time to one of its producers.
    #[error("the flow cannot start: the stage `{stage}` did not subscribe within {within:?}")]
    SubscribeTimeout {
        /// The subscribing stage.
        stage: String,
        /// The time limit.
        within: Duration,
    },
    /// The name of the flow is taken or unknown, or it belongs to a stage of another type than the flow
    /// needs.
    #[error("the flow cannot start: {0}")]
    Name(#[from] RegistryError),
    /// An option has an invalid value.
    #[error("the flow cannot start: {0}")]
    Refused(#[from] Refused),
    /// A layer has windows but no reducer.
    #[error("the layer `{layer}` has a window but no reducer: add a reducer, or remove the window")]
    Window {
        /// The layer.
        layer: String,
    },
    /// A function sent events to a partition that does not exist.
    #[error(
        "an event was sent to partition {partition} of layer `{layer}`, which has partitions 0 to {last}"
    )]
    Partition {
        /// The layer.
        layer: String,
        /// The partition.
        partition: usize,
        /// The last partition of the layer.
        last: usize,
    },
    /// A blocking call was made on a thread that runs tasks or stages.
    #[error("the flow cannot be run here: {0}")]
    Blocking(#[from] BlockingRefused),
    /// The flow was stopped from outside.
    #[error("the flow was stopped before its end")]
    Stopped,
}

/// The first error of a run. The consumer of the results is notified at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstError {
    noted: Arc<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    error: OnceLock<FlowError>,
    stopping: AtomicBool,
    waker: AtomicWaker,
}

impl FirstError {
    /// Called before the stages are stopped: their being stopped is not an error from then on.
    pub(crate) fn begin_stop(&self) {
        self.noted.stopping.store(true, Ordering::Release);
    }

    /// Records that `stage` ended for `reason`, unless the end belongs to a stop of the flow.
    pub(crate) fn note_end(&self, stage: &str, reason: &ExitReason) {
        let by_a_stop = reason.is_normal() || matches!(reason, ExitReason::Aborted);
        if by_a_stop && self.noted.stopping.load(Ordering::Acquire) {
            return;
        }
        self.note(|| FlowError::Stage { stage: stage.to_owned(), reason: reason.clone() });
    }

    /// Records `error`, unless there has been one before.
    pub(crate) fn note(&self, error: impl FnOnce() -> FlowError) {
        self.noted.error.get_or_init(error);
        self.noted.waker.wake();
    }

    pub(crate) fn get(&self) -> Option<FlowError> {
        self.noted.error.get().cloned()
    }

    /// Ready once there is an error; one task can wait for it.
    pub(crate) fn poll_noted(&self, cx: &mut Context<'_>) -> Poll<FlowError> {
        self.noted.waker.register(cx.waker());
        self.get().map_or(Poll::Pending, Poll::Ready)
    }
}
