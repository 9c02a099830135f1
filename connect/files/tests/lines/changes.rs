//! Growth, rotation and truncation.

use std::fs;
use std::num::NonZeroUsize;
use std::time::Duration;

use stage_connect::{ErrorKind, Pull, PullOptions, source};
use stage_core::policy::{FailurePolicy, attempt};
use stage_core::{BoxError, Pipeline};
use stage_files::{Change, Line, StartAt};

use crate::support::{Log, Source};

#[tokio::test]
async fn lines_come_as_the_file_grows_and_a_line_without_its_end_waits() {
    let log = Log::new("one\r\ntw");
    let mut source = log.open().await;
    source.handle(&["one"]).await;
    source.has_no_more().await;
    log.append("o\n\nthree\n");
    source.handle(&["two", "", "three"]).await;
    source.has_no_more().await;
    assert_eq!(log.changes(), []);
}

#[tokio::test]
async fn long_files_are_read_in_blocks_and_a_line_knows_its_place() {
    let lines: Vec<_> =
        (0..40_000).map(|number| format!("line {number} {}", "x".repeat(number % 50))).collect();
    let log = Log::new(&(lines.join("\n") + "\n"));
    let mut source = log.open().await;
    let expected: Vec<_> = lines.iter().map(String::as_str).collect();
    let taken = source.lines(&expected).await;
    let text = fs::read(&log.path).unwrap();
    for line in &taken {
        let at = usize::try_from(line.message.offset()).unwrap();
        assert!(text[at..].starts_with(line.message.bytes()));
    }
}

#[tokio::test]
async fn a_renamed_file_is_read_to_its_end_before_the_next_one() {
    let log = Log::new("one\n");
    let mut source = log.open().await;
    source.handle(&["one"]).await;
    // The writer appends to the old file until it opens the new one.
    let old = log.rotated(".1");
    fs::rename(&log.path, &old).unwrap();
    fs::write(&log.path, "").unwrap();
    fs::write(&old, "one\ntwo\n").unwrap();
    source.handle(&["two"]).await;
    assert_eq!(log.changes(), []);
    fs::write(&old, "one\ntwo\nno end").unwrap();
    log.append("three\n");
    source.handle(&["no end", "three"]).await;
    assert_eq!(log.changes(), [Change::Rotated { path: log.path.clone(), read: 14 }]);
    drop(source);
    log.append("four\n");
    log.open().await.handle(&["four"]).await;
}

#[tokio::test]
async fn files_that_had_the_name_while_nobody_followed_are_read_in_their_order() {
    let log = Log::new("one\ntwo\n");
    let mut source = log.open().await;
    let lines = source.lines(&["one", "two"]).await;
    source.accept(&lines[..1]).await;
    drop(source);
    fs::rename(&log.path, log.rotated(".2")).unwrap();
    log.append("three\n");
    fs::rename(&log.path, log.rotated(".1")).unwrap();
    log.append("four\n");
    let mut source = log.open().await;
    source.handle(&["two", "three", "four"]).await;
    assert_eq!(log.changes().len(), 2);
    source.has_no_more().await;
    // Earlier files are not read again at the next rotation.
    fs::rename(&log.path, log.rotated(".0")).unwrap();
    log.append("five\n");
    source.handle(&["five"]).await;
    source.has_no_more().await;
}

#[tokio::test]
async fn files_of_one_moment_are_read_once_also_after_a_restart() {
    let log = Log::new("");
    let moment = fs::metadata(&log.path).unwrap().modified().unwrap();
    log.open().await.has_no_more().await;
    for number in 1..=5 {
        let text = number.to_string();
        log.append(&format!("{text}\n"));
        fs::File::open(&log.path).unwrap().set_modified(moment).unwrap();
        log.open().await.handle(&[&text]).await;
        fs::rename(&log.path, log.rotated(&format!(".{}", 9 - number))).unwrap();
    }
    log.append("last\n");
    let mut source = log.open().await;
    source.handle(&["last"]).await;
    source.has_no_more().await;
}

#[tokio::test]
async fn a_packed_file_in_between_is_reported() {
    let log = Log::new("one\n");
    let mut source = log.open().await;
    source.handle(&["one"]).await;
    fs::rename(&log.path, log.rotated(".2")).unwrap();
    let packed = log.rotated(".1.gz");
    let later = fs::metadata(log.rotated(".2")).unwrap().modified().unwrap() + Duration::from_secs(1);
    let file = fs::File::create(&packed).unwrap();
    file.set_modified(later).unwrap();
    log.append("three\n");
    source.handle(&["three"]).await;
    let rotated = Change::Rotated { path: log.path.clone(), read: 4 };
    assert_eq!(log.changes(), [Change::Skipped { path: packed }, rotated]);
}

