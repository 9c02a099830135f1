//! The sink of deliveries on a [`Push`].

use std::fmt;
use std::vec;

use stage_core::ack::{Delivery, Reason, Token};
use stage_core::{Consumer, Context, Events, StageResult};

use super::storing::{Stored, Storing};
use crate::push::Push;
use crate::push_options::PushOptions;

/// Creates a sink that stores the events of an acknowledged pipeline. A delivery is acknowledged once the server has
/// stored its message durably.
///
/// ```no_run
/// use stage_connect::{Pull, PullOptions, Push, PushOptions, sink, source};
/// use stage_core::Pipeline;
///
/// fn copy<F, T>(from: impl Fn() -> F + Send + 'static, to: impl Fn() -> T + Send + 'static) -> Pipeline
/// where
///     F: Pull<Message = String>,
///     T: Push<Message = String>,
/// {
///     Pipeline::builder("copy")
///         .start("from", move || Ok(source::pulled(from(), PullOptions::new())))
///         .finish("to", move || Ok(sink::pushed(to(), PushOptions::new())))
/// }
/// ```
///
/// # Errors
///
/// While the server is away or full, the sink waits, and so does everything before it; a drain waits until its deadline.
/// A message that the server refuses for good is rejected as hopeless, which makes it a dead letter of its source. A
/// [fatal](crate::ConnectError::fatal) error ends the pipeline; after a [fenced](crate::ConnectError::fenced) one the
/// stage is restarted by its recipe. The deliveries in hand are then rejected as untried.
pub fn pushed<P: Push>(push: P, options: PushOptions<P::Message>) -> PushedSink<P> {
    PushedSink { storing: Storing::new(push, options) }
}

/// The sink made by [`pushed`].
///
/// ```
/// use stage_connect::sink::{self, PushedSink};
/// use stage_connect::{Push, PushOptions};
///
/// /// Makes a sink that stores few messages at a time.
/// fn carefully<P: Push>(push: P) -> PushedSink<P> {
///     sink::pushed(push, PushOptions::new().at_most(10))
/// }
/// ```
#[must_use = "a sink does nothing outside of a pipeline"]
pub struct PushedSink<P: Push> {
    storing: Storing<P>,
}

/// The tokens of messages that are not stored yet. Dropping them gives the deliveries back untried, unless storing
/// panicked.
struct Tokens(vec::IntoIter<Token>);

impl Tokens {
    fn settle(&mut self, stored: Stored) {
        match stored {
            Stored::Next(count) => Token::acknowledge_all(self.0.by_ref().take(count)),
            Stored::Refused { cause } => {
                if let Some(token) = self.0.next() {
                    token.reject(Reason::hopeless(cause));
                }
            }
        }
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // A token with a value is not in hand, so dropping it is no attempt.
            self.0.by_ref().for_each(|token| drop(token.with(())));
        }
    }
}

/// Returns the message of a delivery, with its trace, and the token.
fn taken<P: Push>(delivery: Delivery<P::Message>) -> (P::Message, Token) {
    #[cfg(feature = "trace")]
    if let Some(context) = delivery.trace_context() {
        let (mut message, token) = delivery.into_parts();
        crate::trace::write::<P>(&mut message, &context);
        return (message, token);
    }
    delivery.into_parts()
}

impl<P: Push> Consumer for PushedSink<P> {
    type Event = Delivery<P::Message>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<P::Message>>,
        cx: &mut Context<'_>,
    ) -> StageResult {
        let (messages, tokens): (Vec<_>, Vec<_>) = events
            .into_iter()
            .map(taken::<P>)
            .map(|(message, token)| (self.storing.numbered(message), token))
            .unzip();
        let mut tokens = Tokens(tokens.into_iter());
        self.storing.store(&messages, cx, |stored| tokens.settle(stored)).await
    }
}

impl<P: Push> fmt::Debug for PushedSink<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedSink").field("server", &self.storing.server()).finish_non_exhaustive()
    }
}
