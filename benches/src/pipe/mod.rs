//! Cost of an event in a pipe: a counting source, `k` steps that add one, a summing sink.
//!
//! ```text
//!   0, 1, 2 …  ──▶  +1  ──▶  +1  ──▶  +1  ──▶  sum          k = 3
//! ```
//!
//! Every stage is a task of its own. Demand bounds the events queued *and* in hand, so the peers' channels
//! have a capacity that leaves room for the events in their receiver's hand (see [`Shape`]).

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
pub(crate) use contender::round_on;
pub use contender::{Contender, WrongSum};
pub use shape::{DEFAULT, SHAPES, Shape};
