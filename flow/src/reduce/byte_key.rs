//! Which keys are nothing but bytes, or letters?

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

/// A key that is equal to another exactly when their bytes are: what
/// [`of_bytes`](super::Partials::of_bytes) counts by. A type of your own around one of these can be one as well.
pub trait ByteKey: Borrow<Self::Lent> + Eq + Hash + Sized {
    /// What such a key is looked up by: `[u8]` or `str`.
    type Lent: Eq + Hash + ?Sized;

    /// The bytes of what is lent.
    fn bytes_of(lent: &Self::Lent) -> &[u8];

    /// The key of bytes that [`bytes_of`](Self::bytes_of) has given.
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
                // They were letters, so none is replaced.
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
