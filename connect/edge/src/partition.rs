//! A part of an edge, and the period for which one process owns it.

use std::fmt;

/// A part of an edge, from 0. All events of a key are in the same partition.
///
/// ```
/// use stage_edge::{Partition, key_hash, partition_of};
///
/// let partition = partition_of(key_hash(b"customer 7"), 32);
/// assert!(partition < Partition(32));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// The period for which one process owns a partition. A later owner has a greater epoch.
///
/// See the example of [`Edge`](crate::Edge).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
