//! The partition dispatcher: each event goes to the partition of its key; a partition has one subscriber.

mod deal;
mod dispatcher;
mod route;
mod sorter;
#[cfg(test)]
mod tests;

pub(crate) use deal::{Deal, Dealt, copy_of};
pub use dispatcher::PartitionDispatcher;
