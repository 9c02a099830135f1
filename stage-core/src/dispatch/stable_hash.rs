//! A stable hash for routing by key: the same on every run, in every process, on every machine.
//!
//! It performs one folded 64 × 64 → 128 bit multiplication per word, as in wyhash (Wang Yi, 2019,
//! public-domain design). Integers are hashed in little-endian order on every machine. It does not resist
//! keys chosen by an attacker.

use std::hash::{Hash, Hasher};

/// Returns a hash of `key` that is stable across processes, builds and machines if the key's `Hash` is. That
/// holds for integers, text, tuples, and derived `Hash` of those; it need not hold for enums, or for types
/// that hash addresses or `usize` lengths of another width.
///
/// ```
/// use stage_core::dispatch::stable_hash;
///
/// assert_eq!(stable_hash(&1_u64), 7_347_220_335_734_490_347);
/// ```
#[inline]
pub fn stable_hash<K: Hash + ?Sized>(key: &K) -> u64 {
    let mut hasher = StableHasher { state: SEED, length: 0 };
    key.hash(&mut hasher);
    hasher.finish()
}

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const MULTIPLIER: u64 = 0xA076_1D64_78BD_642F;

struct StableHasher {
    state: u64,
    length: u64,
}

impl StableHasher {
    #[inline]
    fn word(&mut self, word: u64) {
        self.state = fold(self.state ^ word, MULTIPLIER);
        self.length += 1;
    }
}

/// Combines the two halves of the 128-bit product.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let [low, high] = halves(product);
    low ^ high
}

/// Returns the low and the high 64 bits.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "each cast keeps the bits that it is meant to keep")]
fn halves(wide: u128) -> [u64; 2] {
    [wide as u64, (wide >> 64) as u64]
}

impl Hasher for StableHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
        self.word(bytes.len() as u64);
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.word(value.into());
    }

    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.word(value.into());
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.word(value.into());
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }

    #[inline]
    fn write_u128(&mut self, value: u128) {
        for half in halves(value) {
            self.word(half);
        }
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        fold(self.state ^ SEED, MULTIPLIER ^ self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_hash_from_build_to_build() {
        let hashes =
            [stable_hash(&0_u64), stable_hash(&1_u64), stable_hash("stage"), stable_hash(&[1_u8, 2, 3][..])];
        assert_eq!(
            hashes,
            [
                11_319_017_007_065_258_260,
                7_347_220_335_734_490_347,
                4_663_500_279_344_651_672,
                1_929_315_737_625_960_401
            ]
        );
    }

    #[test]
    fn consecutive_integers_spread_evenly() {
        for partitions in [2_u64, 3, 4, 7, 16] {
            let mut counts = std::collections::HashMap::new();
            for key in 0..10_000_u64 {
                *counts.entry(stable_hash(&key) % partitions).or_insert(0_u64) += 1;
            }
            let fair = 10_000 / partitions;
            for count in counts.into_values() {
                assert!(count.abs_diff(fair) < fair / 5 + 60, "{count} of {fair} in {partitions}");
            }
        }
    }
}
