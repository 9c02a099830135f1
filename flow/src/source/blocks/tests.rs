//! Tests of blocks of whole lines.

use super::*;

fn text_of(parts: Vec<LineBlocksPart>) -> Vec<u8> {
    let mut text = Vec::new();
    for mut part in parts {
        while let Some(block) = part.next().unwrap() {
            assert!(!block.is_empty());
            text.extend_from_slice(&block);
        }
    }
    text
}

fn written(text: &[u8]) -> (tempfile::TempDir, LineBlocks) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    std::fs::write(&file, text).unwrap();
    (folder, LineBlocks { files: [file].into(), most: MOST })
}

proptest::proptest! {
    #[test]
    fn blocks_are_the_text_and_end_with_lines(
        text in proptest::collection::vec(proptest::sample::select(b"ab\n".to_vec()), 0..200),
        most in 1..20_usize,
    ) {
        let (_folder, source) = written(&text);
        let parts = source.parts(most).unwrap();
        proptest::prop_assert_eq!(text_of(parts), &text[..]);
        for mut part in source.parts(most).unwrap() {
            while let Some(block) = part.next().unwrap() {
                proptest::prop_assert!(block.ends_with(b"\n") || text.ends_with(&block));
            }
        }
    }
}

#[test]
fn a_line_may_be_longer_than_a_block() {
    let text = [&b"a\n"[..], &vec![b'x'; 3 * BLOCK], b"\nb\n", &vec![b'y'; BLOCK - 1], b"\nlast"].concat();
    let (_folder, source) = written(&text);
    for most in [1, 2, 7] {
        assert_eq!(text_of(source.parts(most).unwrap()), text);
    }
}

#[test]
fn memory_is_used_again() {
    let (_folder, source) = written(&b"a line\n".repeat(BLOCK));
    let mut part = source.parts(1).unwrap().remove(0);
    let first = part.next().unwrap().map(|block| block.memory.as_ptr());
    part.next().unwrap();
    assert_eq!(part.next().unwrap().map(|block| block.memory.as_ptr()), first);
}
