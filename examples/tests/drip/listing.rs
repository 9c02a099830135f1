//! Lists of many rows, which are printed in time, as a stream; a result that cannot be written is a failure.

use std::{
    fs::{self, OpenOptions},
    io::Read,
    process::Stdio,
    time::{Duration, Instant},
};

use crate::support::{Database, Home};

/// Rows of a list; with quadratic time, a list of this size would not end within the limit.
const ROWS: u64 = 50_000;

/// Longer than any list takes in a debug build on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// Creates a home in which one file is stored, and `ROWS` more are recorded.
fn home_with_many_media() -> Home {
    let home = Home::new();
    home.files().write("a.bin", "content");
    home.upload();
    Database::of(&home).multiply("media", "id", &["storage_key"], ROWS);
    home
}

#[test]
fn ls_of_50_000_files_is_complete_in_words_and_in_json() {
    let home = home_with_many_media();
    let begin = Instant::now();
    let words = home.run(["ls"]).expect_code(0);
    assert_eq!(words.stdout.lines().count() as u64, 1 + 1 + ROWS);
    let json = home.run(["ls", "--json"]).expect_code(0).json();
    assert_eq!(json["files"], 1 + ROWS);
    assert_eq!(json["media"].as_array().map(|media| media.len() as u64), Some(1 + ROWS));
    assert_eq!((&json["command"], &json["media"][0]["path"]), (&"ls".into(), &"a.bin".into()));
    assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
}

#[test]
fn ls_shows_its_first_rows_at_once_and_ends_cleanly_when_its_reader_closes() {
    let home = home_with_many_media();
    for arguments in [&["ls"][..], &["ls", "--json"]] {
        let mut command = home.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut drip = command.spawn().expect("the program starts");
        let mut first = vec![0; 40];
        let mut stdout = drip.stdout.take().expect("a pipe");
        stdout.read_exact(&mut first).expect("the beginning of a list");
        drop(stdout);
        let ended = drip.wait_with_output().expect("the program ends");
        assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
        assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn failed_of_50_000_uploads_is_complete_in_words_and_in_json() {
    let home = Home::new();
    home.files().write("a.bin", "content");
    home.run(["--storage-faults", "fail=100", "upload", "files"]).expect_code(1);
    let database = Database::of(&home);
    database.multiply("media", "id", &["storage_key"], ROWS);
    database.multiply("jobs_dead", "id", &[], ROWS);
    // The transfers of the new media, with matching numbers.
    database.multiply("transfers", "id", &["job", "media_id"], ROWS);
    drop(database);

    let begin = Instant::now();
    let words = home.run(["failed"]).expect_code(0);
    assert_eq!(words.lines_about("a.bin").len() as u64, 1 + ROWS);
    let json = home.run(["failed", "--json"]).expect_code(0).json();
    assert_eq!(json["failures"].as_array().map(|failures| failures.len() as u64), Some(1 + ROWS));
    assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let home = Home::new();
    home.files().write("a.bin", "content");
    home.upload();
    let Ok(_) = fs::metadata("/dev/full") else { return };
    for arguments in
        [&["ls"][..], &["ls", "--json"], &["usage"], &["failed"], &["show"], &["upload", "files"]]
    {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("a device that is full");
        let mut command = home.command(arguments);
        let ended = command.stdout(full).stderr(Stdio::piped()).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains("drip: cannot write the result"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn names_and_users_are_shown_without_terminal_control_characters() {
    let home = Home::new();
    home.files().write("a\u{1b}[31m\u{202e}b\nc", "content");
    home.upload();
    home.run(["upload", "files", "--user", "a@\u{1b}[31mb"]).expect_code(2);
    // As an earlier version of drip accepted it.
    Database::of(&home).execute("UPDATE users SET email = 'x@' || char(27) || '[2J'");
    for arguments in [&["ls"][..], &["ls", "--json"], &["usage"], &["usage", "--json"]] {
        let ended = home.run(arguments).expect_code(0);
        let shown = [ended.stdout.trim_end(), &ended.stderr].concat();
        let unsafe_one =
            |character: char| character != '\n' && (character.is_control() || character == '\u{202e}');
        assert!(!shown.contains(unsafe_one), "{}", ended.told());
    }
    let json = home.run(["ls", "--json"]).expect_code(0).json();
    assert_eq!(json["media"][0]["path"], "a\u{1b}[31m\u{202e}b\nc");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_are_distinct_in_json() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new();
    for name in [b"caf\xe8", b"caf\xe9"] {
        home.files().write(std::ffi::OsStr::from_bytes(name), "content");
    }
    home.upload();
    let json = home.run(["ls", "--json"]).expect_code(0).json();
    let mut names: Vec<_> =
        json["media"].as_array().unwrap().iter().map(|media| media["path_hex"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["636166e8", "636166e9"]);
    let words = home.run(["ls"]).expect_code(0);
    assert_eq!(words.lines_about("caf\\xe9").len(), 1, "{}", words.told());
}
