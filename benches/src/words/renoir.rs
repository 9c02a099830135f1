//! Fast word count with renoir, like its example `wordcount_opt`: lines folded into a map each, then merged.
//!
//! It uses this project's key, hash and definition of a word, and keeps the example's batches of 1024 lines.

use std::path::Path;

use renoir::prelude::*;
use rustc_hash::FxHashMap;

use super::{hand::merge, key::count_words};
use crate::runtime::WORKERS;

type Counts = FxHashMap<Box<[u8]>, u64>;

/// Counts the words of a file.
pub(super) fn count(path: &Path) -> Counts {
    let context = StreamContext::new(RuntimeConfig::local(WORKERS as u64).expect("two threads are legal"));
    let counted = context
        .stream_file(path)
        .batch_mode(BatchMode::fixed(1024))
        .fold_assoc(
            Counts::default(),
            |counts, line| count_words(line.as_bytes(), counts),
            |all, counts| *all = merge(std::mem::take(all), counts),
        )
        .collect_vec();
    context.execute_blocking();
    counted.get().into_iter().flatten().next().unwrap_or_default()
}
