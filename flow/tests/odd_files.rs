//! Tests of files that are unusual, damaged, too long, or changed while they are read: the events read, and
//! the error messages.
#![cfg(all(feature = "csv", feature = "gzip", feature = "json", feature = "zstd"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Debug;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use flow::{Chain, Flow, FlowError};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::Deserialize;
use tempfile::TempDir;

const MARK: &[u8] = b"\xEF\xBB\xBF";

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Row {
    id: u64,
    name: String,
}

fn row(id: u64, name: &str) -> Row {
    Row { id, name: name.to_owned() }
}

/// Creates a file with this content.
fn file(content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, content).unwrap();
    (folder, path)
}

/// Returns the results of a flow, and the error that ends it, after the name of the file.
fn given<C: Chain>(flow: &Flow<C>) -> (Vec<C::Out>, Option<String>) {
    let (mut events, mut last) = (Vec::new(), None);
    for item in flow {
        match item {
            Ok(event) => events.push(event),
            Err(FlowError::Stage { reason, .. }) => {
                let said = reason.to_string();
                last = Some(said[said.rfind("/file").unwrap() + "/file".len()..].to_owned());
            }
            Err(error) => panic!("{error}"),
        }
    }
    (events, last)
}

#[track_caller]
fn gives<C: Chain<Out: Debug + PartialEq>>(flow: &Flow<C>, events: &[C::Out]) {
    let (given, error) = given(flow);
    assert_eq!((&*given, error), (events, None));
}

#[track_caller]
fn fails<C: Chain<Out: Debug + PartialEq>>(flow: &Flow<C>, events: &[C::Out], said: &str) {
    let (given, error) = given(flow);
    assert_eq!((&*given, error.as_deref()), (events, Some(said)));
}

fn csv(content: impl AsRef<[u8]>) -> (TempDir, flow::source::CsvFlow<Row>) {
    let (folder, path) = file(content);
    (folder, Flow::from_csv(path).stages(1))
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    compress_to_vec(text, CompressionLevel::Fastest)
}

#[test]
fn a_byte_order_mark_of_utf_8_is_no_part_of_any_format() {
    let marked = |text: &str| [MARK, text.as_bytes()].concat();
    let (_folder, path) = file(marked("one\ntwo\n"));
    gives(&Flow::from_lines(&path).stages(1), &["one", "two"].map(str::to_owned));
    gives(&Flow::from_byte_lines(&path).stages(1), &[b"one".to_vec(), b"two".to_vec()]);
    gives(&Flow::from_lines_with(&path, <[u8]>::len).stages(1), &[3, 3]);
    gives(&Flow::from_line_blocks(&path).stages(1).map(|block| block.to_vec()), &[b"one\ntwo\n".to_vec()]);
    // Records are bytes, all of which are kept.
    gives(&Flow::from_records(&path, b'\n').stages(1), &[[MARK, b"one"].concat(), b"two".to_vec()]);
    let (_folder, path) = file(marked("{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n"));
    gives(&Flow::from_json_lines(&path).stages(1), &[row(1, "a"), row(2, "b")]);
    let (_folder, flow) = csv(marked("id,name\n1,a\n"));
    gives(&flow, &[row(1, "a")]);
    let (_folder, path) = file(gzip(&marked("one\n")));
    gives(&Flow::from_gzip_lines([path]).stages(1), &["one".to_owned()]);
    let (_folder, path) = file(zstd(&marked("one\n")));
    gives(&Flow::from_zstd_lines([path]).stages(1), &["one".to_owned()]);
}

#[test]
fn a_file_of_only_a_byte_order_mark_is_empty_and_so_are_its_parts() {
    for (text, lines) in [(MARK.to_vec(), 0), ([MARK, b"\n"].concat(), 1), ([MARK, b"a"].concat(), 1)] {
        let (_folder, path) = file(text);
        for stages in [1, 3, 7] {
            assert_eq!(given(&Flow::from_lines(&path).stages(stages)).0.len(), lines);
            let blocks = Flow::from_line_blocks(&path).stages(stages).map(|block| block.lines().count());
            assert_eq!(given(&blocks).0.into_iter().sum::<usize>(), lines);
        }
    }
    for text in [MARK.to_vec(), [MARK, b"\n"].concat()] {
        let (_folder, path) = file(text);
        gives(&Flow::from_json_lines::<Row>(&path), &[]);
        gives(&Flow::from_csv::<Row>(&path), &[]);
    }
}

