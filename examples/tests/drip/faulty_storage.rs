//! A storage that answers slowly, or fails three calls of ten: transient failures are retried, permanent
//! failures are reported by name, and nothing is lost, stored twice, or left behind.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::support::{Database, Ended, Home, Tree, bytes};

/// Number of files that need one storage call each.
const SMALL: usize = 120;

/// Maximum number of runs until everything succeeds: a file of several calls succeeds in one run of three.
const RUNS: usize = 60;

/// Creates a home with small files, and one that is stored in parts.
fn home_with_files() -> Home {
    let home = Home::new();
    for number in 0..SMALL {
        home.files().write(format!("{number:03}.bin"), bytes(number as u64, 2_000 + number));
    }
    home.files().write("parts.bin", bytes(4711, 2_500_000));
    home
}

/// Runs drip with these faults of its storage.
fn run(home: &Home, faults: &str, command: &[&str]) -> Ended {
    home.run(["--storage-faults", faults].iter().chain(command))
}

/// Returns the failed files that a run reports, each in one line, with the cause.
fn failed(ended: &Ended) -> Vec<String> {
    let lines = ended.stderr.lines().filter_map(|line| line.strip_prefix("failed: "));
    let name = |line: &str| {
        assert!(line.contains("failed as configured"), "the line names the cause: {line}");
        let (path, _) = line.split_once(": ").expect("a name and a cause");
        path.rsplit('/').next().expect("a name").to_owned()
    };
    lines.map(name).collect()
}

/// Requires that everything is stored once, and nothing else, according to the database, the storage and a
/// download.
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
fn a_storage_that_fails_three_calls_of_ten_causes_retries_and_no_loss() {
    let home = home_with_files();
    let mut ended = run(&home, "fail=30,seed=1", &["upload", "files", "-v"]);
    let again = ended.lines_about("will be retried").len();
    assert!(again > SMALL / 5, "{again} were retried: {}", ended.told());
    // Files that failed three times are reported by name, and kept.
    let mut left = failed(&ended);
    assert!(left.len() < SMALL / 4, "most get through: {left:?}");
    expect_kept(&home, &left);
    for seed in 2..RUNS {
        assert_eq!(ended.code, Some(i32::from(!left.is_empty())), "{}", ended.told());
        if left.is_empty() {
            break;
        }
        ended = run(&home, &format!("fail=30,seed={seed}"), &["upload", "--failed"]);
        left = failed(&ended);
    }
    assert!(left.is_empty(), "after {RUNS} runs {left:?} are not uploaded");
    expect_everything_once(&home);
    Database::of(&home).expect_done();
}

/// Requires that exactly these files are dead, each with its cause.
#[track_caller]
fn expect_kept(home: &Home, names: &[String]) {
    let kept = home.run(["failed"]).expect_code(0);
    let causes = kept.lines_about("failed as configured");
    assert_eq!(causes.len(), names.len(), "{}", kept.told());
    for name in names {
        assert_eq!(kept.lines_about(name).len(), 1, "{name}: {}", kept.told());
    }
    assert_eq!(home.run(["failed", "--json"]).json()["failures"].as_array().map(Vec::len), Some(names.len()));
}

#[test]
fn uploads_to_a_storage_that_always_fails_stay_dead_until_retried_or_forgotten() {
    let home = Home::new();
    let names: Vec<_> = (0..20).map(|number| format!("{number:02}.bin")).collect();
    for name in &names {
        home.files().write(name, bytes(1, 2_000));
    }
    let ended = run(&home, "fail=100", &["upload", "files"]).expect_code(1);
    ended.expect_one_line("20 failed uploads kept", &["drip failed", "upload --failed"]);
    expect_kept(&home, &names);
    // Naming a file again retries it, under its old name in the queue.
    home.run(["upload", "files/00.bin"]).expect_code(0);
    expect_kept(&home, &names[1..]);

    // The storage fails to remove objects as well: the partial objects belong to the dead jobs until they are
    // removed.
    run(&home, "fail=100", &["failed", "--forget"]).expect_code(1);
    home.run(["failed", "--forget"]).expect_code(0);
    expect_kept(&home, &[]);
    let objects = Tree::new(home.data().join("objects")).files();
    assert_eq!(objects.len(), 1, "that of the file that got through: {objects:?}");
    Database::of(&home).expect_done();
    home.run(["upload", "files"]).expect_code(0);
    assert_eq!(home.run(["ls"]).expect_code(0).lines_about(".bin").len(), names.len());
}

#[test]
fn downloads_from_a_storage_that_fails_three_calls_of_ten_are_whole_or_fail_by_name() {
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
