//! Keys of the word count: the bytes of a word, or a number that holds them.

use std::{borrow::Borrow, hash::Hash};

use flow::Partials;
use rustc_hash::FxHashMap;

/// A word as a number: its bytes, the last lowest, and its length in the highest byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packed(u128);

/// The key under which a word is counted.
pub trait Key:
    Eq + Hash + Send + Sized + 'static + Borrow<Self::Lent> + for<'a> From<&'a Self::Lent>
{
    /// The borrowed form for lookups.
    type Lent: ?Sized + Eq + Hash;

    /// Looks the word up by a form that needs no allocation.
    fn with<R>(word: &[u8], look: impl FnOnce(&Self::Lent) -> R) -> R;

    /// Returns the count of the word in a table of this project.
    fn count_of<'a>(word: &[u8], counts: &'a mut Partials<Self, u64>) -> &'a mut u64;

    /// Returns the word.
    fn word(&self) -> Vec<u8>;
}

impl Key for Box<[u8]> {
    type Lent = [u8];

    #[inline]
    fn with<R>(word: &[u8], look: impl FnOnce(&[u8]) -> R) -> R {
        look(word)
    }

    #[inline]
    fn count_of<'a>(word: &[u8], counts: &'a mut Partials<Self, u64>) -> &'a mut u64 {
        counts.of_bytes(word)
    }

    fn word(&self) -> Vec<u8> {
        self.to_vec()
    }
}

impl Key for Packed {
    type Lent = Self;

    #[inline]
    fn with<R>(word: &[u8], look: impl FnOnce(&Self) -> R) -> R {
        look(&Self::of(word))
    }

    #[inline]
    fn count_of<'a>(word: &[u8], counts: &'a mut Partials<Self, u64>) -> &'a mut u64 {
        counts.of_lent(&Self::of(word))
    }

    fn word(&self) -> Vec<u8> {
        let length = usize::from(self.0.to_be_bytes()[0]);
        self.0.to_be_bytes()[16 - length..].to_vec()
    }
}

impl From<&Self> for Packed {
    fn from(packed: &Self) -> Self {
        *packed
    }
}

impl Packed {
    /// Makes the key of a word of at most 15 bytes.
    ///
    /// # Panics
    ///
    /// If the word is longer.
    #[inline]
    pub fn of(word: &[u8]) -> Self {
        assert!(word.len() <= 15, "a word of more than 15 bytes");
        let letters = word.iter().fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
        Self(letters | (word.len() as u128) << 120)
    }
}

/// Counts the words of some whole lines.
#[inline]
pub(super) fn count_words<K: Key>(lines: &[u8], counts: &mut FxHashMap<K, u64>) {
    for word in words(lines) {
        K::with(word, |lent| match counts.get_mut(lent) {
            Some(count) => *count += 1,
            None => {
                counts.insert(lent.into(), 1);
            }
        });
    }
}

/// Returns the words of some whole lines, which spaces and line ends separate.
#[inline]
pub(super) fn words(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines.split(|byte| *byte <= b' ').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_word_is_the_word() {
        for word in [&b""[..], b"a", b"fifteen letters"] {
            assert_eq!(Packed::of(word).word(), word);
        }
        assert_ne!(Packed::of(b"\0a"), Packed::of(b"a"));
    }

    #[test]
    fn words_lie_between_spaces_and_ends_of_lines() {
        let mut counts = FxHashMap::<Box<[u8]>, u64>::default();
        count_words(b"a bc\na\n", &mut counts);
        assert_eq!(counts[&b"a"[..]], 2);
        assert_eq!(counts[&b"bc"[..]], 1);
    }
}
