//! The sinks that store messages on a server.

mod gathered;
mod pushed;
mod pushed_plain;
mod shows;
mod storing;
mod tokens;

pub use pushed::{PushedSink, pushed};
pub use pushed_plain::{PlainPushedSink, pushed_plain};
