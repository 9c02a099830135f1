//! The source of an edge: one stage that serves all partitions of its process.
//!
//! ```text
//!   keeper ── orders ─▶ lane of partition 3 ── ready frame ─▶ stage ══ deliveries ═▶ steps
//!     │ leases            │ pull, decode          ▲                                    │
//!     ▼                   ▼ settle, extend        └──── demand ──┐      verdict        ▼
//!   server              server                                  lane ◀──────────── collector
//! ```
//!
//! 1. A lane hands out one frame at a time. It asks for a first one only while the stage has unmet demand, and for others
//!    while it has one in hand.
//! 2. The stage begins a frame only while its partition is owned by the clock of this process.
//! 3. A lease is given back after the last frame of its partition was settled.

mod intake;
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
