//! Fast word count with rayon: 64 chunks of the text, cut after a line, counted and merged.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{
    hand::merge,
    key::{Key, count_words},
};

const CHUNKS: usize = 64;

/// Counts the words of a text in memory.
pub(super) fn count<K: Key>(text: &[u8]) -> FxHashMap<K, u64> {
    let cut = |chunk: usize| {
        let at = text.len() / CHUNKS * chunk;
        if chunk == 0 {
            0
        } else {
            text[at..].iter().position(|byte| *byte == b'\n').map_or(at, |end| at + end + 1)
        }
    };
    let cuts: Vec<usize> = (0..CHUNKS).map(cut).chain([text.len()]).collect();
    cuts.par_windows(2)
        .fold(FxHashMap::default, |mut counts, cuts| {
            count_words(&text[cuts[0]..cuts[1]], &mut counts);
            counts
        })
        .reduce(FxHashMap::default, merge)
}
