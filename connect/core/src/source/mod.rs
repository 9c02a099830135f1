//! The source that pulls messages from a server.

mod pulled;
mod shared;
mod teller;

pub use pulled::{PulledSource, pulled};
pub use shared::ending;
