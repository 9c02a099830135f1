//! The options of a failure policy.

use std::fmt;
use std::time::Duration;

use super::decision::{Decision, Facts, Then, decide};
use super::event_error::{EventError, Failed};
use super::letter::DeadLetters;
use super::numbers::Numbers;
use crate::base::backoff::Backoff;
use crate::base::error::BoxError;
use crate::base::hopeless::{Hopeless, Prospect};
use crate::sync::Arc;

/// How a step handles events of type `E` that fail. Default: [`restart`](Self::restart).
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::policy::FailurePolicy;
/// use stage_core::{Backoff, Pipeline};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let twice_more = Backoff::new(Duration::from_millis(10), Duration::from_secs(1)).attempts(2);
/// let policy = FailurePolicy::skip().retry(twice_more).deadline(Duration::from_secs(5));
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("words", || Ok(["1", "two", "3"]))
///     .step_each_fn("parse", policy, |word: &str| word.parse::<u64>())
///     .finish_fn("print", |number| println!("{number}"));
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages[1].discarded, 1);
/// # Ok(())
/// # }
/// ```
///
/// An event that cannot be cloned is retried, and set aside, if its handler gives it back:
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::policy::{Failed, FailurePolicy};
/// use stage_core::{Backoff, Pipeline};
///
/// struct Job(u32);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (letters, mut set_aside) = tokio::sync::mpsc::unbounded_channel();
/// let twice_more = Backoff::new(Duration::from_millis(1), Duration::from_millis(1)).attempts(2);
/// let policy = FailurePolicy::dead_letter_given_back(letters).retry_given_back(twice_more);
/// let pipeline = Pipeline::builder("jobs")
///     .start_fn("jobs", || Ok([Job(7)]))
///     .finish_each_fn("run", policy, |job| Err(Failed { event: job, source: "no room".into() }));
/// pipeline.start().await?.join().await?;
/// let letter = set_aside.recv().await.ok_or("there is one")?;
/// assert_eq!((letter.event.0, letter.attempts), (7, 3));
/// # Ok(())
/// # }
/// ```
///
/// A failure may also restart the step, or end the pipeline; [`only`](Self::only) selects what is retried:
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::policy::FailurePolicy;
/// use stage_core::{Backoff, Pipeline, PipelineError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let parse = |policy| {
///     Pipeline::builder("numbers")
///         .start_fn("words", || Ok(["1", "two", "3"]))
///         .step_each_fn("parse", policy, |word: &str| word.parse::<u64>())
///         .finish_fn("print", |number| println!("{number}"))
/// };
/// let report = parse(FailurePolicy::restart()).start().await?.join().await?;
/// assert_eq!(report.stages[1].restarts, 1);
///
/// let never = Backoff::new(Duration::from_secs(60), Duration::from_secs(60));
/// let policy = FailurePolicy::stop().retry(never).only(|error| error.downcast_ref::<std::io::Error>().is_some());
/// let ended = parse(policy).start().await?.join().await;
/// assert!(matches!(ended, Err(PipelineError::Failed { stage, .. }) if stage == "parse/0"));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct FailurePolicy<E> {
    pub(super) retry: Option<Backoff>,
    only: Option<Only>,
    then: Then,
    pub(super) letters: Option<Arc<dyn DeadLetters<E>>>,
    pub(super) deadline: Option<Duration>,
    keep: Keep<E>,
    /// Those of the step that the policy belongs to.
    pub(super) numbers: Option<Numbers>,
}

/// An event that can be retried or sent elsewhere after a failure, because it is cloned before it is handled.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Backoff;
/// use stage_core::policy::{FailurePolicy, Retained};
///
/// fn again<E: Retained>() -> FailurePolicy<E> {
///     FailurePolicy::skip().retry(Backoff::new(Duration::from_secs(1), Duration::from_secs(60)))
/// }
/// assert!(format!("{:?}", again::<String>()).contains("retry: Some"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can be neither retried nor sent to a dead letter queue: it is not `Clone`",
    label = "a clone of each event is kept while it is handled",
    note = "derive `Clone` for `{Self}`, or have the handler give it back in a `policy::Failed`: see `FailurePolicy::retry_given_back` and `dead_letter_given_back`"
)]
pub trait Retained: Clone {}

#[diagnostic::do_not_recommend]
impl<E: Clone> Retained for E {}

/// Selects the failures that are retried.
type Only = Arc<dyn Fn(&EventError) -> bool + Send + Sync>;

/// A failed attempt.
pub(super) struct Failure<E> {
    pub(super) error: EventError,
    pub(super) prospect: Prospect,
    /// The event, if it was kept.
    pub(super) kept: Option<E>,
}

impl<E> Failure<E> {
    /// A failure of which the handler itself reported nothing.
    pub(super) const fn unexplained(error: EventError) -> Self {
        Self { error, prospect: Prospect::MaySucceed, kept: None }
    }
}

/// How an event is kept across a failure.
enum Keep<E> {
    No,
    Clone(fn(&E) -> E),
    /// The error contains the event.
    GivenBack(fn(BoxError) -> Result<Failed<E>, BoxError>),
}

impl<E> Clone for Keep<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Keep<E> {}

