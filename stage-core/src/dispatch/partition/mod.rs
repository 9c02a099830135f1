//! The partition dispatcher: each event goes to the partition of its key; a partition has one subscriber.

mod dispatcher;
mod route;
mod sorter;
#[cfg(test)]
mod tests;

pub use dispatcher::PartitionDispatcher;
