//! Frames: the messages of an edge, each of which carries many events.
//!
//! ```text
//!   magic 4 │ version 1 │ kind 1 │ codec 2 │ schema 4 │ fingerprint 8 │ writer 8 │ writer epoch 8 │
//!   sequence 8 │ reached 8 │ count 4 │ count × ( key hash 8 │ length 4 │ event )
//! ```
//!
//! Numbers are little-endian.

mod header;
mod read;
mod write;

pub(crate) use header::BEFORE_EVENT;
pub use header::{FrameId, FrameKind, Header};
pub use read::{Frame, FrameError, FrameEvent};
pub use write::FrameWriter;
