//! Fuzzes files packed by zstd.

use ruzstd::decoding::FrameDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::super::zstd::Frames;
use super::gzip::{text, unpacked};
use super::random::Random;
use super::target::fuzz;

fn frame(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let level = if random.once_in(4) { CompressionLevel::Uncompressed } else { CompressionLevel::Fastest };
    let mut packed = Vec::new();
    if random.once_in(4) {
        let length = u32::try_from(random.below(20)).unwrap();
        packed.extend_from_slice(&(0x184D_2A50 + length % 16).to_le_bytes());
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend((0..length).map(|_| random.byte()));
    }
    packed.extend(compress_to_vec(text, level));
    packed
}

/// The maximum size that the reference unpacks.
const ROOM: usize = 8 << 20;

/// Unpacks with the decoder that takes all bytes at once. It does not compare checksums.
fn reference(packed: &[u8]) -> Option<Vec<u8>> {
    let mut all = vec![0; ROOM];
    let length = FrameDecoder::new().decode_all(packed, &mut all).ok()?;
    all.truncate(length);
    Some(all)
}

#[test]
fn any_zstd_data_is_unpacked_as_by_a_reference_or_is_an_error() {
    fuzz("zstd", |random, _| {
        let texts: Vec<_> = (0..=random.below(4)).map(|_| text(random)).collect();
        let mut packed: Vec<u8> = texts.iter().flat_map(|text| frame(random, text)).collect();
        let whole = texts.concat();
        assert_eq!(unpacked(Frames::new(&packed[..]), random), (whole.clone(), None));
        let cut = random.below(packed.len());
        let (before, error) = unpacked(Frames::new(&packed[..cut]), random);
        assert!(whole.starts_with(&before));
        assert!(error.is_none_or(|error| error.contains("is truncated at byte")));
        random.damage(&mut packed);
        let (given, error) = unpacked(Frames::new(&packed[..]), random);
        match (error, reference(&packed)) {
            (None, Some(expected)) => assert_eq!(given, expected),
            (Some(error), Some(_)) => assert!(error.contains("checksum"), "{error}"),
            (Some(error), None) => assert!(error.contains("zstd"), "{error}"),
            // Padding, or more data than the reference can unpack.
            (None, None) => assert!(given.len() >= ROOM || packed.ends_with(&[0])),
        }
    });
}