impl<E> FailurePolicy<E> {
    fn then(then: Then) -> Self {
        Self { retry: None, only: None, then, letters: None, deadline: None, keep: Keep::No, numbers: None }
    }

    /// The stage handles the rest of its batch, then fails, and is restarted according to the pipeline's
    /// strategy.
    pub fn restart() -> Self {
        Self::then(Then::Restart)
    }

    /// The stage continues. A delivery is rejected with the error; any other event is counted as discarded.
    pub fn skip() -> Self {
        Self::then(Then::Skip)
    }

    /// The pipeline ends with the error.
    pub fn stop() -> Self {
        Self::then(Then::Stop)
    }

    /// The event is sent to `letters` with the error. It is cloned before it is handled.
    pub fn dead_letter(letters: impl DeadLetters<E>) -> Self
    where
        E: Retained,
    {
        Self { keep: Keep::Clone(E::clone), ..Self::dead_letter_given_back_by(letters) }
    }

    /// The event is sent to `letters` with the error, if the error is a [`Failed`] that contains it;
    /// otherwise it is skipped.
    pub fn dead_letter_given_back(letters: impl DeadLetters<E>) -> Self
    where
        E: Send + Sync + 'static,
    {
        Self { keep: Keep::GivenBack(given_back), ..Self::dead_letter_given_back_by(letters) }
    }

    fn dead_letter_given_back_by(letters: impl DeadLetters<E>) -> Self {
        Self { letters: Some(Arc::new(letters)), ..Self::then(Then::DeadLetter) }
    }

    /// Retries the event after each delay of `backoff` before the policy applies. Meanwhile the step handles other events,
    /// as many as its `max_demand` allows it to hold; if it is fed [`by`](crate::Chain::by) key, the later events of the
    /// same key wait too. A stop does not wait for the next attempt; a drain does. The event is cloned before it is
    /// handled.
    ///
    /// [`StageStats::retries`](crate::stats::StageStats::retries) counts the events that wait.
    pub fn retry(mut self, backoff: Backoff) -> Self
    where
        E: Retained,
    {
        self.retry = Some(backoff);
        self.keep = Keep::Clone(E::clone);
        self
    }

    /// Retries the event after each delay of `backoff` before the policy applies, if the error is a
    /// [`Failed`] that contains the event.
    pub fn retry_given_back(mut self, backoff: Backoff) -> Self
    where
        E: Send + Sync + 'static,
    {
        self.retry = Some(backoff);
        self.keep = Keep::GivenBack(given_back);
        self
    }

    /// Retries only the failures for which `these` returns `true`. Default: all. A [`Hopeless`](super::Hopeless) error is
    /// never retried.
    pub fn only(mut self, these: impl Fn(&EventError) -> bool + Send + Sync + 'static) -> Self {
        self.only = Some(Arc::new(these));
        self
    }

    /// Fails an attempt that takes longer than `deadline`; its future is dropped at its next await point.
    /// Default: none.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Returns whether failed events are retried.
    pub(crate) const fn retries(&self) -> bool {
        self.retry.is_some()
    }

    /// Clones the event, if the policy may need it after a failure.
    pub(super) fn keep(&self, event: &E) -> Option<E> {
        match &self.keep {
            Keep::Clone(clone) => Some(clone(event)),
            Keep::No | Keep::GivenBack(_) => None,
        }
    }

    /// Returns the failure that the handler reported by `error`, and the event if the error contains it.
    pub(super) fn read(&self, error: BoxError) -> Failure<E> {
        // Either of the wrappers may be the outer one.
        let (outer, error) = Hopeless::take_apart(error);
        let (kept, error) = self.take_back(error);
        let (inner, error) = Hopeless::take_apart(error);
        let prospect = if outer == Prospect::Hopeless { outer } else { inner };
        Failure { error: EventError::Failed(Arc::from(error)), prospect, kept }
    }

    fn take_back(&self, error: BoxError) -> (Option<E>, BoxError) {
        let Keep::GivenBack(take) = self.keep else { return (None, error) };
        match take(error) {
            Ok(Failed { event, source }) => (Some(event), source),
            Err(error) => (None, error),
        }
    }

    /// Decides on the handling of a failed event.
    pub(super) fn decide(&self, attempts: u32, failure: &Failure<E>, seed: u64) -> Decision {
        let Failure { error, prospect, kept } = failure;
        let eligible = self.only.as_ref().is_none_or(|only| only(error));
        let facts = Facts { attempts, prospect: *prospect, eligible, kept: kept.is_some(), seed };
        decide(self.retry.as_ref(), self.then, facts)
    }
}

fn given_back<E: Send + Sync + 'static>(error: BoxError) -> Result<Failed<E>, BoxError> {
    error.downcast().map(|failed| *failed)
}

impl<E> Default for FailurePolicy<E> {
    fn default() -> Self {
        Self::restart()
    }
}

impl<E> Clone for FailurePolicy<E> {
    fn clone(&self) -> Self {
        Self {
            retry: self.retry,
            only: self.only.clone(),
            then: self.then,
            letters: self.letters.clone(),
            deadline: self.deadline,
            keep: self.keep,
            numbers: self.numbers.clone(),
        }
    }
}

impl<E> fmt::Debug for FailurePolicy<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailurePolicy")
            .field("retry", &self.retry)
            .field("then", &self.then)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