#[test]
fn errors_behind_a_mark_have_the_right_place() {
    let (_folder, path) = file([MARK, b"ab\xffd\n"].concat());
    fails(&Flow::from_lines(&path).stages(1), &[], "` is not UTF-8 at byte 5");
    let (_folder, path) = file([MARK, b"{\"id\":x}\n"].concat());
    fails(&Flow::from_json_lines::<Row>(&path).stages(1), &[], ":1:7: expected value");
}

#[test]
fn text_in_utf_16_is_refused_by_name_in_every_format() {
    let utf_16 = |units: &str, big: bool| -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        units.encode_utf16().flat_map(bytes).collect()
    };
    let said =
        "` is in UTF-16, as its byte order mark says; convert it to UTF-8 first, for example with `iconv`";
    for big in [true, false] {
        let text = utf_16("\u{feff}id,name\n1,a\n", big);
        let (_folder, path) = file(&text);
        fails(&Flow::from_lines(&path).stages(1), &[], said);
        fails(&Flow::from_byte_lines(&path).stages(1), &[], said);
        fails(&Flow::from_line_blocks(&path).stages(1).map(|block| block.len()), &[], said);
        fails(&Flow::from_json_lines::<Row>(&path).stages(1), &[], said);
        fails(&Flow::from_csv::<Row>(&path).stages(1), &[], said);
        let (_folder, path) = file(gzip(&text));
        fails(&Flow::from_gzip_lines([path]).stages(1), &[], said);
    }
}

#[test]
fn an_unterminated_quote_is_an_error_at_its_first_line() {
    let never = "unterminated quote";
    let cases: [(&str, Vec<Row>, String); 7] = [
        ("id,name\n1,\"a\n2,b\n3,c\n4,d\n", vec![], format!(":2:2: {never}")),
        ("id,name\n1,\"a\n2,b", vec![], format!(":2:2: {never}")),
        ("id,name\n0,z\n1,\"", vec![row(0, "z")], format!(":3:2: {never}")),
        ("id,name\n1,\"a\nb\"\n2,\"c\n\nd\n", vec![row(1, "a\nb")], format!(":4:2: {never}")),
        // The same with a wrong number of fields, and with a doubled quote.
        ("id,name\n\n\"1,a\n2,b\n", vec![], format!(":3:1: {never}")),
        ("id,name\r\n1,\"a\"\"\r\n2,b\r\n", vec![], format!(":2:2: {never}")),
        ("id,\"name\n1,a\n", vec![], format!(":1:2: {never}")),
    ];
    for (text, before, said) in cases {
        let (_folder, flow) = csv(text);
        fails(&flow, &before, &said);
    }
}

#[test]
fn comma_separated_values_in_other_dialects_are_read_to_their_end() {
    type Case = (&'static str, &'static [u8], fn(&mut csv::ReaderBuilder));
    let cases: [Case; 7] = [
        ("semicolons", b"id;name\n1;a\n2;\"b\"", |builder| _ = builder.delimiter(b';')),
        ("a terminator", b"id,name|1,a|2,b|", |builder| _ = builder.terminator(csv::Terminator::Any(b'|'))),
        ("comments", b"id,name\n#\"\n1,a\n2,b\n#end\n", |builder| _ = builder.comment(Some(b'#'))),
        ("letters as signs", b"idbnamen1banqqn2bb\n", |builder| {
            _ = builder.delimiter(b'b').quote(b'q').terminator(csv::Terminator::Any(b'n')).flexible(true);
        }),
        ("quotes as they are", b"id,name\n1,a\n2,\"b", |builder| _ = builder.quoting(false)),
        ("spaces", b"id , name\n 1, a\n2 ,b \n\n\n", |builder| _ = builder.trim(csv::Trim::All)),
        ("escapes", b"id,name\n1,a\n2,\"b\\\"\"", |builder| {
            _ = builder.escape(Some(b'\\')).double_quote(false);
        }),
    ];
    for (dialect, text, set) in cases {
        let (_folder, path) = file(text);
        let mut builder = csv::ReaderBuilder::new();
        set(&mut builder);
        let reference = builder.from_path(&path).unwrap().into_records().map(Result::unwrap);
        let reference: Vec<Vec<String>> =
            reference.map(|record| record.iter().map(str::to_owned).collect()).collect();
        let flow = Flow::from_csv_with::<Vec<String>>([path], builder).stages(1);
        let (records, error) = given(&flow);
        assert_eq!(error, None, "{dialect}");
        assert_eq!(records, reference, "{dialect}");
    }
}

