//! A step that limits the rate of events; its budget can be shared by several steps and changed at any time.
//!
//! ```text
//!   events ══▶ [ waiting ] ──▶ RateLimiter ══▶ events, as many as are asked for and the budget has
//!                                   ▲
//!                     Budget ───────┴──────── another RateLimiter
//! ```
//!
//! See [`RateLimiter`] for the rules and an example.

mod bucket;
mod budget;
mod declare;
mod stage;

pub use budget::Budget;
pub use stage::RateLimiter;

pub use crate::base::rate::{Rate, RateError};
