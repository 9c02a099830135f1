//! Fuzzes files of JSON lines.

use serde_json::Value;

use super::super::byte_order::without_mark;
use super::super::json::Json;
use super::super::packing::Packing;
use super::super::records::{Ending, Records};
use super::super::{ReadError, Source};
use super::random::Random;
use super::target::{fuzz, read};

/// Generates a value, nested to at most this depth.
fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => Value::Null,
        1 => Value::from(random.once_in(2)),
        2 => Value::from(random.next() >> random.below(64)),
        3 => Value::from(
            random.one_of(&["", "a", "\"", "\\", "\n", "\u{2028}", "\u{fc}", "\0"]).repeat(random.below(4)),
        ),
        4 => (0..random.below(4)).map(|_| value(random, depth - 1)).collect(),
        _ => Value::Object(
            (0..random.below(4)).map(|key| (key.to_string(), value(random, depth - 1))).collect(),
        ),
    }
}

fn text(random: &mut Random) -> Vec<u8> {
    let mut text = if random.once_in(4) { b"\xEF\xBB\xBF".to_vec() } else { Vec::new() };
    for _ in 0..random.below(12) {
        text.extend_from_slice(value(random, 3).to_string().as_bytes());
        text.extend_from_slice(random.one_of::<&[u8]>(&[b"\n", b"\r\n", b"\n\n", b" \n\t\n"]));
    }
    if random.once_in(2) {
        random.damage(&mut text);
    }
    text
}

/// Returns the values that `serde_json` reads line by line, and the line of the first invalid one.
fn reference(text: &[u8]) -> (Vec<Value>, Option<u64>) {
    let Ok(text) = without_mark(text) else { return (Vec::new(), Some(0)) };
    let mut values = Vec::new();
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(value) => values.push(value),
            Err(_) => return (values, Some(number)),
        }
    }
    (values, None)
}

/// Returns the line of an error; 0 if the error concerns the file as a whole.
fn line(error: &ReadError) -> u64 {
    match error {
        ReadError::Record { line, .. } => *line,
        ReadError::Encoding { .. } => 0,
        other => panic!("{other}"),
    }
}

#[test]
fn any_json_lines_are_read_as_line_by_line() {
    fuzz("json", |random, file| {
        let text = text(random);
        std::fs::write(file, &text).unwrap();
        let (expected, wrong) = reference(&text);
        let source = Records::new([file.clone()].into(), Ending::Line, Packing::None, Json::<Value>::new());
        let (values, error) = read(&mut source.parts(1).unwrap().remove(0), random);
        assert_eq!((&values, error.as_ref().map(line)), (&expected, wrong));
        let parts = source.parts(7).unwrap();
        let read: Vec<_> = parts.into_iter().map(|mut part| read(&mut part, random)).collect();
        match wrong {
            None => assert!(read.into_iter().flat_map(|part| part.0).eq(expected)),
            Some(wrong) => assert!(read.iter().any(|part| part.1.as_ref().map(line) == Some(wrong))),
        }
    });
}
