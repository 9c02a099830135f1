//! The master key, which wraps every file key.

use std::fmt;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use super::SealError;

/// Identifies a master key without revealing it: two keys have different ids, and a key cannot be derived
/// from its id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(super) [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// 256 secret bits that wrap the key of every file.
#[derive(Clone)]
pub struct MasterKey {
    secret: Zeroizing<[u8; Self::LEN]>,
    id: KeyId,
}

impl MasterKey {
    /// Length of a master key in bytes.
    pub const LEN: usize = 32;

    /// Creates the key with these bytes.
    pub fn new(secret: impl Into<Zeroizing<[u8; Self::LEN]>>) -> Self {
        let secret = secret.into();
        let digest = blake3::derive_key("drip master key id", &*secret);
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self { secret, id: KeyId(id) }
    }

    /// Creates a new random key.
    ///
    /// # Errors
    /// [`SealError::Cipher`] if the operating system supplies no random bytes.
    pub fn random() -> Result<Self, SealError> {
        random_bytes().map(Self::new)
    }

    /// The key's id in headers and messages.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn secret(&self) -> &[u8; Self::LEN] {
        &self.secret
    }

    /// Derives the key that wraps one file key: HKDF-SHA256 (RFC 5869) of this key under a salt that is never
    /// reused.
    pub(super) fn wrapping_key(&self, salt: &[u8; 32]) -> Result<LessSafeKey, SealError> {
        let secret = Salt::new(HKDF_SHA256, salt).extract(&*self.secret);
        let derived = secret.expand(&[b"drip file key"], &AES_256_GCM).map_err(|_| SealError::Cipher)?;
        Ok(LessSafeKey::new(UnboundKey::from(derived)))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Returns random bytes from the operating system.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| SealError::Cipher)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_key_never_shows_its_bytes() {
        let key = MasterKey::new([0xAB; 32]);
        assert!(!format!("{key:?}").contains("abab"), "{key:?}");
        assert!(!format!("{key:?}").contains("171"), "{key:?}");
    }

    #[test]
    fn different_keys_have_different_ids_and_one_key_has_one() {
        assert_eq!(MasterKey::new([1; 32]).id(), MasterKey::new([1; 32]).id());
        assert_ne!(MasterKey::new([1; 32]).id(), MasterKey::new([2; 32]).id());
    }
}
