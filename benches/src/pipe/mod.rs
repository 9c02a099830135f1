//! What does an event cost on its way? A counting source, `k` steps that add one, a summing sink.
//!
//! ```text
//!   0, 1, 2 …  ──▶  +1  ──▶  +1  ──▶  +1  ──▶  sum          k = 3
//! ```
//!
//! Every stage is a task of its own. Demand bounds what is queued *and* what is being handled, so the peers'
//! channels get the capacity that leaves room for what their receiver holds in hand (see [`Shape`]).

mod catalogue;
mod contender;
mod crossbeam_vec;
#[cfg(feature = "peers")]
mod datum;
mod declared;
mod futures;
mod one_thread;
#[cfg(feature = "peers")]
mod pumps;
mod shape;
mod spsc;
#[cfg(feature = "peers")]
mod timely;
mod tokio_item;
pub(crate) mod tokio_vec;
pub(crate) mod us;

pub use catalogue::workloads;
pub use contender::{Contender, WrongSum};
pub use shape::{DEFAULT, SHAPES, Shape};
