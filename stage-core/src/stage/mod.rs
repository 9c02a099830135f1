//! The parts of stages beside the three traits: messages, timers, holds, and stages made of functions.
//!
//! ```text
//!               events ▶                     events ▶
//!   Producer ═══════════▶ ProducerConsumer ═══════════▶ Consumer
//!               ◀ demand                     ◀ demand
//! ```
//!
//! Functions become stages:
//!
//! ```
//! use stage_core::SubscribeOptions;
//! use stage_core::spawn::{StageOptions, consumer, producer, producer_consumer};
//! use stage_core::stage::{ForEach, FromIter, MapEach, Then};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let numbers = producer(FromIter::new(1..=3_u32), StageOptions::named("numbers")).await?;
//! // Two steps in one stage.
//! let step = Then::new(MapEach::new(|number: u32| number + 1), MapEach::new(|number: u32| number * 10));
//! let step = producer_consumer(step, StageOptions::named("step")).await?;
//! let (seen, events) = std::sync::mpsc::channel();
//! let sink = ForEach::new(move |number| seen.send(number).expect("the receiver is alive"));
//! let sink = consumer(sink, StageOptions::named("sink")).await?;
//! sink.subscribe(&step.producer(), SubscribeOptions::new()).await?;
//! step.subscribe(&numbers.producer(), SubscribeOptions::new()).await?;
//! sink.ended().await;
//! assert_eq!(events.iter().collect::<Vec<_>>(), [20, 30, 40]);
//! # Ok(())
//! # }
//! ```
//!
//! A stage also handles messages, between its other callbacks: a [`Call`] is answered, a [`Cast`] is not. A [`Timer`] sends the
//! stage a message of its own later.
//!
//! ```
//! use std::time::Duration;
//!
//! use stage_core::spawn::{StageOptions, consumer};
//! use stage_core::stage::{Call, CallError, Cast, CopyOf, Inspection, Reply, Timer};
//! use stage_core::testing::ManualProducer;
//! use stage_core::{Consumer, Context, Emitter, Events, ExitReason, Nothing, StageResult, SubscribeOptions};
//!
//! /// Adds numbers up. The sum is set to zero a minute after it was read.
//! #[derive(Default)]
//! struct Total {
//!     sum: u32,
//!     reset: Option<Timer>,
//! }
//!
//! struct Read;
//! struct Reset;
//!
//! impl Consumer for Total {
//!     type Event = u32;
//!
//!     async fn handle_events(&mut self, events: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
//!         self.sum += events.into_iter().sum::<u32>();
//!         Ok(())
//!     }
//! }
//!
//! impl Call<Read> for Total {
//!     type Out = Nothing;
//!     type Reply = (u32, CopyOf);
//!
//!     async fn handle_call(
//!         &mut self,
//!         _: Read,
//!         reply: Reply<(u32, CopyOf)>,
//!         out: &mut Emitter<'_, Nothing>,
//!     ) -> StageResult {
//!         // A caller that went away is not an error of this stage.
//!         let _ = reply.send((self.sum, out.copy()));
//!         if let Some(earlier) = self.reset.replace(out.schedule::<Self, _>(Duration::from_secs(60), Reset)?) {
//!             earlier.cancel();
//!         }
//!         Ok(())
//!     }
//! }
//!
//! impl Cast<Reset> for Total {
//!     type Out = Nothing;
//!
//!     async fn handle_cast(&mut self, _: Reset, _: &mut Emitter<'_, Nothing>) -> StageResult {
//!         self.sum = 0;
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let total = consumer(Total::default(), StageOptions::named("total")).await?;
//! let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
//! total.subscribe(&source.producer(), SubscribeOptions::new().max_demand(4)).await?;
//! assert_eq!(source.next_demand().await, 4);
//! source.emit([1, 2]);
//! assert_eq!(source.next_demand().await, 2);
//! assert_eq!(total.call(Read).await?, (3, CopyOf { index: 0, of: 1 }));
//! total.cast(Reset)?;
//! assert_eq!(total.call(Read).await?.0, 0);
//!
//! let state: Inspection = total.inspect().await?;
//! assert_eq!((state.producers.len(), state.consumers.len()), (1, 0));
//! total.stop(ExitReason::Shutdown).await;
//! assert!(matches!(total.call(Read).await, Err(CallError::Ended { .. })));
//! # Ok(())
//! # }
//! ```

pub(crate) mod consumer;
pub(crate) mod context;
mod effect;
pub(crate) mod emitter;
pub(crate) mod events;
pub(crate) mod expansion;
mod function;
mod hand_over;
mod hold;
mod let_go;
mod message;
pub(crate) mod producer;
pub(crate) mod producer_consumer;
mod progress;
mod reply;
mod stop_signal;
mod unused;

pub use crate::base::options::Pace;
pub use crate::base::progress::Progress;
pub(crate) use consumer::Consumer;
pub(crate) use context::CallbackState;
pub use context::CopyOf;
pub(crate) use context::{Context, Init};
pub use effect::Timer;
pub(crate) use effect::{Effect, Effects, Erased, downcast};
pub(crate) use emitter::{Emitter, Nothing};
pub(crate) use events::Events;
pub(crate) use function::{Ending, Sinking, SourceThen};
pub use function::{ForEach, FromIter, MapEach, Then};
pub(crate) use hand_over::Give;
pub use hand_over::HandOver;
pub use hold::Hold;
pub(crate) use hold::Holds;
pub(crate) use let_go::LetGo;
pub use message::{Call, CallError, Cast, Inspection};
pub(crate) use message::{CallOf, CastOf, Envelope, Message, StageMailbox, erase};
pub(crate) use producer::Producer;
pub(crate) use producer_consumer::ProducerConsumer;
pub use progress::ProducerProgress;
pub(crate) use reply::HeldAnswer;
pub use reply::Reply;
pub(crate) use stop_signal::StopSignal;
pub(crate) use unused::is_used;
