//! Repeated uploads, which store missing or changed files, and nothing twice.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use crate::support::{Database, Ended, Home, bytes};

fn upload(home: &Home) -> Ended {
    let files = home.files();
    home.run([OsStr::new("--json"), "upload".as_ref(), files.path().as_os_str()]).expect_code(0)
}

/// Returns the numbers of uploaded and of skipped files, as the run reports them.
fn counts(ended: &Ended) -> (u64, u64) {
    let summary = ended.json();
    let count = |name: &str| summary[name].as_u64().unwrap_or_else(|| panic!("{name}: {summary:#}"));
    (count("files"), count("unchanged"))
}

fn set_modified(path: &Path, time: SystemTime) {
    File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("a time");
}

fn home_with_files() -> Home {
    let home = Home::new();
    for number in 0..20_usize {
        home.files().write(format!("sub{}/{number}.bin", number % 3), bytes(number as u64, 500 + number));
    }
    home
}

#[test]
fn a_repeated_upload_uploads_only_changed_files() {
    let home = home_with_files();
    assert_eq!(counts(&upload(&home)), (20, 0));
    assert_eq!(counts(&upload(&home)), (0, 20));
    let objects = Database::of(&home).number("SELECT count(*) FROM media");
    assert_eq!(objects, 20);

    home.files().write("new.bin", "new");
    home.files().write("sub0/0.bin", "another size");
    // As in rsync, the same size and time stand for the same content; with another time, the content is
    // compared.
    let touched = home.files().path().join("sub1/1.bin");
    set_modified(&touched, SystemTime::now() - Duration::from_secs(5_000));
    let changed = home.files().path().join("sub2/2.bin");
    fs::write(&changed, bytes(99, 502)).expect("a file");
    set_modified(&changed, SystemTime::now() - Duration::from_mins(100));
    assert_eq!(counts(&upload(&home)), (3, 18));
    assert_eq!(counts(&upload(&home)), (0, 21), "the time of the touched one is recorded");

    let down = home.download_all().expect_code(0);
    down.expect_one_line("2 older versions", &["drip ls"]);
    home.back().expect_same(&home.files(), &[]);
    let listed = home.run(["ls"]).expect_code(0);
    assert_eq!(listed.lines_about("sub0/0.bin").len(), 2, "the older version is kept: {}", listed.told());
}

#[test]
fn a_command_that_was_killed_is_repeated_without_storing_anything_twice() {
    let home = home_with_files();
    let files = home.files();
    let arguments =
        ["--storage-faults".as_ref(), OsStr::new("wait=30"), "upload".as_ref(), files.path().as_os_str()];
    for _ in 0..4 {
        let run = home.start(arguments);
        let stored = || home.data().join("objects").read_dir().map_or(0, Iterator::count);
        let before = stored();
        let mut run = run;
        while stored() == before && !run.has_ended() {
            std::thread::yield_now();
        }
        drop(run);
    }
    upload(&home);
    let database = Database::of(&home);
    assert_eq!(database.number("SELECT count(*) FROM media"), 20);
    database.expect_done();
    drop(database);
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}

#[test]
fn upload_without_a_path_continues_with_the_queue_and_reports_an_empty_one() {
    let home = Home::new();
    home.run(["upload"]).expect_code(1).expect_one_line("no data folder", &[]);
    home.files().write("a.bin", "a");
    upload(&home);
    home.run(["upload"]).expect_code(0).expect_one_line("nothing to upload", &["queue is empty"]);
}

#[test]
fn skipped_folders_are_counted_excluded_by_patterns_and_included_on_request() {
    let home = Home::new();
    for name in ["a.txt", "a.o", ".git/config", "sub/target/built", "docs/a.pdf"] {
        home.files().write(name, name);
    }
    let first = home
        .run(["--json", "upload", "files", "--exclude", "*.o", "--exclude", "docs/"])
        .expect_code(0)
        .json();
    assert_eq!(
        (&first["files"], &first["hidden"], &first["excluded"]),
        (&1.into(), &2.into(), &2.into()),
        "{first:#}"
    );
    let words = home.run(["upload", "files"]).expect_code(0);
    assert!(words.stdout.contains("2 folders skipped"), "{}", words.told());
    let all = home.run(["--json", "upload", "files", "--hidden"]).expect_code(0).json();
    assert_eq!(
        (&all["files"], &all["unchanged"], &all["hidden"]),
        (&2.into(), &3.into(), &0.into()),
        "{all:#}"
    );
    home.run(["upload", "files", "--exclude", "[a"]).expect_code(2);
}

#[test]
fn a_data_folder_that_is_removed_during_an_upload_is_a_failure() {
    let home = Home::new();
    for number in 0..30 {
        home.files().write(format!("{number}.bin"), "content");
    }
    let files = home.files();
    let arguments =
        ["--storage-faults".as_ref(), OsStr::new("wait=60"), "upload".as_ref(), files.path().as_os_str()];
    let mut run = home.start(arguments);
    while !home.data().join("objects").exists() && !run.has_ended() {
        std::thread::yield_now();
    }
    while fs::remove_dir_all(home.data()).is_err() && !run.has_ended() {}
    let ended = run.wait().expect_code(1);
    assert!(!ended.lines_about("data").is_empty(), "{}", ended.told());
}
