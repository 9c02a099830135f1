//! Answers made of the events of a stream.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use stage_core::into_stream::OpenPipeline;
use stage_core::{BoxError, StartError};

/// The most events of one piece of a body of lines.
const TOGETHER: usize = 256;

/// Returns a body of the items of a stream, such as an [`EventStream`](stage_core::into_stream::EventStream). The stream
/// is read only as fast as the client reads, and dropped when the client leaves.
///
/// An error of the stream cuts the body off, so that the client notices that it is incomplete.
///
/// ```
/// use stage_core::{Pipeline, Window};
/// use stage_http::body;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let lines = Pipeline::builder("lines").start_fn("lines", || Ok(["a\n", "b\n"]));
/// let (running, events) = lines.open(Window::default()).start().await?;
/// let answer = body(events);
/// assert_eq!(axum::body::to_bytes(answer, 100).await?, "a\nb\n");
/// running.join().await?;
/// # Ok(())
/// # }
/// ```
pub fn body<B, E>(events: impl Stream<Item = Result<B, E>> + Send + 'static) -> Body
where
    B: Into<Bytes> + 'static,
    E: Into<BoxError> + 'static,
{
    Body::from_stream(events)
}

/// Returns an answer of one line of JSON per item of a stream (`application/x-ndjson`); otherwise as [`body`]. Items
/// that are ready together leave together.
///
/// ```
/// use stage_core::{Pipeline, Window};
/// use stage_http::json_lines;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let squares = Pipeline::builder("squares").start_fn("squares", || Ok((1..=3_u64).map(|n| n * n)));
/// let (running, events) = squares.open(Window::default()).start().await?;
/// let answer = json_lines(events);
/// let body = axum::body::to_bytes(answer.into_body(), 100).await?;
/// assert_eq!(body, "1\n4\n9\n");
/// running.join().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// An item that cannot be written as JSON cuts the body off, as an error of the stream does.
pub fn json_lines<T, E>(events: impl Stream<Item = Result<T, E>> + Send + 'static) -> Response
where
    T: Serialize + Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    let pieces = events.ready_chunks(TOGETHER).map(|items| {
        let mut lines = BytesMut::new().writer();
        for item in items {
            let item = item.map_err(Into::into)?;
            serde_json::to_writer(&mut lines, &item)?;
            lines.get_mut().put_u8(b'\n');
        }
        Ok::<_, BoxError>(lines.into_inner().freeze())
    });
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(pieces)).into_response()
}

/// Starts a pipeline for one client, and answers with its events as [`json_lines`] does. The pipeline stops when the
/// client leaves.
///
/// ```
/// use axum::Router;
/// use axum::http::StatusCode;
/// use axum::response::Response;
/// use axum::routing::get;
/// use stage_core::{Pipeline, Window};
/// use stage_http::pipeline_json_lines;
///
/// async fn squares() -> Result<Response, StatusCode> {
///     let squares = Pipeline::builder("squares").start_fn("squares", || Ok((1..=3_u64).map(|n| n * n)));
///     let started = pipeline_json_lines(squares.open(Window::default())).await;
///     started.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
/// }
/// let service: Router = Router::new().route("/squares", get(squares));
/// # drop(service);
/// ```
///
/// # Errors
///
/// As [`OpenPipeline::start`].
///
/// # Cancel safety
///
/// If the future is dropped before it is ready, the pipeline stops.
pub async fn pipeline_json_lines<T>(pipeline: OpenPipeline<T>) -> Result<Response, StartError>
where
    T: Serialize + Send + 'static,
{
    let (running, events) = pipeline.start().await?;
    let kept = events.map(move |event| {
        let _running = &running;
        event
    });
    Ok(json_lines(kept))
}
