//! Layout of a stored object as in `docs/design/drip.md`, intentionally written down again.
//!
//! ```text
//! object  := header(117) frame* trailer(64) record    frame := ciphertext(chunk) tag(16) index(8)
//!                                                     record := ciphertext tag(16) length(4)
//! ```

use std::{fs, ops::Range, path::PathBuf};

use super::Tree;

/// Bytes of the header.
pub(crate) const HEADER: usize = 117;
/// Clear bytes in every frame but the last.
pub(crate) const CHUNK: usize = 256 * 1024;
/// Number of bytes that a frame has besides its chunk.
pub(crate) const FRAME_EXTRA: usize = 24;
/// Bytes of the trailer.
pub(crate) const TRAILER: usize = 64;

/// Returns the length of the record at the end of an object.
fn record_len(object: &[u8]) -> usize {
    let len = object.last_chunk().copied().map_or(0, u32::from_be_bytes);
    len as usize + 16 + 4
}

/// Returns the length of the part before the record in an object of a file of `size` bytes.
pub(crate) const fn sealed_len(size: usize) -> usize {
    HEADER + size + size.div_ceil(CHUNK) * FRAME_EXTRA + TRAILER
}

/// One stored object, to be tampered with.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) path: PathBuf,
}

impl Object {
    #[track_caller]
    pub(super) fn find(objects: &Tree, size: usize) -> Self {
        let mut found = objects.files();
        found.retain(|object| {
            let bytes = fs::read(object).expect("a stored object");
            bytes.len() == sealed_len(size) + record_len(&bytes)
        });
        let [path] = &found[..] else {
            panic!("one object of {size} clear bytes below {}: {found:?}", objects.path().display());
        };
        Self { path: path.clone() }
    }

    /// Rewrites the object.
    pub(crate) fn tamper(&self, with: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(&self.path).expect("a stored object");
        with(&mut bytes);
        fs::write(&self.path, bytes).expect("a stored object that can be written");
    }

    /// Returns the range of a full frame.
    pub(crate) const fn frame(index: usize) -> Range<usize> {
        let start = HEADER + index * (CHUNK + FRAME_EXTRA);
        start..start + CHUNK + FRAME_EXTRA
    }
}
