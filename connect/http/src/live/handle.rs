//! The handle that publishes live events and connects clients.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::client::Client;
use super::options::{LiveError, LiveOptions, SlowClient};
use super::ring::{Pace, Ring};
use super::sink::LiveSink;

/// The header with the id of the last event that a browser has.
const LAST_EVENT_ID: &str = "last-event-id";

/// Server-sent events to any number of clients. Cheap to clone.
///
/// A client that lost its connection goes on behind the last event that it has, as long as that event is
/// [kept](LiveOptions::keep); otherwise it gets an event `skipped` with the number of the lost ones, or, after the
/// server has restarted, the events of a new client.
///
/// ```
/// use axum::Router;
/// use axum::response::sse::Event;
/// use stage_core::Pipeline;
/// use stage_http::{Live, LiveOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let live = Live::new(LiveOptions::new().replay(10))?;
/// let service: Router = Router::new().route("/live", live.get());
/// let sink = live.sink(|number: &u64| Event::default().data(number.to_string()));
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(1..=100))
///     .finish("live", move || Ok(sink.clone()));
/// pipeline.start().await?.join().await?;
/// live.end();
/// # let get = axum::http::Request::get("/live").body(axum::body::Body::empty())?;
/// # let answer = tower::ServiceExt::oneshot(service, get).await?;
/// # let text = axum::body::to_bytes(answer.into_body(), 10_000).await?;
/// # assert_eq!(String::from_utf8_lossy(&text).matches("data: ").count(), 10);
/// # Ok(())
/// # }
/// ```
///
/// A service publishes events without a pipeline, too, and answers in a handler of its own:
///
/// ```
/// use axum::Router;
/// use axum::extract::State;
/// use axum::http::HeaderMap;
/// use axum::response::Response;
/// use axum::response::sse::Event;
/// use axum::routing::get;
/// use stage_http::{Live, LiveCounts, LiveOptions};
///
/// async fn live(State(live): State<Live>, headers: HeaderMap) -> Response {
///     live.connect(&headers)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_http::LiveError> {
/// let events = Live::new(LiveOptions::new())?;
/// let service: Router = Router::new().route("/live", get(live)).with_state(events.clone());
/// events.publish(Event::default().data("the service has started")).await;
/// let counts: LiveCounts = events.counts();
/// assert_eq!((counts.published, counts.clients), (1, 0));
/// # drop(service);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Live {
    pub(super) shared: Arc<Shared>,
}

/// Counts of live events.
///
/// See the example of [`Live`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveCounts {
    /// Clients that are connected.
    pub clients: usize,
    /// Events that were published.
    pub published: u64,
    /// Events that slow clients skipped.
    pub skipped: u64,
    /// Slow clients that were disconnected.
    pub disconnected: u64,
}

pub(super) struct Shared {
    ring: Mutex<Ring<Event>>,
    pub(super) options: LiveOptions,
    /// Distinguishes the ids of this process from those of an earlier one.
    pub(super) life: u128,
    /// Signals events and the end to clients.
    pub(super) news: Notify,
    /// Signals the moves of clients to publishers.
    pub(super) moves: Notify,
    published: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) disconnected: AtomicU64,
}

impl Shared {
    pub(super) fn ring(&self) -> MutexGuard<'_, Ring<Event>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Creates a stream of events without clients.
    ///
    /// # Errors
    ///
    /// [`LiveError`] if an option is out of its range.
    pub fn new(options: LiveOptions) -> Result<Self, LiveError> {
        options.check()?;
        let pace = match options.slow {
            SlowClient::Skip | SlowClient::Disconnect => Pace::Publisher,
            SlowClient::Wait { .. } => Pace::Clients,
        };
        let life = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let shared = Shared {
            ring: Mutex::new(Ring::new(options.kept, pace)),
            options,
            life,
            news: Notify::new(),
            moves: Notify::new(),
            published: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            disconnected: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Publishes an event to all clients. Its id is set here. Waits only for [`SlowClient::Wait`].
    ///
    /// # Panics
    ///
    /// If the event has an id: ids are those of this stream.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the event is not published.
    pub async fn publish(&self, event: Event) {
        let shared = &self.shared;
        let mut event = event;
        let mut until = None;
        loop {
            let mut moved = pin!(shared.moves.notified());
            moved.as_mut().enable();
            let Err(waits) = shared.ring().publish(event) else { break };
            event = waits;
            let SlowClient::Wait { patience } = shared.options.slow else { continue };
            let end = *until.get_or_insert_with(|| Instant::now() + patience);
            tokio::select! {
                () = moved => {}
                () = sleep_until(end) => {
                    // The clients that stay have as much time from now on.
                    until = None;
                    let removed = shared.ring().remove_slow();
                    shared.disconnected.fetch_add(removed as u64, Ordering::Relaxed);
                    shared.news.notify_waiters();
                }
            }
        }
        shared.published.fetch_add(1, Ordering::Relaxed);
        shared.news.notify_waiters();
    }

    /// Returns a last step that publishes what `event` makes of each of its events.
    ///
    /// For deliveries, let a handler made by [`each`](stage_core::policy::each) call [`publish`](Self::publish), so that an event is acknowledged once it is
    /// published.
    pub fn sink<E, F>(&self, event: F) -> LiveSink<E, F>
    where
        E: Send + 'static,
        F: FnMut(&E) -> Event + Send + 'static,
    {
        LiveSink::new(self.clone(), event)
    }

    /// Returns a handler of `GET` that connects a client.
    pub fn get<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        let live = self.clone();
        get(move |headers: HeaderMap| {
            let live = live.clone();
            async move { live.connect(&headers) }
        })
    }

    /// Returns the answer to a client with these headers, of which `Last-Event-ID` says where it goes on: a stream of
    /// events until [`end`](Self::end), or 503 if there are too many clients.
    pub fn connect(&self, headers: &HeaderMap) -> Response {
        let options = &self.shared.options;
        let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).and_then(|id| self.number(id));
        let mut ring = self.shared.ring();
        if ring.clients() >= options.clients {
            let line = format!("there are {} clients already", options.clients);
            return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": line }))).into_response();
        }
        let id = ring.join(options.replay, last);
        drop(ring);
        let client = Client::new(&self.shared, id);
        let alive = KeepAlive::new().interval(options.alive);
        Sse::new(client.events()).keep_alive(alive).into_response()
    }

    /// Returns the number of an event of this process.
    fn number(&self, id: &str) -> Option<u64> {
        let (life, number) = id.split_once('-')?;
        (u128::from_str_radix(life, 16) == Ok(self.shared.life)).then(|| number.parse().ok())?
    }

    /// Ends the streams of all clients behind the events published so far, as a server that shuts down gracefully has
    /// to: it waits for open answers. Later clients get the replayed events, and the end.
    pub fn end(&self) {
        self.shared.ring().finish();
        self.shared.news.notify_waiters();
    }

    /// Returns whether [`end`](Self::end) was called.
    pub fn has_ended(&self) -> bool {
        self.shared.ring().has_ended()
    }

    /// Returns the counts since the creation.
    pub fn counts(&self) -> LiveCounts {
        let shared = &self.shared;
        LiveCounts {
            clients: shared.ring().clients(),
            published: shared.published.load(Ordering::Relaxed),
            skipped: shared.skipped.load(Ordering::Relaxed),
            disconnected: shared.disconnected.load(Ordering::Relaxed),
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
