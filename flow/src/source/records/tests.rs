//! Tests of the division of files into pieces and records.

use super::super::decode::Bytes;
use super::*;

#[test]
fn files_are_divided_evenly_across_their_borders() {
    let files: Vec<PathBuf> = ["a", "pipe", "b"].map(PathBuf::from).into();
    let piece = |path: &str, range, size| Piece { path: path.into(), range, size: Some(size) };
    let parts = split(&files, &[Some(7), None, Some(4)], 3);
    let expected = [
        vec![piece("a", 0..4, 7), Piece::whole(Path::new("pipe"))],
        vec![piece("a", 4..7, 7), piece("b", 0..1, 4)],
        vec![piece("b", 1..4, 4)],
    ];
    assert_eq!(parts, expected);
    let halves = [vec![piece("a", 0..1, 2)], vec![piece("a", 1..2, 2)]];
    assert_eq!(split(&files[..1], &[Some(2)], 8), halves);
    assert_eq!(split(&[], &[], 8), [vec![]]);
}

fn lines_of(parts: Vec<RecordPart<Bytes>>) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for mut part in parts {
        while part.read(2, &mut |line| lines.push(line)).unwrap() == More::Yes {}
    }
    lines
}

/// Splits the whole text with a loop.
fn expected(text: &[u8]) -> Vec<Vec<u8>> {
    let ended = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).to_vec();
    let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let last = lines.pop().unwrap_or_default();
    let mut lines: Vec<_> = lines.iter().map(|line| ended(line)).collect();
    lines.extend((!last.is_empty()).then_some(last));
    lines
}

proptest::proptest! {
    #[test]
    fn any_number_of_parts_gives_the_same_lines_in_order(
        texts in proptest::collection::vec(
            proptest::collection::vec(proptest::sample::select(b"ab\n\n\r".to_vec()), 0..40),
            0..4,
        ),
        most in 1..50_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let files: Arc<[PathBuf]> =
            (0..texts.len()).map(|number| folder.path().join(number.to_string())).collect();
        for (file, text) in files.iter().zip(&texts) {
            fs::write(file, text).unwrap();
        }
        let source = Records::new(Arc::clone(&files), Ending::Line, Packing::None, Bytes);
        let expected = texts.iter().flat_map(|text| expected(text)).collect::<Vec<_>>();
        proptest::prop_assert_eq!(lines_of(source.parts(most).unwrap()), expected);
    }
}

#[test]
fn a_line_across_several_parts_belongs_to_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long");
    fs::write(&file, [&[b'x'; 1000][..], b"\nend"].concat()).unwrap();
    let source = Records::new([file].into(), Ending::Line, Packing::None, Bytes);
    let mut parts = source.parts(10).unwrap();
    assert_eq!(parts.len(), 10);
    assert_eq!(lines_of(parts.split_off(1)), [b"end"]);
    assert_eq!(lines_of(parts), [[b'x'; 1000]]);
}
