//! Tests of packed files, CSV and JSON lines as sources, and of the error messages for damaged ones.
#![cfg(all(feature = "csv", feature = "gzip", feature = "json", feature = "zstd"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "formats/sinks.rs"]
mod sinks;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use flow::{Flow, FlowError};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::Deserialize;
use tempfile::TempDir;

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Media {
    user: u32,
    name: String,
}

fn media(user: u32, name: &str) -> Media {
    Media { user, name: name.to_owned() }
}

/// Creates a file with this content.
fn file(content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, content).unwrap();
    (folder, path)
}

/// Returns the error message of a failed flow, after the name of the file.
fn said(error: &FlowError) -> String {
    let FlowError::Stage { reason, .. } = error else { panic!("{error}") };
    let said = reason.to_string();
    said[said.rfind("/file").unwrap() + "/file".len()..].to_owned()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

#[tokio::test]
async fn gzip_is_read_member_after_member_and_file_beside_file() {
    let (_one, one) = file([gzip(b"a\r\nb"), gzip(b"c\nd")].concat());
    let (_two, two) = file(gzip(b"e\n"));
    let mut lines: Vec<String> = Flow::from_gzip_lines([one, two]).stages(3).collect().await.unwrap();
    lines.sort();
    assert_eq!(lines, ["a", "bc", "d", "e"]);
}

#[tokio::test]
async fn a_packed_file_that_is_cut_off_is_an_error_and_not_an_end() {
    let text = (0..10_000).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n");
    let packed = gzip(text.as_bytes());
    let (_folder, path) = file(&packed[..packed.len() / 2]);
    let error = said(&Flow::from_gzip_lines([&path]).count().await.unwrap_err());
    assert!(error.starts_with("` cannot be read beyond byte "), "{error}");
    let packed = compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
    let (_folder, path) = file(&packed[..packed.len() / 2]);
    let error = said(&Flow::from_zstd_lines([&path]).count().await.unwrap_err());
    assert!(error.starts_with("` cannot be read beyond byte "), "{error}");
    let (_folder, path) = file("plain text, not packed at all");
    assert!(Flow::from_zstd_lines([&path]).count().await.is_err());
    assert!(Flow::from_gzip_lines([&path]).count().await.is_err());
}

#[tokio::test]
async fn json_lines_become_values_and_empty_ones_are_skipped() {
    let (_folder, path) = file("{\"user\":1,\"name\":\"a\"}\r\n\n  \n{\"user\":2,\"name\":\"b\\n\"}");
    for stages in [1, 5] {
        let mut all: Vec<Media> = Flow::from_json_lines(&path).stages(stages).collect().await.unwrap();
        all.sort();
        assert_eq!(all, [media(1, "a"), media(2, "b\n")]);
    }
}

#[tokio::test]
async fn json_that_is_something_else_is_an_error_with_line_and_column() {
    let (_folder, path) =
        file("{\"user\":1,\"name\":\"a\"}\n{\"user\":1,\"name\":\"a\"}\n{\"user\":\"x\"}\n");
    for stages in [1, 4] {
        let error = Flow::from_json_lines::<Media>(&path).stages(stages).count().await.unwrap_err();
        assert_eq!(said(&error), ":3:11: invalid type: string \"x\", expected u32");
    }
    let (_folder, path) = file("\n{\"user\":1,");
    let error = Flow::from_json_lines::<Media>(&path).count().await.unwrap_err();
    assert!(said(&error).starts_with(":2:10: EOF while parsing"), "{error}");
}

#[tokio::test]
async fn comma_separated_values_go_by_their_names_and_may_hold_line_ends() {
    let (_folder, path) = file("name,user\n\"a\nb\",1\n\"c, d\",2");
    let all: Vec<Media> = Flow::from_csv(&path).stages(1).collect().await.unwrap();
    assert_eq!(all, [media(1, "a\nb"), media(2, "c, d")]);
    let (_folder, path) = file("1;a\n2;b\n");
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).delimiter(b';');
    let all: Vec<(u32, String)> = Flow::from_csv_with([path], builder).stages(1).collect().await.unwrap();
    assert_eq!(all, [(1, "a".to_owned()), (2, "b".to_owned())]);
    let (_folder, empty) = file("");
    assert_eq!(Flow::from_csv::<Media>(&empty).count().await.unwrap(), 0);
}

#[tokio::test]
async fn values_of_another_type_are_an_error_with_line_and_field() {
    let cases: [(&[u8], &str); 4] = [
        (b"user,name\n1,\"a\nb\"\nx,c\n", ":4:1: the field `user`: invalid digit found in string"),
        (b"user,name\n1,a\n2\n", ":3:0: found 1 fields, expected 2"),
        (b"user,name\n1,\xff\n", ":2:2: the field `name` is not UTF-8"),
        (b"user\n1\n", ":2:0: missing field `name`"),
    ];
    for (text, expected) in cases {
        let (_folder, path) = file(text);
        let error = Flow::from_csv::<Media>(&path).count().await.unwrap_err();
        assert_eq!(said(&error), expected);
    }
    let error = Flow::from_csv::<Media>("/no/such/file").count().await.unwrap_err();
    assert!(said(&error).starts_with("` cannot be opened: No such file"), "{error}");
}
