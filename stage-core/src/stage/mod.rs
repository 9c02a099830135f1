//! The three stage traits that users implement, and the arguments of their callbacks.
//!
//! ```text
//!               events ▶                     events ▶
//!   Producer ═══════════▶ ProducerConsumer ═══════════▶ Consumer
//!               ◀ demand                     ◀ demand
//! ```

mod consumer;
mod context;
mod emitter;
mod events;
pub(crate) mod expansion;
mod function;
mod hold;
mod leave;
mod message;
mod producer;
mod producer_consumer;
mod reply;
mod unused;
mod wish;

pub use consumer::Consumer;
pub(crate) use context::Core;
pub use context::{Context, CopyOf, Init};
pub use emitter::{Emitter, Nothing};
pub use events::Events;
pub(crate) use function::{Ending, Sinking, SourceThen};
pub use function::{ForEach, FromIter, MapEach, Then};
pub use hold::Hold;
pub(crate) use hold::Holds;
pub(crate) use leave::Leave;
pub use message::{Call, CallError, Cast, Inspection};
pub(crate) use message::{CallOf, CastOf, Message, StageMail};
pub use producer::Producer;
pub use producer_consumer::ProducerConsumer;
pub(crate) use reply::Held;
pub use reply::Reply;
pub(crate) use unused::is_used;
pub use wish::Timer;
pub(crate) use wish::{Erased, Wish, Wishes, known};
