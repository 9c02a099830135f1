//! The three stage traits that users implement, and the arguments of their callbacks.
//!
//! ```text
//!               events ▶                     events ▶
//!   Producer ═══════════▶ ProducerConsumer ═══════════▶ Consumer
//!               ◀ demand                     ◀ demand
//! ```

mod consumer;
mod context;
mod effect;
mod emitter;
mod events;
pub(crate) mod expansion;
mod function;
mod hold;
mod message;
mod producer;
mod producer_consumer;
mod reply;
mod stop_signal;
mod unused;

pub use consumer::Consumer;
pub(crate) use context::CallbackState;
pub use context::{Context, CopyOf, Init};
pub use effect::Timer;
pub(crate) use effect::{Effect, Effects, Erased, downcast};
pub use emitter::{Emitter, Nothing};
pub use events::Events;
pub(crate) use function::{Ending, Sinking, SourceThen};
pub use function::{ForEach, FromIter, MapEach, Then};
pub use hold::Hold;
pub(crate) use hold::Holds;
pub use message::{Call, CallError, Cast, Inspection};
pub(crate) use message::{CallOf, CastOf, Message, StageMail};
pub use producer::Producer;
pub use producer_consumer::ProducerConsumer;
pub(crate) use reply::HeldAnswer;
pub use reply::Reply;
pub(crate) use stop_signal::StopSignal;
pub(crate) use unused::is_used;
