//! Each event to the partition its key belongs to; one subscriber per partition.

mod dispatcher;
mod sorter;
#[cfg(test)]
mod tests;

pub use dispatcher::PartitionDispatcher;
