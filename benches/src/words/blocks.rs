//! A file read in blocks such that every line belongs to exactly one block.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use crate::random::index;

/// Block size: small enough to stay in the second-level cache.
const BLOCK: u64 = 128 * 1024;
/// Longer than any line.
const OVERLAP: u64 = 4096;

/// A file in blocks.
#[derive(Debug)]
pub(super) struct Blocks {
    file: File,
    size: u64,
}

impl Blocks {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }

    /// Returns the number of blocks.
    pub(super) const fn count(&self) -> u64 {
        self.size.div_ceil(BLOCK)
    }

    /// Reads the complete lines that begin in a block into `memory`, which is reused for the next block.
    pub(super) fn read<'a>(&self, number: u64, memory: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        let begin = number * BLOCK;
        // The byte before tells whether a line begins here.
        let from = begin.saturating_sub(1);
        let to = self.size.min(begin + BLOCK + OVERLAP);
        memory.resize(index(1 + BLOCK + OVERLAP), 0);
        let read = &mut memory[..index(to - from)];
        self.file.read_exact_at(read, from)?;
        Ok(whole_lines(read, begin, from, self.size))
    }
}

fn whole_lines(read: &[u8], begin: u64, from: u64, size: u64) -> &[u8] {
    let behind =
        |at: usize| read[at..].iter().position(|byte| *byte == b'\n').map_or(read.len(), |end| at + end + 1);
    let start = if begin == 0 { 0 } else { behind(0) };
    let last = index((begin + BLOCK).min(size) - from) - 1;
    let end = behind(last).max(start);
    &read[start..end]
}
