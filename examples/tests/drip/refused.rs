//! Failures at the start: one clear line that names the obstacle, exit code 1, and nothing left behind.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt};

use crate::support::{CANNOT_BE_UNPRIVILEGED, Ended, Home, Started, bytes, run_unprivileged, skipped};

#[track_caller]
fn expect_only_line(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.told());
    ended.expect_one_line("drip: ", words);
}

#[test]
fn a_read_only_data_folder_is_reported() {
    let test = "a_read_only_data_folder_is_reported";
    let home = Home::new();
    home.files().write("a.txt", "a");
    fs::create_dir(home.data()).unwrap();
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o555)).unwrap();
    let files = home.files();
    let upload = [OsStr::new("upload"), files.path().as_os_str()];
    let probe = home.data().join("probe");
    let ended = if fs::write(&probe, "").is_err() {
        home.run(upload)
    } else {
        // Root may write anywhere.
        fs::remove_file(probe).unwrap();
        match run_unprivileged(&home, upload) {
            Some(ended) => ended,
            None => return skipped(test, CANNOT_BE_UNPRIVILEGED),
        }
    };
    expect_only_line(&ended.expect_code(1), &["data folder", "permission denied"]);
}

#[test]
fn a_file_instead_of_the_data_folder_is_reported() {
    let home = Home::new();
    fs::write(home.data(), "").unwrap();
    expect_only_line(&home.run(["ls"]).expect_code(1), &["not a folder"]);
}

#[test]
fn a_missing_data_folder_has_nothing_to_download_and_is_not_created() {
    let home = Home::new();
    let ended = home.download_all().expect_code(1);
    expect_only_line(&ended, &["no data folder", home.data().to_str().unwrap()]);
    home.run(["ls"]).expect_code(0);
    assert!(!home.data().exists());
}

#[test]
fn a_database_of_another_program_is_reported_and_left_unchanged() {
    let home = Home::new();
    let junk = home.files().write("junk.db", bytes(1, 5000));
    let ended = home.run([OsStr::new("--database"), junk.as_os_str(), "ls".as_ref()]).expect_code(1);
    expect_only_line(&ended, &["junk.db", "not a database of drip"]);
    assert_eq!(fs::read(junk).unwrap(), bytes(1, 5000));
}

#[test]
fn a_bucket_without_credentials_is_one_line_and_nothing_is_queued() {
    let home = Home::new();
    home.files().write("a.txt", "a");
    home.files().write("b.txt", "b");
    let files = home.files();
    let mut command = home.command([
        OsStr::new("--storage"),
        "s3://attic/prefix".as_ref(),
        "upload".as_ref(),
        files.path().as_os_str(),
    ]);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"AWS_") {
            command.env_remove(name);
        }
    }
    // Without credentials, the client asks the machine's metadata service; this endpoint, the discard port,
    // has none.
    command.env("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9").env("NO_PROXY", "127.0.0.1");
    let ended = Started::new(&mut command).wait().expect_code(1);
    expect_only_line(&ended, &["s3://attic/prefix", "cannot be reached", "AWS_ACCESS_KEY_ID"]);
    let later = home.upload();
    assert!(later.lines_about("earlier run").is_empty(), "{}", later.told());
}

#[test]
fn a_refusal_is_one_json_object_for_a_program() {
    let home = Home::new();
    fs::write(home.data(), "").unwrap();
    let ended = home.run(["--json", "ls"]).expect_code(1);
    let summary = ended.json();
    assert!(summary["error"].as_str().is_some_and(|error| error.contains("not a folder")), "{summary:#}");
    for field in ["files", "bytes", "failed", "seconds", "stages"] {
        assert!(!summary[field].is_null(), "{field}: {summary:#}");
    }
}

#[test]
fn a_closed_reader_breaks_no_stage() {
    let home = Home::new();
    home.files().write("a.txt", "a");
    let gone = home.path().join("gone.txt");
    let files = home.files();
    let upload = [OsStr::new("upload"), gone.as_os_str(), files.path().as_os_str()];
    Started::unheard(&mut home.command(upload)).wait().expect_code(1);
    home.download_all().expect_code(0);
    home.back().expect_same(&home.files(), &[]);
}
