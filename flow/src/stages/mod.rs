//! Stages of stage-core as parts of a flow: as its source, between two layers, and at its end.

mod errors;
mod foreign;
mod into;
mod map_async;
mod owned;
mod through;

pub use errors::OnError;
pub use foreign::Foreign;
pub use into::Feeding;
pub use map_async::Order;
pub use through::Through;
