//! The hash that divides keys among partitions.

use crate::partition::Partition;

/// The version of [`key_hash`] and [`partition_of`]. A change would move keys to other partitions, so an edge keeps the
/// version with which it was created.
pub const HASH_VERSION: u32 = 1;

/// Returns the hash of an encoded key: FNV-1a of 64 bits (Fowler, Noll and Vo, 1991), then the finalizer of `MurmurHash3`
/// (Appleby, 2011), which spreads short keys over all bits.
///
/// It is the same on all machines, in all versions of the compiler and of this crate with the same [`HASH_VERSION`]. It
/// does not resist keys that are chosen to collide.
///
/// ```
/// assert_eq!(stage_edge::key_hash(b"customer 7"), 0x6b44_5560_629b_a30b);
/// ```
pub fn key_hash(key: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in key {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    mix(hash)
}

/// The finalizer of `MurmurHash3`.
pub(crate) fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Returns the partition, of `partitions`, to which a hash of a key belongs.
///
/// ```
/// use stage_edge::{Partition, key_hash, partition_of};
///
/// // The hash begins with 0.42 of its range.
/// assert_eq!(partition_of(key_hash(b"customer 7"), 32), Partition(13));
/// ```
///
/// # Panics
///
/// If there are no partitions.
pub fn partition_of(hash: u64, partitions: u32) -> Partition {
    assert!(partitions > 0, "an edge has at least one partition");
    let scaled = (u128::from(hash) * u128::from(partitions)) >> 64;
    Partition(u32::try_from(scaled).unwrap_or(partitions - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_and_partitions_never_change() {
        let golden: Vec<_> = [&b""[..], b"a", b"ab", &[0], &[0, 0], &7_u64.to_le_bytes()]
            .map(key_hash)
            .into_iter()
            .map(|hash| (hash, partition_of(hash, 32).0))
            .collect();
        assert_eq!(golden, GOLDEN);
    }

    /// Computed by another program.
    const GOLDEN: [(u64, u32); 6] = [
        (0xefd0_1f60_ba99_2926, 29),
        (0x82a2_a958_a9be_ce5b, 16),
        (0xda71_cbd1_1dd9_bde4, 27),
        (0xb903_4ad3_7056_f5fb, 23),
        (0xdb01_c310_4e99_566d, 27),
        (0xc211_2d51_b876_518d, 24),
    ];

    #[test]
    fn small_numbers_are_divided_evenly() {
        let mut counts = [0_u32; 32];
        for key in 0_u64..32_000 {
            let bytes = postcard::to_stdvec(&key).unwrap();
            counts[partition_of(key_hash(&bytes), 32).0 as usize] += 1;
        }
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(*least > 850 && *most < 1150, "{counts:?}");
    }

    proptest! {
        #[test]
        fn every_hash_has_a_partition(hash: u64, partitions in 1_u32..=1024) {
            prop_assert!(partition_of(hash, partitions).0 < partitions);
        }
    }
}
