//! The sinks that store messages on a server.

mod pushed;
mod pushed_plain;
mod storing;

pub use pushed::{PushedSink, pushed};
pub use pushed_plain::{PlainPushedSink, pushed_plain};
