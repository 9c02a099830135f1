//! Keys that consist of bytes or text only.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

/// A key that equals another if and only if their bytes are equal, as [`of_bytes`](super::Partials::of_bytes)
/// requires. The trait can also be implemented for wrappers of the types that implement it.
pub trait ByteKey: Borrow<Self::Lent> + Eq + Hash + Sized {
    /// The borrowed form of the key: `[u8]` or `str`.
    type Lent: Eq + Hash + ?Sized;

    /// Returns the bytes of the borrowed form.
    fn bytes_of(lent: &Self::Lent) -> &[u8];

    /// Creates the key from bytes returned by [`bytes_of`](Self::bytes_of).
    fn from_bytes(bytes: &[u8]) -> Self;
}

macro_rules! bytes {
    ($($key:ty),*) => { $(
        impl ByteKey for $key {
            type Lent = [u8];

            #[inline]
            fn bytes_of(lent: &[u8]) -> &[u8] {
                lent
            }

            fn from_bytes(bytes: &[u8]) -> Self {
                bytes.into()
            }
        }
    )* };
}

macro_rules! letters {
    ($($key:ty),*) => { $(
        impl ByteKey for $key {
            type Lent = str;

            #[inline]
            fn bytes_of(lent: &str) -> &[u8] {
                lent.as_bytes()
            }

            fn from_bytes(bytes: &[u8]) -> Self {
                // The bytes are those of a valid string, so nothing is replaced.
                String::from_utf8_lossy(bytes).as_ref().into()
            }
        }
    )* };
}

bytes!(Arc<[u8]>, Box<[u8]>, Vec<u8>);
letters!(Arc<str>, Box<str>, String);

#[cfg(test)]
mod tests {
    use super::*;

    fn again<K: ByteKey>(lent: &K::Lent) -> K {
        K::from_bytes(K::bytes_of(lent))
    }

    #[test]
    fn a_key_of_the_bytes_of_a_key_is_that_key() {
        for text in ["", "a", "für", "多字节"] {
            assert_eq!(again::<String>(text), text);
            assert_eq!(&*again::<Box<str>>(text), text);
            assert_eq!(&*again::<Arc<str>>(text), text);
        }
        for bytes in [&b""[..], b"\0", b"\xff\xfe"] {
            assert_eq!(again::<Vec<u8>>(bytes), bytes);
            assert_eq!(&*again::<Box<[u8]>>(bytes), bytes);
            assert_eq!(&*again::<Arc<[u8]>>(bytes), bytes);
        }
    }
}
