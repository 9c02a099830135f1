//! Tuned windows beside fixed ones: events of very different cost, handled by one copy or by four.
//!
//! No fixed window is the best for all of them; a tuned one has to come close to the best for each.

mod catalogue;
mod work;

pub use catalogue::workloads;
