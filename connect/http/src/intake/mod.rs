//! Requests as the events of a source.
//!
//! ```text
//!   handler ── place ──▶ Line: free + reserved + queued = wanted + backlog ──▶ Requests (the stage)
//!      ▲                                                                          │ Delivery<T>
//!      └──────────── verdict ◀── Ticket ◀── Settler ◀── collector ◀───────────────┘
//! ```

mod counts;
mod handle;
mod line;
mod options;
mod parts;
mod post;
mod refusal;
mod source;
mod streamed;
mod ticket;
mod unprocessable;

pub use counts::IntakeCounts;
pub use handle::{Intake, Place, requests};
pub use options::{IntakeError, IntakeOptions};
pub use refusal::{Refusal, Unavailable};
pub use source::Requests;
pub use unprocessable::Unprocessable;
