//! How is a stored object laid out? As `docs/design/drip.md` says; written down here once more, on purpose.
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
/// What a frame has more than its chunk.
pub(crate) const FRAME_EXTRA: usize = 24;
/// Bytes of the trailer.
pub(crate) const TRAILER: usize = 64;

/// How many bytes the record has that an object ends with.
fn record_len(object: &[u8]) -> usize {
    let len = object.last_chunk().copied().map_or(0, u32::from_be_bytes);
    len as usize + 16 + 4
}

/// How many bytes the object of a file of `size` bytes has in front of its record.
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

    /// Where a full frame stands.
    pub(crate) const fn frame(index: usize) -> Range<usize> {
        let start = HEADER + index * (CHUNK + FRAME_EXTRA);
        start..start + CHUNK + FRAME_EXTRA
    }
}
