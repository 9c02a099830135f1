//! How would one write it by hand? Two threads take blocks of the file in turn and count; one map takes the other.
//!
//! Blocks of 128 KiB, read into the same memory again and again, so that they stay in the second-level cache.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use rustc_hash::FxHashMap;

use super::key::{Key, count_words};
use crate::{random::index, runtime::WORKERS};

const BLOCK: u64 = 128 * 1024;
/// Longer than any line.
const OVERLAP: u64 = 4096;

/// Counts the words of a file.
pub(super) fn count<K: Key>(path: &Path) -> io::Result<FxHashMap<K, u64>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let next = AtomicU64::new(0);
    let counted = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(|| part(&file, size, &next))).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| worker.join().expect("a worker ends by itself");
        workers.into_iter().map(join).collect::<io::Result<Vec<_>>>()
    })?;
    Ok(counted.into_iter().reduce(merge).unwrap_or_default())
}

/// What is left, block by block.
fn part<K: Key>(file: &File, size: u64, next: &AtomicU64) -> io::Result<FxHashMap<K, u64>> {
    let mut counts = FxHashMap::default();
    let mut block = vec![0; index(1 + BLOCK + OVERLAP)];
    loop {
        let begin = next.fetch_add(BLOCK, Ordering::Relaxed);
        if begin >= size {
            return Ok(counts);
        }
        // One byte before tells whether a line begins here.
        let from = begin.saturating_sub(1);
        let to = size.min(begin + BLOCK + OVERLAP);
        let read = &mut block[..index(to - from)];
        file.read_exact_at(read, from)?;
        count_words(whole_lines(read, begin, from, size), &mut counts);
    }
}

/// The lines that begin in the block, to their ends.
fn whole_lines(read: &[u8], begin: u64, from: u64, size: u64) -> &[u8] {
    let behind =
        |at: usize| read[at..].iter().position(|byte| *byte == b'\n').map_or(read.len(), |end| at + end + 1);
    let start = if begin == 0 { 0 } else { behind(0) };
    let last = index((begin + BLOCK).min(size) - from) - 1;
    let end = behind(last).max(start);
    &read[start..end]
}

/// The smaller into the larger.
pub(super) fn merge<K: Key>(one: FxHashMap<K, u64>, other: FxHashMap<K, u64>) -> FxHashMap<K, u64> {
    let (mut all, few) = if one.len() < other.len() { (other, one) } else { (one, other) };
    for (word, count) in few {
        *all.entry(word).or_insert(0) += count;
    }
    all
}
