//! The check of a result: how many rows it has, and the sum of their hashes.

use std::hash::{BuildHasher, Hash};

use rustc_hash::FxBuildHasher;

/// The digest of the rows of a result, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    rows: u64,
    hashes: u64,
}

impl Answer {
    /// Adds a row.
    #[inline]
    pub fn add<R: Hash>(&mut self, row: &R) {
        self.rows += 1;
        self.hashes = self.hashes.wrapping_add(FxBuildHasher.hash_one(row));
    }

    /// Adds the rows of another part of the result.
    pub const fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.hashes = self.hashes.wrapping_add(other.hashes);
    }
}
