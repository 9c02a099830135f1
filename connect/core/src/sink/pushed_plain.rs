//! The sink of plain events on a [`Push`].

use std::fmt;

use stage_core::stage::Cast;
use stage_core::{BoxError, Consumer, Context, Emitter, Events, Init, Nothing, StageResult};

use super::storing::{Stored, Storing};
use crate::push::Push;
use crate::push_options::PushOptions;

/// Creates a sink that stores the events of a pipeline without acknowledgement. It behaves as
/// [`pushed`](super::pushed), but stores each batch as it arrives, whatever the option
/// [`linger`](PushOptions::linger) says.
///
/// ```
/// use stage_connect::memory::{MemoryPush, MemoryServer};
/// use stage_connect::sink::{self, PlainPushedSink};
/// use stage_connect::PushOptions;
/// use stage_core::Pipeline;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = MemoryServer::new();
/// let to = server.clone();
/// let pipeline = Pipeline::builder("numbers").start_fn("numbers", || Ok(0..3_u64)).finish("store", move || {
///     let store: PlainPushedSink<MemoryPush<u64>> = sink::pushed_plain(to.push(), PushOptions::new());
///     Ok(store)
/// });
/// pipeline.start().await?.join().await?;
/// assert_eq!(server.ready(), [0, 1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// A message that the server refuses for good ends the stage after the rest of its batch is stored, since there is
/// no source that could set it aside.
pub fn pushed_plain<P: Push>(push: P, options: PushOptions<P::Message>) -> PlainPushedSink<P> {
    PlainPushedSink { storing: Storing::new(push, options) }
}

/// The sink made by [`pushed_plain`].
///
/// ```
/// use stage_connect::sink::{self, PlainPushedSink};
/// use stage_connect::{Push, PushOptions};
///
/// /// Makes a sink that stores few messages at a time.
/// fn carefully<P: Push>(push: P) -> PlainPushedSink<P> {
///     sink::pushed_plain(push, PushOptions::new().at_most(10))
/// }
/// ```
#[must_use = "a sink does nothing outside of a pipeline"]
pub struct PlainPushedSink<P: Push> {
    storing: Storing<P>,
}

/// Asks the sink to connect, although it has nothing to store.
struct Reconnect;

impl<P: Push> Consumer for PlainPushedSink<P> {
    type Event = P::Message;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        if let Some(delay) = self.storing.begin(cx).await? {
            cx.schedule::<Self, _>(delay, Reconnect)?;
        }
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, P::Message>, cx: &mut Context<'_>) -> StageResult {
        let messages: Vec<_> = events.into_iter().map(|message| self.storing.numbered(message)).collect();
        let mut refused = None;
        let report = |stored| match stored {
            Stored::Next(_) => {}
            Stored::Refused { cause } => refused = Some(cause),
        };
        self.storing.store(&messages, cx, report).await?;
        match refused {
            None => Ok(()),
            Some(cause) => Err(format!("{}: refuses a message: {cause}", self.storing.server()).into()),
        }
    }
}

impl<P: Push> Cast<Reconnect> for PlainPushedSink<P> {
    type Out = Nothing;

    async fn handle_cast(&mut self, _: Reconnect, out: &mut Emitter<'_, Nothing>) -> StageResult {
        if let Some(delay) = self.storing.reconnect(out).await? {
            out.schedule::<Self, _>(delay, Reconnect)?;
        }
        Ok(())
    }
}

impl<P: Push> fmt::Debug for PlainPushedSink<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainPushedSink").field("server", &self.storing.server()).finish_non_exhaustive()
    }
}
