//! The handle through which requests enter a pipeline.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use stage_core::ack::Reason;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::counts::IntakeCounts;
use super::line::Line;
use super::options::{IntakeError, IntakeOptions};
use super::parts::Reader;
use super::refusal::Refusal;
use super::source::Requests;
use super::ticket::{Reply, Ticket, Verdict};
use super::unprocessable::Unprocessable;

/// Creates a source of requests, and the handle through which they enter.
///
/// A pipeline that has just started has not asked yet, so its first requests could get 429. A service that announces its
/// address first waits for a [place](Intake::place).
///
/// ```
/// use axum::{Json, Router};
/// use stage_core::Pipeline;
/// use stage_http::{IntakeOptions, requests};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (intake, orders) = requests(IntakeOptions::new().backlog(100))?;
/// let running = Pipeline::builder("orders")
///     .start("requests", move || Ok(orders.clone()))
///     .acknowledged()
///     .finish_fn("store", |order: String| println!("{order}"))
///     .start()
///     .await?;
/// let service: Router = Router::new().route("/orders", intake.post(|Json(order): Json<String>| order));
/// # drop(service);
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`IntakeError`] if an option is out of its range.
pub fn requests<T: Send + 'static>(options: IntakeOptions) -> Result<(Intake<T>, Requests<T>), IntakeError> {
    options.check()?;
    let line = Arc::new(Line::new(options));
    let requests = Requests::new(&line);
    Ok((Intake { line }, requests))
}

/// Puts requests into a pipeline and answers them after their events were handled. Cheap to clone.
///
/// [`post`](Self::post), [`post_lines`](Self::post_lines) and [`post_chunks`](Self::post_chunks) are handlers of axum; a
/// handler of your own calls [`submit`](Self::submit) and [`answer`](Self::answer).
///
/// ```
/// use axum::extract::State;
/// use axum::response::Response;
/// use stage_http::Intake;
///
/// async fn order(State(intake): State<Intake<String>>, order: String) -> Response {
///     let outcome = intake.submit(order).await;
///     intake.answer(outcome)
/// }
/// # let _: axum::Router<Intake<String>> = axum::Router::new().route("/", axum::routing::post(order));
/// ```
///
/// A client that leaves does not take its event with it: the event is handled, and counts as
/// [unread](IntakeCounts::unread).
///
/// A service that takes work beside its requests waits for a place, or looks for one:
///
/// ```
/// use stage_core::Pipeline;
/// use stage_http::{Intake, IntakeCounts, IntakeOptions, Place, Refusal, Requests, Unavailable, requests};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (intake, orders): (Intake<&str>, Requests<&str>) = requests(IntakeOptions::new())?;
/// assert!(matches!(intake.try_place(), Err(Refusal::Unavailable(Unavailable::NotRunning))));
///
/// let running = Pipeline::builder("orders")
///     .start("requests", move || Ok(orders.clone()))
///     .acknowledged()
///     .finish_fn("store", |order| println!("{order}"))
///     .start()
///     .await?;
/// let place: Place<&str> = intake.place().await?;
/// place.submit("tea").await?;
///
/// let counts: IntakeCounts = intake.counts();
/// assert_eq!((counts.acknowledged, counts.open()), (1, 0));
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct Intake<T> {
    pub(super) line: Arc<Line<T>>,
}

/// A place for one event, which some stage wants or the backlog has room for. Dropping it releases the place.
///
/// See the example of [`Intake`].
#[must_use = "a place that is dropped is free again"]
pub struct Place<T> {
    line: Arc<Line<T>>,
    is_used: bool,
}

