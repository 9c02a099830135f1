//! Moves one file through a pipeline: a delivery in pieces, judged once no stage holds a piece of it.
//!
//! ```text
//!   durable queue ──lease──▶ Starter ──Begin, Next…, End──▶ stages ──▶ Notifier
//!        ▲                                                   │ piece dropped, failed, or handled to the end
//!        └──────── Settler ◀── verdicts, in batches ◀────────┘
//! ```
//!
//! 1. A leased transfer is a delivery of `stage_core::ack`, and travels in pieces (`stage_core::piecewise`), which
//!    share its [`Lease`]. A piece that is dropped (a panic, a restart, a stop) makes the transfer dead.
//! 2. It is judged when its last piece is gone, so no piece of an attempt is left when the next one starts.
//! 3. The last stage leaves the result in the lease and acknowledges; the [`Settler`] makes it durable and records it
//!    ([`Finish`]): a transfer is done only then.
//! 4. A transient failure is retried after a delay; an outage, which is no transfer's fault, costs no attempt.

mod copies;
mod failure;
mod lease;
mod outage;
mod queue;
mod settler;
mod starter;
mod witness;

pub(crate) use copies::copies;
pub use failure::Failure;
pub use lease::{Finish, Lease, Piece, key};
pub use outage::{Gate, PATIENCE};
pub use queue::{ATTEMPTS, Queue};
pub use settler::Settler;
pub use starter::Starter;
pub use witness::Witness;
