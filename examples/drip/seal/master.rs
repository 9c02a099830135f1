//! The master key: what every file key is wrapped by.

use std::fmt;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use super::SealError;

/// Names a master key without giving it away: two keys have different ids, an id leads back to no key.
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
    /// Bytes of a master key.
    pub const LEN: usize = 32;

    /// The key with these bytes.
    pub fn new(secret: impl Into<Zeroizing<[u8; Self::LEN]>>) -> Self {
        let secret = secret.into();
        let digest = blake3::derive_key("drip master key id", &*secret);
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self { secret, id: KeyId(id) }
    }

    /// A key nobody had before.
    ///
    /// # Errors
    /// [`SealError::Cipher`] when the operating system gives no random bytes.
    pub fn random() -> Result<Self, SealError> {
        random_bytes().map(Self::new)
    }

    /// What this key is called in headers and messages.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn secret(&self) -> &[u8; Self::LEN] {
        &self.secret
    }

    /// The key that wraps one file key: HKDF-SHA256 (RFC 5869) of this key under a salt that is never used again.
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

/// Random bytes from the operating system.
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