#[test]
fn an_unterminated_quote_is_an_error_in_other_dialects_too() {
    let text = b"1'a|2;'b|3;c|";
    let (_folder, path) = file(text);
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).delimiter(b';').quote(b'\'').terminator(csv::Terminator::Any(b'|'));
    builder.flexible(true);
    let flow = Flow::from_csv_with::<Vec<String>>([path], builder).stages(1);
    let (records, error) = given(&flow);
    assert_eq!(records, [["1'a"]]);
    assert_eq!(error.unwrap(), ":1:2: unterminated quote");
}

#[test]
fn a_comment_that_swallows_the_rest_of_a_file_is_an_error() {
    let (_folder, path) = file(b"a|#b\nc|d|");
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).comment(Some(b'#')).terminator(csv::Terminator::Any(b'|'));
    let (records, error) = given(&Flow::from_csv_with::<Vec<String>>([path], builder).stages(1));
    assert_eq!(records, [["a"]]);
    assert_eq!(error.unwrap(), ":1:0: unterminated comment: records do not end in newlines");
}

#[test]
fn padding_behind_packed_files_is_fine_and_anything_else_is_named_with_its_place() {
    let text = b"one\ntwo\n";
    for pack in [gzip, zstd] {
        let one = pack(text);
        let flow = |bytes: &[u8]| {
            let (folder, path) = file(bytes);
            let flow = if one.starts_with(&[0x1F]) {
                Flow::from_gzip_lines([path])
            } else {
                Flow::from_zstd_lines([path])
            };
            (folder, flow.stages(1))
        };
        let lines = ["one", "two"].map(str::to_owned);
        gives(&flow(&[one.clone(), vec![0; 512]].concat()).1, &lines);
        let (_folder, garbage) = flow(&[one.clone(), b"garbage".to_vec()].concat());
        let (events, error) = given(&garbage);
        assert_eq!(events, lines);
        let place =
            format!("is followed by other data, the bytes 67 61 72 62 at byte {} of the file", one.len());
        assert!(error.as_ref().is_some_and(|error| error.ends_with(&place)), "{error:?}");
        let (_folder, plain) = flow(text);
        let error = given(&plain).1.unwrap();
        assert!(error.starts_with("` cannot be read beyond byte 0: it is not a "), "{error}");
        assert!(error.ends_with("file: it begins with the bytes 6f 6e 65 0a"), "{error}");
    }
}

