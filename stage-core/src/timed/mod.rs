//! Durations of functions, measured by [`#[timed]`](macro@crate::timed) and readable at any time.
//!
//! Every function with the attribute has its own [`Histogram`]. It records calls while the function's span is
//! enabled, that is, while a `tracing` subscriber accepts spans of its level and module.
//!
//! ```
//! use stage_core::timed;
//!
//! #[timed(name = "checksum")]
//! fn checksum(bytes: &[u8]) -> u8 {
//!     bytes.iter().fold(0, |sum, byte| sum ^ byte)
//! }
//!
//! // No subscriber is installed: calls are not measured, and cost next to nothing.
//! assert_eq!(checksum(b"abc"), 96);
//! assert!(timed::histogram("checksum").is_none());
//! ```
//!
//! Each function has a static, and this module a list of them. As with `tracing` itself, global state is
//! needed because a measurement that every caller must pass along could not be added to arbitrary functions.
//! The list holds only names and durations; nothing in stage-core depends on it.

mod histogram;
mod shown;
mod site;
mod sites;
mod unit;

pub use histogram::Histogram;
#[doc(hidden)]
pub use shown::shown;
#[doc(hidden)]
pub use site::{Site, Timing, never};
pub use sites::{histogram, histograms};
pub use unit::Unit;
