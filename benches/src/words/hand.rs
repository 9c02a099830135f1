//! Word count by hand: two threads take blocks of the file in turn and count; then one map is merged into the
//! other.
//!
//! The blocks of 128 KiB are read into the same memory every time, so they stay in the second-level cache.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use rustc_hash::FxHashMap;

use super::{
    blocks::Blocks,
    key::{Key, count_words},
};
use crate::runtime::WORKERS;

/// Counts the words of a file.
pub(super) fn count<K: Key>(path: &Path) -> io::Result<FxHashMap<K, u64>> {
    let blocks = Blocks::open(path)?;
    let next = AtomicU64::new(0);
    let counted = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(|| part(&blocks, &next))).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| worker.join().expect("a worker ends by itself");
        workers.into_iter().map(join).collect::<io::Result<Vec<_>>>()
    })?;
    Ok(counted.into_iter().reduce(merge).unwrap_or_default())
}

/// Counts the remaining blocks, one by one.
fn part<K: Key>(blocks: &Blocks, next: &AtomicU64) -> io::Result<FxHashMap<K, u64>> {
    let mut counts = FxHashMap::default();
    let mut memory = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= blocks.count() {
            return Ok(counts);
        }
        count_words(blocks.read(number, &mut memory)?, &mut counts);
    }
}

/// Merges the smaller map into the larger one.
pub(super) fn merge<K: Key>(one: FxHashMap<K, u64>, other: FxHashMap<K, u64>) -> FxHashMap<K, u64> {
    let (mut all, few) = if one.len() < other.len() { (other, one) } else { (one, other) };
    for (word, count) in few {
        *all.entry(word).or_insert(0) += count;
    }
    all
}
