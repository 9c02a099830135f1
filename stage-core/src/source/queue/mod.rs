//! A push source: a bounded queue. Its handle waits for room, fails when the queue is full, or discards on
//! overflow.
//!
//! ```text
//!   Push ── push ─────────▶ waiting line ─┐ (only while the queue is full)
//!        ── try_push ─────▶               ▼
//!        ── push_overflow ▶ [ queued, at most `capacity` ] ══▶ PushQueue (the stage)
//! ```

mod error;
mod letters;
mod line;
mod make;
mod push;
mod stage;

pub use error::{PushError, PushQueueError, TryPushError};
pub use make::queue;
pub use push::Push;
pub use stage::PushQueue;
