//! Tests of files as results: complete under their name, or not there at all.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::task::{Context, Poll, Waker};

use csv::{ReaderBuilder, WriterBuilder};
use flow::sink::WriteError;
use serde::Serialize;
use stage_core::BoxError;

use super::*;

#[derive(Serialize)]
struct Out {
    user: u32,
    name: String,
}

fn outs(most: u32) -> impl Iterator<Item = Out> + Clone + Send + Sync {
    (0..most).map(|user| Out { user, name: format!("a \"name\",\n{user}") })
}

/// Returns the names in a folder.
fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Creates a folder with an earlier result in it.
fn earlier() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    fs::write(&path, "earlier").unwrap();
    (folder, path)
}

#[tokio::test]
async fn what_is_written_is_read_back_and_replaces_an_earlier_file() {
    let expected: Vec<_> = outs(5000).map(|out| media(out.user, &out.name)).collect();
    let flow = Flow::from_fn(|| outs(5000)).map(|out| out).stages(3);

    let (folder, path) = earlier();
    assert_eq!(flow.write_csv(&path).await.unwrap(), 5000);
    let mut all: Vec<Media> = Flow::from_csv(&path).collect().await.unwrap();
    all.sort();
    assert_eq!(all, expected);

    assert_eq!(flow.write_json_lines(&path).await.unwrap(), 5000);
    let mut all: Vec<Media> = Flow::from_json_lines(&path).collect().await.unwrap();
    all.sort();
    assert_eq!(all, expected);
    assert_eq!(names(&folder), ["out"]);
}

#[tokio::test]
async fn the_dialect_of_a_csv_file_is_that_of_its_builder() {
    let (_folder, path) = earlier();
    let mut builder = WriterBuilder::new();
    builder.has_headers(false).delimiter(b';');
    let rows = Flow::from_items([(1, "a;b"), (2, "c")]).stages(1);
    rows.write_csv_with(&path, builder).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "1;\"a;b\"\n2;c\n");
    let mut reader = ReaderBuilder::new();
    reader.has_headers(false).delimiter(b';');
    let back: Vec<(u32, String)> = Flow::from_csv_with([&path], reader).collect().await.unwrap();
    assert_eq!(back.len(), 2);
}

#[tokio::test]
async fn without_results_the_file_is_empty() {
    let (_folder, path) = earlier();
    let none = Flow::from_fn(|| outs(0));
    assert_eq!(none.write_csv(&path).await.unwrap(), 0);
    assert_eq!(none.write_json_lines(&path).await.unwrap(), 0);
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn a_file_is_written_without_a_runtime() {
    let (folder, path) = earlier();
    let flow = Flow::from_items(0..3000).map(|number: u32| number.to_string()).stages(1);
    let mut write = pin!(flow.write_lines(&path));
    let mut cx = Context::from_waker(Waker::noop());
    let written = loop {
        match write.as_mut().poll(&mut cx) {
            Poll::Ready(written) => break written.unwrap(),
            Poll::Pending => std::thread::yield_now(),
        }
    };
    assert_eq!(written, 3000);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3000);
    assert_eq!(names(&folder), ["out"]);
}

#[tokio::test]
async fn after_a_failure_the_earlier_file_is_there_and_nothing_else() {
    let (folder, path) = earlier();
    let unchanged = || {
        assert_eq!(names(&folder), ["out"]);
        assert_eq!(fs::read(&path).unwrap(), b"earlier");
    };
    // A step fails after many results.
    let flow = Flow::from_items(0..100_000).stages(1).map(|number| {
        assert!(number < 50_000, "no more");
        number
    });
    let error = flow.write_json_lines(&path).await.unwrap_err();
    assert!(matches!(error, WriteError::Run(_)) && error.to_string().contains("no more"), "{error}");
    unchanged();
    // A value is no JSON: the keys of an object are texts.
    let flow = Flow::from_items([BTreeMap::from([((1, 2), 3)])]);
    let error = flow.write_json_lines(&path).await.unwrap_err();
    let said = format!("`{}` cannot be written: event 1: key must be a string", path.display());
    assert_eq!(error.to_string(), said);
    unchanged();
    // A record has more fields than the one before.
    let flow = Flow::from_items([vec![1], vec![1, 2]]).stages(1);
    let error = flow.write_csv(&path).await.unwrap_err();
    assert!(matches!(error, WriteError::Event { number: 2, .. }), "{error}");
    unchanged();
}

#[tokio::test]
async fn a_place_where_no_file_can_be_is_an_error_before_the_flow_runs() {
    let folder = tempfile::tempdir().unwrap();
    let flow = Flow::from_items([1]).inspect(|_| panic!("the flow runs"));
    let missing = folder.path().join("missing").join("out");
    for path in [folder.path(), &missing, Path::new("/")] {
        let error = flow.write_csv(path).await.unwrap_err();
        assert!(matches!(error, WriteError::File { .. }), "{error}");
        assert!(
            error.to_string().starts_with(&format!("`{}` cannot be written: ", path.display())),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_dropped_run_leaves_no_file_behind() {
    let (folder, path) = earlier();
    let (many, mut came) = tokio::sync::mpsc::unbounded_channel();
    let endless = Flow::from_items(0_u64..).inspect(move |number| {
        if number % 10_000 == 9999 {
            let _ = many.send(());
        }
    });
    tokio::select! {
        ended = endless.write_json_lines(&path) => panic!("{ended:?}"),
        _ = came.recv() => {}
    }
    // The thread that writes may hold the file for a moment.
    while names(&folder) != ["out"] {
        tokio::task::yield_now().await;
    }
    assert_eq!(fs::read(&path).unwrap(), b"earlier");
}

/// The variable that makes this program the one that is killed.
const VICTIM: &str = "FLOW_WRITES_TO";

/// Not a test: the process of the next one.
#[tokio::test]
async fn writes_until_it_is_killed() -> Result<(), BoxError> {
    let Ok(path) = std::env::var(VICTIM) else { return Ok(()) };
    let endless = Flow::from_items(0_u64..).stages(1).inspect(|number| {
        if *number == 1_000_000 {
            println!("enough");
        }
    });
    endless.write_json_lines(path).await?;
    Ok(())
}

#[test]
fn a_killed_process_leaves_the_earlier_file_as_it_was() {
    let (folder, path) = earlier();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["sinks::writes_until_it_is_killed", "--exact", "--nocapture"])
        .env(VICTIM, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("enough")));
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"earlier");
    let partial: Vec<_> = names(&folder).into_iter().filter(|name| name != "out").collect();
    assert!(matches!(&partial[..], [name] if name.starts_with(".out.") && name.ends_with(".partial")));
}
