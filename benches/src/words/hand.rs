//! How would one write it by hand? Two threads take blocks of the file in turn and count; one map takes the other.
//!
//! Blocks of 128 KiB, read into the same memory again and again, so that they stay in the second-level cache.

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

/// What is left, block by block.
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

/// The smaller into the larger.
pub(super) fn merge<K: Key>(one: FxHashMap<K, u64>, other: FxHashMap<K, u64>) -> FxHashMap<K, u64> {
    let (mut all, few) = if one.len() < other.len() { (other, one) } else { (one, other) };
    for (word, count) in few {
        *all.entry(word).or_insert(0) += count;
    }
    all
}
