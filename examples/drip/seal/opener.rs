//! Opens sealed frames into clear chunks, and detects damaged ones.

use ring::aead::{Aad, LessSafeKey};

use super::sealer::{Place, nonce};
use super::{CHUNK, FRAME_EXTRA, HEADER_LEN, Header, SealError, TRAILER_LEN, Trailer};

/// Opens the frames of one file, in order.
#[derive(Debug)]
pub struct Opener {
    header: [u8; HEADER_LEN],
    key: LessSafeKey,
    has_record: bool,
    next: u64,
    of: u64,
    size: u64,
}

impl Opener {
    /// Creates an opener for the object that starts with `header` and should hold `size` clear bytes.
    pub fn new(header: Header, size: u64) -> Self {
        let has_record = header.has_record();
        let (header, key) = header.into_parts();
        let of = size.div_ceil(CHUNK as u64);
        Self { header, key, has_record, next: 0, of, size: 0 }
    }

    /// Turns the next frame into its chunk, in place.
    ///
    /// # Errors
    /// [`SealError::Moved`] or [`SealError::Altered`], naming the chunk; the content of the buffer is then
    /// meaningless.
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

    /// Opens the end and compares its counts with the chunks opened. The caller that writes the file must
    /// verify the checksum. Objects of the first version have no record.
    ///
    /// # Errors
    /// [`SealError::Trailer`] if this is not the sealed end, [`SealError::Count`] if chunks before it are
    /// missing, [`SealError::Record`] if this is not the sealed record.
    pub fn finish(self, end: &mut [u8]) -> Result<(Trailer, Option<Vec<u8>>), SealError> {
        let size = self.size;
        let (trailer, record) = self.open_end(end)?;
        agree("bytes", size, trailer.size)?;
        Ok((trailer, record))
    }

    /// Opens the end of an object without opening its frames.
    ///
    /// # Errors
    /// As [`Opener::finish`].
    pub fn skip_to_end(mut self, end: &mut [u8]) -> Result<(Trailer, Option<Vec<u8>>), SealError> {
        self.next = self.of;
        self.open_end(end)
    }

    fn open_end(&self, end: &mut [u8]) -> Result<(Trailer, Option<Vec<u8>>), SealError> {
        let (trailer, record) = end.split_at_mut_checked(TRAILER_LEN).ok_or(SealError::Trailer)?;
        let trailer = self.open_trailer(trailer)?;
        Ok((trailer, self.open_record(record)?))
    }

    fn open_record(&self, record: &mut [u8]) -> Result<Option<Vec<u8>>, SealError> {
        if !self.has_record {
            return if record.is_empty() { Ok(None) } else { Err(SealError::Record) };
        }
        let (sealed, len) = record.split_last_chunk_mut::<4>().ok_or(SealError::Record)?;
        if u32::from_be_bytes(*len) as usize + 16 != sealed.len() {
            return Err(SealError::Record);
        }
        let opened = self.key.open_in_place(nonce(0, Place::Record), Aad::from(&self.header), sealed);
        Ok(Some(opened.map_err(|_| SealError::Record)?.to_vec()))
    }

    fn open_trailer(&self, trailer: &mut [u8]) -> Result<Trailer, SealError> {
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

    use super::super::{MasterKey, Sealer, record_len, sealed_len};
    use super::*;

    const FILE: Uuid = Uuid::from_u128(0x1234);
    const RECORD: &[u8] = b"what file this is";

    fn master() -> MasterKey {
        MasterKey::new([9; 32])
    }

    /// Seals these chunks into a header, frames and a trailer.
    fn sealed(chunks: &[Vec<u8>]) -> Vec<Vec<u8>> {
        sealed_behind(Header::new(&master(), FILE).unwrap(), chunks)
    }

    fn sealed_behind(header: Header, chunks: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut parts = vec![header.bytes().to_vec()];
        let mut sealer = Sealer::new(header);
        for chunk in chunks {
            let mut frame = chunk.clone();
            sealer.seal(&mut frame).unwrap();
            parts.push(frame);
        }
        parts.push(sealer.finish(RECORD).unwrap().1);
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
        let has_record = opener.has_record;
        let (_, record) = opener.finish(&mut trailer.clone())?;
        assert_eq!(record.as_deref(), has_record.then_some(RECORD));
        Ok(chunks)
    }

    fn some_chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 1..100), 0..6)
    }

    proptest! {
        #[test]
        fn sealed_data_opens_unchanged(chunks in some_chunks()) {
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
    fn an_object_of_the_first_version_opens_and_has_no_record() {
        let chunks = [vec![1; 10], vec![2; 10]];
        let parts = sealed_behind(Header::of_first_version(&master(), FILE), &chunks);
        assert_eq!(parts[3].len(), TRAILER_LEN);
        assert_eq!(opened(&parts, 2).unwrap(), chunks);
    }

    #[test]
    fn a_record_that_is_altered_cut_off_or_longer_does_not_open() {
        let whole = sealed(&[vec![1; 10]]);
        let end = whole[2].len();
        for tampered in [end - 5, end - 1, TRAILER_LEN, end + 1] {
            let mut parts = whole.clone();
            parts[2].resize(tampered, 0);
            assert_eq!(opened(&parts, 1), Err(SealError::Record), "{tampered} of {end} bytes");
        }
        let mut parts = whole.clone();
        parts[2][TRAILER_LEN] ^= 1;
        assert_eq!(opened(&parts, 1), Err(SealError::Record));
        let mut parts = whole;
        parts[2][end - 1] ^= 1;
        assert_eq!(opened(&parts, 1), Err(SealError::Record));
    }

    #[test]
    fn the_end_of_an_object_opens_without_its_frames() {
        let parts = sealed(&[vec![1; CHUNK], vec![2; 10]]);
        let header = Header::read(&master(), FILE, &parts[0]).unwrap();
        let (trailer, record) =
            Opener::new(header, CHUNK as u64 + 10).skip_to_end(&mut parts[3].clone()).unwrap();
        assert_eq!((trailer.size, record.as_deref()), (CHUNK as u64 + 10, Some(RECORD)));
    }

    #[test]
    fn the_length_of_an_object_is_known_before_it_is_sealed() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let clear = vec![3; size];
            let chunks: Vec<_> = clear.chunks(CHUNK).map(<[u8]>::to_vec).collect();
            let total: usize = sealed(&chunks).iter().map(Vec::len).sum();
            assert_eq!(total as u64, sealed_len(size as u64) + record_len(RECORD.len()) as u64, "{size}");
        }
    }

    #[test]
    fn a_frame_of_another_file_does_not_open() {
        let mut parts = sealed(&[vec![1; 10]]);
        parts[1] = sealed(&[vec![1; 10]])[1].clone();
        assert_eq!(opened(&parts, 1), Err(SealError::Altered { index: 0, of: 1 }));
    }
}
