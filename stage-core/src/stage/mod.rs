//! The parts of stages beside the three traits: messages, timers, holds, and stages made of functions.
//!
//! ```text
//!               events ▶                     events ▶
//!   Producer ═══════════▶ ProducerConsumer ═══════════▶ Consumer
//!               ◀ demand                     ◀ demand
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
pub(crate) use message::{CallOf, CastOf, Message, StageMail};
pub(crate) use producer::Producer;
pub(crate) use producer_consumer::ProducerConsumer;
pub use progress::ProducerProgress;
pub(crate) use reply::HeldAnswer;
pub use reply::Reply;
pub(crate) use stop_signal::StopSignal;
pub(crate) use unused::is_used;
