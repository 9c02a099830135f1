//! The sink of an edge: cuts events by partition, fills frames, stores them.
//!
//! ```text
//!   steps ══▶ stage ─ key ─▶ filling frame of partition 3 ─ full, or 1 ms ─▶ lane ── one put at a time ──▶ server
//!               ▲                                                             │
//!               └─────────── acknowledged when the frame is stored ◀──────────┘
//! ```
//!
//! 1. A lane has one frame in flight: a later frame is never stored before an earlier one of its partition.
//! 2. A frame is repeated with the same id until the server has stored or refused it.
//! 3. An event of a partition whose filling frame is full waits, and with it the stage: so a full server holds up the
//!    steps before it. Other partitions go on.
//! 4. With `once`, the events that were made of one frame of the edge before are gathered. They are stored when no further one
//!    can follow, in frames whose ids follow from that frame, so a repetition of it stores nothing again.

mod filling;
mod lane;
mod once;
mod stage;

pub use stage::EdgeSink;
pub(crate) use stage::Key;
