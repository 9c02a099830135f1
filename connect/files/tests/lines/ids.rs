//! The ids of lines: one for each line, whatever happens to its file.

use std::collections::HashSet;
use std::fs;

use crate::support::{Log, Source};

/// Returns the ids of exactly these lines, which are not settled.
async fn ids(source: &mut Source, expected: &[&str]) -> Vec<String> {
    source.lines(expected).await.iter().map(|line| line.message.id()).collect()
}

#[tokio::test]
async fn a_line_that_is_delivered_again_has_its_id_also_behind_a_restart_and_a_rotation() {
    let log = Log::new("head\none\ntwo\n");
    let mut source = log.open().await;
    let before = ids(&mut source, &["head", "one", "two"]).await;
    assert_eq!(before.iter().collect::<HashSet<_>>().len(), 3);
    drop(source);
    let mut source = log.open().await;
    let lines = source.lines(&["head", "one", "two"]).await;
    assert_eq!(lines.iter().map(|line| line.message.id()).collect::<Vec<_>>(), before);
    source.accept(&lines[..1]).await;
    drop(source);
    // The file is renamed while no source follows it. The next one has the same bytes at the same places.
    fs::rename(&log.path, log.rotated(".1")).unwrap();
    fs::write(&log.path, "head\none\nthree\n").unwrap();
    let mut source = log.open().await;
    let behind = ids(&mut source, &["one", "two", "head", "one", "three"]).await;
    assert_eq!(behind[..2], before[1..]);
    let all: HashSet<_> = before.iter().chain(&behind).collect();
    assert_eq!(all.len(), 6, "{before:?} {behind:?}");
}

#[tokio::test]
async fn lines_behind_a_truncation_have_ids_of_their_own() {
    let log = Log::new("head\none\n");
    let mut all = HashSet::new();
    let mut source = log.open().await;
    let lines = source.lines(&["head", "one"]).await;
    source.accept(&lines).await;
    all.extend(lines.iter().map(|line| line.message.id()));
    fs::write(&log.path, "").unwrap();
    source.has_no_more().await;
    log.append("head\n");
    let lines = source.lines(&["head"]).await;
    source.accept(&lines).await;
    all.extend(lines.iter().map(|line| line.message.id()));
    drop(source);
    // The file is overwritten while no source follows it.
    fs::write(&log.path, "one\n").unwrap();
    let mut source = log.open().await;
    let lines = ids(&mut source, &["one"]).await;
    drop(source);
    all.extend(lines.iter().cloned());
    assert_eq!(all.len(), 4, "{all:?}");
    // The next source reads the truncation from the checkpoint, or notices it again.
    assert_eq!(ids(&mut log.open().await, &["one"]).await, lines);
}
