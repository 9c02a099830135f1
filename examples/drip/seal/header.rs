//! The header of a sealed object: the file's identity and its wrapped key.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use uuid::Uuid;
use zeroize::Zeroize;

use super::master::random_bytes;
use super::{CHUNK, KeyId, MasterKey, SealError};

const MAGIC: &[u8; 8] = b"dripseal";
/// Objects of version 1 hold no record of their file.
const VERSION: u8 = 2;
const FIRST_VERSION: u8 = 1;
const WRAPPED: usize = 32 + 16;
/// Number of bytes before the wrapped key; unwrapping authenticates them.
const PREFIX: usize = 8 + 1 + 8 + 32 + 16 + 4;

/// Size of the header of a sealed object in bytes.
pub const HEADER_LEN: usize = PREFIX + WRAPPED;

/// A header and its file key.
#[derive(Debug)]
pub struct Header {
    bytes: [u8; HEADER_LEN],
    key: LessSafeKey,
}

impl Header {
    /// Creates a header for `file` with a new file key.
    ///
    /// # Errors
    /// [`SealError::Cipher`] if the operating system supplies no random bytes.
    pub fn new(master: &MasterKey, file: Uuid) -> Result<Self, SealError> {
        Self::of_version(VERSION, master, file)
    }

    /// Creates a header of drip's first version, for tests of reading such objects.
    #[cfg(test)]
    pub(crate) fn of_first_version(master: &MasterKey, file: Uuid) -> Self {
        Self::of_version(FIRST_VERSION, master, file).unwrap()
    }

    fn of_version(version: u8, master: &MasterKey, file: Uuid) -> Result<Self, SealError> {
        let salt: [u8; 32] = random_bytes()?;
        // Sealed in place below, so that no copy of the file key remains.
        let mut wrapped: [u8; 32] = random_bytes()?;
        let key = file_key(&wrapped)?;

        let chunk = u32::try_from(CHUNK).map_err(|_| SealError::Cipher)?;
        let prefix =
            [MAGIC.as_slice(), &[version], &master.id().0, &salt, file.as_bytes(), &chunk.to_be_bytes()]
                .concat();
        let tag = master
            .wrapping_key(&salt)?
            .seal_in_place_separate_tag(wrapping_nonce(), Aad::from(&prefix), &mut wrapped)
            .map_err(|_| SealError::Cipher)?;

        let mut bytes = [0; HEADER_LEN];
        bytes[..PREFIX].copy_from_slice(&prefix);
        bytes[PREFIX..PREFIX + 32].copy_from_slice(&wrapped);
        bytes[PREFIX + 32..].copy_from_slice(tag.as_ref());
        Ok(Self { bytes, key })
    }

    /// Reads the header of an object that should hold `file`.
    ///
    /// # Errors
    /// The defect found, see [`SealError`].
    pub fn read(master: &MasterKey, file: Uuid, bytes: &[u8]) -> Result<Self, SealError> {
        let bytes = *bytes.first_chunk::<HEADER_LEN>().ok_or_else(|| SealError::Truncated {
            what: "its header".into(),
            found: bytes.len() as u64,
            expected: HEADER_LEN as u64,
        })?;
        if &bytes[..8] != MAGIC {
            return Err(SealError::NotSealed);
        }
        if !(FIRST_VERSION..=VERSION).contains(&bytes[8]) {
            return Err(SealError::Version { found: bytes[8], known: VERSION });
        }
        let sealed = KeyId(part(&bytes, 9));
        let mut wrapped: [u8; WRAPPED] = part(&bytes, PREFIX);
        let unwrapped = master
            .wrapping_key(&part(&bytes, 17))?
            .open_in_place(wrapping_nonce(), Aad::from(&bytes[..PREFIX]), &mut wrapped)
            .map_err(|_| why_it_does_not_unwrap(sealed, master.id()))?;
        let key = file_key(unwrapped);
        wrapped.zeroize();
        let key = key?;
        let found = Uuid::from_bytes(part(&bytes, 49));
        if found != file {
            return Err(SealError::OtherFile(found));
        }
        let chunk = u32::from_be_bytes(part(&bytes, 65));
        if chunk as usize != CHUNK {
            return Err(SealError::ChunkSize { found: chunk as usize, known: CHUNK });
        }
        Ok(Self { bytes, key })
    }

    /// The stored bytes, which every frame authenticates.
    pub fn bytes(&self) -> &[u8; HEADER_LEN] {
        &self.bytes
    }

    /// Whether a record of the file follows the trailer.
    pub fn has_record(&self) -> bool {
        self.bytes[8] != FIRST_VERSION
    }

    pub(super) fn into_parts(self) -> ([u8; HEADER_LEN], LessSafeKey) {
        (self.bytes, self.key)
    }
}

fn why_it_does_not_unwrap(sealed: KeyId, ours: KeyId) -> SealError {
    if sealed == ours { SealError::Header } else { SealError::OtherKey { sealed, ours } }
}

fn part<const N: usize>(bytes: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

fn file_key(bytes: &[u8]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| SealError::Cipher)
}

/// A wrapping key is used once (invariant 2 of the module), so a constant nonce is safe.
fn wrapping_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Uuid {
        Uuid::from_u128(7)
    }

    #[test]
    fn a_header_reads_back_under_its_master_key() {
        let master = MasterKey::random().unwrap();
        let header = Header::new(&master, file()).unwrap();
        let read = Header::read(&master, file(), header.bytes()).unwrap();
        assert_eq!(read.bytes(), header.bytes());
    }

    #[test]
    fn two_headers_of_one_file_share_neither_salt_nor_key() {
        let master = MasterKey::random().unwrap();
        let one = Header::new(&master, file()).unwrap();
        let two = Header::new(&master, file()).unwrap();
        assert_ne!(one.bytes()[17..49], two.bytes()[17..49]);
        assert_ne!(one.bytes()[PREFIX..], two.bytes()[PREFIX..]);
    }

    #[test]
    fn the_wrong_master_key_is_called_the_wrong_key() {
        let sealed = MasterKey::random().unwrap();
        let ours = MasterKey::random().unwrap();
        let header = Header::new(&sealed, file()).unwrap();
        let error = Header::read(&ours, file(), header.bytes()).unwrap_err();
        assert_eq!(error, SealError::OtherKey { sealed: sealed.id(), ours: ours.id() });
    }

    #[test]
    fn every_altered_byte_of_a_header_is_found() {
        let master = MasterKey::random().unwrap();
        let header = Header::new(&master, file()).unwrap();
        for at in 0..HEADER_LEN {
            let mut bytes = *header.bytes();
            bytes[at] ^= 1;
            assert!(Header::read(&master, file(), &bytes).is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_object_of_another_file_is_named_as_such() {
        let master = MasterKey::random().unwrap();
        let header = Header::new(&master, Uuid::from_u128(8)).unwrap();
        let error = Header::read(&master, file(), header.bytes()).unwrap_err();
        assert_eq!(error, SealError::OtherFile(Uuid::from_u128(8)));
    }

    #[test]
    fn a_short_header_is_truncated() {
        let master = MasterKey::random().unwrap();
        let error = Header::read(&master, file(), b"dripseal").unwrap_err();
        assert!(matches!(error, SealError::Truncated { found: 8, .. }), "{error}");
    }
}
