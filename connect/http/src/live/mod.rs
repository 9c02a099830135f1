//! Server-sent events to many clients.
//!
//! ```text
//!   publish ──▶ Ring: the last `kept` events ──▶ client (next: 17) ──▶ socket
//!                                            ──▶ client (next: 12) ──▶ socket
//! ```
//!
//! Events are kept once, and each client has a position among them. A client behind the oldest event is slow, and
//! [`SlowClient`] decides about it.

mod client;
mod handle;
mod options;
mod ring;
mod sink;

pub use handle::{Live, LiveCounts};
pub use options::{LiveError, LiveOptions, SlowClient};
pub use sink::LiveSink;
