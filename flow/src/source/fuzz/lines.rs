//! Fuzzes files of lines, read in parts and in blocks.

use std::sync::Arc;

use super::super::blocks::LineBlocks;
use super::super::byte_order::without_mark;
use super::super::decode::{Bytes, Text};
use super::super::packing::Packing;
use super::super::records::{Ending, MOST, Records};
use super::super::{ReadError, Source};
use super::random::Random;
use super::target::{fuzz, read};

const PIECES: [&[u8]; 12] = [
    b"a",
    b"bc",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"\xFE\xFF",
    "\u{fc}".as_bytes(),
    b"\xC3",
    b"\0",
];

/// Generates a text a few times longer than the blocks in which files are read.
fn text(random: &mut Random) -> Vec<u8> {
    let mut text = random.text(&PIECES, 60);
    if random.once_in(100) {
        let (byte, most) = random.one_of(&[(b'a', 300_000), (b'\n', 30_000)]);
        let long = vec![byte; random.below(most)];
        let at = random.below(text.len() + 1);
        drop(text.splice(at..at, long));
    }
    text
}

/// The reason why the lines end before the file does.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    Encoding,
    TooLong(usize),
    NotText(usize),
}

/// Returns the lines of a text, cut by a plain loop, and the error of the next line.
fn reference(text: &[u8], most: usize, is_text: bool) -> (Vec<Vec<u8>>, Option<Wrong>) {
    let Ok(unmarked) = without_mark(text) else { return (Vec::new(), Some(Wrong::Encoding)) };
    let mark = text.len() - unmarked.len();
    let (mut lines, mut at) = (Vec::new(), mark);
    while at < text.len() {
        let end = text[at..].iter().position(|byte| *byte == b'\n').map(|end| at + end);
        let line = match end {
            Some(end) => text[at..end].strip_suffix(b"\r").unwrap_or(&text[at..end]),
            None => &text[at..],
        };
        if line.len() > most {
            // The byte order mark belongs to the line that follows it.
            return (lines, Some(Wrong::TooLong(if at == mark { 0 } else { at })));
        }
        if let Err(error) = str::from_utf8(line)
            && is_text
        {
            return (lines, Some(Wrong::NotText(at + error.valid_up_to())));
        }
        lines.push(line.to_vec());
        at = end.map_or(text.len(), |end| end + 1);
    }
    (lines, None)
}

fn wrong(error: ReadError) -> Wrong {
    let narrow = |at: u64| usize::try_from(at).unwrap();
    match error {
        ReadError::Encoding { .. } => Wrong::Encoding,
        ReadError::TooLong { at, .. } => Wrong::TooLong(narrow(at)),
        ReadError::NotText { at, .. } => Wrong::NotText(narrow(at)),
        other => panic!("{other}"),
    }
}

/// Checks that one part yields the reference's lines, and that several parts yield the same lines, or at
/// least one of them the reference's error.
fn compare<S: Source>(
    source: &S,
    random: &mut Random,
    lines_of: impl Fn(S::Item) -> Vec<Vec<u8>>,
    (expected, error): (Vec<Vec<u8>>, Option<Wrong>),
) {
    let mut all = |most: usize| {
        let (mut lines, mut errors) = (Vec::new(), Vec::new());
        for mut part in source.parts(most).unwrap() {
            let (given, error) = read(&mut part, random);
            lines.extend(given.into_iter().flat_map(&lines_of));
            errors.extend(error.map(wrong));
        }
        (lines, errors)
    };
    let (lines, errors) = all(1);
    assert_eq!(errors.first(), error.as_ref());
    assert!(expected.starts_with(&lines), "{lines:?} of {expected:?}");
    if error.is_none() {
        assert_eq!(lines, expected);
    }
    for most in [2, 5, 17] {
        let (lines, errors) = all(most);
        match &error {
            None => assert_eq!((lines, errors), (expected.clone(), vec![])),
            Some(error) => assert!(errors.contains(error), "{errors:?} and not {error:?}"),
        }
    }
}

#[test]
fn any_lines_are_split_as_by_a_plain_loop() {
    fuzz("lines", |random, file| {
        let text = text(random);
        std::fs::write(file, &text).unwrap();
        let most = random.one_of(&[MOST, MOST, usize::MAX, 3, 0, 200_000]);
        let files: Arc<[_]> = [file.clone()].into();
        let bytes = Records::new(Arc::clone(&files), Ending::Line, Packing::None, Bytes).of_at_most(most);
        compare(&bytes, random, |line| vec![line], reference(&text, most, false));
        let texts = Records::new(Arc::clone(&files), Ending::Line, Packing::None, Text).of_at_most(most);
        compare(&texts, random, |line| vec![line.into_bytes()], reference(&text, most, true));
        let blocks = LineBlocks { files, most };
        let lines = |block: super::super::LineBlock| block.lines().map(<[u8]>::to_vec).collect();
        compare(&blocks, random, lines, reference(&text, most, false));
    });
}