#[test]
fn data_before_the_cut_of_a_truncated_packed_file_is_emitted_first() {
    let text = numbered(60_000, |number| format!("line {number}\n"));
    for (name, packed) in [("gzip", gzip(text.as_bytes())), ("zstd", zstd(text.as_bytes()))] {
        let cut = packed.len() / 2;
        let (_folder, path) = file(&packed[..cut]);
        let flow = if name == "gzip" { Flow::from_gzip_lines([path]) } else { Flow::from_zstd_lines([path]) };
        for _ in 0..5 {
            let (lines, error) = given(&flow.clone().stages(1));
            let error = error.unwrap();
            assert!(error.ends_with(&format!("is truncated at byte {cut}")), "{error}");
            assert!(lines.len() > 100, "{name}: {} lines", lines.len());
            assert!(lines.iter().zip(text.lines()).all(|(is, was)| is == was));
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_an_error_with_its_place_in_every_format() {
    let long = "x".repeat(300_000);
    let said = |at: usize| {
        format!(
            "` has a record of more than 200000 bytes at byte {at}; `max_record_bytes` allows longer ones"
        )
    };
    let (_folder, path) = file(format!("a\n{long}\nb\n"));
    fails(&Flow::from_lines(&path).max_record_bytes(200_000).stages(1), &["a".to_owned()], &said(2));
    assert_eq!(given(&Flow::from_lines(&path).max_record_bytes(200_000).stages(5)).1, Some(said(2)));
    let blocks = Flow::from_line_blocks(&path).max_record_bytes(200_000).stages(1).map(|block| block.len());
    assert_eq!(given(&blocks).1, Some(said(2)));
    let (_folder, path) = file(gzip(format!("a\n{long}").as_bytes()));
    fails(&Flow::from_gzip_lines([path]).max_record_bytes(200_000).stages(1), &["a".to_owned()], &said(2));
    let (_folder, path) = file(format!("id,name\n1,a\n2,\"{long}\n{long}"));
    let flow = Flow::from_csv::<Row>(path).max_record_bytes(200_000).stages(1);
    fails(&flow, &[row(1, "a")], &said(12));
}

#[test]
fn a_bound_on_lines_holds_to_the_byte_and_may_be_any_number() {
    let (_folder, path) = file([MARK, b"123\r\n12\n\n123"].concat());
    for stages in [1, 4] {
        let lines = |most| given(&Flow::from_lines(&path).max_record_bytes(most).stages(stages));
        assert_eq!(lines(3).1, None);
        assert_eq!(lines(usize::MAX).0.len(), 4);
        assert!(lines(2).1.unwrap().contains("more than 2 bytes"));
        assert!(lines(0).1.unwrap().contains("more than 0 bytes"));
        let blocks = |most| {
            let flow = Flow::from_line_blocks(&path).max_record_bytes(most).stages(stages);
            given(&flow.map(|block| block.lines().count()))
        };
        assert_eq!(blocks(3).1, None);
        assert_eq!(blocks(usize::MAX).0.into_iter().sum::<usize>(), 4);
        assert!(blocks(2).1.unwrap().contains("more than 2 bytes"));
    }
    let (_folder, path) = file("id,name\n1,ab\n");
    for (most, fits) in [(6, true), (5, false), (usize::MAX, true), (0, false)] {
        let flow = Flow::from_csv::<Row>(&path).max_record_bytes(most).stages(1);
        assert_eq!(given(&flow).1.is_none(), fits, "{most}");
    }
}

/// The lines that `line` makes of the numbers below `count`.
fn numbered(count: u32, line: impl Fn(u32) -> String) -> String {
    (0..count).map(line).collect()
}

/// Truncates a file to a number of bytes.
fn cut(path: &Path, left: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(left).unwrap();
}

/// Checks that the lines of a file that is truncated during the flow are whole, and that an error follows
/// them.
fn shrinks(flow: impl Fn(&Path, u64) -> (Vec<String>, Option<String>)) {
    let text = numbered(200_000, |number| format!("{number:06}\n"));
    for left in [0, 7 * 80_000, 7 * 80_000 + 3, 7 * 199_999 + 6] {
        let (_folder, path) = file(&text);
        let (lines, error) = flow(&path, left);
        assert!(lines.iter().all(|line| line.len() == 6), "cut to {left}");
        let error = error.expect("a file that was cut is an error");
        assert!(error.ends_with("the file shrank while it was read: it had 1400000 bytes"), "{error}");
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_an_error_and_no_line_is_cut() {
    for stages in [1, 3, 16] {
        // Each stage has its part when the file is truncated, and has read nothing of it.
        shrinks(|path, left| {
            let file = path.to_owned();
            given(&Flow::from_lines(path).stages(stages).on_init(move |_| cut(&file, left)))
        });
        shrinks(|path, left| {
            let file = path.to_owned();
            let blocks = Flow::from_line_blocks(path).stages(stages).on_init(move |_| cut(&file, left));
            let lines = |block: flow::source::LineBlock| -> Vec<String> {
                block.lines().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
            };
            given(&blocks.flat_map(lines))
        });
    }
}

#[test]
fn comma_separated_values_that_become_shorter_while_they_are_read_are_an_error() {
    shrinks(|path, left| {
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false);
        let (file, once) = (path.to_owned(), std::sync::Once::new());
        let flow = Flow::from_csv_with::<(String,)>([path], builder).stages(1).max_demand(10);
        // There is demand for a few records when the first arrives.
        given(&flow.map(|row| row.0).inspect(move |_| once.call_once(|| cut(&file, left))))
    });
}
