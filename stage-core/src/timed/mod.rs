//! How long functions take: what [`#[timed]`](macro@crate::timed) measured, to be read at any time.
//!
//! Every function with the attribute has a [`Histogram`] of its own. It is filled while the function's span is on,
//! that is, while a subscriber of `tracing` takes spans of its level and module.
//!
//! ```
//! use stage_core::timed;
//!
//! #[timed(name = "checksum")]
//! fn checksum(bytes: &[u8]) -> u8 {
//!     bytes.iter().fold(0, |sum, byte| sum ^ byte)
//! }
//!
//! // Nobody takes spans here: nothing is measured, and a call costs nothing worth measuring.
//! assert_eq!(checksum(b"abc"), 96);
//! assert!(timed::histogram("checksum").is_none());
//! ```
//!
//! A static is behind each function, and one list of them behind this module: as for `tracing` itself, a measurement
//! that had to be passed through every function could not be put on any function. The list holds names and figures
//! only; nothing in stage-core depends on it.

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
