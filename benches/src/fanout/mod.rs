//! What do four consumers cost? Counted events to one of them, to all, or to the one that a number belongs to.
//!
//! ```text
//!                ┌─▶ sum
//!   0, 1, 2 …  ──┼─▶ sum     demand: whoever has room · broadcast: everybody · partition: x % 4
//!                ├─▶ sum
//!                └─▶ sum
//! ```

mod catalogue;
mod kind;
mod tokio_vec;
mod us;

pub use catalogue::workloads;
pub use kind::Kind;
