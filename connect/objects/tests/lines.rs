//! Tests of the lines of objects: pieces, formats and errors.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::Arc;

use flow::{Flow, FlowError};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::Deserialize;
use stage_objects::Objects;

/// Creates a store with these objects.
async fn memory(objects: &[(&str, &str)]) -> Arc<InMemory> {
    let store = Arc::new(InMemory::new());
    for (path, text) in objects {
        store.put(&Path::from(*path), (*text).to_owned().into()).await.unwrap();
    }
    store
}

async fn open(store: Arc<dyn ObjectStore>, paths: &[&str]) -> Objects {
    Objects::open(store, paths.iter().map(|path| Path::from(*path))).await.unwrap()
}

/// Returns the error of a failed flow.
fn reason(error: &FlowError) -> String {
    let FlowError::Stage { reason, .. } = error else { panic!("{error}") };
    reason.to_string()
}

#[tokio::test]
async fn each_line_is_read_once_whatever_the_size_of_the_pieces() {
    let texts = ["", "\n", "a", "one\r\ntwo\n\nlast", "\n\n\nx\n", "long long long line\ns\nt\n"];
    for text in texts {
        let expected: Vec<_> = text.lines().map(str::to_owned).collect();
        let store = memory(&[("a", text), ("b", text)]).await;
        for piece in [1, 2, 3, 5, 7, 100] {
            let objects = open(Arc::clone(&store) as _, &["a", "b"]).await.piece_bytes(piece);
            let lines: Vec<_> = Flow::from_source(objects.clone().lines()).stages(1).collect().await.unwrap();
            assert_eq!(lines, [&expected[..], &expected].concat(), "{text:?} by {piece}");
            let mut lines: Vec<_> = Flow::from_source(objects.lines()).stages(3).collect().await.unwrap();
            let mut sorted = [&expected[..], &expected].concat();
            sorted.sort();
            lines.sort();
            assert_eq!(lines, sorted, "{text:?} by {piece}");
        }
    }
}

#[tokio::test]
async fn local_objects_with_lines_longer_than_a_request_are_read() {
    let lines: Vec<_> = (0..20).map(|number| format!("{number}{}", "x".repeat(number * 10_000))).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("long"), lines.join("\n")).unwrap();
    let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    for piece in [1000, 70_000, 10_000_000] {
        let objects = open(Arc::clone(&store) as _, &["long"]).await.piece_bytes(piece);
        let lengths = Flow::from_source(objects.lines_with(<[u8]>::len)).stages(2);
        let sum = lengths.fold(0, |sum, length| sum + length).await.unwrap();
        assert_eq!(sum, lines.iter().map(String::len).sum::<usize>());
    }
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Media {
    user: u32,
    name: String,
}

#[tokio::test]
async fn json_lines_and_csv_lines_become_values() {
    let json = "{\"user\":1,\"name\":\"a\"}\r\n\n{\"user\":2,\"name\":\"b\"}";
    let csv = "name,user\n\"a, b\",1\n\nc,2\n";
    let store = memory(&[("json", json), ("csv", csv), ("other", "user,name\n3,d"), ("empty", "")]).await;
    for piece in [1, 9, 100] {
        let objects = open(Arc::clone(&store) as _, &["json"]).await.piece_bytes(piece);
        let all: Vec<Media> = Flow::from_source(objects.json()).stages(1).collect().await.unwrap();
        let media = |user, name: &str| Media { user, name: name.to_owned() };
        assert_eq!(all, [media(1, "a"), media(2, "b")]);
        let objects = open(Arc::clone(&store) as _, &["csv", "empty", "other"]).await.piece_bytes(piece);
        let mut all: Vec<Media> = Flow::from_source(objects.csv()).stages(2).collect().await.unwrap();
        all.sort();
        assert_eq!(all, [media(1, "a, b"), media(2, "c"), media(3, "d")]);
    }
}

#[tokio::test]
async fn errors_name_the_object_and_the_byte() {
    let csv = "user,name\n1,\"two\nlines\"\n";
    let store =
        memory(&[("json", "{\"user\":1,\"name\":\"a\"}\n{}\n"), ("csv", csv), ("few", "user,name\n1\n")])
            .await;
    let objects = async |path: &str| open(Arc::clone(&store) as _, &[path]).await;
    let failed = |flow: Result<u64, FlowError>| reason(&flow.unwrap_err());
    let said = failed(Flow::from_source(objects("json").await.json::<Media>()).count().await);
    assert!(said.contains("`json` has a wrong line at byte 22: missing field `user`"), "{said}");
    let said = failed(Flow::from_source(objects("csv").await.csv::<Media>()).count().await);
    assert!(said.contains("`csv` has a wrong line at byte 10: a quote is not closed in its line"), "{said}");
    let said = failed(Flow::from_source(objects("few").await.csv::<Media>()).count().await);
    assert!(said.contains("`few` has a wrong line at byte 10: found 1 fields, expected 2"), "{said}");
    let said = failed(Flow::from_source(objects("json").await.max_line_bytes(5).lines()).count().await);
    assert!(said.contains("`json` has a line of more than 5 bytes at byte 0"), "{said}");
    let gone = objects("json").await;
    store.delete(&Path::from("json")).await.unwrap();
    let said = failed(Flow::from_source(gone.lines()).count().await);
    assert!(said.contains("`json` cannot be read at byte 0: "), "{said}");
    let error = Objects::open(Arc::clone(&store) as _, [Path::from("json")]).await.unwrap_err();
    assert!(error.to_string().starts_with("`json` cannot be read at byte 0: "), "{error}");
}
