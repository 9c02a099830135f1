//! Seals clear chunks into frames.

use ring::aead::{Aad, LessSafeKey, Nonce};

use super::{CHUNK, HEADER_LEN, Header, SealError};

/// Number of bytes that a frame adds to its chunk: the tag and the index.
pub const FRAME_EXTRA: usize = 16 + 8;

/// Size of the trailer of a sealed object in bytes.
pub const TRAILER_LEN: usize = 8 + 8 + 32 + 16;

/// Maximum size of a sealed record in bytes; two paths, a link target and some numbers stay far below it.
pub const RECORD_MAX: usize = 64 * 1024;

/// Size of a sealed record of `len` clear bytes: the tag and the length follow it.
pub const fn record_len(len: usize) -> usize {
    len + 16 + 4
}

/// Size of the sealed object of a file of `size` clear bytes, without its record.
pub fn sealed_len(size: u64) -> u64 {
    let frames = size.div_ceil(CHUNK as u64);
    HEADER_LEN as u64 + size + frames * FRAME_EXTRA as u64 + TRAILER_LEN as u64
}

/// The trailer's summary of the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailer {
    /// Number of chunks.
    pub chunks: u64,
    /// Number of clear bytes.
    pub size: u64,
    /// BLAKE3 hash of the clear bytes.
    pub checksum: [u8; 32],
}

/// Seals the chunks of one file, in order.
#[derive(Debug)]
pub struct Sealer {
    header: [u8; HEADER_LEN],
    key: LessSafeKey,
    has_record: bool,
    next: u64,
    size: u64,
    hasher: Box<blake3::Hasher>,
}

impl Sealer {
    /// Creates a sealer for the file of `header`. It consumes the header, so that no second sealer can use
    /// its key.
    pub fn new(header: Header) -> Self {
        let has_record = header.has_record();
        let (header, key) = header.into_parts();
        Self { header, key, has_record, next: 0, size: 0, hasher: Box::default() }
    }

    /// Turns the next chunk into its frame, in place.
    ///
    /// # Errors
    /// [`SealError::Cipher`] if the cipher fails.
    pub fn seal(&mut self, chunk: &mut Vec<u8>) -> Result<(), SealError> {
        self.hasher.update(chunk);
        self.size += chunk.len() as u64;
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce(self.next, Place::Within), Aad::from(&self.header), chunk)
            .map_err(|_| SealError::Cipher)?;
        chunk.extend_from_slice(tag.as_ref());
        chunk.extend_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        Ok(())
    }

    /// Seals the end, followed by `record`, which describes the file. Nothing can be sealed after it.
    ///
    /// # Errors
    /// [`SealError::Cipher`] if the cipher fails.
    pub fn finish(self, record: &[u8]) -> Result<(Trailer, Vec<u8>), SealError> {
        let checksum = *self.hasher.finalize().as_bytes();
        let trailer = Trailer { chunks: self.next, size: self.size, checksum };
        let mut bytes = Vec::with_capacity(TRAILER_LEN);
        bytes.extend_from_slice(&trailer.chunks.to_be_bytes());
        bytes.extend_from_slice(&trailer.size.to_be_bytes());
        bytes.extend_from_slice(&checksum);
        self.key
            .seal_in_place_append_tag(nonce(self.next, Place::Last), Aad::from(&self.header), &mut bytes)
            .map_err(|_| SealError::Cipher)?;
        if self.has_record {
            bytes.extend_from_slice(&self.seal_record(record)?);
        }
        Ok((trailer, bytes))
    }
}

impl Sealer {
    fn seal_record(&self, record: &[u8]) -> Result<Vec<u8>, SealError> {
        let len = u32::try_from(record.len()).ok().filter(|_| record_len(record.len()) <= RECORD_MAX);
        let len = len.ok_or(SealError::Cipher)?;
        let mut bytes = record.to_vec();
        self.key
            .seal_in_place_append_tag(nonce(0, Place::Record), Aad::from(&self.header), &mut bytes)
            .map_err(|_| SealError::Cipher)?;
        bytes.extend_from_slice(&len.to_be_bytes());
        Ok(bytes)
    }
}

/// The kinds of position in a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Within,
    Last,
    Record,
}

/// STREAM's nonce: an 11-byte counter and one byte that separates the trailer and the record from all frames.
pub(super) fn nonce(index: u64, place: Place) -> Nonce {
    let mut bytes = [0; 12];
    bytes[3..11].copy_from_slice(&index.to_be_bytes());
    bytes[11] = match place {
        Place::Within => 0,
        Place::Last => 1,
        Place::Record => 2,
    };
    Nonce::assume_unique_for_key(bytes)
}
