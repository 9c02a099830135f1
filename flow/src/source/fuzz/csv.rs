//! Fuzzes CSV files in many dialects.

use std::path::PathBuf;

use csv::{ByteRecord, ReaderBuilder, Terminator, Trim};

use super::super::byte_order::without_mark;
use super::super::csv::Csv;
use super::super::{ReadError, Source};
use super::random::Random;
use super::target::{fuzz, read};

/// The options of a dialect.
#[derive(Clone, Copy, Debug)]
struct Dialect {
    delimiter: u8,
    quote: u8,
    /// The record terminator; `None` for a carriage return or a newline.
    end: Option<u8>,
    escape: Option<u8>,
    comment: Option<u8>,
    quoting: bool,
    double_quote: bool,
    headers: bool,
}

/// The state of a reader.
enum At {
    Record,
    Field,
    Inside,
    Comment,
    Quoted,
    Escaped,
    Closed,
}

impl Dialect {
    fn random(random: &mut Random) -> Self {
        let end = random.one_of(&[None, None, None, Some(b'|'), Some(b'\n')]);
        // With another record terminator, comments have none, so they are not generated.
        let comments = if end == Some(b'|') { &[None][..] } else { &[None, None, Some(b'#'), Some(b'a')] };
        Self {
            delimiter: random.one_of(b",;b\t"),
            quote: random.one_of(b"\"'q"),
            end,
            escape: random.one_of(&[None, None, Some(b'\\')]),
            comment: random.one_of(comments),
            quoting: !random.once_in(6),
            double_quote: !random.once_in(4),
            headers: random.once_in(2),
        }
    }

    fn builder(&self) -> ReaderBuilder {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).quote(self.quote).escape(self.escape).comment(self.comment);
        builder.quoting(self.quoting).double_quote(self.double_quote).has_headers(self.headers);
        builder
            .terminator(self.end.map_or(Terminator::CRLF, Terminator::Any))
            .flexible(true)
            .trim(Trim::None);
        builder
    }

    /// Returns the line of the quote that is open at the end of the text.
    fn open_quote(&self, text: &[u8]) -> Option<u64> {
        let (at, line) = self.end_of(text);
        matches!(at, At::Quoted | At::Escaped).then_some(line)
    }

    fn ends_in_a_comment(&self, text: &[u8]) -> bool {
        matches!(self.end_of(text).0, At::Comment)
    }

    /// Returns the state at the end of a text, and the line of its last quote: the states of the `csv` crate,
    /// byte by byte.
    fn end_of(&self, text: &[u8]) -> (At, u64) {
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let (mut at, mut line, mut began) = (At::Record, 1, 0);
        for &byte in text {
            let ends = self.end.map_or(byte == b'\r' || byte == b'\n', |end| byte == end);
            let is_quote = self.quoting && byte == self.quote;
            at = match at {
                At::Record if ends => At::Record,
                At::Record if self.comment == Some(byte) => At::Comment,
                At::Comment if byte == b'\n' => At::Record,
                At::Comment => At::Comment,
                At::Record | At::Field if is_quote => {
                    began = line;
                    At::Quoted
                }
                At::Quoted if is_quote => At::Closed,
                At::Quoted if self.quoting && self.escape == Some(byte) => At::Escaped,
                At::Quoted | At::Escaped => At::Quoted,
                At::Closed if is_quote && self.double_quote => At::Quoted,
                At::Record | At::Field | At::Inside | At::Closed => {
                    if byte == self.delimiter {
                        At::Field
                    } else if ends {
                        At::Record
                    } else {
                        At::Inside
                    }
                }
            };
            line += u64::from(byte == b'\n');
        }
        (at, began)
    }
}

fn text(random: &mut Random) -> Vec<u8> {
    const PIECES: [&[u8]; 22] = [
        b"a",
        b"b",
        b"x",
        b"1",
        b",",
        b",",
        b";",
        b"\t",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"|",
        b"\"",
        b"\"",
        b"'",
        b"q",
        b"\\",
        b"#",
        b"\xEF\xBB\xBF",
        b"\xFF\xFE",
        b"\xC3",
    ];
    let mut text = random.text(&PIECES, 40);
    if random.once_in(30) {
        let long = vec![random.one_of(b"x\n,\""); random.below(40_000)];
        let at = random.below(text.len() + 1);
        drop(text.splice(at..at, long));
    }
    text
}

/// Returns the records that the `csv` crate reads, up to the first that is not UTF-8.
fn reference(dialect: &Dialect, text: &[u8]) -> (Vec<Vec<String>>, bool) {
    // The crate returns a record for a comment that ends with the file.
    let comment_ends = if dialect.ends_in_a_comment(text) { &b"\n"[..] } else { b"" };
    let text = [text, comment_ends].concat();
    let mut reader = dialect.builder().from_reader(&text[..]);
    if dialect.headers && reader.headers().is_err() {
        return (Vec::new(), true);
    }
    let (mut records, mut record) = (Vec::new(), ByteRecord::new());
    while reader.read_byte_record(&mut record).unwrap() {
        let fields = record.iter().map(|field| String::from_utf8(field.to_vec()));
        match fields.collect() {
            Ok(fields) => records.push(fields),
            Err(_) => return (records, true),
        }
    }
    (records, false)
}

fn source(file: &PathBuf, builder: ReaderBuilder, most: usize) -> Csv<Vec<String>> {
    Csv::new([file], builder).of_at_most(most)
}

#[test]
fn comma_separated_values_are_read_as_by_the_csv_crate_but_for_quotes_that_stay_open() {
    fuzz("csv", |random, file| {
        let (dialect, text) = (Dialect::random(random), text(random));
        std::fs::write(file, &text).unwrap();
        let mut part = source(file, dialect.builder(), usize::MAX).parts(1).unwrap().remove(0);
        let (records, error) = read(&mut part, random);
        if without_mark(&text).is_err() {
            assert!(records.is_empty() && matches!(error, Some(ReadError::Encoding { .. })), "{error:?}");
            return;
        }
        let (mut expected, not_text) = reference(&dialect, &text);
        match (dialect.open_quote(&text), error) {
            (None, error) => {
                assert_eq!((&records, error.is_some()), (&expected, not_text), "{dialect:?} {text:?}");
            }
            // A record before the quote is not UTF-8; that is the error, and nothing after it was read.
            (Some(_), Some(ReadError::Record { source, .. })) if source.to_string().contains("not UTF-8") => {
                assert!(not_text && records == expected, "{dialect:?} {text:?}");
            }
            (Some(line), Some(ReadError::Record { line: said, source, .. })) => {
                assert!(source.to_string().contains("unterminated quote"), "{source}");
                assert_eq!(said, line, "{dialect:?} {text:?}");
                // The crate returns the record with the open quote, unless it is the header or not UTF-8.
                let is_names = dialect.headers && expected.is_empty();
                if !(not_text || is_names) {
                    expected.pop();
                }
                assert_eq!(records, expected, "{dialect:?} {text:?}");
            }
            (open, error) => panic!("{open:?} {error:?} {dialect:?} {text:?}"),
        }
        let bounded = source(file, dialect.builder(), random.below(50)).parts(1).unwrap().remove(0);
        let _ = read(&mut { bounded }, random);
    });
}
