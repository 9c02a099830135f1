//! Limits of numeric options.

/// The most copies of a step, over all lanes; also the most lanes and partitions.
pub(crate) const MOST_COPIES: usize = 65_536;

/// The most events in a demand, a buffer or a queue.
pub(crate) const MOST_EVENTS: usize = 1_000_000_000;
