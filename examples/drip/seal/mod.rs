//! Sealing: encrypts and authenticates a file, with one key per file and one frame per chunk.
//!
//! ```text
//! object  := header frame* trailer record
//! header  := "dripseal" version key-id salt file-id chunk-size wrapped-key        (117 bytes, authenticated in every frame)
//! frame   := ciphertext(chunk) tag(16) index(8)      nonce = index (11 bytes, big-endian) ‖ 0
//! trailer := ciphertext(count, size, checksum) tag(16)      nonce = count (11 bytes, big-endian) ‖ 1
//! record  := ciphertext(path, attributes, …) tag(16) length(4)      nonce = 0 ‖ 2
//! ```
//!
//! This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, 2015): a frame opens only in
//! its position, and only the trailer opens as the last part. So a flipped byte, a moved frame, a frame of
//! another file and a missing end are all detected, each with its own error.
//!
//! 1. A file key seals one file once: every attempt generates a new one, so its nonces, the chunk indexes,
//!    never repeat.
//! 2. A file key is wrapped by a key derived from the master key and 32 random bytes, so the wrapping nonce
//!    never repeats either.
//! 3. The record identifies the file, which exposes a database that names another one. Version 1 had none.
//! 4. The index after a frame is used only for the error message.

mod error;
mod header;
mod key_file;
mod master;
mod opener;
mod sealer;

pub use error::SealError;
pub use header::{HEADER_LEN, Header};
pub use key_file::{KeyFileError, create_key_file, read_key_file};
pub use master::{KeyId, MasterKey};
pub use opener::Opener;
pub use sealer::{FRAME_EXTRA, RECORD_MAX, Sealer, TRAILER_LEN, Trailer, record_len, sealed_len};

/// Number of clear bytes in every chunk of a file except its last one.
pub const CHUNK: usize = 256 * 1024;
