//! stage-core stages as parts of a flow: as its source, between two layers, and at its end.

mod crew;
mod errors;
mod finish;
mod foreign;
mod into;
mod map_async;
mod owned;
mod owned_consumer;
mod owned_producer;
mod started;
mod through;

pub use errors::OnError;
pub use finish::{ConsumerRestart, FinishOptions};
#[doc(hidden)]
pub use foreign::Foreign;
pub use into::Feeding;
pub use map_async::Order;
pub use through::Through;
