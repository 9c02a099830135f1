//! Cost of being watched: the same pipeline with a viewer at 10 Hz, and without one.
//!
//! The viewer does in this process what a panel does for a page that wants ten updates a second: it takes a
//! snapshot of each pipeline on a board, compares it with the one before, judges it, and writes all of it as JSON.

mod catalogue;
mod viewer;

pub use catalogue::workloads;
