//! Uploads and downloads of trees of files, by folder and by id, with a matching summary.

use std::{ffi::OsStr, fs};

use crate::support::{CHUNK, Home, bytes};

fn home_with_a_tree() -> Home {
    let home = Home::new();
    let files = home.files();
    let sizes = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5, 9 * CHUNK];
    for (seed, size) in (1..).zip(sizes) {
        files.write(format!("{size}.bin"), bytes(seed, size));
        files.write(format!("sub/deeper/{size} again.bin"), bytes(seed + 100, size));
    }
    files.write("sub/ünïcode – and spaces.txt", "text");
    for number in 0..60 {
        files.write(format!("many/{number}.txt"), format!("file {number}"));
    }
    home
}

#[test]
fn a_tree_comes_back_byte_for_byte() {
    let home = home_with_a_tree();
    home.upload();
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}

#[test]
fn files_named_one_by_one_come_back_too() {
    let home = Home::new();
    let one = home.files().write("one.bin", bytes(1, CHUNK + 7));
    let two = home.files().write("two.bin", bytes(2, 10));
    home.run([OsStr::new("upload"), one.as_os_str(), two.as_os_str()]).expect_code(0);
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}

#[test]
fn the_json_summary_counts_files_bytes_and_every_stage() {
    let home = home_with_a_tree();
    let files = home.files();
    let count = files.files().len() as u64;
    let size: u64 = files.files().iter().map(|file| fs::metadata(file).unwrap().len()).sum();

    let up = home.run([OsStr::new("--json"), "upload".as_ref(), files.path().as_os_str()]).expect_code(0);
    expect_summary(&up.json(), count, size, ["starter", "encryption", "remote_storage", "notifier"]);

    let back = home.back();
    let to = back.path().as_os_str();
    let down = home.run([OsStr::new("--json"), "download".as_ref(), "--all".as_ref(), "--to".as_ref(), to]);
    let down = down.expect_code(0);
    expect_summary(&down.json(), count, size, ["starter", "remote_storage", "encryption", "notifier"]);
}

#[track_caller]
fn expect_summary(summary: &serde_json::Value, files: u64, bytes: u64, stages: [&str; 4]) {
    assert_eq!(summary["files"], files, "{summary:#}");
    assert_eq!(summary["bytes"], bytes, "{summary:#}");
    assert_eq!(summary["failed"], 0, "{summary:#}");
    assert!(summary["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{summary:#}");
    let told = summary["stages"].as_array().expect("stages");
    let named = |name: &str| told.iter().filter(|stage| stage["name"] == name).collect::<Vec<_>>();
    for name in stages {
        let copies = named(name);
        assert!(!copies.is_empty(), "no stage `{name}`: {summary:#}");
        let sum = |field: &str| copies.iter().map(|copy| copy[field].as_u64().expect(field)).sum::<u64>();
        assert_eq!(sum("restarts"), 0, "{summary:#}");
        let (first, last) = (name == stages[0], name == stages[3]);
        // At least a begin and an end of every file pass through every stage.
        assert!(first || sum("events_in") >= 2 * files, "{name}: {summary:#}");
        assert!(last || sum("events_out") >= 2 * files, "{name}: {summary:#}");
        assert!(sum("batches") > 0, "{name}: {summary:#}");
    }
    assert!(told.iter().all(|stage| stages.iter().any(|name| stage["name"] == *name)), "{summary:#}");
}

#[test]
fn ls_shows_every_file_with_its_download_id() {
    let home = Home::new();
    let wanted = home.files().write("wanted.bin", bytes(1, 1000));
    home.files().write("other.bin", bytes(2, 2000));
    home.upload();

    let listed = home.run(["ls"]).expect_code(0);
    assert_eq!(listed.lines_about("other.bin").len(), 1, "{}", listed.told());
    let line = listed.lines_about("wanted.bin");
    let [line] = line[..] else {
        panic!("one line about the file: {}", listed.told());
    };
    let id = line.split_whitespace().next().expect("an id at the start of the line");

    let back = home.back();
    home.run([OsStr::new("download"), id.as_ref(), "--to".as_ref(), back.path().as_os_str()]).expect_code(0);
    let came = back.files();
    assert_eq!(came.len(), 1, "{came:?}");
    assert_eq!(fs::read(&came[0]).unwrap(), fs::read(wanted).unwrap());
}

#[test]
fn two_versions_of_a_file_are_kept_and_a_user_is_remembered() {
    let home = Home::new();
    let file = home.files().write("a.txt", "first");
    let upload = [OsStr::new("upload"), file.as_os_str(), "--user".as_ref(), "atenas@meow.cat".as_ref()];
    home.run(upload).expect_code(0);
    home.files().write("a.txt", "second, and longer");
    home.run(upload).expect_code(0);
    let listed = home.run(["ls"]).expect_code(0);
    assert_eq!(listed.lines_about("a.txt").len(), 2, "{}", listed.told());
    assert_eq!(listed.lines_about("atenas@meow.cat").len(), 2, "{}", listed.told());
}
