//! Fan-out to four consumers: counted events to one of them, to all, or to the one of the event's partition.
//!
//! ```text
//!                ┌─▶ sum
//!   0, 1, 2 …  ──┼─▶ sum     demand: any with room · broadcast: all · partition: x % 4
//!                ├─▶ sum
//!                └─▶ sum
//! ```

mod catalogue;
mod kind;
mod tokio_vec;
mod us;

pub use catalogue::workloads;
pub use kind::Kind;
