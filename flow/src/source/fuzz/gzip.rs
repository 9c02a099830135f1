//! Fuzzes files packed by gzip.

use std::io::{Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};

use super::super::gzip::Members;
use super::random::Random;
use super::target::fuzz;

/// Generates a text: usually short, and always compressible.
pub(super) fn text(random: &mut Random) -> Vec<u8> {
    let most = if random.once_in(50) { 60_000 } else { random.one_of(&[2, 30, 30, 3_000]) };
    random.text(&[b"a line\n", b"another one", b"\n", b"\0", b"x", b"\xFF\x12"], most)
}

fn member(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let mut builder = GzBuilder::new();
    if random.once_in(3) {
        builder = builder.filename("a name").comment("a comment");
    }
    if random.once_in(5) {
        builder = builder.extra(vec![7; random.below(300)]);
    }
    let mut packed = builder.write(Vec::new(), Compression::new(u32::try_from(random.below(10)).unwrap()));
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

/// Reads to the end, a few bytes at a time; returns the bytes, and the error at the end.
pub(super) fn unpacked(mut input: impl Read, random: &mut Random) -> (Vec<u8>, Option<String>) {
    let most = random.one_of(&[1, 100, 70_000]);
    let (mut all, mut buffer) = (Vec::new(), vec![0; 1 + random.below(most)]);
    loop {
        match input.read(&mut buffer) {
            // Only a file built for that purpose unpacks to more than this.
            _ if all.len() > 64 << 20 => return (all, None),
            Ok(0) => return (all, None),
            Ok(read) => all.extend_from_slice(&buffer[..read]),
            Err(error) => return (all, Some(error.to_string())),
        }
    }
}

fn without_padding(packed: &[u8]) -> &[u8] {
    let end = packed.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    // The last member may itself end in zeros: its checksum and its length are zero if it is empty.
    &packed[..packed.len().min(end + 12)]
}

#[test]
fn any_gzip_data_is_unpacked_as_by_a_reference_or_is_an_error() {
    fuzz("gzip", |random, _| {
        let texts: Vec<_> = (0..=random.below(4)).map(|_| text(random)).collect();
        let mut packed: Vec<u8> = texts.iter().flat_map(|text| member(random, text)).collect();
        let whole = texts.concat();
        assert_eq!(unpacked(Members::new(&packed[..]), random), (whole.clone(), None));
        let cut = random.below(packed.len());
        let (before, error) = unpacked(Members::new(&packed[..cut]), random);
        assert!(whole.starts_with(&before));
        assert!(error.is_none_or(|error| error.contains("is truncated at byte")));
        random.damage(&mut packed);
        let (given, error) = unpacked(Members::new(&packed[..]), random);
        let reference = |packed: &[u8]| {
            let mut all = Vec::new();
            MultiGzDecoder::new(packed).read_to_end(&mut all).ok().map(|_| all)
        };
        let expected = reference(&packed);
        match (error, expected) {
            (None, Some(expected)) => assert_eq!(given, expected),
            (Some(error), Some(_)) => panic!("{error}"),
            // Only padding explains the difference.
            (None, None) => {
                let end = without_padding(&packed).len();
                let fits =
                    (0..=end).rev().take(16).any(|end| reference(&packed[..end]).as_ref() == Some(&given));
                assert!(fits && packed[end..].iter().all(|byte| *byte == 0));
            }
            (Some(error), None) => assert!(error.contains("gzip"), "{error}"),
        }
    });
}
