//! Input of the word count: a text of random words, with its expected counts.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::key::Key;
use crate::random::{SplitMix, Zipf};

/// Number of different words.
const VOCABULARY: usize = 100_000;

/// A text in a file, which is removed on drop.
#[derive(Debug)]
pub struct Text {
    _folder: TempDir,
    path: PathBuf,
    /// Size in bytes.
    pub size: u64,
    sum: Sum,
}

/// A checksum of counts that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    words: u64,
    distinct: u64,
    mixed: u64,
}

/// Words were counted incorrectly.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the counts come to {found:?}, not {expected:?}")]
pub struct WrongCounts {
    found: Sum,
    expected: Sum,
}

impl Sum {
    /// Adds a word and its count.
    pub(super) fn add(&mut self, word: &[u8], count: u64) {
        self.words += count;
        self.distinct += 1;
        let mixed =
            word.iter().fold(0_u64, |mixed, byte| mixed.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        self.mixed = self.mixed.wrapping_add(SplitMix::seeded(mixed).next().wrapping_mul(count));
    }
}

impl Text {
    /// Writes a text of at least `bytes` bytes, in whole lines of 8 to 12 words.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(bytes: u64) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("words");
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        let (size, sum) = fill(&mut file, bytes)?;
        file.flush()?;
        Ok(Self { _folder: folder, path, size, sum })
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that these are the words of the text with their counts.
    ///
    /// # Errors
    ///
    /// [`WrongCounts`] if they are not.
    pub fn check_all<K: Key>(&self, counts: &[(K, u64)]) -> Result<(), WrongCounts> {
        let mut sum = Sum::default();
        for (word, count) in counts {
            sum.add(&word.word(), *count);
        }
        self.check(sum)
    }

    /// Checks that this is the checksum of its words.
    pub(super) fn check(&self, found: Sum) -> Result<(), WrongCounts> {
        let expected = self.sum;
        if found == expected { Ok(()) } else { Err(WrongCounts { found, expected }) }
    }
}

/// Writes the text, and counts its words.
fn fill(file: &mut impl Write, bytes: u64) -> io::Result<(u64, Sum)> {
    let mut random = SplitMix::seeded(42);
    let vocabulary = random.words(VOCABULARY);
    let zipf = Zipf::new(VOCABULARY);
    let mut counts = vec![0_u64; VOCABULARY];
    let mut size = 0;
    while size < bytes {
        let words = 8 + random.below(5);
        for word in 0..words {
            let rank = zipf.rank(&mut random);
            counts[rank] += 1;
            file.write_all(vocabulary[rank].as_bytes())?;
            file.write_all(if word + 1 == words { b"\n" } else { b" " })?;
            size += vocabulary[rank].len() as u64 + 1;
        }
    }
    let mut sum = Sum::default();
    for (word, count) in vocabulary.iter().zip(counts).filter(|(_, count)| *count > 0) {
        sum.add(word.as_bytes(), count);
    }
    Ok((size, sum))
}

#[cfg(test)]
mod tests {
    use rustc_hash::FxHashMap;

    use super::*;
    use crate::words::key::count_words;

    #[test]
    fn the_text_is_the_one_that_figures_were_published_for() {
        let mut text = Vec::new();
        let (size, sum) = fill(&mut text, 20_000_000).unwrap();
        assert_eq!(size, text.len() as u64);
        assert_eq!(sum.distinct, 97_062);
        let mut counts = FxHashMap::<Box<[u8]>, u64>::default();
        count_words(&text, &mut counts);
        let mut counted = Sum::default();
        for (word, count) in &counts {
            counted.add(word, *count);
        }
        assert_eq!(counted, sum);
    }
}
