//! A step that lets events through at a rate, which several steps may share and anyone may change.
//!
//! ```text
//!   events ══▶ [ waiting ] ──▶ RateLimiter ══▶ events, as many as are asked for and the budget has
//!                                   ▲
//!                     Budget ───────┴──────── another RateLimiter
//! ```
//!
//! [`RateLimiter`] has the rules and an example.

mod bucket;
mod budget;
mod declare;
mod limit;
mod stage;

pub use budget::Budget;
pub use limit::{Rate, RateError};
pub use stage::RateLimiter;
