//! The source of an edge: one stage that serves all partitions of its process.
//!
//! ```text
//!   keeper ── orders ─▶ lane of partition 3 ── ready frame ─▶ stage ══ deliveries ═▶ steps
//!     │ leases            │ pull, decode          ▲                                    │
//!     ▼                   ▼ settle, extend        └──── demand ──┐      verdict        ▼
//!   server              server                                  lane ◀──────────── collector
//! ```
//!
//! 1. A lane has one frame at a time. A lane of a partition asks for one when nothing is ready for the stage, a lane of a pool
//!    while the stage has unmet demand.
//! 2. The stage begins a frame only while its partition is owned by the clock of this process.
//! 3. A lease is given back after the last frame of its partition was settled.

pub(crate) mod keeper;
pub(crate) mod lane;
pub(crate) mod letters;
mod noted;
pub(crate) mod notes;
mod options;
mod pass;
pub(crate) mod shared;
pub(crate) mod stage;
mod teller;
mod whole;

pub use options::SourceOptions;
pub use stage::EdgeSource;