impl<T: Send + 'static> Intake<T> {
    /// Puts an event into the pipeline and waits for its verdict.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if the event is not taken, or is rejected.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, dropping the future does not take the event back: it is handled all the same.
    pub async fn submit(&self, event: T) -> Result<(), Refusal> {
        self.try_place()?.submit(event).await
    }

    /// Reserves a place for an event if a stage wants one now, or the backlog has room.
    ///
    /// # Errors
    ///
    /// [`Refusal::Full`] or [`Refusal::Unavailable`].
    pub fn try_place(&self) -> Result<Place<T>, Refusal> {
        self.line.try_reserve()?;
        Ok(Place { line: Arc::clone(&self.line), is_used: false })
    }

    /// Waits for a place, in turn with others who wait; also while the source restarts.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unavailable`] if the pipeline does not run, drains, or ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the line of those who wait.
    pub async fn place(&self) -> Result<Place<T>, Refusal> {
        self.line.reserve().await?;
        Ok(Place { line: Arc::clone(&self.line), is_used: false })
    }

    /// Returns the counts by outcome.
    pub fn counts(&self) -> IntakeCounts {
        self.line.counters.read()
    }

    /// Returns the answer to a request: the status of success without a body, or an error as one line of JSON,
    /// `{"error": "…"}`.
    pub fn answer(&self, outcome: Result<(), Refusal>) -> Response {
        let options = &self.line.options;
        let Err(refusal) = outcome else { return options.success.into_response() };
        let (status, after) = status(&refusal, options);
        let line = match &refusal {
            Refusal::Rejected(reason) if after.is_none() => {
                reason_for_client(reason, "the event failed", options)
            }
            refusal => refusal.to_string(),
        };
        refused(status, after, &json!({ "error": line }))
    }
}

impl<T: Send + 'static> Place<T> {
    /// Puts an event into the place and waits for its verdict.
    ///
    /// # Errors
    ///
    /// As [`Intake::submit`], except [`Refusal::Full`].
    ///
    /// # Cancel safety
    ///
    /// As [`Intake::submit`].
    pub async fn submit(mut self, event: T) -> Result<(), Refusal> {
        let (sender, verdict) = oneshot::channel();
        self.enter(event, Reply::One(sender))?;
        let verdict = match self.line.options.reply_within {
            None => verdict.await,
            Some(within) => timeout(within, verdict).await.map_err(|_| Refusal::Late { within })?,
        };
        match verdict {
            Ok(Verdict::Acknowledged) => Ok(()),
            Ok(Verdict::Rejected(reason)) => Err(Refusal::Rejected(reason)),
            Ok(Verdict::Unknown) | Err(_) => Err(Refusal::Unknown),
        }
    }

    /// Puts an event of a streamed body into the place.
    pub(super) fn submit_part(mut self, event: T, reader: &Reader) -> Result<(), Refusal> {
        let line = Arc::clone(&self.line);
        self.is_used = true;
        line.enter(event, || Ticket::new(Reply::Part(reader.add()), &line.counters))
    }

    fn enter(&mut self, event: T, reply: Reply) -> Result<(), Refusal> {
        self.is_used = true;
        self.line.enter(event, || Ticket::new(reply, &self.line.counters))
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        if !self.is_used {
            self.line.release();
        }
    }
}

/// Returns the status of a refusal, and the time after which the client may try again.
pub(super) fn status(refusal: &Refusal, options: &IntakeOptions) -> (StatusCode, Option<Duration>) {
    let later = Some(options.retry_after);
    match refusal {
        Refusal::Full => (StatusCode::TOO_MANY_REQUESTS, later),
        Refusal::Unavailable(_) | Refusal::Rejected(Reason::Stopped | Reason::Untried) => {
            (StatusCode::SERVICE_UNAVAILABLE, later)
        }
        Refusal::Rejected(Reason::Postponed(delay)) => (StatusCode::SERVICE_UNAVAILABLE, Some(*delay)),
        Refusal::Rejected(reason) if Unprocessable::of(reason).is_some() => {
            (StatusCode::UNPROCESSABLE_ENTITY, None)
        }
        Refusal::Rejected(_) => (options.failure, None),
        Refusal::Late { .. } => (StatusCode::GATEWAY_TIMEOUT, None),
        Refusal::Unknown => (StatusCode::INTERNAL_SERVER_ERROR, None),
    }
}

/// Returns what a client learns of the reason why its event was rejected: all of it if the event is at fault, `hidden` if
/// the service is and its reasons are not shown.
pub(super) fn reason_for_client(reason: &Reason, hidden: &str, options: &IntakeOptions) -> String {
    match Unprocessable::of(reason) {
        Some(fault) => fault.to_string(),
        None if options.shows_reasons => reason.to_string(),
        None => hidden.to_owned(),
    }
}

/// Returns an answer with `Retry-After`, in whole seconds.
pub(super) fn refused(status: StatusCode, after: Option<Duration>, body: &serde_json::Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Some(after) = after {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}

impl<T> Clone for Intake<T> {
    fn clone(&self) -> Self {
        Self { line: Arc::clone(&self.line) }
    }
}

impl<T> fmt::Debug for Intake<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("counts", &self.line.counters.read()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}
