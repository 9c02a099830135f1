//! The handlers of requests whose body is many events.

use std::fmt::Display;
use std::io;
use std::pin::pin;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use futures_util::{Stream, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

use super::handle::{Intake, reason_for_client, refused, status};
use super::parts::{Reader, Sums};
use super::refusal::Refusal;

/// The end of a body before its last event.
enum Cut {
    /// The pipeline takes no more.
    Refused(Refusal),
    /// The body is at fault.
    Bad(StatusCode, String),
}

impl<T: Send + 'static> Intake<T> {
    /// Returns a handler of `POST` that makes an event of each line of the body, without its line end; empty lines are
    /// skipped. A line is read only after the one before has found a place: a client that is faster than the pipeline
    /// waits at its socket, and never gets 429.
    ///
    /// The answer comes when every event has its verdict: `{"acknowledged": 3, "rejected": 0}`, with the status of
    /// success if all were acknowledged. A line that `event` refuses ends the reading with 400, one above the
    /// [limit](crate::IntakeOptions::body_limit) with 413; the answer then also has the verdicts on the lines before it.
    ///
    /// ```
    /// use axum::Router;
    /// use stage_http::{IntakeOptions, requests};
    ///
    /// # fn main() -> Result<(), stage_http::IntakeError> {
    /// let (intake, numbers) = requests::<u64>(IntakeOptions::new())?;
    /// let service: Router = Router::new().route("/numbers", intake.post_lines(|line| line.parse()));
    /// # drop((service, numbers));
    /// # Ok(())
    /// # }
    /// ```
    pub fn post_lines<S, E, F>(&self, event: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        E: Display,
        F: Fn(String) -> Result<T, E> + Clone + Send + Sync + 'static,
    {
        let intake = self.clone();
        post(move |body: Body| {
            let (intake, event) = (intake.clone(), event.clone());
            async move {
                let lines = lines(body, intake.line.options.body_limit);
                intake.take_all(lines.map(|line| to_event(line, "line", &event))).await
            }
        })
    }

    /// Like [`post_lines`](Self::post_lines), for the pieces of the body as they arrive. Their bounds are those of the
    /// network, so they fit bodies that a later stage splits.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use axum::Router;
    /// use stage_http::{IntakeOptions, requests};
    ///
    /// # fn main() -> Result<(), stage_http::IntakeError> {
    /// let (intake, pieces) = requests::<Vec<u8>>(IntakeOptions::new())?;
    /// let upload = intake.post_chunks(|piece| Ok::<_, Infallible>(piece.to_vec()));
    /// let service: Router = Router::new().route("/upload", upload);
    /// # drop((service, pieces));
    /// # Ok(())
    /// # }
    /// ```
    pub fn post_chunks<S, E, F>(&self, event: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        E: Display,
        F: Fn(Bytes) -> Result<T, E> + Clone + Send + Sync + 'static,
    {
        let intake = self.clone();
        post(move |body: Body| {
            let (intake, event) = (intake.clone(), event.clone());
            async move {
                let chunks = body
                    .into_data_stream()
                    .map_err(|error| Cut::Bad(StatusCode::BAD_REQUEST, error.to_string()));
                let chunks = numbered(chunks.try_filter(|chunk| std::future::ready(!chunk.is_empty())));
                intake.take_all(chunks.map(|chunk| to_event(chunk, "chunk", &event))).await
            }
        })
    }

    async fn take_all(&self, events: impl Stream<Item = Result<T, Cut>> + Send) -> Response {
        let reader = Reader::new();
        let mut events = pin!(events);
        let cut = loop {
            let event = match events.next().await {
                None => break None,
                Some(Err(cut)) => break Some(cut),
                Some(Ok(event)) => event,
            };
            let entered = match self.place().await {
                Ok(place) => place.submit_part(event, &reader),
                Err(refusal) => Err(refusal),
            };
            if let Err(refusal) = entered {
                break Some(Cut::Refused(refusal));
            }
        };
        self.sum_up(reader.settled().await, cut)
    }

    fn sum_up(&self, sums: Sums, cut: Option<Cut>) -> Response {
        let options = &self.line.options;
        let (status, after, error) = match (cut, sums.first, sums.unknown) {
            (Some(Cut::Bad(status, line)), ..) => (status, None, line),
            (Some(Cut::Refused(refusal)), ..) => {
                let (status, after) = status(&refusal, options);
                (status, after, refusal.to_string())
            }
            (None, Some(reason), _) => {
                let line = reason_for_client(&reason, "events failed", options);
                let (status, after) = status(&Refusal::Rejected(reason), options);
                (status, after, line)
            }
            (None, None, 1..) => (StatusCode::INTERNAL_SERVER_ERROR, None, Refusal::Unknown.to_string()),
            (None, None, 0) => {
                let sums = json!({ "acknowledged": sums.acknowledged, "rejected": 0 });
                return (options.success, Json(sums)).into_response();
            }
        };
        let mut body =
            json!({ "acknowledged": sums.acknowledged, "rejected": sums.rejected, "error": error });
        if sums.unknown > 0 {
            body["unknown"] = Value::from(sums.unknown);
        }
        refused(status, after, &body)
    }
}

/// A part of a body, with its number from 1.
type Numbered<P> = Result<(u64, P), Cut>;

fn numbered<P>(parts: impl Stream<Item = Result<P, Cut>>) -> impl Stream<Item = Numbered<P>> {
    parts.enumerate().map(|(before, part)| part.map(|part| (before as u64 + 1, part)))
}

fn to_event<P, T, E: Display>(
    part: Numbered<P>,
    what: &str,
    event: &impl Fn(P) -> Result<T, E>,
) -> Result<T, Cut> {
    let (number, part) = part?;
    event(part).map_err(|error| Cut::Bad(StatusCode::BAD_REQUEST, format!("{what} {number}: {error}")))
}

/// Returns the lines of a body that are not empty.
fn lines(body: Body, limit: usize) -> impl Stream<Item = Numbered<String>> {
    let bytes = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    let lines = FramedRead::new(bytes, LinesCodec::new_with_max_length(limit));
    let lines = lines.map_err(move |error| match error {
        LinesCodecError::MaxLineLengthExceeded => {
            Cut::Bad(StatusCode::PAYLOAD_TOO_LARGE, format!("a line is longer than {limit} bytes"))
        }
        LinesCodecError::Io(error) => Cut::Bad(StatusCode::BAD_REQUEST, error.to_string()),
    });
    numbered(lines).try_filter(|(_, line)| std::future::ready(!line.is_empty()))
}
