//! A pool of equally sized buffers for chunks, reused instead of allocated for every chunk.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::seal::{CHUNK, FRAME_EXTRA};

/// Maximum number of pooled buffers; more than the number in flight would be useless.
const KEPT: usize = 64;

/// Lends buffers that hold one chunk or one frame; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// Returns an empty buffer, from the pool if it has any.
    pub fn take(&self) -> Buffer {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = used.unwrap_or_else(|| Vec::with_capacity(CHUNK + FRAME_EXTRA));
        Buffer { bytes, home: self.clone() }
    }

    fn give_back(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(bytes);
        }
    }
}

/// A `Vec<u8>` that returns to its pool on drop.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Buffer {
    /// Converts the buffer into shared bytes without copying. The buffer returns to its pool when the last
    /// reference is dropped.
    pub fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_empty_and_is_used_again() {
        let buffers = Buffers::default();
        let mut first = buffers.take();
        first.extend_from_slice(b"chunk");
        let place = first.as_ptr();
        drop(first.into_bytes().clone());
        let second = buffers.take();
        assert_eq!((second.as_ptr(), second.len()), (place, 0));
    }

    #[test]
    fn a_frame_fits_without_growing() {
        assert!(Buffers::default().take().capacity() >= CHUNK + FRAME_EXTRA);
    }
}
