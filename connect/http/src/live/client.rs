//! A connected client.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::response::sse::Event;
use futures_util::stream::{self, Stream, StreamExt, unfold};

use super::handle::Shared;
use super::options::SlowClient;
use super::ring::{ClientId, Next};

/// A connected client. Dropping it releases its place.
pub(super) struct Client {
    shared: Arc<Shared>,
    id: ClientId,
}

impl Client {
    pub(super) fn new(shared: &Arc<Shared>, id: ClientId) -> Self {
        Self { shared: Arc::clone(shared), id }
    }

    /// Returns the events for this client: first the time after which a browser connects again.
    pub(super) fn events(self) -> impl Stream<Item = Result<Event, Infallible>> + Send + 'static {
        let hello = Event::default().retry(self.shared.options.retry).comment("connected");
        let events = unfold(self, |client| async { Some((Ok(client.next().await?), client)) });
        stream::iter([Ok(hello)]).chain(events).fuse()
    }

    async fn next(&self) -> Option<Event> {
        let shared = &self.shared;
        loop {
            let mut news = pin!(shared.news.notified());
            news.as_mut().enable();
            let next = shared.ring().next(self.id);
            match next {
                Next::Event(number, event) => {
                    shared.moves.notify_waiters();
                    return Some(event.id(format!("{:x}-{number}", shared.life)));
                }
                Next::Missed(events) if shared.options.slow == SlowClient::Skip => {
                    shared.skipped.fetch_add(events, Ordering::Relaxed);
                    return Some(Event::default().event("skipped").data(events.to_string()));
                }
                // Where the publisher waits, only a client that returns has missed events.
                Next::Missed(events) if matches!(shared.options.slow, SlowClient::Wait { .. }) => {
                    return Some(Event::default().event("skipped").data(events.to_string()));
                }
                Next::Missed(_) => {
                    shared.disconnected.fetch_add(1, Ordering::Relaxed);
                    return None;
                }
                Next::Nothing => news.await,
                Next::End => return None,
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.ring().leave(self.id);
        self.shared.moves.notify_waiters();
    }
}
