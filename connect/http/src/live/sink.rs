//! The last step that publishes its events.

use std::fmt;
use std::marker::PhantomData;

use axum::response::sse::Event;
use stage_core::{Consumer, Context, Events, StageResult};

use super::handle::Live;

/// The sink made by [`Live::sink`].
///
/// ```
/// use axum::response::sse::Event;
/// use stage_http::{Live, LiveSink};
///
/// /// Makes the sink of a pipeline of numbers.
/// fn numbers(live: &Live) -> LiveSink<u64, impl FnMut(&u64) -> Event + Clone + Send + 'static> {
///     live.sink(|number: &u64| Event::default().data(number.to_string()))
/// }
/// ```
pub struct LiveSink<E, F> {
    live: Live,
    event: F,
    events: PhantomData<fn(E)>,
}

impl<E, F> LiveSink<E, F> {
    pub(super) fn new(live: Live, event: F) -> Self {
        Self { live, event, events: PhantomData }
    }
}

impl<E, F> Consumer for LiveSink<E, F>
where
    E: Send + 'static,
    F: FnMut(&E) -> Event + Send + 'static,
{
    type Event = E;

    async fn handle_events(&mut self, events: Events<'_, E>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            let event = (self.event)(&event);
            self.live.publish(event).await;
        }
        Ok(())
    }
}

impl<E, F: Clone> Clone for LiveSink<E, F> {
    fn clone(&self) -> Self {
        Self::new(self.live.clone(), self.event.clone())
    }
}

impl<E, F> fmt::Debug for LiveSink<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSink").field("live", &self.live).finish_non_exhaustive()
    }
}
