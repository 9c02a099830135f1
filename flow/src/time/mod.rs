//! Event time: untimed and timed flows, the stamps of events, and the progress of stages.
//!
//! ```
//! use std::time::Duration;
//!
//! use flow::time::{Time, Timed, Untimed};
//! use flow::{Chain, Flow, Origin};
//!
//! /// The kind of a flow, by its type.
//! fn kind<C: Chain>(_: &Flow<C>) -> &'static str
//! where
//!     C::Origin: Origin<Time: Time>,
//! {
//!     std::any::type_name::<<C::Origin as Origin>::Time>()
//! }
//!
//! let numbers = Flow::from_items(0..10_i64);
//! assert_eq!(kind(&numbers), std::any::type_name::<Untimed>());
//! let timed = numbers.event_time(|at| *at, Duration::MAX);
//! assert_eq!(kind(&timed), std::any::type_name::<Timed>());
//! ```

mod agenda;
mod gauge;
mod kind;
mod stamp;

pub(crate) use agenda::Agenda;
#[doc(hidden)]
pub use gauge::Reached;
pub(crate) use gauge::{Gauge, Gauges};
pub use kind::{Time, Timed, Untimed};
#[doc(hidden)]
pub use stage_core::stage::Progress;
#[doc(hidden)]
pub use stamp::{Stamp, Stamped};
