//! What if the storage answers slowly, or fails three calls of ten? What fails in passing is tried again, what fails for
//! good is told by name, and nothing is lost, stored twice, or left behind.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::support::{Database, Ended, Home, Tree, bytes};

/// Files of one call to the storage each.
const SMALL: usize = 120;

/// Runs after which everything has got through: a file of several calls gets through one in three.
const RUNS: usize = 60;

/// A home with small files, and one that is stored in parts.
fn home_with_files() -> Home {
    let home = Home::new();
    for number in 0..SMALL {
        home.files().write(format!("{number:03}.bin"), bytes(number as u64, 2_000 + number));
    }
    home.files().write("parts.bin", bytes(4711, 2_500_000));
    home
}

/// drip, whose storage has these faults.
fn run(home: &Home, faults: &str, command: &[&str]) -> Ended {
    home.run(["--storage-faults", faults].iter().chain(command))
}

/// Files that a run says have failed, each in one line, with the cause.
fn failed(ended: &Ended) -> Vec<String> {
    let lines = ended.stderr.lines().filter_map(|line| line.strip_prefix("failed: "));
    let name = |line: &str| {
        assert!(line.contains("failed, as it was asked to"), "the cause is told: {line}");
        let (path, _) = line.split_once(": ").expect("a name and a cause");
        path.rsplit('/').next().expect("a name").to_owned()
    };
    lines.map(name).collect()
}

/// Requires that everything is stored once, and nothing else, by what the database, the storage and a download say.
#[track_caller]
fn expect_everything_once(home: &Home) {
    let files = home.files().files().len();
    let listed = home.run(["ls"]).expect_code(0);
    assert_eq!(listed.lines_about(".bin").len(), files, "{}", listed.told());
    let objects = Tree::new(home.data().join("objects")).files();
    assert_eq!(objects.len(), files, "no object without a file: {objects:?}");
    assert_eq!(home.unfinished_objects(), Vec::<PathBuf>::new());
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
    Database::of(home).expect_sound();
}

#[test]
fn a_storage_that_answers_slowly_takes_its_time_and_loses_nothing() {
    let home = home_with_files();
    let begin = Instant::now();
    let uploaded = run(&home, "wait=20", &["upload", "files"]).expect_code(0);
    // At most four copies store at a time.
    assert!(begin.elapsed() > Duration::from_millis(20) * u32::try_from(SMALL / 4).unwrap());
    assert!(uploaded.stdout.contains(&format!("uploaded {} files", SMALL + 1)), "{}", uploaded.told());
    run(&home, "wait=20", &["download", "--all", "--to", "slowly"]).expect_code(0);
    Tree::new(home.path().join("slowly")).expect_same(&home.files(), &[]);
    expect_everything_once(&home);
    Database::of(&home).expect_done();
}

#[test]
fn a_storage_that_fails_three_calls_of_ten_makes_transfers_be_tried_again_and_loses_nothing() {
    let home = home_with_files();
    let mut ended = run(&home, "fail=30,seed=1", &["upload", "files", "-v"]);
    let again = ended.lines_about("will be tried again").len();
    assert!(again > SMALL / 5, "{again} were tried again: {}", ended.told());
    // Those that failed three times are told by name, and uploaded when they are named again.
    let mut left = failed(&ended);
    assert!(left.len() < SMALL / 4, "most get through: {left:?}");
    for seed in 2..RUNS {
        assert_eq!(ended.code, Some(i32::from(!left.is_empty())), "{}", ended.told());
        if left.is_empty() {
            break;
        }
        let paths: Vec<_> = left.iter().map(|name| format!("files/{name}")).collect();
        let command: Vec<_> = ["upload"].into_iter().chain(paths.iter().map(String::as_str)).collect();
        ended = run(&home, &format!("fail=30,seed={seed}"), &command);
        left = failed(&ended);
    }
    assert!(left.is_empty(), "after {RUNS} runs {left:?} are not uploaded");
    expect_everything_once(&home);
    Database::of(&home).expect_done();
}

#[test]
fn downloads_from_a_storage_that_fails_three_calls_of_ten_are_told_by_name_or_whole() {
    let home = home_with_files();
    home.upload();
    let mut left = usize::MAX;
    for seed in 1..RUNS {
        let ended = run(&home, &format!("fail=30,seed={seed}"), &["download", "--all", "--to", "back"]);
        left = failed(&ended).len();
        assert_eq!(ended.code, Some(i32::from(left > 0)), "{}", ended.told());
        if left == 0 {
            break;
        }
        assert!(left < SMALL / 4, "most get through: {}", ended.told());
    }
    assert_eq!(left, 0, "after {RUNS} runs");
    expect_everything_once(&home);
    Database::of(&home).expect_done();
}
