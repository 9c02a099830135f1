//! drip interrupted midway: nothing half-stored remains, and the next run continues.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use crate::support::{Database, Ended, Home, Started};

/// Longer than any run takes to start.
const LIMIT: Duration = Duration::from_mins(1);

/// Size of a file that takes a while, but no room on the disk.
const LARGE: u64 = 400 << 20;

fn home_with_a_large_file() -> Home {
    let home = Home::new();
    fs::create_dir(home.files().path()).expect("a folder");
    let file = File::create(home.files().path().join("large.bin")).expect("a new file");
    file.set_len(LARGE).expect("a file with a hole");
    home
}

/// Starts drip, and returns as soon as that run has stored half a file, so that it is in mid-transfer.
fn started_halfway(home: &Home, arguments: &[&OsStr], half_files: impl Fn(&Home) -> Vec<PathBuf>) -> Started {
    let mut started = home.start(arguments);
    let begin = Instant::now();
    while half_files(home).is_empty() {
        assert!(!started.has_ended(), "ended before it could be interrupted: {}", started.wait().told());
        assert!(begin.elapsed() < LIMIT, "has not begun in {LIMIT:?}");
        thread::yield_now();
    }
    started
}

fn halfway_up(home: &Home) -> Started {
    started_halfway(home, &["upload".as_ref(), home.files().path().as_os_str()], Home::unfinished_objects)
}

fn halfway_down(home: &Home) -> Started {
    let back = home.back();
    let arguments = ["download".as_ref(), "--all".as_ref(), OsStr::new("--to"), back.path().as_os_str()];
    started_halfway(home, &arguments, |home| home.back().files())
}

#[track_caller]
fn expect_everything_once(home: &Home) {
    let listed = home.run(["ls"]).expect_code(0);
    assert_eq!(listed.lines_about("large.bin").len(), 1, "{}", listed.told());
    assert_eq!(home.unfinished_objects(), Vec::<PathBuf>::new());
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}

/// Interrupts drip until it has ended; at the first signal it only finishes the files it has begun.
fn interrupted_twice(mut started: Started) -> Ended {
    while !started.has_ended() {
        started.interrupt();
    }
    started.wait()
}

#[test]
fn an_upload_that_is_interrupted_twice_returns_to_the_queue_and_the_next_run_completes_it() {
    let home = home_with_a_large_file();
    let ended = interrupted_twice(halfway_up(&home)).expect_code(130);
    ended.expect_one_line("interrupted:", &["queue"]);
    assert!(ended.stdout.contains("1 left in the queue"), "{}", ended.told());
    assert_eq!(home.unfinished_objects(), Vec::<PathBuf>::new());
    assert!(home.run(["ls"]).expect_code(0).lines_about("large.bin").is_empty());

    home.upload().expect_one_line("1 upload", &["earlier run"]);
    expect_everything_once(&home);
}

/// Number of files of a home with many files.
const MANY: usize = 120;

/// The storage takes so long for each part that a signal certainly arrives during the upload.
const SLOW: &str = "wait=40";

/// Time within which drip must finish the files it has begun.
const DEADLINE: Duration = Duration::from_secs(10);

fn home_with_many_files() -> Home {
    let home = Home::new();
    fs::create_dir(home.files().path()).expect("a folder");
    for number in 0..MANY {
        let file = File::create(home.files().path().join(format!("{number:03}.bin"))).expect("a new file");
        file.set_len(2 << 20).expect("a file with a hole");
    }
    home
}

fn listed(home: &Home) -> usize {
    home.run(["ls"]).expect_code(0).lines_about(".bin").len()
}

/// Requires that the jobs left in the queue look untouched, so that nothing is delivered again.
#[track_caller]
fn expect_never_begun(home: &Home, left: usize) {
    let database = Database::of(home);
    database.expect_sound();
    assert_eq!(database.number("SELECT count(*) FROM jobs"), left as u64);
    let begun = "SELECT count(*) FROM jobs WHERE attempts > 0 OR lessee IS NOT NULL OR cause IS NOT NULL";
    assert_eq!(database.number(begun), 0);
    assert_eq!(database.number("SELECT count(*) FROM jobs_dead"), 0);
}

/// Returns the signals that ask drip to end. If SIGHUP is ignored, as under `nohup`, drip ignores it, too.
fn signals() -> Vec<&'static str> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0").trim();
    let hangup = u64::from_str_radix(ignored, 16).is_ok_and(|mask| mask & 1 == 0);
    ["TERM", "INT"].into_iter().chain(hangup.then_some("HUP")).collect()
}

#[test]
fn a_signal_under_load_finishes_the_files_that_were_begun_ends_with_130_and_nothing_is_uploaded_again() {
    for signal in signals() {
        let home = home_with_many_files();
        let files = home.files();
        let arguments = [
            "--json".as_ref(),
            "--storage-faults".as_ref(),
            SLOW.as_ref(),
            "upload".as_ref(),
            files.path().as_os_str(),
        ];
        let upload = started_halfway(&home, &arguments, Home::unfinished_objects);
        let begin = Instant::now();
        upload.signal(signal);
        let ended = upload.wait().expect_code(130);
        assert!(begin.elapsed() < DEADLINE, "it took {:?}: {}", begin.elapsed(), ended.told());
        ended.expect_one_line("interrupted:", &["queue"]);
        assert_eq!(home.unfinished_objects(), Vec::<PathBuf>::new(), "{}", ended.told());
        let done = listed(&home);
        assert!(done > 0 && done < MANY, "{done} of {MANY} files: {}", ended.told());
        let summary = ended.json();
        assert_eq!((&summary["files"], &summary["queued"]), (&done.into(), &(MANY - done).into()));
        assert_eq!(summary["interrupted"], true, "{summary:#}");
        expect_never_begun(&home, MANY - done);

        let rest = home.run(["upload"]).expect_code(0);
        assert!(rest.stdout.contains(&format!("uploaded {} file", MANY - done)), "{}", rest.told());
        assert_eq!(listed(&home), MANY);
        home.download_all().expect_code(0);
        home.back().expect_same(&home.files(), &[]);
    }
}

#[test]
fn a_killed_upload_is_completed_by_the_next_run() {
    let home = home_with_a_large_file();
    drop(halfway_up(&home));
    home.upload().expect_one_line("1 upload", &["earlier run"]);
    expect_everything_once(&home);
}

#[test]
fn a_download_that_is_interrupted_twice_leaves_no_half_file_and_the_next_run_completes_it() {
    let home = home_with_a_large_file();
    home.upload();
    let ended = interrupted_twice(halfway_down(&home)).expect_code(130);
    ended.expect_one_line("interrupted:", &["queue"]);
    assert_eq!(home.back().files(), Vec::<PathBuf>::new());
    expect_everything_once(&home);
}

#[test]
fn a_killed_download_is_completed_by_the_next_run_which_removes_the_half_file() {
    let home = home_with_a_large_file();
    home.upload();
    drop(halfway_down(&home));
    expect_everything_once(&home);
}
