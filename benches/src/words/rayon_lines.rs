//! Plain word count with rayon: a parallel iterator of lines, one map per task, and the maps merged.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{
    hand::merge,
    key::{Key, count_words},
};

/// Counts the words of a text in memory.
pub(super) fn count<K: Key>(text: &str) -> FxHashMap<K, u64> {
    text.par_lines()
        .fold(FxHashMap::default, |mut counts, line| {
            count_words(line.as_bytes(), &mut counts);
            counts
        })
        .reduce(FxHashMap::default, merge)
}