#[tokio::test]
async fn a_truncated_file_is_reported_and_read_from_its_beginning() {
    let log = Log::new("one\ntwo\nhalf");
    let mut source = log.open().await;
    source.handle(&["one", "two"]).await;
    fs::write(&log.path, "").unwrap();
    source.has_no_more().await;
    assert_eq!(log.changes(), [Change::Truncated { path: log.path.clone(), read: 12, size: 0 }]);
    log.append("three\n");
    source.handle(&["three"]).await;
    // The new content is longer than the old one, so that only its first bytes tell.
    fs::write(&log.path, "four\nfive\n").unwrap();
    source.handle(&["four", "five"]).await;
    assert_eq!(log.changes()[1], Change::Truncated { path: log.path.clone(), read: 6, size: 10 });
    drop(source);
    let mut source = log.open().await;
    source.has_no_more().await;
    drop(source);
    // While no source followed.
    fs::write(&log.path, "six\n").unwrap();
    log.open().await.handle(&["six"]).await;
    assert_eq!(log.changes()[2], Change::Truncated { path: log.path.clone(), read: 10, size: 4 });
}

#[tokio::test]
async fn a_file_that_is_away_is_waited_for() {
    let log = Log::new("one\n");
    fs::remove_file(&log.path).unwrap();
    let error = crate::support::refusal(&log.follow()).await;
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert!(
        error.to_string().starts_with(&format!("file `{}`: cannot open it: ", log.path.display())),
        "{error}"
    );
    log.append("one\n");
    let mut source = log.open().await;
    source.handle(&["one"]).await;
    let old = log.rotated(".1");
    fs::rename(&log.path, &old).unwrap();
    let error = source.pull.pull(NonZeroUsize::MIN, Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("file `{}`: cannot read it: no file has the name", log.path.display())
    );
    // The renamed file still grows.
    fs::write(&old, "one\ntwo\n").unwrap();
    source.pull.connect().await.unwrap();
    source.handle(&["two"]).await;
    log.append("three\n");
    source.pull.connect().await.unwrap();
    source.handle(&["three"]).await;
}

#[tokio::test]
async fn a_source_that_begins_at_the_end_has_its_place_before_the_first_line_came() {
    let log = Log::new("one\nha");
    let follow = log.follow().start_at(StartAt::End);
    let mut source = Source::of(&follow).await;
    source.has_no_more().await;
    drop(source);
    log.append("lf\ntwo\n");
    Source::of(&follow).await.handle(&["half", "two"]).await;
}

#[tokio::test]
async fn a_line_that_is_too_long_is_an_error_with_its_place() {
    for text in ["one\n123456789\n", "one\n123456789"] {
        let log = Log::new(text);
        let mut source = Source::of(&log.follow().max_line_bytes(8)).await;
        source.handle(&["one"]).await;
        let error = source.pull.pull(NonZeroUsize::MIN, Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal);
        let said = "the line at byte 4 has more than 8 bytes; allow longer ones by `max_line_bytes`";
        assert_eq!(error.to_string(), format!("file `{}`: {said}", log.path.display()));
    }
}

#[tokio::test]
async fn a_pipeline_to_the_end_of_the_file_ends_after_its_last_line() {
    let log = Log::new("1\n2\nno number\n3");
    fs::write(&log.path, b"1\n2\n\xFFno\n3").unwrap();
    let dead = log.folder.path().join("dead");
    let follow = log.follow().to_end().dead_letters(&dead);
    let parse = |line: Line| -> Result<u32, BoxError> { Ok(line.text()?.parse()?) };
    let start = move || {
        let (seen, numbers) = std::sync::mpsc::channel();
        let follow = follow.clone();
        let pipeline = Pipeline::builder("numbers")
            .start("lines", move || Ok(source::pulled(follow.pull(), PullOptions::new().attempts(1))))
            .acknowledged()
            .step_each("parse", FailurePolicy::skip(), move || Ok(attempt(parse)))
            .finish_fn("sum", move |number| seen.send(number).unwrap());
        (pipeline, numbers)
    };
    let (pipeline, numbers) = start();
    pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(numbers.iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(fs::read(&dead).unwrap(), b"\xFFno\n");
    let (pipeline, numbers) = start();
    pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(numbers.iter().count(), 0);
}
