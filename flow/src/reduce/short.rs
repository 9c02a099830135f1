//! A table of short keys, stored beside their values so that a comparison fetches nothing else from memory.

use hashbrown::HashTable;

use super::byte_key::ByteKey;
use super::shard::hash_of;
use super::slots::of_table;

/// The maximum number of bytes of a short key: with their length, they fill two words.
const MOST: usize = 15;

/// Up to fifteen bytes in two words, the first byte lowest; the highest byte is their number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Short {
    low: u64,
    high: u64,
}

/// One value for each short key.
pub(super) struct ShortKeys<Q, A> {
    table: HashTable<(Short, A)>,
    /// Creates an owned key; set with the first key.
    own: Option<fn(&[u8]) -> Q>,
}

impl Short {
    /// Returns `None` if there are too many bytes.
    #[inline]
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let length = bytes.len();
        // Two overlapping loads avoid a loop.
        let (low, high) = match (bytes.first_chunk(), bytes.last_chunk(), bytes) {
            (Some(first), Some(last), _) if length <= MOST => {
                (u64::from_le_bytes(*first), u64::from_le_bytes(*last) >> 8 >> (8 * (MOST - length)))
            }
            (Some(_), ..) => return None,
            (None, ..) => (up_to_seven(bytes), 0),
        };
        Some(Self { low, high: high | (length as u64) << 56 })
    }

    fn bytes(self) -> ([u8; 16], usize) {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.low.to_le_bytes());
        bytes[8..].copy_from_slice(&self.high.to_le_bytes());
        (bytes, usize::from(bytes[MOST]))
    }
}

/// Packs up to seven bytes into one word.
#[inline]
fn up_to_seven(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (length - 4))
    } else if let (Some(first), Some(middle), Some(last)) =
        (bytes.first(), bytes.get(length / 2), bytes.last())
    {
        // With one or two bytes, some of the three are the same byte.
        u64::from(*first) | u64::from(*middle) << (8 * (length / 2)) | u64::from(*last) << (8 * (length - 1))
    } else {
        0
    }
}

impl<Q, A> ShortKeys<Q, A> {
    /// Returns the value of a key, inserting the default if there is none.
    #[inline]
    pub(super) fn of(&mut self, short: Short) -> &mut A
    where
        Q: ByteKey,
        A: Default,
    {
        let Self { table, own } = self;
        let new = |short| {
            *own = Some(Q::from_bytes);
            (short, A::default())
        };
        of_table(table, hash_of(&short), short, |known, short| known == short, new)
    }

    /// Returns the number of keys.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Removes all keys with their values.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Q, A)> {
        let own = self.own;
        self.table.drain().filter_map(move |(short, value)| {
            let (bytes, length) = short.bytes();
            Some((own?(&bytes[..length]), value))
        })
    }
}

impl<Q, A> Default for ShortKeys<Q, A> {
    fn default() -> Self {
        Self { table: HashTable::new(), own: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn bytes_in_two_words_are_those_bytes_and_are_equal_only_to_them(
            one in proptest::collection::vec(0..3_u8, 0..20),
            other in proptest::collection::vec(0..3_u8, 0..4),
        ) {
            let short = Short::of(&one);
            proptest::prop_assert_eq!(short.is_some(), one.len() <= MOST);
            if let Some(short) = short {
                let (bytes, length) = short.bytes();
                proptest::prop_assert_eq!(&bytes[..length], &one[..]);
                proptest::prop_assert_eq!(Short::of(&other) == Some(short), one == other);
            }
        }
    }
}
