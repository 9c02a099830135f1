//! Requests whose event was not taken, or not handled.

use std::time::Duration;

use stage_core::ack::Reason;

/// The reason a request fails. [`Intake::answer`](crate::Intake::answer) turns it into an answer.
///
/// See the example of [`Intake`](crate::Intake).
#[derive(Clone, stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No stage wants an event, and the backlog is full: 429. The event was not taken.
    #[error("no stage wants another event now")]
    Full,
    /// The pipeline takes no events: 503. The event was not taken.
    #[error("{0}")]
    Unavailable(Unavailable),
    /// The event was rejected. [`Reason::Stopped`], [`Reason::Untried`] and [`Reason::Postponed`] are answered with 503,
    /// since no handler failed; an error that is [`Unprocessable`](crate::Unprocessable) with 422; other reasons with the
    /// status [`failure`](crate::IntakeOptions::failure).
    #[error("{0}")]
    Rejected(Reason),
    /// The verdict did not come within [`reply_within`](crate::IntakeOptions::reply_within): 504. The event is handled
    /// all the same.
    #[error("the event is not handled after {within:?}; its outcome is open")]
    Late {
        /// The limit.
        within: Duration,
    },
    /// The verdict never comes, because the runtime or the collector of verdicts ended: 500. The event may have been
    /// handled.
    #[error("the outcome of the event is unknown")]
    Unknown,
}

/// The reason a pipeline takes no requests.
///
/// See the example of [`Intake`](crate::Intake).
#[derive(Clone, Copy, PartialEq, Eq, stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// No pipeline with this source runs.
    #[error("the pipeline does not run")]
    NotRunning,
    /// The source failed and restarts.
    #[error("the source of requests restarts")]
    Restarting,
    /// The pipeline drains or stops.
    #[error("the pipeline drains")]
    Draining,
    /// The pipeline has ended.
    #[error("the pipeline has ended")]
    Ended,
}
