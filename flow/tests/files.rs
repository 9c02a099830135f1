//! Tests of files as sources: unusual files, damaged files, and their error messages.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;

use flow::{Flow, FlowError};
use tempfile::TempDir;

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

/// Creates a file with this content.
fn file(content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    fs::write(&path, content).unwrap();
    (folder, path)
}

/// Returns the error message of a failed flow.
fn said(error: &FlowError) -> String {
    let FlowError::Stage { reason, .. } = error else { panic!("{error}") };
    reason.to_string()
}

#[tokio::test]
async fn every_stage_reads_its_part_of_the_lines() {
    let text = (0..10_000).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n");
    let (_folder, path) = file(&text);
    for stages in [1, 2, 3, 7, 64] {
        let lines: Vec<String> = Flow::from_lines(&path).stages(stages).collect().await.unwrap();
        assert_eq!(sorted(lines), sorted(text.lines().map(str::to_owned).collect()), "{stages} stages");
    }
}

#[tokio::test]
async fn an_empty_file_gives_nothing_and_an_empty_line_is_one() {
    let (_folder, empty) = file("");
    assert_eq!(Flow::from_lines(&empty).count().await.unwrap(), 0);
    let (_folder, newline) = file("\n");
    assert_eq!(Flow::from_lines(&newline).collect::<Vec<_>>().await.unwrap(), [""]);
    assert_eq!(Flow::from_lines_of(Vec::<PathBuf>::new()).count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_file_that_grew_between_two_runs_is_read_again() {
    let (_folder, path) = file("one\n");
    let flow = Flow::from_lines(&path);
    assert_eq!(flow.count().await.unwrap(), 1);
    fs::write(&path, "one\ntwo\n").unwrap();
    assert_eq!(flow.count().await.unwrap(), 2);
}

#[tokio::test]
async fn one_huge_line_is_one_event() {
    let line = "x".repeat(3_000_000);
    let (_folder, path) = file(format!("a\n{line}\nb"));
    let lines: Vec<usize> = Flow::from_lines(&path).map(|line| line.len()).stages(4).collect().await.unwrap();
    assert_eq!(sorted(lines), [1, 1, 3_000_000]);
}

#[tokio::test]
async fn a_missing_file_is_an_error_of_the_run_that_names_it() {
    let flow = Flow::from_lines("/no/such/file");
    let error = said(&flow.count().await.unwrap_err());
    assert!(error.contains("`/no/such/file` cannot be opened: No such file"), "{error}");
}

#[tokio::test]
async fn a_folder_is_not_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = said(&Flow::from_lines(folder.path()).count().await.unwrap_err());
    assert!(error.contains("cannot be opened: is a directory"), "{error}");
}

#[tokio::test]
async fn data_other_than_text_is_an_error_that_names_file_and_byte() {
    let (_folder, path) = file(b"good\nb\xffd\n");
    for stages in [1, 4] {
        let error = said(&Flow::from_lines(&path).stages(stages).count().await.unwrap_err());
        assert!(error.ends_with("lines` is not UTF-8 at byte 6"), "{error}");
    }
    let bytes: Vec<Vec<u8>> = Flow::from_byte_lines(&path).stages(1).collect().await.unwrap();
    assert_eq!(bytes, [&b"good"[..], b"b\xffd"]);
}

#[tokio::test]
async fn ranges_and_their_parts_give_every_number_once() {
    for stages in [1, 3, 8] {
        let numbers: Vec<i32> = Flow::from_range(-5_000..5_000).stages(stages).collect().await.unwrap();
        assert_eq!(sorted(numbers), (-5_000..5_000).collect::<Vec<_>>());
    }
    assert_eq!(Flow::from_range(0..0_u8).count().await.unwrap(), 0);
}
