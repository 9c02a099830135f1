//! The largest sizes that options may name.

/// The most copies of a step, all lanes together; also the most lanes and partitions.
pub(crate) const MOST_COPIES: usize = 65_536;

/// The most events in a demand, a buffer or a queue.
pub(crate) const MOST_EVENTS: usize = 1_000_000_000;
