//! Frames in, clear chunks out, or what is wrong with them.

use ring::aead::{Aad, LessSafeKey};

use super::sealer::{Place, nonce};
use super::{CHUNK, FRAME_EXTRA, HEADER_LEN, Header, SealError, Trailer};

/// Opens the frames of one file, in order.
#[derive(Debug)]
pub struct Opener {
    header: [u8; HEADER_LEN],
    key: LessSafeKey,
    next: u64,
    of: u64,
    size: u64,
}

impl Opener {
    /// An opener for the object that starts with `header` and should hold `size` clear bytes.
    pub fn new(header: Header, size: u64) -> Self {
        let (header, key) = header.into_parts();
        let of = size.div_ceil(CHUNK as u64);
        Self { header, key, next: 0, of, size: 0 }
    }

    /// Turns the next frame into its chunk, in place.
    ///
    /// # Errors
    /// [`SealError::Moved`] or [`SealError::Altered`], naming the chunk; the frame's bytes are then worth nothing.
    pub fn open(&mut self, frame: &mut Vec<u8>) -> Result<(), SealError> {
        let index = self.next;
        let of = self.of;
        let body = frame.len().checked_sub(8).ok_or(SealError::Altered { index, of })?;
        let found = frame[body..].first_chunk().copied().map_or(0, u64::from_be_bytes);
        if found != index && found < of {
            return Err(SealError::Moved { index, found, of });
        }
        if found != index {
            return Err(SealError::Altered { index, of });
        }
        self.key
            .open_in_place(nonce(index, Place::Within), Aad::from(&self.header), &mut frame[..body])
            .map_err(|_| SealError::Altered { index, of })?;
        frame.truncate(frame.len() - FRAME_EXTRA);
        self.size += frame.len() as u64;
        self.next += 1;
        Ok(())
    }

    /// Opens the end, and counts what was opened against it. The checksum is for whoever puts the file down.
    ///
    /// # Errors
    /// [`SealError::Trailer`] if it is not the end that was sealed, [`SealError::Count`] if the chunks before it were not all.
    pub fn finish(self, trailer: &mut [u8]) -> Result<Trailer, SealError> {
        let opened = self
            .key
            .open_in_place(nonce(self.next, Place::Last), Aad::from(&self.header), trailer)
            .map_err(|_| SealError::Trailer)?;
        let (chunks, rest) = opened.split_first_chunk().ok_or(SealError::Trailer)?;
        let (size, checksum) = rest.split_first_chunk().ok_or(SealError::Trailer)?;
        let trailer = Trailer {
            chunks: u64::from_be_bytes(*chunks),
            size: u64::from_be_bytes(*size),
            checksum: *checksum.first_chunk().ok_or(SealError::Trailer)?,
        };
        agree("chunks", self.next, trailer.chunks)?;
        agree("bytes", self.size, trailer.size)?;
        Ok(trailer)
    }
}

fn agree(what: &'static str, found: u64, sealed: u64) -> Result<(), SealError> {
    if found == sealed { Ok(()) } else { Err(SealError::Count { what, found, sealed }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::{MasterKey, Sealer, TRAILER_LEN, sealed_len};
    use super::*;

    const FILE: Uuid = Uuid::from_u128(0x1234);

    fn master() -> MasterKey {
        MasterKey::new([9; 32])
    }

    /// Header, frames and trailer of these chunks.
    fn sealed(chunks: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let header = Header::new(&master(), FILE).unwrap();
        let mut parts = vec![header.bytes().to_vec()];
        let mut sealer = Sealer::new(header);
        for chunk in chunks {
            let mut frame = chunk.clone();
            sealer.seal(&mut frame).unwrap();
            parts.push(frame);
        }
        parts.push(sealer.finish().unwrap().1);
        parts
    }

    fn opened(parts: &[Vec<u8>], of: usize) -> Result<Vec<Vec<u8>>, SealError> {
        let (header, rest) = parts.split_first().unwrap();
        let (trailer, frames) = rest.split_last().unwrap();
        let mut opener = Opener::new(Header::read(&master(), FILE, header)?, (of * CHUNK) as u64);
        let mut chunks = Vec::new();
        for frame in frames {
            let mut chunk = frame.clone();
            opener.open(&mut chunk)?;
            chunks.push(chunk);
        }
        opener.finish(&mut trailer.clone())?;
        Ok(chunks)
    }

    fn some_chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 1..100), 0..6)
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_as_it_was(chunks in some_chunks()) {
            prop_assert_eq!(opened(&sealed(&chunks), chunks.len()).unwrap(), chunks);
        }

        #[test]
        fn any_flipped_bit_is_found(chunks in some_chunks(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut parts = sealed(&chunks);
            let total = parts.iter().map(Vec::len).sum();
            let mut at = at.index(total);
            for part in &mut parts {
                if at < part.len() { part[at] ^= 1_u8 << bit; break; }
                at -= part.len();
            }
            prop_assert!(opened(&parts, chunks.len()).is_err());
        }

        #[test]
        fn any_two_swapped_chunks_are_named(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 2..6), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
            let (a, b) = (a.index(chunks.len()), b.index(chunks.len()));
            prop_assume!(a < b);
            let mut parts = sealed(&chunks);
            parts.swap(a + 1, b + 1);
            let (index, found, of) = (a as u64, b as u64, chunks.len() as u64);
            prop_assert_eq!(opened(&parts, chunks.len()), Err(SealError::Moved { index, found, of }));
        }

        #[test]
        fn any_missing_frame_is_found(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 1..6), which in any::<prop::sample::Index>()) {
            let mut parts = sealed(&chunks);
            parts.remove(which.index(chunks.len()) + 1);
            prop_assert!(opened(&parts, chunks.len()).is_err());
        }
    }

    #[test]
    fn a_frame_whose_index_was_forged_still_does_not_open() {
        let mut parts = sealed(&[vec![1; 10], vec![2; 10]]);
        parts.swap(1, 2);
        for index in [0_u64, 1] {
            let frame = &mut parts[usize::try_from(index).unwrap() + 1];
            let body = frame.len() - 8;
            frame[body..].copy_from_slice(&index.to_be_bytes());
        }
        assert_eq!(opened(&parts, 2), Err(SealError::Altered { index: 0, of: 2 }));
    }

    #[test]
    fn a_trailer_cannot_stand_in_for_a_chunk_nor_a_chunk_for_the_trailer() {
        let parts = sealed(&[vec![0; TRAILER_LEN - FRAME_EXTRA]]);
        let without_trailer = &parts[..2];
        assert_eq!(opened(without_trailer, 1), Err(SealError::Trailer));
    }

    #[test]
    fn the_length_of_an_object_is_known_before_it_is_sealed() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let clear = vec![3; size];
            let chunks: Vec<_> = clear.chunks(CHUNK).map(<[u8]>::to_vec).collect();
            let total: usize = sealed(&chunks).iter().map(Vec::len).sum();
            assert_eq!(total as u64, sealed_len(size as u64), "{size}");
        }
    }

    #[test]
    fn a_frame_of_another_file_does_not_open() {
        let mut parts = sealed(&[vec![1; 10]]);
        parts[1] = sealed(&[vec![1; 10]])[1].clone();
        assert_eq!(opened(&parts, 1), Err(SealError::Altered { index: 0, of: 1 }));
    }
}
