//! Streams of server-sent events: the activity of a pipeline, and the samples of a tap.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt};

use crate::error::Refusal;
use crate::shared::{OpenStream, Shared};

/// The time after which a browser that lost the connection connects again.
const RETRY: Duration = Duration::from_secs(1);

/// The time between two signs of life on a stream without events.
const ALIVE: Duration = Duration::from_secs(10);

/// The activity of a pipeline, `hz` times a second: first the history, then ticks. A viewer that is slow skips
/// ticks.
pub(crate) async fn live(
    State(shared): State<Arc<Shared>>,
    Path(pipeline): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<impl IntoResponse, Refusal> {
    let hz = within(&query, "hz", 1, 1..=10)?;
    let stream = shared.open_stream()?;
    let (history, viewer) = shared.sampler.watch(&pipeline, hz)?;
    let first = Event::default().retry(RETRY).event("history").data(history);
    let ticks = unfold(viewer, |mut viewer| async {
        let tick = viewer.next().await?;
        Some((Event::default().event("tick").data(&*tick), viewer))
    });
    Ok(events(stream, futures_util::stream::iter([first]).chain(ticks)))
}

/// Every nth event that passes a tap.
pub(crate) async fn tap(
    State(shared): State<Arc<Shared>>,
    Path((pipeline, step)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<impl IntoResponse, Refusal> {
    let every = within(&query, "every", 1_000, 1..=1_000_000_000)?;
    let stream = shared.open_stream()?;
    let tap = shared.options.taps.get(&(pipeline, step));
    let tap = tap.ok_or_else(|| Refusal::unknown("there is no tap at this step: `Options::tap` adds one"))?;
    let samples = unfold(tap.watch(every), |mut samples| async {
        let event = samples.next().await?;
        Some((Event::default().event("event").data(&*event), samples))
    });
    Ok(events(stream, samples))
}

/// Answers with `events` until they or the server end.
fn events(open: OpenStream, events: impl Stream<Item = Event> + Send + 'static) -> impl IntoResponse {
    let ended = open.ended();
    let events = events.map(move |event| {
        let _open = &open;
        Ok::<_, Infallible>(event)
    });
    Sse::new(events.take_until(Box::pin(ended))).keep_alive(KeepAlive::new().interval(ALIVE))
}

/// Returns the number `name` of a query, or `default` if it is missing.
pub(crate) fn within(
    query: &HashMap<String, String>,
    name: &str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, Refusal> {
    let Some(text) = query.get(name) else { return Ok(default) };
    let (least, most) = (range.start(), range.end());
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        Refusal::bad(format!("`{name}` is a whole number from {least} to {most}, not `{text}`"))
    })
}
