//! The checkpoint: behind the handled lines, of one file, in use by one source.

use std::fs;
use std::num::NonZeroUsize;
use std::time::Duration;

use stage_connect::{Disposition, ErrorKind, Pull, Settle};
use stage_files::Follow;

use crate::support::{Log, Source, refusal, texts};

#[tokio::test]
async fn a_restart_goes_on_at_the_first_line_that_is_not_handled() {
    let log = Log::new("one\ntwo\nthree\nfour\n");
    let mut source = log.open().await;
    let lines = source.lines(&["one", "two", "three", "four"]).await;
    source.accept(&lines[..1]).await;
    source.accept(&lines[2..3]).await;
    drop(source);
    let mut source = log.open().await;
    let lines = source.lines(&["two", "three", "four"]).await;
    source.accept(&lines).await;
    drop(source);
    log.open().await.has_no_more().await;
}

#[tokio::test]
async fn a_rejected_line_comes_again_and_the_others_go_on() {
    let log = Log::new("one\ntwo\nthree\n");
    let mut source = log.open().await;
    let lines = source.lines(&["one", "two"]).await;
    let retry = Disposition::Retry { after: Duration::ZERO };
    let settled = [(lines[0].receipt.clone(), retry), (lines[1].receipt.clone(), Disposition::Release)];
    source.settle.settle(&settled).await.unwrap();
    let lines = source.lines(&["one", "two", "three"]).await;
    assert_eq!(lines.iter().map(|line| line.attempt).collect::<Vec<_>>(), [2, 1, 1]);
    source.accept(&lines[1..]).await;
    drop(source);
    let mut source = log.open().await;
    let lines = source.lines(&["one", "two", "three"]).await;
    let dead = Disposition::Dead { cause: "no ink".to_owned() };
    source.settle.settle(&[(lines[0].receipt.clone(), dead)]).await.unwrap();
    drop(source);
    log.open().await.lines(&["two", "three"]).await;
}

#[tokio::test]
async fn no_line_is_delivered_beyond_the_window() {
    let log = Log::new("1\n2\n3\n4\n5\n");
    let mut source = Source::of(&log.follow().window(3)).await;
    let lines = source.lines(&["1", "2", "3"]).await;
    source.accept(&lines[1..]).await;
    source.has_no_more().await;
    source.accept(&lines[..1]).await;
    source.handle(&["4", "5"]).await;
}

#[tokio::test]
async fn the_checkpoint_of_another_file_is_refused() {
    let log = Log::new("one\ntwo\n");
    log.open().await.handle(&["one", "two"]).await;
    // A file with another name, and the same checkpoint.
    let other = log.path.with_file_name("other.log");
    fs::write(&other, "one\n").unwrap();
    let error = refusal(&Follow::new(&other, &log.checkpoint)).await;
    assert_eq!(error.kind(), ErrorKind::Fatal);
    let said = format!(
        "file `{}`: the checkpoint `{}` belongs to `app.log`; name another file for the checkpoint",
        other.display(),
        log.checkpoint.display()
    );
    assert_eq!(error.to_string(), said);
    // Of a file that had the name, and is gone. The new one exists before the old one is removed, so that it has another inode.
    let new = log.rotated(".new");
    fs::write(&new, "new\n").unwrap();
    fs::rename(&new, &log.path).unwrap();
    let error = refusal(&log.follow()).await;
    assert_eq!(error.kind(), ErrorKind::Fatal);
    let said = format!(
        "file `{}`: the checkpoint `{}` is at byte 8 of a file that is no longer in `{}`; bring the file back, or remove the \
         checkpoint to begin with the one that has the name now",
        log.path.display(),
        log.checkpoint.display(),
        log.path.parent().unwrap().display()
    );
    assert_eq!(error.to_string(), said);
    // No checkpoint at all.
    fs::write(&log.checkpoint, "something else\n").unwrap();
    let error = refusal(&log.follow()).await;
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(
        error.to_string().ends_with("is not a checkpoint; restore it, or remove it to begin without one"),
        "{error}"
    );
}

#[tokio::test]
async fn a_directory_in_the_place_of_a_file_and_a_missing_one_are_refused() {
    let log = Log::new("one\n");
    let (file, folder) = (log.path.display(), log.path.parent().unwrap());
    let directory = folder.display();
    let remedy =
        "follow a file in it, or read its files to their ends with `Flow::from_lines_of` of the crate `flow`";
    let cases = [
        (Follow::new(folder, &log.checkpoint), format!("file `{directory}`: it is a directory; {remedy}")),
        (
            Follow::new(&log.path, folder),
            format!("file `{file}`: the checkpoint `{directory}` is a directory; name a file in it"),
        ),
        (
            log.follow().dead_letters(folder),
            format!(
                "file `{file}`: the file of dead letters `{directory}` is a directory; name a file in it"
            ),
        ),
        (
            Follow::new(&log.path, folder.join("missing/checkpoint")),
            format!(
                "file `{file}`: there is no folder `{directory}/missing` for the checkpoint; create it, or give another \
                 path for the checkpoint"
            ),
        ),
    ];
    for (follow, said) in cases {
        let error = refusal(&follow).await;
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Fatal, said));
    }
}

#[tokio::test]
async fn one_source_at_a_time_uses_a_checkpoint() {
    let log = Log::new("one\n");
    let mut first = log.open().await;
    let error = refusal(&log.follow()).await;
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert!(error.to_string().ends_with("is in use by another source"), "{error}");
    let lines = first.lines(&["one"]).await;
    // The half that settles outlives the other one.
    let Source { pull, mut settle } = first;
    drop(pull);
    assert_eq!(refusal(&log.follow()).await.kind(), ErrorKind::Gone);
    settle.settle(&[(lines[0].receipt.clone(), Disposition::Accept)]).await.unwrap();
    drop(settle);
    log.open().await.has_no_more().await;
}

#[tokio::test]
async fn a_verdict_that_cannot_be_stored_is_repeated() {
    let log = Log::new("one\ntwo\n");
    let away = log.folder.path().with_extension("away");
    let mut source = log.open().await;
    let lines = source.lines(&["one", "two"]).await;
    fs::rename(log.folder.path(), &away).unwrap();
    let settled = [
        (lines[0].receipt.clone(), Disposition::Accept),
        (lines[1].receipt.clone(), Disposition::Retry { after: Duration::ZERO }),
    ];
    let error = source.settle.settle(&settled).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    let said = format!("file `{}`: cannot store the checkpoint: ", log.path.display());
    assert!(error.to_string().starts_with(&said), "{error}");
    fs::rename(&away, log.folder.path()).unwrap();
    source.settle.settle(&settled).await.unwrap();
    let two = source.pull.pull(NonZeroUsize::MAX, Duration::from_secs(60)).await.unwrap();
    assert_eq!((texts(&two), two[0].attempt), (vec!["two"], 2));
    drop(source);
    log.open().await.handle(&["two"]).await;
}
