//! The source that pulls messages from a server.

mod pulled;
pub(crate) mod shared;
mod teller;

pub use pulled::{PulledSource, pulled};
pub(crate) use shared::ending;
